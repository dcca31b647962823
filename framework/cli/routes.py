"""`framework routes`: list the routes of a site."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from ..app import App
from ..route import Route
from ..site.checks import LOCK, lock_text
from ..site.config_file import CONFIG_FILE
from ..site.endpoints import METHODS
from .terminal import counted


def run(root: Path, *, as_json: bool, lock: bool) -> None:
    """Print the routes in matching order, or write the lock file that `check` reads."""
    with closing(App(root, mode="build")) as app:
        rows = [_describe(route) for route in app.site.routes.all]
        if lock:
            path = root / LOCK
            path.write_text(lock_text(app.site), encoding="utf-8")
            print(f"Wrote {path}: {counted(len(rows), 'route')}.")
        elif as_json:
            print(json.dumps(rows, indent=2))
        else:
            _print_table(rows)


def _describe(route: Route) -> dict[str, Any]:
    return {
        "pattern": route.pattern.text,
        "file": CONFIG_FILE if route.kind == "redirect" else route.file,
        "type": route.kind,
        "prerender": route.prerender,
        "methods": list(route.handlers.methods),
        "params": list(route.pattern.names),
    }


def _print_table(rows: list[dict[str, Any]]) -> None:
    table = [("METHODS", "PATTERN", "FILE", "PRERENDER")]
    for row in rows:
        methods = "any" if set(METHODS) <= set(row["methods"]) else " ".join(row["methods"])
        table.append((methods, row["pattern"], row["file"], "yes" if row["prerender"] else "no"))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        print("  ".join(map(str.ljust, cells, widths)).rstrip())
