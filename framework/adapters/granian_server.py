"""The adapter for granian.

https://github.com/emmett-framework/granian
"""

import functools
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import quote

import msgspec
from granian.constants import Interfaces
from granian.errors import ConfigurationError, PidFileError
from granian.log import DEFAULT_ACCESSLOG_FMT, LOGGING_CONFIG
from granian.net import SocketHolder
from granian.server.mp import MPServer

from ..app import App
from ..errors import SiteError
from ..options import ConfigError, did_you_mean
from ..web.wsgi import Environ, StartResponse, WSGIApplication

log = logging.getLogger("framework")

_RETRY_DELAY = 1.0  # seconds between a worker's attempts to start
_CANNOT_START = 3  # the exit status of a worker
_ACCESS_LOG = "granian.access"
_DEFAULTS: dict[str, Any] = {
    "log_access_format": f"{DEFAULT_ACCESSLOG_FMT} %(route)s",
    # Granian's own messages go to the root logger, which `framework start` configures.
    "log_dictconfig": {
        "loggers": {"_granian": {}, _ACCESS_LOG: LOGGING_CONFIG["loggers"][_ACCESS_LOG]}
    },
    "respawn_failed_workers": True,
    "workers_kill_timeout": 30,
}
_KINDS = get_type_hints(MPServer.__init__)
_KINDS.pop("return", None)
# Settings that an adapter does not have, and why.
_REFUSED = {
    "blocking_threads": "Write threads.",
    "url_path_prefix": "granian removes it without comparing it. Use Config(base=...).",
    **dict.fromkeys(("factory", "target", "working_dir"), "Only the granian command has it."),
    **dict.fromkeys(("interface", "loop", "task_impl", "websockets"), "A site uses WSGI."),
    **{name: "Use framework dev." for name in _KINDS if name.split("_")[0] == "reload"},
}
_LOWEST = {
    **dict.fromkeys(("port", "respawn_interval", "static_path_expires", "uds_permissions"), 0),
    "blocking_threads_idle_timeout": 5,
    "workers_lifetime": 60,
}
_NEEDS = {
    "ssl_cert": "ssl_key",
    "ssl_client_verify": "ssl_ca",
    "ssl_key": "ssl_cert",
    "uds_permissions": "uds",
}


