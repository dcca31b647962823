"""Write the manifest, which tells the application the files of a build."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from ..static.built import VERSION
from .results import WrittenFile


def write_manifest(path: Path, files: Sequence[WrittenFile]) -> None:
    """Write the rendered files with their headers, and the compressed ones of `public/`."""
    with path.open("w", encoding="utf-8") as manifest:
        manifest.write(f'{{"version": {VERSION}, "files": {{')
        _write_rows(manifest, _rendered(files))
        manifest.write('\n}, "public": {')
        _write_rows(manifest, _compressed(files))
        manifest.write("\n}}\n")


def _write_rows(manifest: TextIO, rows: Iterator[tuple[str, dict[str, Any]]]) -> None:
    comma = ""
    for name, row in rows:
        manifest.write(f"{comma}\n {json.dumps(name)}: {json.dumps(row, sort_keys=True)}")
        comma = ","


def _rendered(files: Sequence[WrittenFile]) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in files:
        if file.headers is not None:
            row = {"path": file.path, "etag": file.etag, "headers": dict(file.headers)}
            yield file.name, row | ({"encodings": file.encodings} if file.encodings else {})


def _compressed(files: Sequence[WrittenFile]) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in files:
        if file.path is None and file.encodings:
            yield file.name, {"etag": file.etag, "encodings": file.encodings}
