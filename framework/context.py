"""`APIContext`: what a handler, middleware or page can ask about its request."""

from collections.abc import Callable, Iterator, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from markupsafe import Markup
from msgspec import Struct, field

from .errors import SessionError
from .route import Middleware, Route
from .routing.paths import decode_mount, encode_path, quote_path
from .sessions import Session, Store
from .web.cookies import Cookies
from .web.request import Request
from .web.requeststream import BodyLimits
from .web.response import Response
from .web.url import URL, make_request_url
from .web.wsgi import Environ

T = TypeVar("T")
RequestT = TypeVar("RequestT", bound=Request)


class Locals:
    """Data of one request, shared by middleware, handlers and templates.

    `locals.user` and `locals["user"]` are the same. `in`, `len`, iteration and `get` work as in a
    dict.
    """

    def __getattr__(self, name: str) -> Any:
        own = type(self).__name__.lower()
        raise AttributeError(f"{own} has no {name!r}; it has: {', '.join(self) or 'nothing yet'}")

    # For type checkers only: it tells them that any name can be set.
    def __setattr__(self, name: str, value: Any) -> None: ...

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
        """Return the value of `name`, or `default`."""
        return self.__dict__.get(name, default)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__dict__!r})"


del Locals.__setattr__  # at run time the faster method of `object` sets names


