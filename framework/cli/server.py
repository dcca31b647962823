"""The server of `framework dev` and `framework preview`."""

import errno
import socket
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from ..config import Config
from ..errors import CommandError
from ..site import config_file
from ..site.modules import SiteModules
from .terminal import colored, print_line


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
    """Werkzeug's threaded server. `busy` has the threads that are running the application."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.busy: set[threading.Thread] = set()


class RequestHandler(WSGIRequestHandler):
    """Handles one connection, which has one request: the server closes it after the response."""

    server: DevServer
    _status = 0

    def run_wsgi(self) -> None:
        """Run the application and print a line about the request."""
        thread = threading.current_thread()
        self.server.busy.add(thread)
        started = time.perf_counter()
        try:
            super().run_wsgi()
        finally:
            took = (time.perf_counter() - started) * 1000
            request = ascii(f"{self.command} {self.path}")[1:-1]  # without control characters
            color = {2: "32", 3: "36", 4: "33"}.get(self._status // 100, "31")
            clock = colored(time.strftime("%H:%M:%S"), "2")
            print_line(f"{clock} {request} {colored(str(self._status), color)} {took:.0f} ms")
            self.server.busy.discard(thread)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Store the status for the line that `run_wsgi` prints."""
        self._status = int(code)
