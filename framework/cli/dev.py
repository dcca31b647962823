"""`framework dev`: serve a site, and restart its server after every change.

The parent process holds the port and watches the source. A child process loads the site, serves it,
and looks for changes of the other files that it has read. After a change the parent stops the child,
and the next child loads the site. It has imported the framework beforehand, because that takes longer
than loading a small site. The port stays open all the time, so a browser's request waits for the new
child instead of failing.
"""

import contextlib
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..app import App
from ..error_pages import FIX_IT, render_error
from ..errors import CommandError, SiteError
from ..site.checks import find_static_warnings, find_warnings
from ..version import __version__
from ..web.loop import use_debug_mode
from ..web.wsgi import Environ, StartResponse, WSGIApplication
from .blocking import warn_of_blocking
from .changes import watch_source
from .hosts import HostGuard, url_of
from .read_files import ReadFiles
from .server import DevServer, RequestHandler, listen, load_config
from .terminal import colored, counted, print_line

_GRACE_PERIOD = 2.0  # seconds that a running request has to finish before a restart
_POLL_INTERVAL = 0.2  # seconds between two looks at the files that the site has read
_POLL_SHARE = 0.04  # of a processor: the looks at many files are so rare that they take no more
_SHUTDOWN_INTERVAL = 0.02  # seconds between two looks whether the server must stop


def run(root: Path, *, host: str | None = None, port: int | None = None) -> None:
    """Serve the site in the folder `root` and reload it after changes, until Ctrl+C or SIGTERM.

    `host` and `port` override the site's configuration. Raises `CommandError` if the server can't
    listen there, or inside gunicorn.
    """
    if os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn"):
        raise CommandError(
            "framework dev doesn't run inside gunicorn, because it shows errors to visitors.\n"
            "    Use framework start in production."
        )
    root = root.resolve()
    config = load_config(root)
    host, port = host or config.server.host, config.server.port if port is None else port
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with listen(host, port) as listener:
        url = f"{url_of(host, listener.getsockname()[1])}{config.prefix}/"
        print_line(f"framework {__version__}: {colored(url, '1')}")
        print_line(f"Watching {root} and what the site reads. Press Ctrl+C to stop.")
        try:
            _serve_and_restart(root, host, listener)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # ignore a second Ctrl+C
            print_line("")


def _serve_and_restart(root: Path, host: str, listener: socket.socket) -> None:
    changes = watch_source(root)
    next(changes)  # start to watch before the child reads the site, so that no change is missed
    child = ServerProcess(root, host, listener)
    child.begin()
    following: ServerProcess | None = None
    written: set[str] = set()
    waits_for_save = False
    try:
        for in_source in changes:
            child.receive()
            if following is None and child.has_served:
                following = ServerProcess(root, host, listener)
            own = written | child.written
            paths = [path for path in in_source if os.path.realpath(root / path) not in own]
            paths += child.changed
            if paths:
                more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
                print_line(f"Changed: {paths[0]}{more}")
            elif waits_for_save or child.process.poll() is None:
                continue
            else:
                child.receive()
                status = child.process.returncode
                waits_for_save = not child.has_served  # it would only end again
                when = " when you save" if waits_for_save else ""
                print_line(f"The server ended with status {status}; it starts again{when}.")
                if waits_for_save:
                    continue
            waits_for_save = False
            child.stop()
            written |= child.written
            if following is None or following.process.poll() is not None:  # or it was killed
                following = ServerProcess(root, host, listener)
            child, following = following, None
            child.begin()
    finally:
        for process in filter(None, (child, following)):
            process.stop()


# ------------------------------------------------------------------ the child process


