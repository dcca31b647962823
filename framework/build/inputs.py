"""What is a file of the build made from?

Of code and templates, the files that a route's own file leads to: what it imports, extends and
includes, and its middleware. A change of another file of the site is none of that route's.
"""

import ast
import hashlib
import os
import sys
from collections.abc import Iterable
from functools import cache, cached_property
from importlib.metadata import distributions
from pathlib import Path

from ..config import Config
from ..site.frontmatter import split_frontmatter
from ..site.markdown import split_header
from ..static.built import new_digest
from ..route import Route
from ..site.redirects import CONFIG_FILE
from ..site.loader import Site
from ..version import __version__
from .folder import is_of_build
from .reads import Reads

Digests = dict[str, str]

# Code with one of these may import what no import says.
_IMPORTS = {"import_module", "__import__", "spec_from_file_location", "run_path", "run_module"}


def digest_of(content: bytes) -> str:
    """What stands for the content: equal for equal bytes only."""
    digest = new_digest()
    digest.update(content)
    return digest.hexdigest()


def first_change(old: Digests, new: Digests) -> str | None:
    """The first difference, in words; `None` without one. `""` is the digest of nothing."""
    for name in sorted(old.keys() | new.keys()):
        before, now = old.get(name, ""), new.get(name, "")
        if before != now:
            return f"{name} {'changed' if before and now else 'is new' if now else 'is gone'}"
    return None


