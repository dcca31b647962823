"""Load a site: read its folder once and check everything in it.

The loader collects all mistakes, so that one start reports them together.
"""

import ast
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..config import Config
from ..error_pages import ERROR_PAGES, ErrorFolders, ErrorHandler
from ..errors import Mistake, SiteError, locate
from ..route import Handlers, Route
from ..routing.pattern import Pattern, PatternError, parse_pattern, pattern_of_file
from ..routing.rules import Compiler
from ..routing.table import RouteTable, find_conflicts
from ..sessions import Store, open_store
from ..static.built import Built, find_built
from ..static.files import StaticFile, find_static_files
from ..static.types import has_extension
from ..web.requeststream import BodyLimits
from .config_file import CONFIG_FILE, load_config
from .endpoints import load_handlers, make_handlers
from .hooks import find_hook
from .lifespan import Lifespan, find_lifespan
from .markdown import Markdown
from .middleware_files import MiddlewareFiles
from .modules import LoadError, SiteModules, explain_unreadable, read_source
from .near_misses import find_lines, find_misnamed_files
from .page_files import ERRORS, PageFile, PageFolder, find_page_files
from .pages import load_page
from .prerender import Warnings, prerender_handlers, watch_handlers
from .redirects import find_circles, make_redirect, name_redirect
from .static_paths import StaticPaths
from .templates import Templates
from .wrappers import add_middleware, as_error_page, make_missing, show_mistakes

PAGES = "src/pages"
Mode = Literal["production", "dev", "build"]


@dataclass(frozen=True, slots=True)
class Site:
    """A site, loaded and checked.

    `missing` is the route for paths that no route matches. `files` are public and built files by
    decoded URL path. `static_paths` are the paths of the prerendered routes by file.
    `other_files` are the files in `src/pages` that are not routes. Only in development a site may
    have `mistakes`.
    """

    root: Path
    config: Config
    modules: SiteModules
    routes: RouteTable[Route]
    missing: Route
    error_folders: ErrorFolders
    templates: Templates
    files: dict[str, StaticFile]
    static_paths: dict[str, StaticPaths]
    sessions: Store | None
    lifespan: Lifespan | None
    other_files: tuple[str, ...]
    warnings: Warnings
    mistakes: tuple[Mistake, ...] = ()


def load_site(root: Path, config: Config | None = None, mode: Mode = "production") -> Site:
    """Load the site in the folder `root`.

    `config` replaces the configuration file. Files of a build are only loaded in production.
    Raises `SiteError` with every mistake; in development only for a mistake in the configuration or
    in a folder, because the routes show any other mistake that concerns them.
    """
    modules = SiteModules(root)
    try:
        return _Loader(root, modules, mode).load(config)
    except OSError as error:
        modules.close()
        file = modules.relative(str(error.filename or root))
        raise SiteError([explain_unreadable(error, file)]) from error
    except BaseException:
        modules.close()
        raise


