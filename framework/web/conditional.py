"""Conditional requests (RFC 9110, 13)."""

from datetime import datetime
from hashlib import blake2b

from werkzeug.http import parse_etags

from .headers import find_date
from .response import Response
from .wsgi import Environ

# The client keeps the headers of a 304 for its copy, whose content has not changed.
_CONTENT_HEADERS = ("content-encoding", "content-language", "content-length", "content-type")


def apply_conditions(environ: Environ, response: Response, *, make_etag: bool) -> Response:
    """Return the response to a GET or HEAD, or a 304 if the client has its content.

    The `ETag` and `Last-Modified` of the response decide. With `make_etag`, a response that does
    not stream gets a weak `ETag` from its bytes.
    """
    if response.status != 200 or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return response
    headers = response.headers
    if make_etag and not response.streams and "etag" not in headers:
        digest = blake2b(response.clone().bytes(), digest_size=12).hexdigest()
        response = response.with_own_headers()
        headers = response.headers
        headers.set("etag", f'W/"{digest}"')
    if "HTTP_IF_NONE_MATCH" not in environ and "HTTP_IF_MODIFIED_SINCE" not in environ:
        return response
    etag, modified = headers.get("etag"), find_date(headers.get("last-modified"))
    if not is_unmodified(environ, etag, modified):
        return response
    response.close()
    kept = [pair for pair in headers.items() if pair[0] not in _CONTENT_HEADERS]
    return Response(None, status=304, headers=kept)


def is_unmodified(environ: Environ, etag: str | None, modified: datetime | None) -> bool:
    """Return whether the client's copy is current, by `If-None-Match` or `If-Modified-Since`.

    `etag` is the value of the header. An invalid date is ignored.
    """
    if known := environ.get("HTTP_IF_NONE_MATCH"):
        tag = etag.removeprefix("W/").strip('"') if etag is not None else None
        return tag is not None and parse_etags(known).contains_weak(tag)
    since = find_date(environ.get("HTTP_IF_MODIFIED_SINCE"))
    return since is not None and modified is not None and modified <= since


def precondition_fails(environ: Environ, etag: str, modified: datetime) -> bool:
    """Return whether `If-Match` or `If-Unmodified-Since` asks for another version (412)."""
    if wanted := environ.get("HTTP_IF_MATCH"):
        return not parse_etags(wanted).contains(etag.strip('"'))
    since = find_date(environ.get("HTTP_IF_UNMODIFIED_SINCE"))
    return since is not None and modified > since
