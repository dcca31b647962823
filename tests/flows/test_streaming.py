"""Bodies that come piece by piece: what is pulled, what is closed, and when."""

import gc
import io
import logging
from contextvars import Context
from typing import Any
from wsgiref.handlers import SimpleHandler

import pytest

from tests.conftest import SiteMaker, TestSite, make_environ

PAGES = {
    "src/lib/log.py": "EVENTS = []\n",
    "src/pages/sync.py": """
from framework import Response
from lib.log import EVENTS

def chunks(fail):
    try:
        for number in range(3):
            EVENTS.append(number)
            if fail and number == 2:
                raise RuntimeError("midway")
            yield f"<{number}>"
    finally:
        EVENTS.append("closed")

def GET(url):
    return Response(chunks("fail" in url.search))
""",
    "src/pages/async.py": """
import asyncio
from framework import Response
from lib.log import EVENTS

async def chunks(fail, loop):
    try:
        for number in range(3):
            await asyncio.sleep(0)
            EVENTS.append(number)
            if fail and number == 2:
                raise RuntimeError("midway")
            yield f"<{number}>"
    finally:
        EVENTS.append("closed" if asyncio.get_running_loop() is loop else "another loop")

async def GET(url):
    return Response(chunks("fail" in url.search, asyncio.get_running_loop()))
""",
    "src/pages/counted.py": """
from framework import Response
from lib.log import EVENTS

class Chunks:
    def __init__(self, fail):
        self.fail = fail
        self.left = [b"c", b"b", b"a"]

    def __iter__(self):
        return self

    def __next__(self):
        if self.fail and len(self.left) == 1:
            raise RuntimeError("midway")
        if not self.left:
            raise StopIteration
        return self.left.pop()

    def close(self):
        EVENTS.append("closed")

def GET(url):
    return Response(Chunks("fail" in url.search))
""",
    "src/pages/file.py": """
from pathlib import Path
from framework import Response
from lib.log import EVENTS

def GET(url):
    file = Path(__file__).open("rb")
    EVENTS.append(file)
    return Response(file)
""",
}


@pytest.fixture
def made(site: SiteMaker) -> TestSite:
    return site(PAGES)


def events(made: TestSite) -> list[Any]:
    made.app  # noqa: B018 - it is started
    import lib.log  # type: ignore[import-not-found]

    found: list[Any] = lib.log.EVENTS
    return found


def start(made: TestSite, path: str, method: str = "GET") -> tuple[list[Any], Any]:
    started: list[Any] = []
    body = made.app(make_environ(method, path, {}), lambda *head: started.append(head))
    return started, body


@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_a_chunk_is_made_when_it_is_read(made: TestSite, path: str) -> None:
    log = events(made)
    started, body = start(made, path)
    assert started[0][0] == "200 OK"
    assert "content-length" not in dict(started[0][1])
    assert log == []
    chunks = iter(body)
    assert next(chunks) == b"<0>"
    assert log == [0]
    assert next(chunks) == b"<1>"
    assert log == [0, 1]
    assert list(chunks) == [b"<2>"]
    body.close()
    assert log == [0, 1, 2, "closed"]


@pytest.mark.parametrize("path", ["/sync", "/async", "/counted"])
@pytest.mark.parametrize("pulled", [1, 2, 3])
def test_it_is_closed_once_when_the_client_leaves(made: TestSite, path: str, pulled: int) -> None:
    log = events(made)
    _, body = start(made, path)
    chunks = iter(body)
    for _ in range(pulled):
        next(chunks)
    body.close()
    body.close()
    del chunks, body
    gc.collect()
    assert log.count("closed") == 1
    assert "another loop" not in log


def test_it_is_closed_even_if_nothing_was_pulled(made: TestSite) -> None:
    log = events(made)
    for path in ("/counted", "/file", "/async", "/sync"):
        start(made, path)[1].close()
    assert log[0] == "closed"
    assert log[1].closed
    assert log[2:] == []  # generators that never began have nothing to clean up


