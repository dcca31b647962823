"""Which files did the last build write, and what did their responses say?"""

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import Mistake, SiteError
from .static import UNKNOWN_TYPE, StaticFile

log = logging.getLogger("framework")

MANIFEST = ".framework.json"


def write_manifest(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep the path (without `base`) and the headers of each file that a build wrote."""
    with (folder / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump({"version": 1, "files": files}, file, indent=1, sort_keys=True)
        file.write("\n")


def find_prerendered(folder: Path) -> dict[str, StaticFile] | None:
    """The built files by the path, without `base`, that asks for each; `None` without a build.

    Raises `SiteError` for a list of files that no build wrote.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        return {
            entry["path"]: StaticFile(
                folder / name,
                entry["headers"].pop("content-type", UNKNOWN_TYPE),
                tuple(entry["headers"].items()),
            )
            for name, entry in manifest["files"].items()
        }
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (AttributeError, KeyError, TypeError, ValueError):
        what = "is not what framework build wrote"
        raise SiteError([Mistake(str(path), what, "Run: framework build")]) from None


class Notes:
    """What an application logs about its prerendered routes, each thing once."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def no_build(self, folder: str) -> None:
        """A prerendered route runs for a request, for there is no build."""
        self._say(
            f"There is no build in {folder}: prerendered routes run for each request. "
            "Run: framework build"
        )

    def old_build(self, folder: str, paths: Sequence[str]) -> None:
        """The build has files for paths where nothing is prerendered any more."""
        more = f" (and {len(paths) - 3} more)" if len(paths) > 3 else ""
        self._say(
            f"The build in {folder} is older than the site: nothing is prerendered any more at "
            f"{', '.join(paths[:3])}{more}. Run: framework build"
        )

    def headers_read(self, place: str) -> None:
        """`request.headers` was read while a route ran as a build runs it."""
        self._say(
            f"{place}: request.headers was read, and the route is prerendered: they are not a "
            "visitor's. Set prerender = False, or do without them."
        )

    def _say(self, text: str) -> None:
        with self._lock:
            new = text not in self._said
            self._said.add(text)
        if new:
            log.warning("%s", text)
