"""How is a site served while somebody works on it?

Two processes. The parent holds the port and watches the files; the child reads the site and
answers. A change ends the child and starts another, and as the port stays open all the while,
a browser's request waits for the new one instead of failing.
"""

import contextlib
import errno
import ipaddress
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from watchfiles import watch
from watchfiles.main import FileChange
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from ..app import App
from ..config import Config, Server
from ..error_pages import render_error
from ..errors import SiteError
from ..site.checks import find_static_warnings
from ..site.modules import LoadError, SiteModules
from ..site.redirects import CONFIG_FILE
from ..version import __version__
from ..web.response import Response
from ..web.wsgi import Environ, StartResponse, WSGIApplication

_FOLDERS = ("src", "public")
# Caches, other tools' folders, editors' temporary files, databases that the site writes.
_NOT_OF_THE_SITE = re.compile(
    r"(^|/)(__pycache__|node_modules|\.(git|hg|svn|idea|venv|\w+_cache))(/|$)"
    r"|\.py[co]$|~$|\.(sw\w|tmp|bak)$|(^|/)(\.#[^/]*|#[^/]*#|4913|\.DS_Store)$"
    r"|\.(db|sqlite3?)(-\w+)?$"
)
_PATIENCE = 2.0  # seconds that a running request is given to end when the site is reloaded


class DevServerError(Exception):
    """The development server can't start; the text says why and what to do."""


def run(root: Path, *, host: str | None = None, port: int | None = None) -> None:
    """Serve the site in the folder `root`, reloaded at every change, until Ctrl+C or SIGTERM.

    `host` and `port` go before what the site's configuration says. `DevServerError`: the
    port is taken, the host isn't this machine's, or this is a production server's process.
    """
    if os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn"):
        raise DevServerError("The development server doesn't run inside gunicorn: it shows errors.")
    config = read_config(root)
    host, port = host or config.server.host, config.server.port if port is None else port
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with listen(host, port) as listener:
        address = address_of(host, listener.getsockname()[1])
        say(f"framework {__version__}: {paint(address + config.base.rstrip('/') + '/', '1')}")
        say(f"Watching src, public and {CONFIG_FILE} in {root}. Ctrl+C ends it.")
        try:
            _watch_and_serve(root, host, listener)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # asked once is asked enough
            say("")


def _watch_and_serve(root: Path, host: str, listener: socket.socket) -> None:
    changes = find_changes(root)
    next(changes)  # watch first: what changes while the site is read must not be missed
    child: Child | None = Child(root, host, listener)
    try:
        for paths in changes:
            if paths:
                more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
                say(f"Changed: {paths[0]}{more}")
            elif child is None or child.process.poll() is None:
                continue
            elif child.has_served:
                say(f"The server ended with status {child.process.returncode}; it starts again.")
            else:  # it would only end again
                status = child.process.returncode
                say(f"The server ended with status {status}; it starts again when you save.")
                child.stop()
                child = None
                continue
            if child is not None:
                child.stop()
            child = Child(root, host, listener)
    finally:
        if child is not None:
            child.stop()


def read_config(root: Path) -> Config:
    """The site's configuration; the defaults where it has a mistake, which the child reports."""
    modules = SiteModules(root)
    try:
        config = getattr(modules.load(root / CONFIG_FILE), "config", None)
    except LoadError:
        config = None
    finally:
        modules.close()
    return config if isinstance(config, Config) else Config()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            what = f"Port {port} is in use by another program."
            remedy = f"Stop it, or take another port: --port {port + 1}"
        else:
            reason = (error.strerror or "").partition(" (while")[0]
            what = f"Can't listen on {host}, port {port}: {reason}."
            remedy = "Give an address of this machine with --host, or another --port."
        raise DevServerError(f"{what}\n    {remedy}") from error


def address_of(host: str, port: int) -> str:
    shown = "localhost" if _is_any(host) else Server(host=host).url_host
    return f"http://{shown}:{port}"


