"""What does a handler get to know about its request?"""

import contextvars
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, TypeVar

from .errors import SessionError
from .routing.paths import decode_mount, quote_path
from .sessions import Session, Store
from .web.body import Source
from .web.cookies import Cookies
from .web.headers import RequestHeaders
from .web.loop import Call, Loop
from .web.request import Request
from .web.response import Response
from .web.url import URL
from .web.wsgi import Environ

T = TypeVar("T")


class Locals:
    """Data of one request, shared between middleware and handlers.

    `locals.user` and `locals["user"]` are the same; `in`, `len`, iteration and `get` work as
    in a dict.
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        if values:
            self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"locals has no {name!r}; it has: {', '.join(self) or 'nothing yet'}")

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __delitem__(self, name: str) -> None:
        del self.__dict__[name]

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of `name`, or `default`."""
        return self.__dict__.get(name, default)

    def __repr__(self) -> str:
        return f"Locals({self.__dict__!r})"


class _WatchedRequest(Request):
    """A request whose headers are nobody's: it is made while a route is prerendered."""

    __slots__ = ("read_headers",)

    read_headers: Callable[[], None]

    @property
    def headers(self) -> RequestHeaders:
        self.read_headers()
        return super().headers

    def _with_source(self, source: Source) -> Self:
        other = super()._with_source(source)
        other.read_headers = self.read_headers
        return other


@dataclass(frozen=True, slots=True)
class Services:
    """What the contexts of one site share; nothing in it changes."""

    site: str | None
    generator: str
    max_body_size: int
    has_build: bool
    warn_of_headers: Callable[["APIContext"], None]
    url_for: Callable[..., str]
    rewrite: Callable[["APIContext", "str | URL | Request"], Response]
    render: Callable[["APIContext", str, Mapping[str, Any]], Response]
    sessions: Store | None = None


