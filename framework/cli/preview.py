"""How does a build look on a static host?

`StaticHost` knows the folder and nothing of the site's code. It answers as Netlify and Cloudflare
Pages do: by the names of the files, and by what `_headers` and `_redirects` among them say.

https://docs.netlify.com/manage/routing/redirects/overview/,
https://developers.cloudflare.com/pages/configuration/headers/
"""

import logging
import os
import re
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from unicodedata import normalize
from urllib.parse import quote, unquote

from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable

from ..app import App
from ..build.hosting import HEADERS, REDIRECTS
from ..config import REDIRECT_STATUSES, Config
from ..error_pages import title_of
from ..errors import CommandError
from ..routing.paths import BadPathError, decode_path, quote_path
from ..static.built import MANIFEST
from ..static.files import StaticFile, make_headers
from ..static.types import content_type_of
from ..version import __version__
from ..web.headers import Headers
from ..web.response import Response
from ..web.wsgi import Environ, StartResponse, WSGIApplication
from .hosts import HostGuard, url_of
from .server import DevServer, RequestHandler, listen, load_config
from .terminal import colored, print_line

log = logging.getLogger("framework")

_TOKEN = re.compile(r"(\*|:[A-Za-z]\w*)", re.ASCII)
_HEADER = re.compile(
    r"([A-Za-z](?:[\w-]*[A-Za-z0-9])?)\s*:\s*([!-~\xa0-\xff][ -~\xa0-\xff]*)", re.A
)
_HIDDEN = re.compile(rf"/\.(?!well-known(?:/|$))|^/(?:{HEADERS}|{REDIRECTS})$")
_is_condition = re.compile("HTTP_(RANGE|IF_.*)").fullmatch
_is_destination = re.compile("/|https?://", re.IGNORECASE).match
_QUERY_SAFE = "!$%&'()*+,/:;=?@[]{}|^`"
# What a host says of its own answer and its connection; Netlify lists them as not to be set.
_is_hosts_own = re.compile(
    "accept-ranges|age|allow|alt-svc|connection|content-(encoding|length|range)|date|server|trailer"
    "|transfer-encoding|upgrade"
).fullmatch


def run(root: Path, *, host: str | None = None, port: int | None = None) -> None:
    """Serve the build of the site in the folder `root` until Ctrl+C or SIGTERM.

    A static site's as a static host would. What is live in another no such host answers, so the
    application serves it, as in production but for `allowed_hosts`: here it has this machine's
    names. `host` and `port` go before what the site's configuration says.

    Raises `CommandError` without a build or where it can't listen, and `SiteError`.
    """
    root = root.resolve()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        config = load_config(root)
        if config.output == "static":
            what = f"{config.build.out_dir} as a static host"
            application = _load_folder(root, config)
        else:
            application = stack.enter_context(closing(_load_app(root, config)))
            what = f"the site in {root} with its build, by the application"
        host, port = host or config.server.host, config.server.port if port is None else port
        listener = stack.enter_context(listen(host, port))
        url = f"{url_of(host, listener.getsockname()[1])}{config.prefix}/"
        print_line(f"framework {__version__}: {colored(url, '1')}")
        print_line(f"Serving {what}. Press Ctrl+C to stop.")
        guard = HostGuard(application, host)
        DevServer(host, 0, guard, RequestHandler, fd=listener.fileno()).serve_forever()


def _load_folder(root: Path, config: Config) -> WSGIApplication:
    name = config.build.out_dir
    if not (root / name / MANIFEST).is_file():
        raise CommandError(f"There is no build in {name}.\n    Run: framework build")
    return StaticHost(root / name, config.base)


def _load_app(root: Path, config: Config) -> App:
    security = config.security
    if not security.allowed_hosts:
        return App(root)
    return App(root, replace(config, security=replace(security, allowed_hosts=())))


# ------------------------------------------------------------------------ the host


