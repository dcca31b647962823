"""Write the manifest: the files of a build, for the application that serves them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

import msgspec

from ..static.built import VERSION
from .results import WrittenFile

_encode = msgspec.json.Encoder(order="sorted").encode


def write_manifest(path: Path, base: str, files: Sequence[WrittenFile]) -> None:
    """Write the rendered files with their headers, and the compressed ones of `public/`."""
    with path.open("w", encoding="utf-8") as manifest:
        manifest.write(f'{{"version": {VERSION}, "base": {_to_json(base)}, "files": {{')
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
        manifest.write(f"{comma}\n {_to_json(file.name)}: {_to_json(row)}")
        comma = ","


def _to_json(value: object) -> str:
    return _encode(value).decode()
