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


def make_redirect(target: str | Mapping[str, Any]) -> Handler:
    """Return the handler of an entry of `redirects`, which fills in the request's parameters.

    Without a status of its own it sends 301 for GET and HEAD, 308 otherwise.
    """
    options: Mapping[str, Any] = {"destination": target} if isinstance(target, str) else target
    destination, status = options["destination"], options.get("status")
    path = re.split("[?#]", destination, maxsplit=1)[0]
    rest = destination[len(path) :]
    segments = parse_pattern(path).segments if path.startswith("/") else None
    slash = "/" if path.endswith("/") else ""

    def handler(context: APIContext) -> Response:
        code = status or (301 if context.request.method in ("GET", "HEAD") else 308)
        if segments is None:
            return context.redirect(destination, code)
        names = ["".join(_fill(p, context.params) for p in segment) for segment in segments]
        path = "/" + "/".join(filter(None, names))
        return context.redirect((path.rstrip("/") + slash or "/") + rest, code)

    return handler


def _fill(part: str | Param, params: Mapping[str, Any]) -> str:
    if isinstance(part, str):
        return part
    value = params[part.name]
    return "" if value is None else quote_path(str(value))
