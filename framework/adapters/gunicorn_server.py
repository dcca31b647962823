"""The adapter for gunicorn.

https://gunicorn.org/reference/settings/
"""

import logging
import mmap
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.errors import HaltServer  # type: ignore[import-untyped]

from ..app import App
from ..errors import SiteError
from ..options import ConfigError, did_you_mean

log = logging.getLogger("framework")

_RETRY_DELAY = 1.0  # seconds between a worker's attempts to start
_DEFAULTS = {
    # All servers of a user share the path of this socket, so two sites would conflict.
    "control_socket_disable": True,
    # Only Security(trusted_proxies=...) decides which proxies are trusted.
    "forwarder_headers": "",
    "secure_scheme_headers": {},
}
# Only gunicorn's own command reads these settings; an adapter cannot apply them.
_COMMAND_SETTINGS = frozenset(
    {"chdir", "check_config", "config", "daemon", "paste", "print_config", "pythonpath"}
    | {"spew", "wsgi_app"}
)


class Server:
    """An adapter (see `framework.config.Adapter`) with checked settings."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)
        config = Config()
        problems = [
            f"gunicorn({name}={value!r}): {problem}"
            for name, value in settings.items()
            if (problem := _find_problem(config, name, value))
        ]
        if problems:
            raise ConfigError("\n".join(problems))

    def __repr__(self) -> str:
        return f"gunicorn({', '.join(f'{k}={v!r}' for k, v in self._settings.items())})"

    def serve(self, make_application: Callable[[], App], *, host: str, port: int) -> None:
        """Serve until a signal ends the server, then raise `SystemExit`, as gunicorn does."""
        bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        application = _Application({"bind": bind} | _DEFAULTS | self._settings, make_application)
        try:
            _Arbiter(application).run()
        except RuntimeError as error:  # the settings contradict each other
            sys.exit(f"gunicorn can't start: {error}")


def _find_problem(config: Config, name: str, value: object) -> str | None:
    """Set a value in `config`. Return what is wrong with it, or `None`."""
    if name not in config.settings:
        return f"unknown setting.{did_you_mean(name, config.settings)}"
    if name in _COMMAND_SETTINGS:
        return "only the gunicorn command has this setting. Remove it."
    try:
        config.set(name, value)
    except Exception as error:  # gunicorn's checks raise many types
        return str(error)
    return None


class _Application(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    def __init__(self, settings: Mapping[str, Any], make_application: Callable[[], App]) -> None:
        self._settings = settings
        self.make_application = make_application
        self._master = os.getpid()
        self._has_started = mmap.mmap(-1, 1)  # shared with the workers: 1 after one has started
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> App:
        """Load the application of one worker.

        The site had no mistake when the server started, but it may have one when a worker is
        replaced. The worker then exits with status 1, and gunicorn replaces it until the site
        loads. An exception would end the whole server.
        """
        try:
            return self.make_application()
        except SiteError as error:
            _try_again(error)

    def wsgi(self) -> App:
        """Return the application; run its `lifespan()` in each worker.

        An error in it ends the server, unless a worker has started before.
        """
        application: App = super().wsgi()
        if os.getpid() == self._master:  # with preload_app
            return application
        try:
            application.start()
        except SiteError as error:
            if self._has_started[0]:
                _try_again(error)
            log.error("A worker can't start. %s", error)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
        self._has_started[0] = 1
        return application


def _try_again(error: SiteError) -> NoReturn:
    """End a worker, which gunicorn replaces by another one."""
    log.error("A worker can't start and tries again. %s", error)
    time.sleep(_RETRY_DELAY)
    sys.exit(1)


class _Arbiter(Arbiter):  # type: ignore[misc] # gunicorn has no types
    def reload(self) -> None:
        """Replace the workers on HUP, unless the site has a mistake now."""
        if not self.cfg.preload_app:
            try:
                self.app.make_application().close()
            except SiteError as error:
                self.log.error("Not reloaded: the workers keep the old site. %s", error)
                return
        super().reload()

    def stop(self, graceful: bool = True) -> None:
        """Stop the workers, also those that can't start: each raises `HaltServer` once."""
        try:
            super().stop(graceful)
        except HaltServer:
            self.stop(graceful)
