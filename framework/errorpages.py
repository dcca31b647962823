"""What does a client see where the site has no answer of its own?

In the form that it asked for: a problem document (RFC 9457), a small HTML page, or plain
text. Nothing of an error's inside is in it, unless the site is being developed.
"""

from http import HTTPStatus

import jinja2
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from .context import Environ
from .web.response import Response

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
    """The status in words: 404 is "Not Found"."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def takes_html(environ: Environ) -> bool:
    """Whether the site's own error page is an answer for this client."""
    accept = environ.get("HTTP_ACCEPT")
    return not accept or _accepted(accept)["text/html"] > 0


def render_error(
    environ: Environ, status: int, detail: str = "", *, inside: str = "", asked_json: bool = False
) -> Response:
    """The answer for an error, in the form that the client takes.

    `detail` is for the client; `inside` (a traceback) only for who develops the site.
    `asked_json` says that the route's name ends in `.json`.
    """
    title = title_of(status)
    accept = environ.get("HTTP_ACCEPT", "")
    kinds = _accepted(accept)
    html = "text/html" in accept or "application/xhtml+xml" in accept
    sent = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    sent_json = sent == "application/json" or sent.endswith("+json")
    json_quality = max(kinds["application/json"], kinds["application/problem+json"])
    if "json" in accept:
        prefers_json = json_quality > 0 and json_quality >= kinds["text/html"] * html
    else:
        prefers_json = (sent_json or asked_json) and not html
    if prefers_json:
        problem = {"type": "about:blank", "title": title, "status": status}
        problem |= {"detail": detail} if detail else {}
        problem |= {"traceback": inside} if inside else {}
        response = Response.json(problem, status=status)
        response.headers.set("content-type", "application/problem+json")
    elif html:
        page = _HTML.render(status=status, title=title, detail=detail, inside=inside)
        response = Response(page, status=status)
        response.headers.set("content-type", "text/html;charset=UTF-8")
    else:
        parts = [f"{status} {title}", detail, inside]
        response = Response("\n".join(part for part in parts if part) + "\n", status=status)
    response.headers.set("vary", "accept")
    response.headers.set("x-content-type-options", "nosniff")
    return response


def _accepted(accept: str) -> MIMEAccept:
    return parse_accept_header(accept, MIMEAccept)
