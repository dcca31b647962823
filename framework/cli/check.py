"""`framework check`: print the mistakes and warnings of a site."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from ..app import App
from ..errors import Mistake, SiteError
from ..site.checks import find_warnings
from .terminal import counted


def run(root: Path, *, as_json: bool, strict: bool) -> int:
    """Print what is wrong with the site and return the exit status."""
    mistakes: tuple[Mistake, ...] = ()
    warnings: list[Mistake] = []
    routes = 0
    try:
        with closing(App(root, mode="build")) as app:
            routes, warnings = len(app.site.routes.all), find_warnings(app.site)
    except SiteError as error:
        if not as_json:
            raise
        mistakes = error.mistakes
    if as_json:
        rows = {"mistakes": mistakes, "warnings": warnings}
        print(json.dumps({key: [asdict(one) for one in rows[key]] for key in rows}, indent=2))
    else:
        for warning in warnings:
            print(f"Warning: {warning}")
        summary = [counted(routes, "route"), "no mistakes"]
        if warnings:
            summary.append(counted(len(warnings), "warning"))
        print(", ".join(summary))
    return 1 if mistakes or (strict and warnings) else 0