# ------------------------------------------------------------------------ changes


def is_of_site(path: str) -> bool:
    """Whether a change of this file, given relative to the site's root, is one of the site.

    >>> [is_of_site(path) for path in ("src/pages/a.py", "src/pages/.a.py.swp", "public/x.css")]
    [True, False, True]
    """
    inside = path in (CONFIG_FILE, *_FOLDERS) or path.startswith(("src/", "public/"))
    return inside and not _NOT_OF_THE_SITE.search(path)


def find_changes(root: Path) -> Iterator[list[str]]:
    """What was changed, made or deleted since the last look: paths relative to `root`.

    Yields every fifth of a second or so, mostly an empty list.
    """

    def look(*paths: Path, deep: bool) -> Iterator[set[FileChange]]:
        # Its own filter would make it wait on as long as only other files change.
        return watch(
            *paths, watch_filter=None, recursive=deep, rust_timeout=100, yield_on_timeout=True
        )

    def look_inside() -> Iterator[set[FileChange]]:
        return look(*[p for name in _FOLDERS if (p := root / name).is_dir()], deep=True)

    def next_of_site(changes: Iterator[set[FileChange]]) -> set[str]:
        paths = (Path(path).relative_to(root).as_posix() for _, path in next(changes))
        return set(filter(is_of_site, paths))

    # The root itself is not watched to its depths: virtual environments live there.
    top, inside = look(root, deep=False), look_inside()
    while True:
        found = next_of_site(top)
        if found:  # a folder may have come or gone
            inside = look_inside()
        try:
            found |= next_of_site(inside)
        except FileNotFoundError:  # a folder went while it was being looked through
            inside = look_inside()
        yield sorted(found)


# -------------------------------------------------------------------------- child


class Child:
    """The process that answers, as the parent sees it.

    A pair of sockets ties them: the child says through it that it serves, and ends when its
    other end is closed, even if the parent was killed.
    """

    def __init__(self, root: Path, host: str, listener: socket.socket) -> None:
        self._tie, other = socket.socketpair()
        self._tie.setblocking(False)
        with other:
            fds = (listener.fileno(), other.fileno())
            code = (
                f"import sys; sys.path[:] = {sys.path!r}; "
                f"from framework.cli.dev import run_child; run_child({str(root)!r}, {host!r}, *{fds})"
            )
            # Ctrl+C reaches both; only the parent acts on it. Standard input stays the
            # terminal's, so that breakpoint() works in a handler.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                self.process = subprocess.Popen([sys.executable, "-c", code], pass_fds=fds)  # noqa: S603 - our own code
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    @property
    def has_served(self) -> bool:
        """Whether it came so far as to answer requests."""
        try:
            return self._tie.recv(1, socket.MSG_PEEK) != b""
        except OSError:  # nothing was said so far, or the tie is closed
            return False

    def stop(self) -> None:
        """End it: at once if it answers nothing yet, else with a moment for what is running."""
        if self.has_served:
            self._tie.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_PATIENCE)
        self._tie.close()
        self.process.kill()
        self.process.wait()


