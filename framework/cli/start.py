"""`framework start`: serve a site in production, with its adapter."""

import logging
from contextlib import closing
from pathlib import Path

from ..adapters import gunicorn
from ..app import App


def run(root: Path, *, host: str | None = None, port: int | None = None) -> None:
    """Serve the site in the folder `root` until a signal ends the server.

    `host` and `port` override the site's configuration.
    """
    logging.basicConfig(
        level=logging.INFO,
        format="[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S %z",
    )
    root = root.resolve()
    # Report mistakes before the port opens. The adapter loads the site again in its workers.
    with closing(App(root)) as app:
        config = app.config
    adapter = config.adapter or gunicorn()
    adapter.serve(
        lambda: App(root),
        host=host or config.server.host,
        port=config.server.port if port is None else port,
    )
