"""Has the client this already? Conditional requests (RFC 9110, 13).

https://www.rfc-editor.org/rfc/rfc9110#section-13
"""

from datetime import datetime
from hashlib import blake2b

from werkzeug.http import parse_date, parse_etags

from .response import Response
from .wsgi import Environ

# What a 304 says is what the client keeps; of its content it says nothing.
_OF_CONTENT = ("content-encoding", "content-language", "content-length", "content-type")


def answer_conditionally(environ: Environ, response: Response, *, make_etag: bool) -> Response:
    """The response; or a 304 for a GET or HEAD whose client has what a 200 holds.

    The response's own `ETag` and `Last-Modified` decide. With `make_etag` a body that is held
    whole gets a weak `ETag` from its bytes.
    """
    if response.status != 200 or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return response
    headers = response.headers
    if make_etag and not response.streams and "etag" not in headers:
        digest = blake2b(response.clone().bytes(), digest_size=12).hexdigest()
        response = response.moved()
        headers = response.headers
        headers.set("etag", f'W/"{digest}"')
    if "HTTP_IF_NONE_MATCH" not in environ and "HTTP_IF_MODIFIED_SINCE" not in environ:
        return response
    etag, modified = headers.get("etag"), parse_date(headers.get("last-modified"))
    if not is_unmodified(environ, etag, modified):
        return response
    response.close()
    kept = [pair for pair in headers.items() if pair[0] not in _OF_CONTENT]
    return Response(None, status=304, headers=kept)


def is_unmodified(environ: Environ, etag: str | None, modified: datetime | None) -> bool:
    """Whether the client's copy, by its `If-None-Match` or `If-Modified-Since`, is this one.

    `etag` is written as the header has it. A date that can't be read is ignored.
    """
    if known := environ.get("HTTP_IF_NONE_MATCH"):
        tag = etag.removeprefix("W/").strip('"') if etag is not None else None
        return tag is not None and parse_etags(known).contains_weak(tag)
    since = parse_date(environ.get("HTTP_IF_MODIFIED_SINCE"))
    return since is not None and modified is not None and modified <= since


def precondition_fails(environ: Environ, etag: str, modified: datetime) -> bool:
    """Whether the client wants only another state than this (412)."""
    if wanted := environ.get("HTTP_IF_MATCH"):
        return not parse_etags(wanted).contains(etag.strip('"'))
    since = parse_date(environ.get("HTTP_IF_UNMODIFIED_SINCE"))
    return since is not None and modified > since
