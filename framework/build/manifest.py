"""Write the manifest: the files of a build, for the application that serves them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

from ..static.built import VERSION
from .results import WrittenFile


def write_manifest(path: Path, base: str, files: Sequence[WrittenFile]) -> None:
    """Write the rendered files with their headers, and the compressed ones of `public/`."""
    with path.open("w", encoding="utf-8") as manifest:
        manifest.write(f'{{"version": {VERSION}, "base": {json.dumps(base)}, "files": {{')
        _write_rows(manifest, (file for file in files if file.headers is not None))
        manifest.write('\n}, "public": {')
        _write_rows(manifest, (file for file in files if file.path is None and file.encodings))
        manifest.write("\n}}\n")


def _write_rows(manifest: TextIO, files: Iterable[WrittenFile]) -> None:
    comma = ""
    for file in files:
        row: dict[str, Any] = {"etag": file.etag}
        if file.encodings:
            row["encodings"] = file.encodings
        if file.headers is not None:
            row |= {"path": file.path, "route": file.source, "headers": dict(file.headers)}
        manifest.write(f"{comma}\n {json.dumps(file.name)}: {json.dumps(row, sort_keys=True)}")
        comma = ","
