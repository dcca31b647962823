"""The redirects of the configuration, as handlers."""

import re
from collections.abc import Mapping
from typing import Any

from ..context import APIContext
from ..route import Handler
from ..routing.paths import quote_path
from ..routing.pattern import Param, parse_pattern
from ..web.response import Response
from .config_file import CONFIG_FILE


def name_redirect(source: str) -> str:
    """Return the name of an entry of `redirects` in messages."""
    return f"{CONFIG_FILE}: redirects[{source!r}]"


def make_redirect(target: str, status: int | None) -> Handler:
    """Return a handler that redirects to `target`, with the request's parameters filled in.

    Without `status` it is 301 for GET and HEAD, 308 otherwise.
    """
    path = re.split("[?#]", target, maxsplit=1)[0]
    rest = target[len(path) :]
    segments = parse_pattern(path).segments if path.startswith("/") else None
    slash = "/" if path.endswith("/") else ""

    def handler(context: APIContext) -> Response:
        code = status or (301 if context.request.method in ("GET", "HEAD") else 308)
        if segments is None:
            return context.redirect(target, code)
        names = ["".join(_fill(p, context.params) for p in segment) for segment in segments]
        path = "/" + "/".join(filter(None, names))
        return context.redirect((path.rstrip("/") + slash or "/") + rest, code)

    return handler


def _fill(part: str | Param, params: Mapping[str, Any]) -> str:
    if isinstance(part, str):
        return part
    value = params[part.name]
    return "" if value is None else quote_path(str(value))