class State(Locals):
    """What `lifespan()` yielded: shared by all requests of a process, and read-only."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.__dict__.update(values or {})

    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError(f"state is read-only. Use locals.{name} for data of one request.")

    def __setitem__(self, name: str, value: Any) -> None:
        self.__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise TypeError("state is read-only.")

    __delitem__ = __delattr__


@dataclass(frozen=True, slots=True)
class Services:
    """What all contexts of one application share. It is immutable.

    `rewrite` runs another route of the site, inside the given middleware. `error_response` makes
    the response for an `HTTPException`.
    """

    site: str | None
    generator: str
    limits: BodyLimits
    url_for: Callable[[str, Mapping[str, Any]], str]
    rewrite: "Callable[[APIContext, str | URL | Request, tuple[Middleware, ...]], Response]"
    render: "Callable[[APIContext, str, Mapping[str, Any]], Response]"
    error_response: "Callable[[APIContext, Any], Response]"
    markdown: Callable[[str], Markup]
    get_state: Callable[[], State] = State
    sessions: Store | None = None


class APIContext(Struct, eq=False):
    """One request, as its handler sees it.

    Each part is made when it is first used.
    https://docs.astro.build/en/reference/api-reference/
    """

    services: Services
    environ: Environ
    variables: Context = field(default_factory=copy_context)
    """The context in which the code of the request runs."""
    route: Route | None = None
    """The route that was found for the path."""
    params: dict[str, Any] = {}
    """The values of the route's parameters."""
    path: str = "/"
    """The path of the URL, decoded."""
    props: dict[str, Any] = {}
    """The props that `get_static_paths()` gives to this path."""
    is_prerendered: bool = False
    """Whether the response becomes a file of a static site."""
    rewritten_from: "APIContext | None" = None
    """The context of the request before it was rewritten."""
    made_cookies: Cookies | None = None
    """The cookies, if they were used."""
    _request: Request | None = None
    _url: URL | None = None
    _locals: Locals | None = None
    _session: Session | None = None

    @property
    def request(self) -> Request:
        """The `Request`."""
        return self._request or self.make_request(Request)

    @property
    def url(self) -> URL:
        """The `URL` of the request. Its `pathname` is the path that the router matched."""
        if self._url is None:
            self._url = make_request_url(self.environ, quote_path(self.path))
        return self._url

    @property
    def cookies(self) -> Cookies:
        """The `Cookies` of the request. What is set here is sent with the response."""
        if self.made_cookies is None:
            self.made_cookies = Cookies(
                self.environ.get("HTTP_COOKIE", ""),
                secure=self.environ["wsgi.url_scheme"] == "https",
            )
        return self.made_cookies

    @property
    def locals(self) -> Locals:
        """The data of this request: middleware sets it, handlers read it."""
        if self._locals is None:
            self._locals = Locals()
            if given := self.environ.get("framework.locals"):
                vars(self._locals).update(given)
        return self._locals

    @property
    def state(self) -> State:
        """What the `lifespan()` of the site yielded in this process."""
        return self.services.get_state()

    @property
    def session(self) -> Session:
        """The visitor's `Session`. Raises `SessionError` if sessions are off."""
        if self._session is None:
            store = self.services.sessions
            if store is None:
                raise SessionError("Sessions are off. Turn them on: Config(session=Sessions())")
            self._session = Session(store, self.cookies)
        return self._session

    @property
    def site(self) -> URL | None:
        """The site's `URL` from the configuration."""
        return None if self.services.site is None else URL(self.services.site)

    @property
    def client_address(self) -> str:
        """The client's IP address, as trusted proxies report it."""
        return str(self.environ.get("REMOTE_ADDR", ""))

    @property
    def route_pattern(self) -> str:
        """The pattern of the route: `/products/[id].json`."""
        return "" if self.route is None else self.route.pattern.text

    @property
    def origin_pathname(self) -> str:
        """The path of the URL before any rewrite."""
        first = self
        while first.rewritten_from is not None:
            first = first.rewritten_from
        return quote_path(first.path)

    @property
    def generator(self) -> str:
        """The name and version of the framework: `framework v1.2.3`."""
        return self.services.generator

    def redirect(self, path: str | URL, status: int = 302) -> Response:
        """Return a `Response` that redirects the client to `path`, which is sent as it is.

        Raises `ValueError` as `Response.redirect` does: for a status that does not redirect, and
        for a path that leads to another host.
        """
        return Response.redirect(path, status)

    def rewrite(self, target: "str | URL | Request") -> Response:
        """Return the `Response` of another route of this site; the client's address stays.

        A path or URL keeps the method and body of this request; a `Request` brings its own.
        """
        return self.services.rewrite(self, target, ())

    def render(self, template: str, /, **variables: Any) -> Response:
        """Return a `Response` with a template: `render("components/card.jinja", product=p)`.

        The name of the template is its path below `src/`. The template sees the names of this
        context and the variables, as a page does. The response is HTML unless the name has
        another extension (`feed.xml.jinja`). Raises `jinja2.TemplateNotFound`.
        """
        return self.services.render(self, template, variables)

    def markdown(self, text: str, /) -> Markup:
        """Return the HTML of a Markdown text. HTML in it is escaped, unless it is a `Markup`."""
        return self.services.markdown(text)

    def url_for(self, pattern: str, /, **params: Any) -> str:
        """Return the path of a route of this site: `url_for("/products/[id].json", id=42)`.

        The path includes `base` and the mount point. Raises `RouteNotFoundError` for an unknown
        pattern or a missing parameter.
        """
        mount = decode_mount(self.environ.get("SCRIPT_NAME", ""))
        return quote_path(mount) + self.services.url_for(pattern, params)

    def __repr__(self) -> str:
        return f"<APIContext {self.environ['REQUEST_METHOD']} {self.path}>"

    # The application uses the following members; handlers do not see them by name.

    @property
    def body_limits(self) -> BodyLimits:
        """The limits of the request's body: those of the route, or else the site's."""
        route = self.route
        return self.services.limits if route is None else route.limits or self.services.limits

    def make_request(self, kind: type[RequestT]) -> RequestT:
        """Make the `request`, as an object of the given class."""
        # It does not refer to this context: that would be a cycle, which keeps an upload.
        environ = self.environ
        make_href = partial(_make_href, environ, self.path)
        self._request = request = kind.from_environ(environ, make_href, self.body_limits)
        return request

    def rewritten(self, path: str, query: str, request: Request | None) -> "APIContext":
        """Return the context of this request at another path. Cookies, locals and body are shared.

        `path` is the path below the mount point. `request` replaces the request if it is given.
        """
        environ = self.environ | {"PATH_INFO": encode_path(path), "QUERY_STRING": query}
        context = APIContext(self.services, environ, self.variables)
        context.path = decode_mount(environ.get("SCRIPT_NAME", "")) + path
        context.rewritten_from = self
        context._request = request or self.request.with_url(
            partial(_make_href, environ, context.path)
        )
        context.made_cookies = self.cookies
        context._locals = self.locals
        if self.services.sessions is not None:
            context._session = self.session
        context.is_prerendered = self.is_prerendered
        return context

    def read_cookies(self) -> bool:
        """Whether the cookies of the client, or its session, were read."""
        return self.made_cookies is not None and self.made_cookies.were_read

    def close(self) -> None:
        """Forget the error of an error page: its traceback refers to all that the handler held."""
        self.props = {}

    @property
    def itself(self) -> "APIContext":
        """This context: the value of a handler's parameter named `context`."""
        return self


def _make_href(environ: Environ, path: str) -> str:
    # Not that of context.url: a handler may have changed that object.
    return make_request_url(environ, quote_path(path)).href


CONTEXT_NAMES = frozenset(
    [
        "client_address",
        "cookies",
        "generator",
        "is_prerendered",
        "locals",
        "markdown",
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
        "state",
        "url",
        "url_for",
    ]
)
"""The names that the parameters of a handler may have, and that a page can use."""
