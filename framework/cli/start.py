"""`framework start`: serve a site in production, with its adapter."""

import functools
import logging
from contextlib import closing
from pathlib import Path

from .. import adapters
from ..app import App
from ..errors import CommandError
from ..options import ConfigError

log = logging.getLogger("framework")


def run(
    root: Path, *, host: str | None = None, port: int | None = None, server: str | None = None
) -> None:
    """Serve the site in the folder `root` until a signal ends the server.

    `host` and `port` override the site's configuration. `server` is the name of an adapter, which
    serves with its defaults instead of the adapter of the site.
    """
    root = root.resolve()
    # Report mistakes before the port opens. The adapter loads the site again in its workers.
    with closing(_load(root)) as app:
        config = app.config
    adapter = config.adapter
    if adapter is None or server is not None:
        try:
            adapter = getattr(adapters, server or "gunicorn")()
        except ConfigError as error:
            raise CommandError(str(error)) from None
    if config.adapter not in (None, adapter):
        log.info("%r serves the site instead of its %r.", adapter, config.adapter)
    adapter.serve(
        functools.partial(_load, root),
        host=host or config.server.host,
        port=config.server.port if port is None else port,
    )


def _load(root: Path) -> App:
    """Load the site. Also configure the log: granian may start workers without a fork."""
    logging.basicConfig(
        level=logging.INFO,
        format="[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S %z",
    )
    return App(root)
