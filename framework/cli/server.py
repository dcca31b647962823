"""The server of `framework dev` and `framework preview`."""

import errno
import socket
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from ..config import Config
from ..errors import CommandError
from ..site import config_file
from ..site.modules import SiteModules
from .terminal import colored, print_line

_FIRST_BYTE = 0.2  # seconds that a new connection has to send a request before a restart


def load_config(root: Path) -> Config:
    """Return the site's configuration. With mistakes, which `App` reports, it is the default."""
    with closing(SiteModules(root)) as modules:
        return config_file.load_config(modules)[0]


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. With port 0 the system chooses a free port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            what = f"Port {port} is in use by another program."
            remedy = f"Stop it, or choose another port: --port {port + 1}"
        else:
            reason = (error.strerror or "").partition(" (while")[0]
            what = f"Can't listen on {host}, port {port}: {reason}."
            remedy = "Use an address of this machine with --host, or another --port."
        raise CommandError(f"{what}\n    {remedy}") from error


class DevServer(ThreadedWSGIServer):
    """Werkzeug's threaded server, which can finish the requests that have arrived."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._open: dict[socket.socket, float] = {}  # with the time at which each was opened
        self._busy: set[socket.socket] = set()
        self._closed = threading.Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a new connection in a thread of its own."""
        self._open[request] = time.monotonic()
        super().process_request(request, client_address)

    def begin_request(self, connection: socket.socket) -> None:
        """Wait for the first byte of a request without reading it, and mark the connection."""
        connection.recv(1, socket.MSG_PEEK)
        self._busy.add(connection)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        super().shutdown_request(request)
        with self._closed:
            self._open.pop(request, None)
            self._busy.discard(request)
            self._closed.notify_all()

    def finish_requests(self) -> None:
        """Wait for the end of each request of which at least one byte has arrived.

        A browser keeps connections open on which it has sent nothing. A new connection has a moment
        to send its request.
        """
        with self._closed:
            while any(map(self._may_have_request, self._open)):
                self._closed.wait(_FIRST_BYTE / 10)

    def _may_have_request(self, connection: socket.socket) -> bool:
        if time.monotonic() - self._open[connection] < _FIRST_BYTE:
            return True
        try:
            return connection in self._busy or bool(
                connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            )
        except OSError:
            return False


class RequestHandler(WSGIRequestHandler):
    """Handles one connection, which has one request: the server closes it after the response."""

    server: DevServer
    _status = 0

    def handle(self) -> None:
        """Handle the request of the connection."""
        with suppress(ConnectionError):
            self.server.begin_request(self.connection)
        super().handle()

    def run_wsgi(self) -> None:
        """Run the application and print a line about the request."""
        started = time.perf_counter()
        try:
            super().run_wsgi()
        finally:
            took = (time.perf_counter() - started) * 1000
            request = ascii(f"{self.command} {self.path}")[1:-1]  # without control characters
            color = {2: "32", 3: "36", 4: "33"}.get(self._status // 100, "31")
            clock = colored(time.strftime("%H:%M:%S"), "2")
            print_line(f"{clock} {request} {colored(str(self._status), color)} {took:.0f} ms")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Store the status for the line that `run_wsgi` prints."""
        self._status = int(code)
