"""Load the files of a site as modules, and explain the errors that they raise."""

import hashlib
import importlib.util
import os
import sys
import traceback
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
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
    what = f"cannot be read: {error.strerror or error}"
    return Mistake(file, what, "Check its permissions, or remove it.")


class SiteModules:
    """The modules of one site.

    Until `close()`, `src/` is on `sys.path`, so that `from lib.catalog import find` works. Files
    below `src/` are loaded by their path, so their names may have any characters. They are
    modules of a package that belongs to the site, so that `from ._shared import x` works.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._source = root / "src"
        digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
        self._package = f"site_{digest}"
        self._unload()
        sys.path.insert(0, str(self._source))
        importlib.invalidate_caches()

    def close(self) -> None:
        """Take `src/` off `sys.path` and remove the site's modules from `sys.modules`."""
        if str(self._source) in sys.path:
            sys.path.remove(str(self._source))
        self._unload()

    def _unload(self) -> None:
        """Remove this site's modules, and modules of other sites with the same names."""
        own = {
            path.stem for path in self._source.glob("*") if path.is_dir() or path.suffix == ".py"
        }
        # Find all before removing any: a namespace package looks its parent up in sys.modules.
        found = [
            name
            for name, module in list(sys.modules.items())
            if (top := name.partition(".")[0]) == self._package
            or (top in own and _is_site_module(module))
        ]
        for name in found:
            del sys.modules[name]

    def load(self, path: Path) -> ModuleType:
        """Load the file at `path` as a module; raise `LoadError` for any error in it."""
        name = f"{self._load_package(path)}.{_module_name(path)}"
        return sys.modules.get(name) or self._execute(name, path)

    def namespace(self, path: Path) -> dict[str, Any]:
        """Return globals for code of the file at `path`, in which relative imports work."""
        package = self._load_package(path)
        return {
            "__name__": f"{package}.{_module_name(path)}",
            "__package__": package,
            "__file__": str(path),
        }

    def _load_package(self, path: Path) -> str:
        """Load the package of the file's folder, if necessary, and return its name."""
        name, folder = self._package, self._source
        inside = path.parent.relative_to(folder) if path.is_relative_to(folder) else Path("..")
        for part in ("", *inside.parts):
            if part:
                name, folder = f"{name}.{_escape(part)}", folder / part
            if name in sys.modules:
                continue
            init = folder / "__init__.py"
            if init.is_file():
                self._execute(name, init, package=folder)
            else:
                spec = ModuleSpec(name, None, is_package=True)
                spec.submodule_search_locations = [str(folder)]
                sys.modules[name] = importlib.util.module_from_spec(spec)
        return name

    def _execute(self, name: str, path: Path, package: Path | None = None) -> ModuleType:
        loader = SourceFileLoader(name, str(path))
        spec = ModuleSpec(name, loader, origin=str(path), is_package=package is not None)
        spec.has_location = True
        if package is not None:
            spec.submodule_search_locations = [str(package)]
        module = importlib.util.module_from_spec(spec)
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

    def explain(self, error: BaseException, path: Path) -> Mistake:
        """Return the mistake behind an error that loading `path` raised."""
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
            return Mistake(where, "exits the program during import", "Remove the call of exit().")
        what = f"{type(error).__name__} during import: {error}"
        if isinstance(error, ModuleNotFoundError) and error.name:
            return Mistake(where, what, f"Install it, or add a module {error.name} to src/.")
        return Mistake(where, what, "Fix this line.")


def _module_name(path: Path) -> str:
    """Return the file's name as part of a dotted name, different for each file and folder."""
    return _escape(path.name if path.with_suffix("").is_dir() else path.stem)


def _escape(name: str) -> str:
    return name.replace("%", "%25").replace(".", "%2E")


def _is_site_module(module: ModuleType) -> bool:
    paths = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    return any(
        parent.name == "src" and (parent / "pages").is_dir()
        for path in paths
        if path
        for parent in Path(path).parents
    )
