"""How does gunicorn serve a site?

https://gunicorn.org/reference/settings/
"""

import difflib
import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.config import Config  # type: ignore[import-untyped]

from framework.app import App
from framework.config import ConfigError
from framework.errors import SiteError

log = logging.getLogger("framework")

_PAUSE = 1.0  # seconds between a worker's attempts to start
_DEFAULTS = {
    # One path for all servers of a user: two sites on one machine would quarrel over it.
    "control_socket_disable": True,
    # Which proxies are believed is for Security(trusted_proxies=...) alone to say.
    "forwarder_headers": "",
    "secure_scheme_headers": {},
}
# Read by gunicorn's own command only: accepted here they would do nothing.
_OF_THE_COMMAND = frozenset(
    {"chdir", "check_config", "config", "daemon", "paste", "print_config", "pythonpath"}
    | {"spew", "wsgi_app"}
)


def gunicorn(workers: int = 2, threads: int = 8, **settings: Any) -> "Gunicorn":
    """gunicorn as the site's server: `Config(adapter=gunicorn(workers=4))`.

    `workers` is a number of processes, `threads` one of threads in each. `settings` are
    gunicorn's own, by their names: `timeout=60`, `accesslog="-"`, `max_requests=1000`.
    `bind` stands in place of the site's host and port. With `preload_app=True` the site is
    read once, before the workers are forked; without it each worker reads it, and a HUP
    signal makes them read it again.

    `ConfigError`: a setting that gunicorn doesn't have, or a value that it refuses.

    >>> gunicorn(timeout=60)
    gunicorn(workers=2, threads=8, timeout=60)
    >>> gunicorn(thread=4)
    Traceback (most recent call last):
    framework.config.ConfigError: gunicorn(thread=4): there is no such setting. Did you mean threads?
    """
    return Gunicorn({"workers": workers, "threads": threads, **settings})


class Gunicorn:
    """An adapter (see `framework.config.Adapter`), its settings checked."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)
        known = Config()
        wrong = []
        for name, value in settings.items():
            if name not in known.settings:
                near = difflib.get_close_matches(name, known.settings, 1)
                hint = f" Did you mean {near[0]}?" if near else ""
                wrong.append(f"gunicorn({name}={value!r}): there is no such setting.{hint}")
            elif name in _OF_THE_COMMAND:
                what = "it is for gunicorn's own command and does nothing here. Leave it out."
                wrong.append(f"gunicorn({name}={value!r}): {what}")
            else:
                try:
                    known.set(name, value)
                except Exception as error:  # a setting's check raises what it likes
                    wrong.append(f"gunicorn({name}={value!r}): {error}")
        if wrong:
            raise ConfigError("\n".join(wrong))

    def __repr__(self) -> str:
        return f"gunicorn({', '.join(f'{k}={v!r}' for k, v in self._settings.items())})"

    def serve(self, make_application: Callable[[], App], *, host: str, port: int) -> None:
        """Serve until a signal says stop; then leave with `SystemExit`, as gunicorn does."""
        bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        application = _Application({"bind": bind} | _DEFAULTS | self._settings, make_application)
        try:
            _Arbiter(application).run()
        except RuntimeError as error:  # settings that don't go together
            sys.exit(f"gunicorn can't start: {error}")


class _Application(BaseApplication):  # type: ignore[misc] # it has no types
    def __init__(self, settings: Mapping[str, Any], make_application: Callable[[], App]) -> None:
        self._settings = settings
        self.make_application = make_application
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> App:
        """The application of one worker.

        The site was fine when the server started. If it is not when a worker is replaced, the
        worker ends and is replaced again, until it can start; gunicorn would end the server.
        """
        try:
            return self.make_application()
        except SiteError as error:
            log.error("A worker can't start and tries again. %s", error)
            time.sleep(_PAUSE)
            sys.exit(1)


class _Arbiter(Arbiter):  # type: ignore[misc] # it has no types
    def reload(self) -> None:
        """On HUP, put new workers in the place of the old, unless the site has a mistake."""
        if not self.cfg.preload_app:
            try:
                self.app.make_application().close()
            except SiteError as error:
                self.log.error("Not reloaded, the workers go on as they were. %s", error)
                return
        super().reload()
