"""What does a client see where the site has no answer of its own?

In the form that it asked for: a problem document (RFC 9457), a small HTML page, or plain
text. Nothing of an error's inside is in it, unless the site is being developed.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import jinja2
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from .web.response import Response
from .web.wsgi import Environ

_RFC_9110 = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
_HTML_TYPES = {"text/html", "application/xhtml+xml"}
_HTML = jinja2.Environment(autoescape=True).from_string(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ status }} {{ title }}</title>
<style>
:root { color-scheme: light dark }
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 15vh auto; padding: 0 1.5rem }
h1 { font-size: 1.6rem }
p { white-space: pre-line }
pre { overflow: auto; font-size: .85rem; border: 1px solid; border-radius: .4rem; padding: 1rem }
</style>
</head>
<body>
<main>
<h1>{{ status }} {{ title }}</h1>
{% if detail %}<p>{{ detail }}</p>
{% endif %}{% if inside %}<pre>{{ inside }}</pre>
{% endif %}</main>
</body>
</html>
"""
)


def title_of(status: int) -> str:
    """The status in words, as RFC 9110 has it: 404 is "Not Found"."""
    if status in _RFC_9110:  # some versions of Python still have the older name
        return _RFC_9110[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def takes_html(environ: Environ) -> bool:
    """Whether the site's own error page is an answer for this client."""
    return not environ.get("HTTP_ACCEPT") or _accepted(environ)["text/html"] > 0


def render_error(
    environ: Environ,
    status: int,
    detail: str = "",
    *,
    errors: Sequence[tuple[str, str]] = (),
    inside: str = "",
    asked_json: bool = False,
) -> Response:
    """The answer for an error, in the form that the client takes.

    `detail` is for the client; `errors` are pairs of a JSON pointer and what is wrong there;
    `inside` (a traceback) is only for who develops the site.
    `asked_json` says that the route's name ends in `.json`.
    """
    title = title_of(status)
    named = [(kind.partition(";")[0].lower(), quality) for kind, quality in _accepted(environ)]
    html = max((q for kind, q in named if kind in _HTML_TYPES), default=0)
    text = max((q for kind, q in named if kind == "text/plain"), default=0)
    json = max((q for kind, q in named if _is_json(kind)), default=0)
    sent = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if (json and json >= max(html, text)) or (not html and (_is_json(sent) or asked_json)):
        problem: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
        if errors:
            problem["errors"] = [{"pointer": place, "detail": what} for place, what in errors]
        elif detail:
            problem["detail"] = detail
        problem |= {"traceback": inside} if inside else {}
        response = Response.json(problem, status=status)
        response.headers.set("content-type", "application/problem+json")
    elif html and html >= text:
        page = _HTML.render(status=status, title=title, detail=detail, inside=inside)
        response = Response(page, status=status)
        response.headers.set("content-type", "text/html;charset=UTF-8")
    else:
        parts = [f"{status} {title}", detail, inside]
        response = Response("\n".join(part for part in parts if part) + "\n", status=status)
    response.headers.set("vary", "accept")
    response.headers.set("x-content-type-options", "nosniff")
    return response


def _accepted(environ: Environ) -> MIMEAccept:
    return parse_accept_header(environ.get("HTTP_ACCEPT"), MIMEAccept)


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")