class ServerProcess:
    """The child process that serves the site, seen from the parent.

    It imports the framework, and loads the site after `begin()`. A pair of sockets connects the two.
    The child sends messages. It ends when the parent's socket is closed, so also when the parent is
    killed.

    `has_served` says whether the child has begun to serve. `changed` are files that the site has
    read, and `written` those that it has written itself, whose changes do not restart it.
    """

    def __init__(self, root: Path, host: str, listener: socket.socket) -> None:
        self.has_served = False
        self.changed: list[str] = []
        self.written: set[str] = set()
        self._unread = b""
        self._connection, other = socket.socketpair()
        self._connection.setblocking(False)
        with other:
            fds = (listener.fileno(), other.fileno())
            code = (
                f"import sys; sys.path[:] = {sys.path!r}; from framework.cli.dev import serve; "
                f"serve({str(root)!r}, {host!r}, *{fds})"
            )
            # Ctrl+C reaches both processes, and only the parent handles it. The child keeps
            # the terminal as standard input, so that breakpoint() works in a handler.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                self.process = subprocess.Popen([sys.executable, "-c", code], pass_fds=fds)  # noqa: S603 - our own code
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def begin(self) -> None:
        """Let the process load the site and serve it."""
        with contextlib.suppress(OSError):  # the process has ended
            self._connection.send(b"b")

    def receive(self) -> None:
        """Receive the messages that the child has sent."""
        with contextlib.suppress(OSError):  # nothing more has arrived
            while data := self._connection.recv(64 * 1024):
                self._unread += data
        *messages, self._unread = self._unread.split(b"\0")
        for message in messages:
            kind, _, path = os.fsdecode(message).partition(" ")
            if kind == "wrote":
                self.written.add(path)
            elif kind == "changed":
                self.changed.append(path)
            else:
                self.has_served = True

    def stop(self) -> None:
        """End the process: at once if it does not serve yet, else after its running requests."""
        self.receive()
        with contextlib.suppress(OSError):  # the process has ended
            self._connection.shutdown(socket.SHUT_WR)
        if self.has_served:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_GRACE_PERIOD)
        self.process.kill()
        self.process.wait()
        self.receive()
        self._connection.close()


def serve(root: str, host: str, listener: int, connection: int) -> None:
    """Wait for `begin()`, load the site, and serve it until the parent closes the connection.

    Runs in the child. `listener` and `connection` are file descriptors.
    """
    parent = socket.socket(fileno=connection)
    if not parent.recv(1):  # the parent has ended
        parent.close()
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # With bytecode, Python does not see a change that keeps the second and size of a file.
    sys.dont_write_bytecode = True
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")

    def send(kind: str, path: str = "") -> None:
        with contextlib.suppress(OSError):  # the parent has ended
            parent.sendall(os.fsencode(f"{kind} {path}\0"))

    def send_changes() -> None:
        while True:
            started = time.thread_time()
            for path in files.find_changes():
                send("changed", path)
            took = time.thread_time() - started
            time.sleep(max(_POLL_INTERVAL, took / _POLL_SHARE))

    use_debug_mode()
    warn_of_blocking(Path(root))
    files = ReadFiles(Path(root), lambda path: send("wrote", path))
    sys.addaudithook(files.audit)
    application = HostGuard(add_server_timing(load_application(Path(root))), host)
    server = DevServer(host, 0, application, RequestHandler, fd=listener)
    send("serves")
    threading.Thread(target=server.serve_forever, args=(_SHUTDOWN_INTERVAL,), daemon=True).start()
    threading.Thread(target=send_changes, daemon=True).start()
    with contextlib.suppress(ConnectionError):
        parent.recv(1)
    server.shutdown()
    server.finish_requests()
    # Otherwise Python collects garbage before it exits, which takes longer than the next process
    # takes to load a small site.
    gc.freeze()


def load_application(root: Path) -> WSGIApplication:
    """Return the site; if it cannot start, an application that shows its mistakes at every URL."""
    try:
        app = App(root, mode="dev")
        app.start()
    except SiteError as error:
        text = str(error)
        _print_mistakes(text)

        def show_mistakes(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            response = render_error(environ, 500, FIX_IT, inside=text)
            return response.send(start_response, head=environ["REQUEST_METHOD"] == "HEAD")

        return show_mistakes
    if app.site.mistakes:
        _print_mistakes(str(SiteError(list(app.site.mistakes))))
    # Most warnings need files without mistakes.
    for warning in find_static_warnings(app.site) if app.site.mistakes else find_warnings(app.site):
        print_line(colored(f"Warning: {warning}", "33"))
    print_line(colored(f"Serving {counted(len(app.site.routes.all), 'route')}.", "32"))
    return app


def _print_mistakes(text: str) -> None:
    sys.stderr.write(colored(text, "31", sys.stderr) + "\n")


def add_server_timing(application: WSGIApplication) -> WSGIApplication:
    """Return the application with a `Server-Timing` header, which the tools of browsers show."""

    def timed(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            took = (time.perf_counter() - started) * 1000
            timing = ("server-timing", f"app;dur={took:.1f}")
            return start_response(status, [*headers, timing], *exc_info)

        return application(environ, start)

    return timed
