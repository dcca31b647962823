"""Adapters: the servers that can serve a site in production."""

from importlib import import_module
from typing import Any

from ..config import Adapter
from ..options import ConfigError


def gunicorn(workers: int = 2, threads: int = 8, **settings: Any) -> Adapter:
    """Serve the site with gunicorn: `Config(adapter=gunicorn(workers=4))`.

    `workers` is the number of processes, `threads` the number of threads in each. `settings` are
    gunicorn's own, by name: `timeout=60`, `accesslog="-"`, `max_requests=1000`. `bind` overrides
    the host and port of the site. With `preload_app=True` gunicorn reads the site once, before
    it forks the workers; without it each worker reads the site, and a HUP signal reloads it.

    Raises `ConfigError` if a setting is unknown or gunicorn refuses its value.
    """
    return _make("gunicorn", {"workers": workers, "threads": threads, **settings})


def granian(workers: int = 2, threads: int = 8, **settings: Any) -> Adapter:
    """Serve the site with granian: `Config(adapter=granian(workers=4))`.

    `workers` is the number of processes, `threads` the number of threads in each. `settings` are
    the arguments of granian's class `Server`, by name: `log_access=True`, `backlog=2048`.
    `address`, `port` and `uds` override the host and port of the site.

    Raises `ConfigError` if a setting is unknown, has a wrong value or contradicts another one.
    """
    return _make("granian", {"workers": workers, "threads": threads, **settings})


def _make(name: str, settings: dict[str, Any]) -> Adapter:
    # A server is imported only when it is used; granian need not be installed.
    try:
        module = import_module(f".{name}_server", __name__)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        command = f'pip install "framework-wsgi[{name}]"'
        raise ConfigError(f"{name}() needs {name}. Install it: {command}") from None
    adapter: Adapter = module.Server(settings)
    return adapter