@pytest.mark.parametrize("path", ["/sync?fail", "/async?fail", "/counted?fail"])
def test_a_failure_midway_reaches_the_server(
    made: TestSite, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    log = events(made)
    _, body = start(made, path)
    chunks = iter(body)
    assert len([next(chunks), next(chunks)]) == 2
    for _ in range(2):  # half a body is never taken for a whole
        with pytest.raises(RuntimeError, match="midway"):
            next(chunks)
    body.close()
    assert log.count("closed") == 1
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_a_server_logs_a_failure_midway_once_and_appends_nothing(
    made: TestSite, caplog: pytest.LogCaptureFixture
) -> None:
    out, errors = io.BytesIO(), io.StringIO()
    handler = SimpleHandler(io.BytesIO(), out, errors, make_environ("GET", "/sync?fail", {}))
    handler.run(made.app)
    assert out.getvalue().endswith(b"\r\n\r\n<0><1>")
    assert (errors.getvalue() + caplog.text).count("RuntimeError: midway") == 1
    assert events(made).count("closed") == 1


def test_head_closes_what_it_does_not_send(made: TestSite) -> None:
    log = events(made)
    for path in ("/counted", "/file"):
        started, body = start(made, path, "HEAD")
        assert (started[0][0], list(body)) == ("200 OK", [])
    assert log[0] == "closed"
    assert log[1].closed


def test_head_does_not_begin_an_async_body(made: TestSite) -> None:
    log = events(made)
    assert list(start(made, "/async", "HEAD")[1]) == []
    assert log == []


def test_a_file_is_sent_whole_and_closed(made: TestSite) -> None:
    log = events(made)
    response = made.get("/file")
    assert response.text() == PAGES["src/pages/file.py"]
    assert log[0].closed


def test_middleware_passes_a_stream_on_untouched(site: SiteMaker) -> None:
    made = site(
        PAGES
        | {
            "src/middleware.py": "async def on_request(context, next):\n"
            "    response = await next()\n"
            "    response.headers.set('x-seen', '1')\n"
            "    return response\n"
        }
    )
    log = events(made)
    started, body = start(made, "/async")
    assert dict(started[0][1])["x-seen"] == "1"
    assert log == []
    assert b"".join(body) == b"<0><1><2>"
    body.close()
    assert log == [0, 1, 2, "closed"]


def test_a_stream_that_fails_to_close_still_ends_the_request(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/x.py": """
from framework import Response

async def chunks():
    try:
        yield b"x"
        yield b"y"
    finally:
        raise OSError("disk")

async def GET():
    return Response(chunks())
"""
        }
    )
    _, body = start(made, "/x")
    assert next(iter(body)) == b"x"
    with pytest.raises(OSError, match="disk"):
        body.close()
    body.close()
    del body
    gc.collect()  # a loop that is left open would warn, and warnings are errors


def test_bad_chunks_are_an_error_for_the_server(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/x.py": "from framework import Response\ndef GET(): return Response(iter([1]))\n"
        }
    )
    _, body = start(made, "/x")
    with pytest.raises(TypeError, match="The pieces of a body are str or bytes, not int"):
        list(body)
    body.close()


LATE = """
from framework import Cookies, Response

def change(cookies, how):
    if how == "set":
        cookies.set("theme", "dark")
    elif how == "delete":
        cookies.delete("theme")
    else:
        other = Cookies()
        other.set("theme", "dark")
        cookies.merge(other)

def plain(context, how):
    yield "a"
    change(context.cookies, how)

async def asynchronous(context, how):
    yield "a"
    change(context.cookies, how)

def GET(context, url, rewrite):
    if url.search_params.has("rewrite"):
        return rewrite("/late" + url.search.replace("rewrite", "x"))
    if url.search_params.has("early"):
        context.cookies.set("early", 1)
    chunks = asynchronous if url.search_params.has("async") else plain
    return Response(chunks(context, url.search_params.get("how")))
"""


@pytest.mark.parametrize("how", ["set", "delete", "merge"])
@pytest.mark.parametrize("options", ["", "&early", "&async", "&async&early", "&rewrite"])
def test_a_cookie_can_not_be_set_after_the_headers_were_sent(
    site: SiteMaker, how: str, options: str
) -> None:
    made = site({"src/pages/late.py": LATE})
    started, body = start(made, f"/late?how={how}{options}")
    chunks = iter(body)
    assert next(chunks) == b"a"
    with pytest.raises(RuntimeError, match="the headers of this response were sent already"):
        next(chunks)
    body.close()
    sent = [value for name, value in started[0][1] if name == "set-cookie"]
    assert len(sent) == options.count("early")
    assert list(start(made, f"/late?how={how}{options}", "HEAD")[1]) == []


def test_a_template_that_is_streamed_can_not_set_a_cookie(site: SiteMaker) -> None:
    head, change = "---\nresponse.stream = True\n---\n", "{{ cookies.set('theme', 'dark') }}"
    made = site(
        {
            "src/pages/late.jinja": f"{head}{'{{ url }}' * 10_000}{change}",
            "src/pages/early.jinja": f"{head}{change}",  # rendered before the headers are sent
        }
    )
    with pytest.raises(RuntimeError, match="Can't set the cookie 'theme': the headers"):
        list(start(made, "/late")[1])
    assert made.get("/early").headers.get_set_cookie()[0].startswith("theme=dark")


def test_an_error_page_may_set_cookies_if_the_response_can_not_be_sent(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/bad.py": "from framework import Response\n\n\n"
            "def GET(cookies):\n"
            "    cookies.set('early', 1)\n"
            "    return Response.error()\n",
            "src/pages/500.jinja": "{{ cookies.set('late', 1) }}Sorry",
        }
    )
    response = made.get("/bad", headers={"accept": "text/html"})
    assert (response.status, response.text()) == (500, "NoneSorry")
    assert len(response.headers.get_set_cookie()) == 2


@pytest.mark.parametrize("word", ["def", "async def"])
def test_a_plain_body_sees_the_context_variables_of_its_handler(site: Any, word: str) -> None:
    code = f"""
from contextvars import ContextVar
from framework import Response

VAR = ContextVar("VAR", default="unset")


{word} GET():
    before = VAR.get()
    VAR.set("set")
    return Response(f"{{before}} {{VAR.get()}}" for _ in range(1))
"""
    one = site({"src/pages/index.py": code})
    # A thread without context variables, as in a server.
    for _ in range(2):
        assert Context().run(one.get, "/").text() == "unset set"


@pytest.mark.parametrize(("method", "headers"), [("HEAD", {}), ("GET", {"if-none-match": '"7"'})])
def test_an_unsent_body_is_closed_with_the_context_variables_of_its_handler(
    site: Any, method: str, headers: dict[str, str]
) -> None:
    code = """
from contextvars import ContextVar
from framework import Response

VAR = ContextVar("VAR", default="unset")
SEEN = []


class Chunks:
    def __iter__(self):
        return iter(["text"])

    def close(self):
        SEEN.append(VAR.get())


def GET():
    VAR.set("handler")
    return Response(Chunks(), headers={"etag": '"7"'})
"""
    page = "from lib.chunks import SEEN, GET as get\n\n\ndef GET():\n    return get()\n"
    shown = "from framework import Response\nfrom lib.chunks import SEEN\n\n\n"
    shown += "def GET():\n    return Response.json(SEEN)\n"
    made = site({"src/pages/x.py": page, "src/pages/seen.py": shown, "src/lib/chunks.py": code})
    made.request(method, "/x", headers=headers)
    assert made.get("/seen").json() == ["handler"]


def test_a_body_keeps_its_context_variables_and_its_server_does_not_see_them(site: Any) -> None:
    code = """
from contextvars import ContextVar
from framework import Response

VAR = ContextVar("VAR", default="unset")
SEEN = []


def chunks():
    try:
        for number in range(3):
            yield VAR.get()
            VAR.set(f"{VAR.get()} {number}")
    finally:
        SEEN.append(VAR.get())


def get():
    VAR.set("handler")
    return Response(chunks())
"""
    page = "from lib.chunks import get\n\n\ndef GET():\n    return get()\n"
    made = site({"src/pages/x.py": page, "src/lib/chunks.py": code})
    for _ in range(2):
        _, body = start(made, "/x")
        rest = iter(body)
        assert [next(rest), next(iter(body)), next(rest)] == [
            b"handler",
            b"handler 0",
            b"handler 0 1",
        ]
        body.close()
        from lib.chunks import SEEN, VAR  # type: ignore[import-not-found]

        assert VAR.get() == "unset"
        assert SEEN.pop() == "handler 0 1"
