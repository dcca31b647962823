"""What does a build tell those who serve its files?"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from ..app import App
from ..routing.pattern import Pattern, parse_pattern
from ..static.built import MANIFEST, VERSION
from ..site.redirects import name_redirect
from .hosting import NGINX, Entry, Redirect, write_hosting
from .ledger import Ledger, read_headers

RESERVED = (MANIFEST, NGINX)


def write_lists(folder: Path, app: App, ledger: Ledger) -> list[str]:
    """Write what the application and other servers read beside the files; what to warn of."""

    def entries() -> Iterator[Entry]:
        return (Entry(file.file, read_headers(file)) for file in ledger)

    warnings = write_hosting(folder, app.config, entries, _redirects(app, ledger))
    _write_manifest(folder / MANIFEST, ledger)  # the last file: its time says when all were there
    return warnings


def _redirects(app: App, ledger: Ledger) -> list[Redirect]:
    """The configured ones, and each path whose answer was one."""
    pages = {file.place: file.file for file in ledger.redirects()}
    found = []
    for source, target in app.config.redirects.items():
        options: Mapping[str, Any] = {"destination": target} if isinstance(target, str) else target
        place, status = name_redirect(source), options.get("status", 301)
        pattern = parse_pattern(source)
        found.append(
            Redirect(pattern, options["destination"], status, pages.pop(place, None), place)
        )
    for file in ledger.redirects():
        if file.place in pages:
            path = file.path or "/"
            segments = tuple((part,) for part in path.split("/") if part)
            pattern = Pattern(path, segments, (), ())
            found.append(Redirect(pattern, str(file.location), file.status, file.file, file.place))
    return found


def _write_manifest(path: Path, ledger: Ledger) -> None:
    """What `prerendered` reads: a line for each file."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{{"version": {VERSION}, "files": {{')
        _write_rows(file, _prerendered(ledger))
        file.write('\n}, "public": {')
        _write_rows(file, _compressed(ledger))
        file.write("\n}}\n")


def _write_rows(file: TextIO, rows: Iterator[tuple[str, dict[str, Any]]]) -> None:
    comma = ""
    for name, row in rows:
        file.write(f"{comma}\n {json.dumps(name)}: {json.dumps(row, sort_keys=True)}")
        comma = ","


def _prerendered(ledger: Ledger) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in ledger:
        headers = read_headers(file)
        if headers is not None:
            row: dict[str, Any] = {"path": file.path, "etag": file.etag, "headers": headers}
            if file.encodings:
                row["encodings"] = file.encodings.split()
            yield file.file, row


def _compressed(ledger: Ledger) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in ledger:
        if file.path is None and file.encodings:
            yield file.file, {"etag": file.etag, "encodings": file.encodings.split()}