class StaticHost:
    """A folder of files as a static host serves it (PEP 3333).

    `base` is where the site is mounted: the files are below it, while paths in `_headers` and
    `_redirects` are whole ones. Files are looked up when they are asked for, and both lists are
    read again when they have changed, so a new build shows with the next request.
    """

    def __init__(self, folder: Path, base: str = "/") -> None:
        self._folder = str(folder)
        self._base = base.rstrip("/")
        self._lock = threading.Lock()
        self._state: object = None
        self._lists: tuple[list[HeaderRule], list[RedirectRule]] = ([], [])
        self._read_lists()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        response = self._respond(environ)
        return response.send(start_response, head=environ["REQUEST_METHOD"] == "HEAD")

    def _respond(self, environ: Environ) -> Response:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _plain(405, headers={"allow": "GET, HEAD"})
        try:
            asked = decode_path(environ.get("PATH_INFO", ""))
        except BadPathError as error:
            return _plain(400, str(error))
        path, search = asked, _search_of(environ)
        if path != asked:
            return _redirect(quote_path(path) + search, 301)
        headers, redirects = self._read_lists()
        for redirect in redirects:
            location = redirect.find_location(path, search)
            if location is not None:
                return _redirect(location, redirect.status)
        inner = self._without_base(path)
        file, paths = self._find_page(inner, path)
        response = self._send(environ, file, inner)
        response.headers.update(_find_headers(headers, paths))
        return response

    def _without_base(self, path: str) -> str:
        """The path below the base, `""` for one that isn't."""
        if path == self._base:
            return "/"
        is_below = path.startswith(f"{self._base}/")
        return path[len(self._base) :] if is_below else ""

    def _find_page(self, inner: str, path: str) -> tuple[StaticFile | None, set[str]]:
        """The file that answers, and the paths whose rules in `_headers` are its own: that of a
        page, which isn't asked for by its name, also with or without the slash at its end.
        """
        stem = inner.rstrip("/")
        if stem == inner and (file := self._find_file(inner)):
            return file, {path}
        names = [f"{stem}/index.html", f"{stem}.html"] if stem else ["/index.html"]
        for name in names if inner else ():
            if file := self._find_file(name):
                return file, {path, path[:-1] if path.endswith("/") else f"{path}/"}
        return None, {path}

    def _find_file(self, name: str) -> StaticFile | None:
        """The regular file of that name, a path below the folder, if it may be served."""
        if _HIDDEN.search(name) or not self._is_inside(name):
            return None
        headers = make_headers(content_type_of(name.rpartition("/")[2]))
        return StaticFile(self._folder + name, headers)

    def _is_inside(self, name: str) -> bool:
        """Whether it is a regular file, and no link that leads out of the folder."""
        path = self._folder + name
        inside = os.path.realpath(self._folder) + os.sep
        return os.path.isfile(path) and os.path.realpath(path).startswith(inside)

    def _send(self, environ: Environ, file: StaticFile | None, inner: str) -> Response:
        if file is not None:
            try:
                return file.respond(environ)
            except RequestedRangeNotSatisfiable as error:
                return _plain(416, headers={"content-range": f"bytes */{error.length}"})
            except NotFound:
                pass
        # An error page is sent whole, whatever the client has of another answer.
        whole = {name: value for name, value in environ.items() if not _is_condition(name)}
        folder = inner
        while folder:
            folder = folder.rpartition("/")[0]
            page = self._find_file(f"{folder}/404.html")
            if page is not None:
                with suppress(NotFound):
                    return page.respond(whole).with_status(404)
        return _plain(404)

    # ------------------------------------------------------------------ its lists

    def _read_lists(self) -> "tuple[list[HeaderRule], list[RedirectRule]]":
        """What `_headers` and `_redirects` say now."""
        with self._lock:
            state = (self._state_of(HEADERS), self._state_of(REDIRECTS))
            if state != self._state:
                headers = parse_headers(self._read(HEADERS), partial(self._warn, HEADERS))
                redirects = parse_redirects(self._read(REDIRECTS), partial(self._warn, REDIRECTS))
                self._lists = (list(headers), list(redirects))
                self._state = state
            return self._lists

    def _state_of(self, name: str) -> tuple[int, ...] | None:
        with suppress(OSError):
            held = os.stat(f"{self._folder}/{name}")
            return held.st_dev, held.st_ino, held.st_size, held.st_mtime_ns, held.st_ctime_ns
        return None

    def _read(self, name: str) -> str:
        if self._is_inside(f"/{name}"):
            with suppress(OSError):
                return Path(self._folder, name).read_bytes().decode(errors="replace")
        return ""

    def _warn(self, name: str, line: int, what: str) -> None:
        log.warning("%s/%s:%d: %s", os.path.basename(self._folder), name, line, what)


def _search_of(environ: Environ) -> str:
    query = environ.get("QUERY_STRING", "")
    return f"?{quote(query.encode('latin-1'), safe=_QUERY_SAFE)}" if query else ""


def _redirect(location: str, status: int) -> Response:
    return Response(None, status=status, headers={"location": location})


def _plain(status: int, detail: str = "", *, headers: dict[str, str] | None = None) -> Response:
    lines = [f"{status} {title_of(status)}", detail]
    return Response("\n".join(filter(None, lines)) + "\n", status=status, headers=headers)


# ------------------------------------------------------------- _headers, _redirects

Warn = Callable[[int, str], None]
"""Hears of the line of that number, counted from 1, that it is ignored, and why."""


