"""Load the files of a site as modules, and explain the errors that they raise."""

import builtins
import hashlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any

from ..errors import Mistake


class LoadError(Exception):
    """A file of the site cannot be loaded; `mistakes` say where and why."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


def read_source(path: Path, file: str) -> str:
    """Return the text of a file, which messages call `file`; raise `LoadError` if that fails."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise LoadError(Mistake(file, f"is not UTF-8: {error}", "Save it as UTF-8.")) from error
    except OSError as error:
        raise LoadError(explain_unreadable(error, file)) from error


def explain_unreadable(error: OSError, file: str) -> Mistake:
    """Return the mistake behind an error of the file system."""
    what = f"can't be read: {error.strerror or error}"
    return Mistake(file, what, "Check its permissions, or remove it.")


class SiteModules:
    """The modules of one site.

    Until `close()`, `src/` is on `sys.path`, so that `from lib.catalog import find` works. Files
    below `src/` are loaded by their path, so their names may have any characters. They are
    modules of a package that belongs to the site, so that `from ._shared import x` works.

    Objects for one folder share the modules: the last `close()` removes them. If another site is
    open that has modules of the same names, `src/` is not on `sys.path`: import statements then
    find the modules in the site's package.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._source = root / "src"
        self._is_open = True
        self._packages: dict[str, str] = {}  # by folder
        self._package = f"site_{hashlib.sha256(os.fsencode(root)).hexdigest()[:8]}"
        with _lock:
            shared = _open_sources.pop(self._package, None) or _Source(self._source, self._package)
            _open_sources[self._package] = self._shared = shared  # now the last one
            shared.users += 1
            _update_import()

    def close(self) -> None:
        """Remove the site's modules from `sys.modules` and `src/` from `sys.path`."""
        with _lock:
            if self._is_open:
                self._is_open = False
                self._shared.users -= 1
                if self._shared.users == 0:
                    del _open_sources[self._package]
                    self._shared.close()
                    _update_import()

    def load(self, path: str | Path) -> ModuleType:
        """Load the file at `path` as a module; raise `LoadError` for any error in it."""
        path = str(path)
        _, name = self._name(path)
        return sys.modules.get(name) or self._execute(name, path)

    def namespace(self, path: str | Path) -> dict[str, Any]:
        """Return globals for code of the file at `path`, in which relative imports work."""
        package, name = self._name(str(path))
        return {"__name__": name, "__package__": package, "__file__": str(path)}

    def _name(self, path: str) -> tuple[str, str]:
        """Load the package of a file; return its name and the name of the file's module."""
        folder, _, name = path.rpartition(os.sep)
        if not os.path.isdir(path.rpartition(".")[0]):  # such a folder is the package of that name
            name = name.rpartition(".")[0]
        package = self._load_package(folder)
        return package, f"{package}.{_escape(name)}"

    def _load_package(self, folder: str) -> str:
        """Load the package of a folder, if necessary, and return its name."""
        name = self._packages.get(folder)
        if name is not None and name in sys.modules:
            return name
        source, (outer, part) = str(self._source), os.path.split(folder)
        if folder == source:
            name = self._package
        elif folder.startswith(source + os.sep):
            name = f"{self._load_package(outer)}.{_escape(part)}"
        else:
            name = f"{self._load_package(source)}.{_escape('..')}"
        self._packages[folder] = name
        if name not in sys.modules:
            init = os.path.join(folder, "__init__.py")
            if os.path.isfile(init):
                self._execute(name, init, package=folder)
            else:
                spec = ModuleSpec(name, None, is_package=True)
                spec.submodule_search_locations = [folder]
                sys.modules[name] = importlib.util.module_from_spec(spec)
        return name

    def _execute(self, name: str, path: str, package: str | None = None) -> ModuleType:
        loader = SourceFileLoader(name, path)
        spec = ModuleSpec(name, loader, origin=path, is_package=package is not None)
        if package is not None:
            spec.submodule_search_locations = [package]
        module = importlib.util.module_from_spec(spec)
        # Set after the module is made, which otherwise computes the deprecated `__cached__`.
        spec.has_location, module.__file__ = True, path
        sys.modules[name] = module
        try:
            loader.exec_module(module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit: a module must not end the server
            sys.modules.pop(name, None)
            raise LoadError(self.explain(error, path)) from error
        return module

    def relative(self, path: Path | str) -> str:
        """Return the path relative to the site's root, for messages."""
        path = Path(path)
        return (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()

    def explain(
        self, error: BaseException, path: str | Path, when: str = "during import"
    ) -> Mistake:
        """Return the mistake behind an error that the file at `path` raised."""
        if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_file():
            where = f"{self.relative(error.filename)}:{error.lineno}"
            text = (error.text or "").strip()
            return Mistake(where, error.msg, f"Fix this line: {text}" if text else "")
        where = self.relative(path)
        if isinstance(error, OSError) and error.filename == str(path):
            return explain_unreadable(error, where)
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename == str(path) or Path(frame.filename).is_relative_to(self._source):
                where = f"{self.relative(frame.filename)}:{frame.lineno}"
        if isinstance(error, SystemExit):
            return Mistake(where, f"exits the program {when}", "Remove the call of exit().")
        try:
            text = str(error).replace(f"{self._package}.", "")
        except Exception:  # raised by the site's own class
            text = "its text can't be shown"
        what = f"{type(error).__name__} {when}: {text}"
        if isinstance(error, ModuleNotFoundError) and error.name:
            name = error.name.removeprefix(f"{self._package}.")
            return Mistake(where, what, f"Install it, or add a module {name} to src/.")
        return Mistake(where, what, "Fix this line.")


def _escape(name: str) -> str:
    return name.replace("%", "%25").replace(".", "%2E")


class _Source:
    """The folder `src/` of an open site; `users` counts the open `SiteModules` of it.

    It is private, and not on `sys.path`, if another open site has modules of the same names.
    """

    def __init__(self, folder: Path, package: str) -> None:
        self.users = 0
        self.folder = folder
        self.package = package
        modules = {p.stem for p in folder.glob("*") if p.is_dir() or p.suffix == ".py"}
        self.names = modules - sys.stdlib_module_names
        self._loaded_before = set(self._find_modules())
        others = set().union(*(other.names for other in _open_sources.values()))
        self.is_private = not (self.names - _NOT_IMPORTED).isdisjoint(others)
        if not self.is_private:
            sys.path.insert(0, str(self.folder))
        importlib.invalidate_caches()

    def close(self) -> None:
        """Restore what was there before."""
        if not self.is_private:
            with suppress(ValueError):  # somebody else has removed it
                sys.path.remove(str(self.folder))
        for name in self._find_modules():
            if name not in self._loaded_before:
                del sys.modules[name]

    def _find_modules(self) -> list[str]:
        """Return the names of the loaded modules that belong to the site."""
        return [
            name
            for name, module in list(sys.modules.items())
            if (top := name.partition(".")[0]) == self.package
            or (top in self.names and self._has(module))
        ]

    def _has(self, module: ModuleType) -> bool:
        paths = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
        return any(Path(path).is_relative_to(self.folder) for path in paths if path)


_NOT_IMPORTED = {"pages", "layouts", "components"}  # folders that every site may have
_lock = RLock()
_open_sources: dict[str, _Source] = {}  # by package, in the order in which they were opened
_python_import = builtins.__import__
_is_import_replaced = False


def _update_import() -> None:
    """Replace `__import__` while a private site is open.

    It is not restored while another tool has replaced it too.
    """
    global _python_import, _is_import_replaced
    is_needed = any(source.is_private for source in _open_sources.values())
    if is_needed and not _is_import_replaced:
        _python_import, builtins.__import__ = builtins.__import__, _import
        _is_import_replaced = True
    elif not is_needed and builtins.__import__ is _import:
        builtins.__import__ = _python_import
        _is_import_replaced = False


def _import(
    name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
) -> ModuleType:
    """Import as Python does, but find the modules of a private site in the package of the site."""
    top = name.partition(".")[0]
    # Calls by other code, such as pickle, pass no globals, or a list of names.
    is_statement = level == 0 and globals is not None and not isinstance(fromlist, list)
    source = _find_source(globals, top) if is_statement else None
    if source is None or not source.is_private or top not in source.names:
        return _python_import(name, globals, locals, fromlist, level)
    full = f"{source.package}.{name}"
    module = _python_import(full, globals, locals, fromlist or ("__name__",))
    return module if fromlist else sys.modules[f"{source.package}.{top}"]


def _find_source(globals: Mapping[str, Any], top: str) -> _Source | None:
    """Find the site to which the code that imports `top` belongs.

    Code outside of all sites, such as tests, imports from the last opened one that has the module.
    """
    source = _open_sources.get(str(globals.get("__name__")).partition(".")[0])
    if source is not None:
        return source
    having = [source for source in list(_open_sources.values()) if top in source.names]
    file = str(globals.get("__file__"))
    inside = [source for source in having if Path(file).is_relative_to(source.folder)]
    return next(reversed(inside or having), None)