class Server:
    """An adapter (see `framework.config.Adapter`) with checked settings."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)
        self._checked: dict[str, Any] = {"interface": Interfaces.WSGI, "websockets": False}
        problems = _find_contradictions(settings)
        for name, value in settings.items():
            own_name = "blocking_threads" if name == "threads" else name
            try:
                self._checked[own_name] = _check(name, _KINDS.get(own_name), value)
            except ValueError as error:
                problems.append(f"granian({name}={value!r}): {error}")
        if problems:
            raise ConfigError("\n".join(problems))

    def __repr__(self) -> str:
        return f"granian({', '.join(f'{k}={v!r}' for k, v in self._settings.items())})"

    def serve(self, make_application: Callable[[], App], *, host: str, port: int) -> None:
        """Serve until a signal ends the server.

        Raises `SystemExit` if it can't start, or if the same worker crashes twice in 5 seconds.
        """
        settings = _DEFAULTS | {"address": host, "port": port} | self._checked
        try:
            _Supervisor(make_application, settings).run()
        except (ConfigurationError, PidFileError, OSError, ValueError) as error:
            sys.exit(f"granian can't start: {error}")


def _check(name: str, kind: Any, value: Any) -> Any:
    """Return the value as granian takes it. Raises `ValueError`."""
    if kind is None:
        names = _KINDS.keys() - _REFUSED.keys() | {"threads"}
        raise ValueError(f"unknown setting.{did_you_mean(name, sorted(names))}")
    if name in _REFUSED:
        raise ValueError(f"not a setting of an adapter. {_REFUSED[name]}")
    if isinstance(value, Mapping) and name in ("http1_settings", "http2_settings"):
        raise ValueError("write it with the classes of the module granian.http.")
    lowest = _LOWEST.get(name, 1)
    if type(value) in (int, float) and value < lowest:
        raise ValueError(f"the value must be {lowest} or more.")
    value = str(value) if isinstance(value, Path) else value
    return msgspec.convert(value, kind, dec_hook=lambda _, path: Path(msgspec.convert(path, str)))


def _find_contradictions(settings: Mapping[str, Any]) -> list[str]:
    """Return the mistakes in settings of which granian would ignore one."""
    problems = [
        f"granian({name}=...) needs {needed}=... too."
        for name, needed in _NEEDS.items()
        if settings.get(name) and not settings.get(needed)
    ]
    if "uds" in settings and settings.keys() & {"address", "port"}:
        problems.append("granian(uds=...) and its address and port: choose one.")
    return problems


# ------------------------------------------------------------------ the main process


class _Supervisor(MPServer):  # type: ignore[misc] # its types are not complete
    """The main process, which starts, watches and replaces the workers."""

    bind_port: int

    def __init__(self, make_application: Callable[[], App], settings: Mapping[str, Any]) -> None:
        super().__init__("framework", **settings)
        self._make_application = make_application

    def run(self) -> None:
        loader = functools.partial(_load, self._make_application)
        # MPServer.serve() itself only adds a warning about more threads than cores.
        super(MPServer, self).serve(target_loader=loader, wrap_loader=False)

    @property
    def respawn_failed_workers(self) -> bool:
        """Whether granian replaces the workers that have ended.

        If a worker can't start when the server starts, the server ends instead.
        """
        ended = [self.wrks[index].inner.exitcode for index in self.interrupt_children]
        return self._respawns and _CANNOT_START not in ended

    @respawn_failed_workers.setter
    def respawn_failed_workers(self, value: bool) -> None:
        self._respawns = value

    def _init_shared_socket(self) -> None:
        """Open one socket for all workers.

        On Linux granian opens one for each worker. A worker that ends then resets the connections
        that it has not accepted, and a second server on the same port is not noticed.
        """
        if self.bind_uds or sys.platform != "linux":
            super()._init_shared_socket()
            return
        address = (self.bind_addr, self.bind_port)
        family, *_ = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        self._sso = socket.create_server(address, family=family, backlog=self.backlog)
        self._sso.set_inheritable(True)
        self._shd = SocketHolder(self._sso.fileno(), False, self.backlog)
        self.bind_port = self._sso.getsockname()[1]

    def _spawn_workers(self, spawn_target: Any, target_loader: Any) -> None:
        first = functools.partial(target_loader, is_first=True)
        super()._spawn_workers(spawn_target, first)

    def _reload(self, spawn_target: Any, target_loader: Any) -> None:
        """Replace the workers on HUP, unless the site has a mistake now."""
        self.reload_signal = False
        self.main_loop_interrupt.clear()
        try:
            self._make_application().close()
        except SiteError as error:
            log.error("Not reloaded: the workers keep the old site. %s", error)
        else:
            super()._reload(spawn_target, target_loader)
            self.respawned_wrks.clear()  # else the first crash soon after counts as the second
        if self.interrupt_signal or self.interrupt_children:  # since the loop was cleared
            self.main_loop_interrupt.set()


# ------------------------------------------------------------------ a worker process


def _load(make_application: Callable[[], App], *, is_first: bool = False) -> WSGIApplication:
    """Load the site in a worker and run its `lifespan()`.

    The site had no mistake when the server started, but it may have one when a worker is
    replaced. The worker then tries again until the site loads. If the worker is one of the
    first, it exits, which ends the server.
    """
    _handle_signals(_interrupt)  # until granian handles them
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        while True:
            try:
                return _adapt(_start(make_application))
            except SiteError as error:
                if is_first:
                    log.error("A worker can't start. %s", error)
                    _handle_signals(signal.SIG_IGN)
                    sys.exit(_CANNOT_START)
                log.error("A worker can't start and tries again. %s", error)
            time.sleep(_RETRY_DELAY)
    except KeyboardInterrupt:
        sys.exit(0)


def _handle_signals(handler: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> None:
    """End a worker that is not ready, with an exception that the code of a site does not catch."""
    _handle_signals(signal.SIG_IGN)
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    """End this worker when the main process has ended, even if that was killed."""
    multiprocessing.parent_process().join()  # type: ignore[union-attr]
    os.kill(os.getpid(), signal.SIGTERM)


def _start(make_application: Callable[[], App]) -> App:
    application = make_application()
    try:
        application.start()
    except SiteError:
        application.close()
        raise
    return application


def _adapt(site: WSGIApplication) -> WSGIApplication:
    """Return the site as an application for granian, with the route in the access log."""
    # Granian puts the environment variables into each environ. There these look like headers.
    fakes = {name: value for name, value in os.environ.items() if name.startswith("HTTP_")}
    current = threading.local()

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        for name, value in fakes.items():
            if environ[name] == value:
                del environ[name]
        body = site(environ, start_response)
        current.route = environ.get("http.route", "-")
        return body

    def add_route(record: logging.LogRecord) -> bool:
        args: Any = record.args
        args["route"] = current.route
        args["path"] = quote(args["path"], "/:@!$&'()*+,;=~", encoding="latin-1")
        return True

    logging.getLogger(_ACCESS_LOG).addFilter(add_route)
    return application
