"""`framework explain`: print which file handles a request, and why the other files do not."""

from contextlib import closing
from pathlib import Path

from ..app import App


def run(root: Path, *, method: str, path: str) -> None:
    """Print the explanation of one request."""
    with closing(App(root, mode="build")) as app:
        try:
            print(app.explain(method, path))
        except ValueError as error:
            print(f"{method} {path} gets status 400: {error}")