class _Loader:
    def __init__(self, root: Path, modules: SiteModules, mode: Mode) -> None:
        self.root = root
        self.modules = modules
        self.mode = mode
        self.mistakes: list[Mistake] = []
        self.config_mistakes: list[Mistake] = []
        self.mistakes_of: dict[str, list[Mistake]] = {}
        self.warnings = Warnings(log_them=mode != "build")
        self.static_paths: dict[str, StaticPaths] = {}

    def load(self, config: Config | None) -> Site:
        for name in ("public", "src/layouts", "src/components"):
            if os.path.lexists(self.root / name) and not (self.root / name).is_dir():
                raise SiteError([Mistake(name, "is not a folder", "Rename or remove it.")])
        if not (self.root / PAGES).is_dir():
            remedy = f"Make the folder {PAGES}, or name the site's folder with --root."
            raise SiteError([Mistake(str(self.root), f"has no folder {PAGES}", remedy)])
        if config is None:
            config, self.config_mistakes = load_config(self.modules)
        self.config = config
        self.slash = {"always": True, "never": False, "ignore": None}[config.trailing_slash]
        # With an invalid configuration its converters and options are unknown.
        self.has_config = not self.config_mistakes
        self.templates = Templates(self.root, self._make_markdown())
        folder = find_page_files(self.root / PAGES, self.root)
        self.jinja_mistakes = self._load_jinja_module()
        self.mistakes += [*self.jinja_mistakes, *self.templates.check()]
        self.compiler = Compiler(config.converters)
        self.built = None
        if self.mode == "production":
            self.built = find_built(self.root / config.build.out_dir)
        self.middleware = MiddlewareFiles(self.modules, folder)
        self.mistakes += self.middleware.mistakes
        lifespan, mistakes = find_lifespan(self.modules)
        self.config_mistakes += mistakes
        error_handlers = dict(self._load_error_handlers(folder))
        routes = [route for file in folder.routes if (route := self._load_route(file)) is not None]
        routes += self._make_redirects()
        self._check_conflicts(routes)
        routes = list(show_mistakes(routes, self.mistakes_of))
        sessions = self._open_sessions()
        if self.config_mistakes or (self.mistakes and self.mode != "dev"):
            raise SiteError([*self.config_mistakes, *self.mistakes])
        self.table = table = RouteTable(routes, self.compiler, config.prefix)
        files = self._find_files(table, self.built)
        if circles := find_circles(config, table, self.compiler, files):
            raise SiteError([*circles, *self.mistakes])
        return Site(
            root=self.root,
            config=config,
            modules=self.modules,
            routes=table,
            missing=make_missing(
                self.middleware.around(str(self.root / "src")),
                check_origin=config.security.check_origin,
            ),
            error_folders=ErrorFolders(table, error_handlers, self.compiler),
            templates=self.templates,
            files=files,
            static_paths=self.static_paths,
            sessions=sessions,
            lifespan=lifespan,
            other_files=tuple(f"{PAGES}/{file.name}" for file in folder.others),
            warnings=self.warnings,
            mistakes=SiteError(self.mistakes).mistakes,
        )

    def _mistake(self, location: str, what: str, remedy: str) -> None:
        self.mistakes.append(Mistake(location, what, remedy))

    # ------------------------------------------------------------ src/ and sessions

    def _load_jinja_module(self) -> list[Mistake]:
        """Load the filters, globals and tests of `src/jinja.py`; return the mistakes in it."""
        path, file = self.root / "src" / "jinja.py", "src/jinja.py"
        if not os.path.lexists(path):
            return []
        try:
            names = vars(self.modules.load(path))
            return self.templates.add(names, find_lines(ast.parse(read_source(path, file))), file)
        except LoadError as error:
            return list(error.mistakes)

    def _make_markdown(self) -> Markdown:
        try:
            return Markdown(self.config.markdown)
        except Exception as error:
            what = f"the function markdown raised {type(error).__name__}: {error}"
            remedy = "It gets a markdown_it.MarkdownIt, and changes it."
            self.config_mistakes.append(Mistake(CONFIG_FILE, what, remedy))
            return Markdown()

    def _open_sessions(self) -> Store | None:
        if self.config.session is None:
            return None
        try:
            return open_store(self.config.session, self.root, self.config.build.out_dir)
        except (OSError, ValueError) as error:
            what = f"the folder for sessions can't be used: {error}"
            remedy = "Name a folder for sessions only, or a cache: Sessions(store=...)."
            self.config_mistakes.append(Mistake(CONFIG_FILE, what, remedy))
            return None

    def _load_error_handlers(self, folder: PageFolder) -> Iterator[tuple[str, ErrorHandler]]:
        """Yield the pattern of each folder with an `_error.py`, and its handler."""
        private = [Path(file.path) for file in folder.private]
        self.mistakes += [one for _, one in find_misnamed_files(private, ERRORS, self.root)]
        for page in folder.errors:
            file = f"{PAGES}/{page.name}"
            try:
                function = find_hook(self.modules.load(page.path), file, "on_error")
                pattern = self._parse_pattern("/" + page.name.rpartition("/")[0])
            except LoadError as error:
                self.mistakes += error.mistakes
            except PatternError as error:
                self._mistake(file, error.what, error.remedy)
            else:
                yield pattern.text.rstrip("/"), ErrorHandler(function, locate(function, file))

    # ------------------------------------------------------------ routes

    def _load_route(self, page: PageFile) -> Route | None:
        """Load the route of a file. `mistakes_of` gets what it shows in development."""
        file = f"{PAGES}/{page.name}"
        first = len(self.mistakes)
        try:
            pattern = self._parse_pattern(pattern_of_file(page.name))
        except PatternError as error:
            self._mistake(file, error.what, error.remedy)
            return None
        middleware = self.middleware.around(page.path.rpartition(os.sep)[0])
        try:
            handlers, names = self._load_handlers(page, file)
        except LoadError as error:
            self.mistakes += error.mistakes
            handlers, names = make_handlers({}), {"prerender": False}
        error_status = ERROR_PAGES.get(pattern.last_name)
        if error_status is not None:
            handlers = handlers.wrap(as_error_page(error_status))
        is_static = self.config.output == "static"
        prerender = self._flag(names, "prerender", file, default=is_static)
        has_build = self.built is not None
        lists = None
        if prerender:
            function = self._get_static_paths(names, file, pattern)
            built = None if self.built is None else self.built.files
            paths = StaticPaths(
                file, pattern, function, lambda *given: self.table.url_for(*given), built
            )
            self.static_paths[file] = paths
            if pattern.params and error_status is None:
                lists = paths.lists
            handlers = prerender_handlers(
                handlers,
                paths,
                has_build=has_build,
                only=is_static and error_status is None,
                is_error_page=error_status is not None,
            )
        chain = add_middleware(handlers, middleware)
        if prerender and not has_build:
            missing = self.config.build.out_dir if self.mode == "production" else None
            chain = watch_handlers(chain, file, self.warnings, missing_build=missing)
        is_named_file = has_extension(page.name.rpartition("/")[2].rpartition(".")[0])
        route = Route(
            pattern=pattern,
            file=file,
            kind=page.kind,
            handlers=handlers,
            chain=chain,
            middleware=middleware,
            prerender=prerender,
            check_origin=self._flag(names, "check_origin", file, default=True)
            and self.config.security.check_origin,
            limits=self._load_limits(names, file),
            slash=False if is_named_file else self.slash,
            has_extension=is_named_file,
            lists=lists,
        )
        of_jinja = self.jinja_mistakes if page.kind == "page" else []
        self.mistakes_of[file] = [*self.mistakes[first:], *of_jinja]
        return route

    def _parse_pattern(self, text: str) -> Pattern:
        pattern = parse_pattern(text)
        if self.has_config:
            self.compiler.check(pattern)
        return pattern

    def _load_handlers(self, page: PageFile, file: str) -> tuple[Handlers, Mapping[str, Any]]:
        """Return the handlers of a file, and its names (`prerender`, ...)."""
        if page.kind == "endpoint":
            module = self.modules.load(page.path)
            sessions = self.config.session is not None or not self.has_config
            handlers, mistakes = load_handlers(module, file, sessions=sessions)
            self.mistakes += mistakes
            return handlers, vars(module)
        globals = self.modules.namespace(page.path)
        try:
            return load_page(self.templates, Path(page.path), file, globals)
        except LoadError:
            raise
        except (Exception, SystemExit) as error:  # raised by the frontmatter's own code
            raise LoadError(self.modules.explain(error, page.path)) from error

    def _flag(self, names: Mapping[str, Any], name: str, file: str, *, default: bool) -> bool:
        value = names.get(name, default)
        if not isinstance(value, bool):
            self._mistake(file, f"{name} is {value!r}", f"Write {name} = True or False.")
            return default
        return value

    def _load_limits(self, names: Mapping[str, Any], file: str) -> BodyLimits | None:
        """Return the limits that a file sets by `max_body_size`."""
        if "max_body_size" not in names:
            return None
        size = names["max_body_size"]
        if type(size) is not int or size < 0:
            remedy = "Write a number of bytes: max_body_size = 50 * 1024 * 1024"
            self._mistake(file, f"max_body_size is {size!r}", remedy)
            return None
        return BodyLimits(size, size, of_route=True)

    def _get_static_paths(
        self, names: Mapping[str, Any], file: str, pattern: Pattern
    ) -> Callable[..., Any] | None:
        """Return the file's `get_static_paths`; without one, record a mistake if it needs one."""
        function = names.get("get_static_paths")
        if function is None:
            if pattern.params:
                what = "a prerendered route with parameters needs get_static_paths()"
                remedy = "List its paths there, or set prerender = False."
                self._mistake(file, what, remedy)
            return None
        try:
            for name in inspect.signature(function).parameters.keys() - {"paginate"}:
                what = f'get_static_paths has a parameter "{name}"'
                self._mistake(file, what, "It may only have the parameter paginate.")
        except (TypeError, ValueError):  # a value that is not a function, or a class such as dict
            what = f"get_static_paths is {function!r}"
            self._mistake(file, what, "Write: def get_static_paths(): ...")
            return None
        return function  # type: ignore[no-any-return]

    def _make_redirects(self) -> list[Route]:
        routes = []
        for source, target in self.config.redirects.items():
            try:
                routes.append(make_redirect(source, target, self.compiler, self.config.prefix))
            except PatternError as error:
                mistake = Mistake(name_redirect(source), error.what, error.remedy)
                self.config_mistakes.append(mistake)
        return routes

    def _check_conflicts(self, routes: list[Route]) -> None:
        for first, second in find_conflicts(routes):
            # Prerendered routes may have one pattern. One with a mistake may be prerendered.
            if all(one.prerender or self.mistakes_of.get(one.file) for one in (first, second)):
                continue
            what = f"{first.file} and {second.file} match the same URLs."
            mistake = Mistake("", what, "Keep one, or rename one.")
            self.mistakes.append(mistake)
            shown = self.mistakes_of.setdefault(first.file, [])
            shown += [mistake, *self.mistakes_of.get(second.file, [])]
            self.mistakes_of[second.file] = shown

    # ------------------------------------------------------------ files

    def _find_files(self, routes: RouteTable[Route], built: Built | None) -> dict[str, StaticFile]:
        """Return public and built files by decoded URL path.

        Files of a build whose routes are not prerendered any more are left out.
        """
        prefix = self.config.prefix
        public = find_static_files(self.root / "public", prefix)
        if built is None:
            return public
        files: dict[str, StaticFile] = {}
        outdated = []
        for path, file in built.files.items():
            found = routes.candidates(routes.add_prefix(path))
            route = next((r for r, _ in found if r.file == file.route or not r.prerender), None)
            if route is None or not route.prerender:
                outdated.append(path or "/")
                continue
            for spelling in routes.spellings(route, path):
                files[spelling] = file
        pages = [r for r in routes.all if r.prerender and r.pattern.last_name not in ERROR_PAGES]
        paths = {r.pattern.text.rstrip("/"): r.file for r in pages if not r.pattern.params}
        missing = [file for path, file in paths.items() if path not in built.files]
        for text in built.explain_outdated(self.config.base, outdated, missing):
            self.warnings.add(text)
        return files | built.add_variants(public, prefix)