def run_child(root: str, host: str, listener: int, tie: int) -> None:
    """Read the site and answer its requests until the parent is gone or closes the tie.

    `listener` and `tie` are file descriptors.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # Python takes a file saved twice in one second for unchanged, if it is as long as before.
    sys.dont_write_bytecode = True
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    server = ThreadedServer(host, 0, Guard(load(Path(root)), host), Handler, fd=listener)
    loop = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    with socket.socket(fileno=tie) as parent:
        with contextlib.suppress(ConnectionError):  # the parent is gone: serve no more
            parent.send(b"+")
        loop.start()
        with contextlib.suppress(ConnectionError):
            parent.recv(1)
    server.shutdown()
    time.sleep(0.05)  # what was accepted last gets its request read
    for thread in list(server.busy):
        thread.join()


def load(root: Path) -> WSGIApplication:
    """The site, or where it has mistakes an application that answers every URL with them."""
    try:
        app = App(root, mode="dev")
    except SiteError as error:
        text = str(error)
        sys.stderr.write(paint(text, "31", sys.stderr) + "\n")

        def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            detail = "The site can't start. Mend the file and save it, then load this page again."
            response = render_error(environ, 500, detail, inside=text)
            return response.send(start_response, head=environ["REQUEST_METHOD"] == "HEAD")

        return application
    count = len(app.site.routes.all)
    for warning in find_static_warnings(app.site):
        say(paint(f"Warning: {warning}", "33"))
    say(paint(f"Serving {count} {'route' if count == 1 else 'routes'}.", "32"))
    return app


class Guard:
    """Keeps other sites' pages, and names that point here from elsewhere, from a site in
    development: 403.

    A page on the Internet can ask a name of its own to lead to 127.0.0.1 (DNS rebinding) or
    fetch http://localhost:4321/ from the developer's browser. Where the server was told to
    listen on every address, any IP address is a name for it: those can't be rebound.
    `measures`: the responses say how long the application took (`Server-Timing`).
    """

    def __init__(self, application: WSGIApplication, host: str, *, measures: bool = True) -> None:
        self._application = application
        self._measures = measures
        self._names = {"localhost", "127.0.0.1", "[::1]", Server(host=host).url_host.lower()}
        self._any = _is_any(host)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        refusal = self._refuse(environ)
        if refusal is None and not self._measures:
            return self._application(environ, start_response)
        if refusal is None:
            begun = time.perf_counter()

            def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
                spent = (time.perf_counter() - begun) * 1000
                return start_response(
                    status, [*headers, ("server-timing", f"app;dur={spent:.1f}")], *exc_info
                )

            return self._application(environ, start)
        response = Response(f"403 Forbidden\n{refusal}\n", status=403)
        return response.send(start_response, head=environ["REQUEST_METHOD"] == "HEAD")

    def _refuse(self, environ: Environ) -> str | None:
        host = environ.get("HTTP_HOST")
        if host is not None and not self._is_own(re.sub(r":\d*$", "", host).lower()):
            return f"The development server answers for localhost, not for {host}."
        site, mode = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_SEC_FETCH_MODE")
        if site == "cross-site" and mode != "navigate":
            return "The development server gives nothing to the pages of other sites."
        return None

    def _is_own(self, name: str) -> bool:
        if name in self._names or name.endswith(".localhost"):
            return True
        return self._any and _ip(name.strip("[]")) is not None


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_any(host: str) -> bool:
    ip = _ip(host)
    return ip is not None and ip.is_unspecified


class ThreadedServer(ThreadedWSGIServer):
    """Werkzeug's server, which knows the threads that are at a request."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.busy: set[threading.Thread] = set()


class Handler(WSGIRequestHandler):
    """One connection, that is, one request: the server closes each after its answer."""

    server: ThreadedServer
    _status = 0

    def run_wsgi(self) -> None:
        """Handler, and write a line about it."""
        thread = threading.current_thread()
        self.server.busy.add(thread)
        started = time.perf_counter()
        try:
            super().run_wsgi()
        finally:
            took = (time.perf_counter() - started) * 1000
            request = ascii(f"{self.command} {self.path}")[1:-1]  # nothing that a terminal obeys
            colour = {2: "32", 3: "36", 4: "33"}.get(self._status // 100, "31")
            clock = paint(time.strftime("%H:%M:%S"), "2")
            say(f"{clock} {request} {paint(str(self._status), colour)} {took:.0f} ms")
            self.server.busy.discard(thread)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the status for the line that `run_wsgi` writes."""
        self._status = int(code)


# ----------------------------------------------------------------------- terminal


def say(text: str) -> None:
    """Write a line for who sits at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def paint(text: str, colour: str, stream: Any = None) -> str:
    """The text in a colour (an ANSI code), where it goes to a terminal that wants colours.

    https://no-color.org/
    """
    stream = stream or sys.stdout
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"