class Inputs:
    """The inputs of one site's routes, as names that people know and digests.

    `begun` is when the build began, in seconds of `time.time()`; `target` is the folder it writes.
    """

    def __init__(self, site: Site, begun: float, target: Path) -> None:
        self._site = site
        self._target = target
        self._source = site.root / "src"
        self._begun = begun
        self._digest = cache(self._find_digest)
        self._leads = cache(self._find_leads)
        self._used = cache(site.templates.used)
        self._digest(target.parent)  # as it is before pages are rendered

    def of_all(self) -> Digests:
        """What every route is made from, whatever its file is."""
        packages = sorted(f"{d.name} {d.version}" for d in distributions())
        return self._digests(self._closure(self._shared())) | {
            "the framework": __version__,
            "Python": sys.version,
            "the installed packages": digest_of("\n".join(packages).encode()),
            "the configuration": digest_of(_told(self._site.config).encode()),
        }

    def of_route(self, route: Route) -> Digests:
        """What the route is made from: its file, and what that leads to."""
        return self._digests(self._closure(self._own(route)))

    def share(self, one: Route, other: Route) -> bool:
        """Whether there is code to which the file of `one` leads, and `other`: so that one may
        keep there what the other finds.
        """
        path = self._site.root / one.file
        own = self._closure([path] if path.is_file() else [])
        return not own.isdisjoint(self._closure([*self._shared(), *self._own(other)]))

    def of_reads(self, reads: Reads) -> Digests:
        """What was read, and modules and templates that no route is known to lead to."""
        return self._digests(
            {*map(Path, reads.paths), *(set(map(Path, reads.modules)) - self._known)}
        )

    def again(self, names: Iterable[str]) -> Digests:
        """The files and folders of these names, as they are now."""
        return {name: self._digest(self._site.root / name) for name in names}

    def _shared(self) -> list[Path]:
        shared = (self._site.root / CONFIG_FILE, self._source / "jinja.py")
        return [path for path in shared if path.is_file()]

    def _own(self, route: Route) -> list[Path]:
        """The route's file and its middleware."""
        files = [self._site.root / layer.where.rpartition(":")[0] for layer in route.middleware]
        own = self._site.root / route.file
        return [*files, own] if own.is_file() else files  # an entry of `redirects` has none

    @cached_property
    def _known(self) -> set[Path]:
        """What the routes lead to, also those that are no files of the build."""
        owns = [path for route in self._site.routes.all for path in self._own(route)]
        return self._closure([*self._shared(), *owns])

    def _digests(self, paths: Iterable[Path]) -> Digests:
        root = self._site.root
        return {
            (path.relative_to(root) if path.is_relative_to(root) else path).as_posix(): digest
            for path, digest in ((path, self._digest(path)) for path in sorted(paths))
        }

    def _find_digest(self, path: Path) -> str:
        digest = self._digest_of_path(path)
        try:
            is_new = path.stat().st_ctime >= self._begun  # which nobody can set
        except OSError:
            return digest
        if not is_new or path == self._target.parent:  # where the build itself writes
            return digest
        # Nobody knows which of its contents was read, so next time it counts as changed.
        return f"{digest} written in the build of {self._begun}"

    def _digest_of_path(self, path: Path) -> str:
        """The digest of a file's content or of a folder's names; `""` where nothing is."""
        try:
            if path.is_dir():
                names = os.listdir(path)
                if path == self._target.parent:
                    names = [name for name in names if not is_of_build(name, self._target)]
                return digest_of(os.fsencode("\0".join(sorted(names))))
            with path.open("rb") as file:
                return hashlib.file_digest(file, new_digest).hexdigest()
        except OSError:
            return ""

    # ------------------------------------------------------------- where files lead

    def _closure(self, files: Iterable[Path]) -> set[Path]:
        """The files, and all that they lead to."""
        todo, found, names = list(files), set[Path](), set[str]()
        while todo:
            path = todo.pop()
            if path not in found:
                found.add(path)
                modules, templates = self._leads(path)
                todo += modules
                names |= templates
        return found | {self._source / name for name in names}

    def _find_leads(self, path: Path) -> tuple[set[Path], set[str]]:
        """The modules and the templates to which a module or a page leads."""
        tree, referred = self._parts_of(path)
        modules, templates = self._imported(path, tree), self._used(referred)
        words = _words(tree)
        if "render" in words:  # any template
            templates = templates | self._used(None)
        if not words.isdisjoint(_IMPORTS):
            modules |= self._modules
        return modules, templates

    @cached_property
    def _modules(self) -> set[Path]:
        """Every module of the site that is no route's file."""
        pages = self._source / "pages"
        return {path for path in self._source.rglob("*.py") if not path.is_relative_to(pages)}

    def _parts_of(self, path: Path) -> tuple[ast.AST, frozenset[str] | None]:
        """The Python of a file, and the templates to which it refers."""
        if path.suffix == ".py":
            return _parse(path), frozenset()
        source = path.read_text(encoding="utf-8")
        if path.suffix == ".md":
            header, _, _ = split_header(source, path.name)
            return ast.Module([], []), frozenset(
                {str(header["layout"])} if "layout" in header else ()
            )
        code, below = split_frontmatter(source, path.name)
        return ast.parse(code), self._site.templates.referred(below)

    def _imported(self, path: Path, tree: ast.AST) -> set[Path]:
        """The site's own files that a module imports, wherever in it that stands."""
        folders = (folder for folder in path.parents if folder.is_relative_to(self._source))
        found = {folder / "__init__.py" for folder in folders}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found |= _files_of(self._source, alias.name.split("."))
            elif isinstance(node, ast.ImportFrom):
                base = path.parents[node.level - 1] if node.level else self._source
                parts = node.module.split(".") if node.module else []
                for alias in node.names:
                    found |= _files_of(base, [*parts, alias.name])
        return {file for file in found if file.is_file()}


def _files_of(folder: Path, parts: list[str]) -> set[Path]:
    """The files that importing `a.b.c` may run: each package on the way, and the module."""
    found = set()
    for part in parts:
        found |= {folder / f"{part}.py", folder / part / "__init__.py"}
        folder = folder / part
    return found


def _parse(path: Path) -> ast.AST:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # never imported, or the site would not have started
        return ast.Module([], [])


def _words(tree: ast.AST) -> set[str]:
    """The names that code uses, of whatever they are."""
    return {
        getattr(node, kind)
        for node in ast.walk(tree)
        for kind in ("id", "attr", "arg", "name")
        if isinstance(getattr(node, kind, None), str)
    }


def _told(config: Config) -> str:
    """What of the configuration ends up in files, however its values were found."""
    told = (config.site, config.base, config.output, config.trailing_slash, config.etag)
    return repr((*told, config.build.format, sorted(config.redirects.items())))