class APIContext:
    """One request, as its handler sees it.

    Everything that costs something is made when it is first asked for.
    https://docs.astro.build/en/reference/api-reference/
    """

    __slots__ = (
        "_cookies",
        "_locals",
        "_loop",
        "_origin",
        "_request",
        "_services",
        "_session",
        "_url",
        "environ",
        "is_prerendered",
        "params",
        "path",
        "props",
        "route_pattern",
        "trail",
    )

    def __init__(self, services: Services, environ: Environ) -> None:
        self._services = services
        self.environ = environ
        self.path = "/"
        self._origin: str | None = None
        self._request: Request | None = None
        self._url: URL | None = None
        self._cookies: Cookies | None = None
        self._locals: Locals | None = None
        self._session: Session | None = None
        self._loop: Loop | None = None
        self.route_pattern = ""
        self.params: dict[str, Any] = {}
        self.props: dict[str, Any] = {}
        self.is_prerendered = False
        self.trail: tuple[str, ...] = ()

    @property
    def request(self) -> Request:
        """The `Request`."""
        if self._request is None:
            kind = _WatchedRequest if self.is_prerendered else Request
            self._request = kind.from_environ(
                self.environ, self._href, max_body_size=self._services.max_body_size
            )
            if isinstance(self._request, _WatchedRequest):
                self._request.read_headers = partial(self._services.warn_of_headers, self)
        return self._request

    @property
    def url(self) -> URL:
        """The `URL` of the request. Its `pathname` is the path that was matched."""
        if self._url is None:
            self._url = URL(self._address())
        return self._url

    @property
    def cookies(self) -> Cookies:
        """The `Cookies` of the request; what is set here goes out with the response."""
        if self._cookies is None:
            self._cookies = Cookies(
                self.environ.get("HTTP_COOKIE", ""),
                secure=self.environ["wsgi.url_scheme"] == "https",
            )
        return self._cookies

    @property
    def locals(self) -> Locals:
        """Data of this request: middleware puts it there, handlers read it."""
        if self._locals is None:
            self._locals = Locals(self.environ.get("framework.locals"))
        return self._locals

    @property
    def session(self) -> Session:
        """The visitor's `Session`. `SessionError` where sessions are off."""
        if self._session is None:
            store = self._services.sessions
            if store is None:
                raise SessionError("Sessions are off. Turn them on: Config(session=Sessions())")
            self._session = Session(store, self.cookies)
        return self._session

    @property
    def site(self) -> URL | None:
        """The site's `URL` from the configuration."""
        return None if self._services.site is None else URL(self._services.site)

    @property
    def client_address(self) -> str:
        """The client's IP address, behind trusted proxies."""
        return str(self.environ.get("REMOTE_ADDR", ""))

    @property
    def origin_pathname(self) -> str:
        """The path of the URL before any rewrite."""
        return quote_path(self._origin or self.path)

    @property
    def generator(self) -> str:
        """`framework v1.2.3`."""
        return self._services.generator

    def redirect(self, path: str | URL, status: int = 302) -> Response:
        """A `Response` that sends the client to `path`, which is sent as it is given.

        Raises `ValueError` as `Response.redirect` does: for a status that is no redirect, and
        for a path that would lead to another host unseen.
        """
        return Response.redirect(path, status)

    def rewrite(self, target: "str | URL | Request") -> Response:
        """The `Response` of another route of this site; the client's address stays.

        A path or URL keeps method and body, a `Request` brings its own.
        """
        return self._services.rewrite(self, target)

    def render(self, template: str, /, **variables: Any) -> Response:
        """A `Response` with a template of the site: `render("components/card.jinja", product=p)`.

        The template's name begins at `src/`; it finds the names of this context beside its
        variables, as a page does. It is HTML unless its name says otherwise (`feed.xml.jinja`).
        Raises `jinja2.TemplateNotFound`, naming the nearest.
        """
        return self._services.render(self, template, variables)

    def url_for(self, pattern: str, /, **params: Any) -> str:
        """The path of a route of this site: `url_for("/products/[id].json", id=42)`.

        `base` and mount prefix are in it. Raises `RouteNotFoundError`, naming the nearest.
        """
        mount = decode_mount(self.environ.get("SCRIPT_NAME", ""))
        return quote_path(mount) + self._services.url_for(pattern, params)

    # What follows is the application's, not a handler's.

    @property
    def has_build(self) -> bool:
        """Whether prerendered routes are served from files."""
        return self._services.has_build

    def moved(
        self, trail: tuple[str, ...], path: str, query: str, request: Request | None
    ) -> "APIContext":
        """The context of this request rewritten: cookies, locals and body are the same.

        `path` is the one below the mount point; `request` is the new one, if the rewrite
        brought its own.
        """
        path_info = path.encode().decode("latin-1")
        environ = self.environ | {"PATH_INFO": path_info, "QUERY_STRING": query}
        context = APIContext(self._services, environ)
        context.path = decode_mount(environ.get("SCRIPT_NAME", "")) + path
        context._origin = self._origin or self.path
        context._request = request or self.request.moved(context._href)
        context._cookies = self.cookies
        context._locals = self.locals
        if self._services.sessions is not None:
            context._session = self.session
        context._loop = self._loop = self._loop or Loop()
        context.is_prerendered = self.is_prerendered
        context.trail = trail
        return context

    def run(
        self,
        awaitable: Awaitable[T],
        call: Call[Any] | None = None,
        *,
        context: contextvars.Context | None = None,
    ) -> T:
        """The result of an awaitable, run on the event loop of this request: see `Loop.run`."""
        if self._loop is None:
            self._loop = Loop()
        return self._loop.run(awaitable, call, context=context)

    def set_cookies(self) -> Sequence[str]:
        """The `Set-Cookie` headers of this request."""
        return () if self._cookies is None else list(self._cookies.headers())

    def read_cookies(self) -> bool:
        """Whether anybody asked for the cookies that the client sent, or for its session."""
        return self._cookies is not None and self._cookies.were_read

    def close(self) -> None:
        """End what the request left running."""
        if self._loop is not None:
            self._loop.close()

    @property
    def _itself(self) -> "APIContext":
        return self

    def _href(self) -> str:
        # Not of `self.url`, which a handler may have changed.
        return URL(self._address()).href

    def _address(self) -> str:
        environ = self.environ
        href = f"{environ['wsgi.url_scheme']}://{_host(environ)}{quote_path(self.path)}"
        query = environ.get("QUERY_STRING")
        if not query:
            return href
        query = query.partition("#")[0]
        if not query.isascii():  # bytes as latin-1, as WSGI has them
            query = "".join(c if c < "\x80" else f"%{ord(c):02X}" for c in query)
        return f"{href}?{query}"


def _host(environ: Environ) -> str:
    host: str | None = environ.get("HTTP_HOST")
    if host:
        return host
    name, port = environ["SERVER_NAME"], environ["SERVER_PORT"]
    if ":" in name:
        name = f"[{name}]"
    elif "/" in name or not name:  # a server at a Unix socket has no name
        return "localhost"
    default = {"http": "80", "https": "443"}.get(environ["wsgi.url_scheme"])
    return name if port == default else f"{name}:{port}"


CONTEXT_NAMES = frozenset(
    [
        "client_address",
        "cookies",
        "generator",
        "is_prerendered",
        "locals",
        "origin_pathname",
        "params",
        "props",
        "redirect",
        "render",
        "request",
        "rewrite",
        "route_pattern",
        "session",
        "site",
        "url",
        "url_for",
    ]
)
"""The names that a handler's parameters may have, and that a page finds."""
