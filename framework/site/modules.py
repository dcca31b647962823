"""How does a file of the site become a module, and where was the mistake if it doesn't?"""

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
    """A file of the site can't be loaded; `mistake` says where and why."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(str(mistake))
        self.mistake = mistake


class SiteModules:
    """Loads the modules of one site.

    `src/` is on `sys.path` until `close()`, for `from lib.catalog import find`. Files below
    it are loaded by path into a package of the site's own, whatever their names hold, so
    that `from ._shared import x` finds its neighbour.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._source = root / "src"
        digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
        self._package = f"site_{digest}"
        self._forget()
        sys.path.insert(0, str(self._source))
        importlib.invalidate_caches()

    def close(self) -> None:
        """Take `src/` off `sys.path` and forget the site's modules."""
        if str(self._source) in sys.path:
            sys.path.remove(str(self._source))
        self._forget()

    def _forget(self) -> None:
        """Drop this site's modules, and what another site loaded under the names of this one's."""
        own = {
            path.stem for path in self._source.glob("*") if path.is_dir() or path.suffix == ".py"
        }
        # First all are found: a package without __init__.py asks for the one above it.
        gone = [
            name
            for name, module in list(sys.modules.items())
            if (top := name.partition(".")[0]) == self._package
            or (top in own and _is_site_module(module))
        ]
        for name in gone:
            del sys.modules[name]

    def load(self, path: Path) -> ModuleType:
        """Load the file at `path`; raise `LoadError` whatever goes wrong in it."""
        name = f"{self._load_package(path)}.{_module_name(path)}"
        return sys.modules.get(name) or self._execute(name, path)

    def namespace(self, path: Path) -> dict[str, Any]:
        """Globals for code of the file at `path`, in which relative imports work."""
        package = self._load_package(path)
        return {
            "__name__": f"{package}.{_module_name(path)}",
            "__package__": package,
            "__file__": str(path),
        }

    def _load_package(self, path: Path) -> str:
        """The package that stands for the file's folder, made where it isn't there yet."""
        name, folder = self._package, self._source
        inside = path.parent.relative_to(folder) if path.is_relative_to(folder) else Path("..")
        for part in ("", *inside.parts):
            if part:
                name, folder = f"{name}.{_escaped(part)}", folder / part
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
        except BaseException as error:  # SystemExit too: a module that exits must not end the site
            sys.modules.pop(name, None)
            raise LoadError(self.explain(error, path)) from error
        return module

    def relative(self, path: Path | str) -> str:
        """The path as the site's author knows it: below the site's root."""
        path = Path(path)
        return (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()

    def explain(self, error: BaseException, path: Path) -> Mistake:
        """Where loading `path` went wrong, and what to do."""
        file = self.relative(path)
        if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_file():
            where = f"{self.relative(error.filename)}:{error.lineno}"
            text = (error.text or "").strip()
            return Mistake(where, error.msg, f"This can't be read: {text}" if text else "")
        where = file
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename == str(path) or Path(frame.filename).is_relative_to(self._source):
                where = f"{self.relative(frame.filename)}:{frame.lineno}"
        if isinstance(error, SystemExit):
            return Mistake(where, "ends the program while it is imported", "Take out the exit().")
        what = f"{type(error).__name__} while it is imported: {error}"
        if isinstance(error, ModuleNotFoundError) and error.name:
            return Mistake(where, what, f"Install it, or put a module {error.name} below src/.")
        return Mistake(where, what, "Importing it must succeed: mend the line.")


def _module_name(path: Path) -> str:
    """A file's name as one part of a module's dotted name, which no other file or folder has."""
    return _escaped(path.name if path.with_suffix("").is_dir() else path.stem)


def _escaped(name: str) -> str:
    return name.replace("%", "%25").replace(".", "%2E")


def _is_site_module(module: ModuleType) -> bool:
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    return any(
        parent.name == "src" and (parent / "pages").is_dir()
        for place in places
        if place
        for parent in Path(place).parents
    )