class _LineError(ValueError):
    """A line that can't be read; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """Headers of the paths that match."""

    path: re.Pattern[str]
    headers: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RedirectRule:
    """Where the paths that match lead: a `Location`, `:name` in it for what the path has there."""

    path: re.Pattern[str]
    destination: str
    status: int

    def find_location(self, path: str, search: str) -> str | None:
        """What `Location` says of the path; `None` where the path is another, or leads to itself.

        The query goes along, unless the destination has its own.
        """
        found = self.path.fullmatch(path)
        if found is None:
            return None
        values = found.groupdict(default="")
        location = _TOKEN.sub(lambda m: quote_path(values.get(m[0][1:], m[0])), self.destination)
        if location.startswith("/"):
            location = "/" + location.lstrip("/")  # never another host's
        location, hash, fragment = location.partition("#")
        target, mark, _ = location.partition("?")
        if target == quote_path(path):
            return None
        return location + ("" if mark else search) + hash + fragment


def parse_headers(text: str, warn: Warn) -> Iterator[HeaderRule]:
    """The rules of a `_headers`: a path at the margin, and its headers indented below it.

    In a path `*` stands for anything, `:name` for anything without a slash.
    """
    headers: list[tuple[str, str]] | None = None
    for number, line in _lines(text):
        try:
            if not line[0].isspace():
                headers = []
                yield HeaderRule(re.compile(_parse_path(line)), headers)
            elif headers is None:
                raise _LineError("it stands below no path.\n    Write the path above it.")
            else:
                headers.append(_parse_header(line.strip()))
        except _LineError as error:
            warn(number, f"{line.strip()!r} is ignored: {error}")


def parse_redirects(text: str, warn: Warn) -> Iterator[RedirectRule]:
    """The rules of a `_redirects`: in each line a path, where it leads, and perhaps a status."""
    for number, line in _lines(text):
        try:
            yield _parse_redirect(line.split())
        except _LineError as error:
            warn(number, f"{line.strip()!r} is ignored: {error}")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.rstrip()


def _parse_header(line: str) -> tuple[str, str]:
    found = _HEADER.fullmatch(line)
    if found is None:
        raise _LineError("it is no header.\n    Write it so: cache-control: max-age=60")
    name = found[1].lower()
    if _is_hosts_own(name):
        raise _LineError(f"{name} is the host's own to say.\n    Take it out.")
    return name, found[2]


def _parse_redirect(fields: list[str]) -> RedirectRule:
    if len(fields) not in (2, 3):
        raise _LineError("it is no redirect.\n    Write it so: /old /new 301")
    source, destination, status = (*fields, "302")[:3]
    if status not in map(str, REDIRECT_STATUSES):
        known = ", ".join(map(str, REDIRECT_STATUSES))
        raise _LineError(f"{status} is no status of a redirect.\n    Take one of {known}.")
    if "*" in source[:-1]:
        raise _LineError("* stands for the rest of a path.\n    Write it at the end.")
    _parse_path(source)
    if source.endswith("/*"):
        path = _expression(source[:-2]) + "(?:/(?P<splat>.*))?"
    elif source.endswith("*"):
        path = _expression(source)
    else:
        path = _expression(source.rstrip("/")) + "/?"
    try:
        location = Response.redirect(destination).headers["location"]
    except ValueError as error:
        raise _LineError(f"{error}") from None
    if not _is_destination(location):
        raise _LineError("it leads to no path.\n    Write /new, or a URL with https://")
    return RedirectRule(re.compile(path), location, int(status))


def _parse_path(text: str) -> str:
    """The regular expression of a path in a list."""
    if not text.startswith("/"):
        raise _LineError("a path begins with a slash.\n    Write it so: /about")
    names = [token.replace("*", ":splat") for token in _TOKEN.findall(text)]
    if len(set(names)) < len(names):
        raise _LineError("* or a name stands there twice.\n    Write it once.")
    return _expression(text)


def _expression(text: str) -> str:
    """What `_parse_path` gives, of a part of a path.

    >>> _expression("/caf%C3%A9/:id/*")
    '/café/(?P<id>[^/]+)/(?P<splat>.*)'
    """
    parts = _TOKEN.split(text)
    for place, part in enumerate(parts):
        if part == "*":
            parts[place] = "(?P<splat>.*)"
        elif place % 2:
            parts[place] = f"(?P<{part[1:]}>[^/]+)"
        else:
            parts[place] = re.escape(normalize("NFC", unquote(part)))
    return "".join(parts)


def _find_headers(rules: list[HeaderRule], paths: set[str]) -> Headers:
    """What the rules give the paths: each header's values joined, but a content type is the last."""
    found = Headers()
    for rule in rules:
        if any(map(rule.path.fullmatch, paths)):
            for name, value in rule.headers:
                if name == "content-type":
                    found.set(name, value)
                else:
                    found.append(name, value)
    return found
