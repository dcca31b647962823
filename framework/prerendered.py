"""Which files did the last build write, and what did their responses say?"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .static import UNKNOWN_TYPE, StaticFile

MANIFEST = ".framework.json"


def write_manifest(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep the path and the headers of each file that a build wrote."""
    text = json.dumps({"version": 1, "files": files}, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")


def find_prerendered(folder: Path) -> dict[str, StaticFile] | None:
    """The built files by the path, without `base`, that asks for each; `None` without a build."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return {
        entry["path"].rstrip("/"): StaticFile(
            folder / name,
            entry["headers"].pop("content-type", UNKNOWN_TYPE),
            tuple(entry["headers"].items()),
        )
        for name, entry in manifest["files"].items()
    }
