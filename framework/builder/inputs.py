"""What is a file of the build made from?

Of code and templates, the files that a route's own file leads to: what it imports, extends and
includes, and its middleware. A change of another file of the site is none of that route's.
"""

import ast
import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from ..config import Config
from ..frontmatter import split_frontmatter
from ..markdown import split_header
from ..prerendered import new_digest
from ..routes import Route
from ..site import CONFIG_FILE, Site
from ..version import __version__
from .reads import Reads

Digests = dict[str, str]


def digest_of(content: bytes) -> str:
    """What stands for the content: equal for equal bytes only."""
    digest = new_digest()
    digest.update(content)
    return digest.hexdigest()


def first_change(old: Digests, new: Digests) -> str | None:
    """The first difference, in words; `None` without one."""
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            return f"{name} is new"
        if name not in new:
            return f"{name} is gone"
        if old[name] != new[name]:
            return f"{name} changed"
    return None


def _digest_of_path(path: Path) -> str:
    """The digest of a file's content or of a folder's names; `""` where nothing is."""
    try:
        if path.is_dir():
            return digest_of("\0".join(sorted(p.name for p in path.iterdir())).encode())
        with path.open("rb") as file:
            return hashlib.file_digest(file, new_digest).hexdigest()
    except OSError:
        return ""


class Inputs:
    """The inputs of one site's routes, as names that people know and digests.

    `begun` is when the build began, in seconds of `time.time()`.
    """

    def __init__(self, site: Site, begun: float) -> None:
        self._site = site
        self._source = site.root / "src"
        self._begun = begun
        self._digest = cache(self._find_digest)
        self._tree = cache(_parse)
        self._known: set[Path] = set()

    def of_all(self) -> Digests:
        """What every route is made from, whatever its file is."""
        packages = sorted(f"{d.name} {d.version}" for d in distributions())
        shared = [self._site.root / CONFIG_FILE, self._source / "jinja.py"]
        return self._digests(self._closure(path for path in shared if path.is_file())) | {
            "the framework": __version__,
            "Python": sys.version,
            "the installed packages": digest_of("\n".join(packages).encode()),
            "the configuration": digest_of(_told(self._site.config).encode()),
        }

    def of_route(self, route: Route) -> Digests:
        """What the route is made from: its file, and what that leads to."""
        files = [self._site.root / layer.where.rpartition(":")[0] for layer in route.layers]
        own = self._site.root / route.place
        if own.is_file():  # an entry of `redirects` has none
            files.append(own)
        return self._digests(self._closure(files))

    def of_reads(self, reads: Reads) -> Digests:
        """What was read, and modules of the site that no route is known to lead to."""
        modules = {Path(path) for path in reads.modules if path.startswith(f"{self._source}/")}
        return self._digests({*map(Path, reads.paths), *(modules - self._known)})

    def again(self, names: Iterable[str]) -> Digests:
        """The files and folders of these names, as they are now."""
        return {name: self._digest(self._site.root / name) for name in names}

    def _digests(self, paths: Iterable[Path]) -> Digests:
        root = self._site.root
        return {
            (path.relative_to(root) if path.is_relative_to(root) else path).as_posix(): digest
            for path, digest in ((path, self._digest(path)) for path in sorted(paths))
        }

    def _find_digest(self, path: Path) -> str:
        digest = _digest_of_path(path)
        try:
            is_new = path.stat().st_mtime >= self._begun
        except OSError:
            return digest
        # Nobody knows which of its contents was read, so next time it counts as changed.
        return f"{digest} written while the site was built" if is_new else digest

    # ------------------------------------------------------------- where files lead

    def _closure(self, files: Iterable[Path]) -> set[Path]:
        """The files, and all that they lead to."""
        templates = self._site.templates
        todo, found, names = list(files), set[Path](), set[str]()
        while todo:
            path = todo.pop()
            if path in found:
                continue
            found.add(path)
            tree: ast.AST
            if path.suffix == ".py":
                tree = self._tree(path)
            else:
                tree, referred = self._parts_of(path)
                names |= templates.used(referred)
            if _mentions_render(tree):  # of any template
                names |= templates.names()
            todo += self._imported(path, tree)
        found |= {self._source / name for name in names}
        self._known |= found
        return found

    def _parts_of(self, page: Path) -> tuple[ast.AST, set[str] | None]:
        """The Python of a page, and the templates to which it refers."""
        source = page.read_text(encoding="utf-8")
        if page.suffix == ".md":
            header, _, _ = split_header(source, page.name)
            return ast.Module([], []), {str(header["layout"])} if "layout" in header else set()
        code, below = split_frontmatter(source, page.name)
        return ast.parse(code), self._site.templates.referred(below)

    def _imported(self, path: Path, tree: ast.AST) -> set[Path]:
        """The site's own files that a module imports, wherever in it that stands."""
        found = set()
        for folder in path.parents:
            if not folder.is_relative_to(self._source):
                break
            found.add(folder / "__init__.py")
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


def _mentions_render(tree: ast.AST) -> bool:
    """Whether code may ask for templates by name: `render("card.jinja")`."""
    return any(
        "render" in (getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "arg", ""))
        for node in ast.walk(tree)
    )


def _told(config: Config) -> str:
    """What of the configuration ends up in files, however its values were found."""
    told = (config.site, config.base, config.output, config.trailing_slash, config.build.format)
    return repr((*told, sorted(config.redirects.items())))
