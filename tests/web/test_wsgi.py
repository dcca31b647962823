from collections.abc import Callable, Iterator
from typing import Any

import pytest

from framework import Request
from framework.web.wsgi import Environ, StartResponse, WSGIApplication, call, path_info_of

HEADERS = [("Content-Type", "text/plain")]


def environ(method: str = "GET") -> Environ:
    return Request("http://localhost/", method=method).to_environ()


class Body:
    """An iterable body that records how often it is closed."""

    def __init__(self, *chunks: bytes, start: Callable[[], object] = lambda: None) -> None:
        self.chunks = chunks
        self.start = start
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        self.start()
        yield from self.chunks

    def close(self) -> None:
        self.closed += 1


def application(body: Any, status: str = "200 OK") -> WSGIApplication:
    def app(environ: Environ, start_response: StartResponse) -> Any:
        start_response(status, HEADERS)
        return body

    return app


@pytest.mark.parametrize("body", [[b"a", b"b"], (b"ab",)])
def test_a_list_is_joined(body: Any) -> None:
    assert call(application(body), environ()) == (200, "OK", HEADERS, b"ab")


def test_the_status_text_may_be_missing_or_have_spaces() -> None:
    assert call(application([], "299"), environ())[:2] == (299, "")
    assert call(application([], "404 Not Found"), environ())[:2] == (404, "Not Found")


def test_another_iterable_is_returned_unread() -> None:
    body = Body(b"a", b"b")
    assert call(application(body), environ()).body is body
    assert body.closed == 0


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 X")]
)
def test_a_response_without_a_body_is_closed(method: str, status: str) -> None:
    body = Body(b"ignored")
    assert call(application(body, status), environ(method)).body is None
    assert body.closed == 1


def test_a_response_may_start_when_the_body_is_iterated() -> None:
    bodies = []

    def app(environ: Environ, start_response: StartResponse) -> Body:
        bodies.append(Body(b"a", b"b", start=lambda: start_response("201 Created", HEADERS)))
        return bodies[0]

    assert call(app, environ()) == (201, "Created", HEADERS, b"ab")
    assert bodies[0].closed == 1


def test_what_the_application_writes_comes_before_its_body() -> None:
    body = Body(b"b", b"c")

    def app(environ: Environ, start_response: StartResponse) -> Body:
        start_response("200 OK", HEADERS)(b"a")
        return body

    assert call(app, environ()).body == b"abc"
    assert body.closed == 1


def test_the_last_start_of_a_response_counts() -> None:
    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        try:
            raise OSError("lost")
        except OSError as error:
            start_response("500 Error", HEADERS, (type(error), error, None))
        return [b"failed"]

    assert call(app, environ()) == (500, "Error", HEADERS, b"failed")


def test_a_body_that_fails_is_closed() -> None:
    def fail() -> None:
        raise OSError("lost")

    body = Body(start=fail)
    with pytest.raises(OSError, match="lost"):
        call(lambda environ, start_response: body, environ())
    assert body.closed == 1


def test_an_application_that_starts_no_response_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"did not call start_response\(\)"):
        call(lambda environ, start_response: [b"a"], environ())


def test_path_info_holds_bytes_as_latin_1() -> None:
    assert path_info_of("/a%20b/%C3%A9%ff") == "/a b/\xc3\xa9\xff"
