"""What is in a site's folder, and what is wrong with it?

Reads everything once: configuration, files, modules, pages, middleware. Every mistake is
collected, so that one start tells all of them.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..config import Config, ConfigError
from ..context import APIContext
from ..errors import Mistake, SiteError
from ..middleware import Handler, Middleware, load_middleware
from ..routing.paths import quote_path
from ..routing.pattern import Compiler, Param, Pattern, PatternError, parse_pattern, pattern_of_file
from ..routing.table import Route, Routes, find_conflicts
from ..sessions import Store, open_store
from ..static.files import StaticFile, find_static_files
from ..web.response import Response
from .endpoints import Handlers, load_handlers, make_handlers
from .modules import LoadError, SiteModules
from .page_files import PageFile, find_page_files
from .pages import load_page
from .static_paths import StaticPaths, prerendered
from .templates import Templates

CONFIG_FILE = "framework.config.py"
PAGES = "src/pages"
ERROR_PAGES = {"404": 404, "500": 500}


@dataclass(frozen=True, slots=True)
class Site:
    """A site, read and checked. `others` are files in `src/pages` that are no routes."""

    root: Path
    config: Config
    modules: SiteModules
    routes: Routes
    middleware: tuple[Middleware, ...]
    templates: Templates
    files: dict[str, StaticFile]
    sessions: Store | None
    other_files: tuple[str, ...]


def load_site(root: Path, config: Config | None, compose: Callable[[Route], Route]) -> Site:
    """Read the site in the folder `root`.

    `config` is used in place of the file; `compose` puts its middleware around each route.
    Raises `SiteError` with everything that is wrong.
    """
    modules = SiteModules(root)
    try:
        return _Loader(root, modules, compose).load(config)
    except BaseException:
        modules.close()
        raise


class _Loader:
    def __init__(self, root: Path, modules: SiteModules, compose: Callable[[Route], Route]) -> None:
        self.root = root
        self.compose = compose
        self.modules = modules
        self.mistakes: list[Mistake] = []
        self.config_is_known = True
        self.templates = Templates(root)

    def load(self, config: Config | None) -> Site:
        if not (self.root / PAGES).is_dir():
            remedy = f"Make the folder {PAGES}, or give the site's root with --root."
            raise SiteError([Mistake(str(self.root), f"has no folder {PAGES}", remedy)])
        config = config or self._load_config()
        self.config_is_known = not self.mistakes
        folder = find_page_files(self.root / PAGES)
        self._load_additions(self.root / "src" / "jinja.py")
        self.mistakes += self.templates.check()
        compiler = Compiler(config.converters)
        top = self._load_layers(self.root / "src" / "middleware.py")
        below = {name: self._load_layers(file.path) for name, file in folder.middleware.items()}
        routes = []
        for file in folder.routes:
            route = self._load_route(file, compiler, config)
            if route is not None:
                layers = (*top, *_layers_of(file.name, below))
                routes.append(self.compose(replace(route, middleware=layers)))
        for source, target in config.redirects.items():
            route = self._make_redirect(source, target, compiler)
            if route is not None:
                routes.append(route)
        self.mistakes += find_conflicts(routes)
        sessions = self._open_store(config)
        if self.mistakes:
            raise SiteError(self.mistakes)
        return Site(
            root=self.root,
            config=config,
            modules=self.modules,
            routes=Routes(routes, compiler, config.base),
            middleware=top,
            templates=self.templates,
            files=find_static_files(self.root / "public", config.base),
            sessions=sessions,
            other_files=tuple(f"{PAGES}/{file.name}" for file in folder.others),
        )

    def _load_config(self) -> Config:
        path = self.root / CONFIG_FILE
        if not path.is_file():
            return Config()
        try:
            config = getattr(self.modules.load(path), "config", None)
        except LoadError as error:
            cause = error.__cause__
            if isinstance(cause, ConfigError):
                place = error.mistakes[0].place
                self.mistakes += [Mistake(place, text) for text in str(cause).splitlines()]
            else:
                self.mistakes += error.mistakes
            return Config()
        if not isinstance(config, Config):
            what = "defines no config" if config is None else f"config is {config!r}, no Config"
            self.mistakes.append(Mistake(CONFIG_FILE, what, "Write: config = Config(...)"))
            return Config()
        return config

    def _load_additions(self, path: Path) -> None:
        """Filters, globals and tests of all templates."""
        if not path.is_file():
            return
        file = self.modules.relative(path)
        try:
            names = vars(self.modules.load(path))
        except LoadError as error:
            self.mistakes += error.mistakes
            return
        self.mistakes += self.templates.add(names, path.read_text(encoding="utf-8"), file)

    def _open_store(self, config: Config) -> Store | None:
        if config.session is None:
            return None
        try:
            return open_store(config.session, self.root)
        except OSError as error:
            what = f"the folder for sessions can't be used: {error}"
            remedy = "Write Sessions(store=...) with a folder that can be written to, or a cache."
            self.mistakes.append(Mistake(CONFIG_FILE, what, remedy))
            return None

    def _load_layers(self, path: Path) -> tuple[Middleware, ...]:
        if not path.is_file():
            return ()
        file = self.modules.relative(path)
        try:
            function = getattr(self.modules.load(path), "on_request", None)
        except LoadError as error:
            self.mistakes += error.mistakes
            return ()
        if not callable(function):
            remedy = "Write: def on_request(context, next): return next()"
            self.mistakes.append(Mistake(file, "defines no function on_request", remedy))
            return ()
        return load_middleware(function, file)

    def _load_route(self, file: PageFile, compiler: Compiler, config: Config) -> Route | None:
        place = f"{PAGES}/{file.name}"
        try:
            pattern = parse_pattern(pattern_of_file(file.name))
            if self.config_is_known:  # else its converters are not
                compiler.check(pattern)
        except PatternError as error:
            self.mistakes.append(Mistake(place, error.what, error.remedy))
            return None
        try:
            if file.kind == "endpoint":
                module = self.modules.load(file.path)
                names: Mapping[str, Any] = vars(module)
                has_sessions = config.session is not None or not self.config_is_known
                handlers, wrong = load_handlers(module, place, sessions=has_sessions)
                self.mistakes += wrong
            else:
                handlers, names = self._load_page(file, place, pattern)
        except LoadError as error:
            self.mistakes += error.mistakes
            return None
        status = ERROR_PAGES.get(pattern.text.rpartition("/")[2])
        if status is not None:
            handlers = handlers.wrap(_with_status(status))
        is_static = config.output == "static"
        prerender = self._flag(names, "prerender", place, default=is_static)
        static = None
        if prerender:
            static = StaticPaths(place, pattern, self._static_paths(names, place, pattern))
            only = is_static and status is None
            handlers = prerendered(handlers, static, only=only, error_status=status)
        slash = {"always": True, "never": False, "ignore": None}[config.trailing_slash]
        return Route(
            pattern=pattern,
            file=place,
            kind=file.kind,
            handlers=handlers,
            chain=handlers,
            prerender=prerender,
            check_origin=self._flag(names, "check_origin", place, default=True),
            slash=False if pattern.has_extension else slash,
            static=static,
        )

    def _static_paths(
        self, file: Mapping[str, Any], place: str, pattern: Pattern
    ) -> Callable[..., Any] | None:
        function = file.get("get_static_paths")
        if function is None:
            if pattern.params:
                what = "a prerendered route with parameters needs get_static_paths()"
                remedy = "List its paths there, or set prerender = False."
                self.mistakes.append(Mistake(place, what, remedy))
            return None
        if not callable(function):
            what = f"get_static_paths is {function!r}"
            self.mistakes.append(Mistake(place, what, "Write: def get_static_paths(): ..."))
            return None
        try:
            names = list(inspect.signature(function).parameters)
        except (TypeError, ValueError) as error:
            what = f"get_static_paths has no signature: {error}"
            self.mistakes.append(Mistake(place, what, "Write: def get_static_paths(): ..."))
            return None
        for name in names:
            if name != "paginate":
                what = f'get_static_paths asks for "{name}"'
                self.mistakes.append(Mistake(place, what, "It may take paginate, nothing else."))
        return function  # type: ignore[no-any-return]

    def _load_page(
        self, file: PageFile, place: str, pattern: Pattern
    ) -> tuple[Handlers, Mapping[str, Any]]:
        globals = self.modules.namespace(file.path)
        try:
            return load_page(self.templates, file.path, place, pattern, globals)
        except LoadError:
            raise
        except (Exception, SystemExit) as error:  # what the frontmatter's own code raised
            raise LoadError(self.modules.explain(error, file.path)) from error

    def _flag(self, names: Mapping[str, Any], name: str, place: str, *, default: bool) -> bool:
        value = names.get(name, default)
        if not isinstance(value, bool):
            what = f"{name} is {value!r}"
            self.mistakes.append(Mistake(place, what, f"Write {name} = True or False."))
            return default
        return value

    def _make_redirect(self, source: str, target: Any, compiler: Compiler) -> Route | None:
        place = redirect_place(source)
        try:
            pattern = parse_pattern(source)
            compiler.check(pattern)
        except PatternError as error:
            self.mistakes.append(Mistake(place, error.what, error.remedy))
            return None
        options = target if isinstance(target, Mapping) else {"destination": target}
        answer = make_redirect(options["destination"], options.get("status"))
        handlers = make_handlers({"ALL": answer})
        return Route(
            pattern=pattern,
            file=place,
            kind="redirect",
            handlers=handlers,
            chain=handlers,
            check_origin=False,  # it has nothing to protect: what it leads to is checked
        )


def redirect_place(source: str) -> str:
    """What names an entry of `redirects` in errors."""
    return f"{CONFIG_FILE}: redirects[{source!r}]"


def make_redirect(target: str, status: int | None) -> Callable[[APIContext], Response]:
    """What answers a configured redirect; its parameters go where the target names them."""
    path = re.split("[?#]", target, maxsplit=1)[0]
    rest = target[len(path) :]
    segments = parse_pattern(path).segments if path.startswith("/") else None
    slash = "/" if path.endswith("/") else ""

    def fill(part: str | Param, params: Mapping[str, Any]) -> str:
        if isinstance(part, str):
            return part
        value = params[part.name]
        return "" if value is None else quote_path(str(value))

    def answer(context: APIContext) -> Response:
        code = status or (301 if context.request.method in ("GET", "HEAD") else 308)
        if segments is None:
            return context.redirect(target, code)
        parts = ["".join(fill(part, context.params) for part in segment) for segment in segments]
        path = "/" + "/".join(filter(None, parts))
        return context.redirect((path.rstrip("/") + slash or "/") + rest, code)

    return answer


def _with_status(status: int) -> Callable[[Handler], Handler]:
    """Makes an error page answer with its status, whatever it says itself."""
    return lambda answer: lambda context: answer(context).with_status(status)


def _layers_of(name: str, below: Mapping[str, tuple[Middleware, ...]]) -> tuple[Middleware, ...]:
    """The layers of the folders that a page file is in, from the top one down."""
    folders = name.split("/")[:-1]
    paths = ["/".join(folders[:count]) for count in range(len(folders) + 1)]
    return tuple(layer for path in paths for layer in below.get(path, ()))
