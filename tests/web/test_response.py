import asyncio
import contextvars
import http
import io
import types
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.web.errors import BodyUsedError
from framework.web.formdata import File, FormData
from framework.web.headers import Headers
from framework.web.response import Response
from framework.web.search_params import URLSearchParams
from framework.web.url import URL


class Sent:
    """What a server gets from a response, through wsgiref's validator."""

    def __init__(self, response, *, head=False, **more):
        def application(environ, start_response):
            return response.send(start_response, head=head, **more)

        def start_response(line, headers, exc_info=None):
            self.line, self.pairs = line, headers

        environ = {"REQUEST_METHOD": "HEAD" if head else "GET", "QUERY_STRING": ""}
        setup_testing_defaults(environ)
        chunks = validator(application)(environ, start_response)
        try:
            self.chunks = list(chunks)
        finally:
            chunks.close()
        self.headers = Headers(self.pairs)
        self.body = b"".join(self.chunks)


class Pieces:
    def __init__(self, *pieces):
        self.pieces = pieces
        self.closed = 0

    def __iter__(self):
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self):
        self.closed += 1


# ---------------------------------------------------------------- making one


def test_a_response_has_the_standards_parts():
    response = Response()
    assert (response.status, response.ok, response.status_text) == (200, True, "")
    assert (response.type, response.url, response.redirected) == ("default", "", False)
    assert response.headers.items() == []
    assert response.headers is response.headers
    assert repr(response) == "<Response 200 no content type>"
    assert repr(Response("x", status=404)) == "<Response 404 text/plain;charset=UTF-8>"


@pytest.mark.parametrize(("status", "ok"), [(200, True), (299, True), (300, False), (599, False)])
def test_ok_is_true_for_200_to_299(status, ok):
    response = Response(status=status)
    assert (response.status, response.ok) == (status, ok)


def test_a_status_may_be_one_of_pythons_names():
    status = Response(status=http.HTTPStatus.NOT_FOUND).status
    assert type(status) is int
    assert status == 404


@pytest.mark.parametrize("status", [-200, 0, 1, 100, 199, 600, 1000])
def test_a_status_outside_200_to_599_is_a_value_error(status):
    with pytest.raises(ValueError, match=f"A status is from 200 to 599, not {status}"):
        Response(status=status)


@pytest.mark.parametrize("status", ["200", 200.0, None, True])
def test_a_status_of_another_type_is_a_type_error(status):
    with pytest.raises(TypeError, match="A status is an int"):
        Response(status=status)


@pytest.mark.parametrize("status", [204, 205, 304])
@pytest.mark.parametrize("body", ["", b"", [], URLSearchParams()])
def test_a_body_with_a_status_that_allows_none_is_a_type_error(status, body):
    with pytest.raises(TypeError, match=f"A response with status {status} can't have a body"):
        Response(body, status=status)
    assert Response(status=status).text() == ""


@pytest.mark.parametrize("text", ["Not so good", "a\tb", "café", ""])
def test_a_status_text_may_be_any_text_that_can_be_sent(text):
    assert Response(status_text=text).status_text == text


@pytest.mark.parametrize("text", ["\n", "OK\r\nX: y", "a\0b", "\x7f", "日本"])
def test_a_status_text_can_not_contain_line_breaks(text):
    with pytest.raises(ValueError, match="contains an invalid character"):
        Response(status_text=text)


@pytest.mark.parametrize("text", [None, b"OK", 5])
def test_a_status_text_is_text(text):
    with pytest.raises(TypeError, match="A status text is a str"):
        Response(status_text=text)


def test_a_header_can_not_contain_line_breaks():
    with pytest.raises(ValueError, match="can't be sent"):
        Response(headers=[("location", "/x\r\nSet-Cookie: a=b")])


def test_the_headers_are_the_responses_own():
    headers = Headers({"a": "1"})
    response = Response(headers=headers)
    response.headers.set("a", "2")
    assert headers["a"] == "1"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("", "text/plain;charset=UTF-8"),
        (b"", None),
        (["x"], None),
        (io.BytesIO(), None),
        (URLSearchParams(), "application/x-www-form-urlencoded;charset=UTF-8"),
        (File("", "x", type="a/b"), "a/b"),
        (File("", "x"), None),
    ],
)
def test_the_body_brings_its_content_type_unless_one_is_set(body, kind):
    assert Response(body).headers.get("content-type") == kind
    assert Response(body, headers={"Content-Type": ""}).headers["content-type"] == ""


def test_each_form_has_a_boundary_of_its_own():
    first, second = Response(FormData()), Response(FormData())
    assert first.headers["content-type"] != second.headers["content-type"]
    assert first.form_data().items() == []


def test_what_is_read_only_in_the_standard_is_read_only():
    response = Response()
    for name in ("status", "status_text", "ok", "headers", "body", "type", "url", "redirected"):
        with pytest.raises(AttributeError):
            setattr(response, name, getattr(response, name))


def test_a_clone_is_a_response_of_its_own():
    response = Response("x", status=201, status_text="Made", headers={"a": "1"})
    other = response.clone()
    other.headers.set("a", "2")
    assert (other.status, other.status_text, response.headers["a"]) == (201, "Made", "1")
    assert (response.text(), other.text()) == ("x", "x")


def test_another_status_takes_the_rest_along():
    response = Response("x", headers={"a": "1"})
    other = response.with_status(404, "Gone")
    other.headers.set("a", "2")
    assert (other.status, other.status_text, other.text()) == (404, "Gone", "x")
    assert (response.status, response.headers["a"], response.text()) == (200, "1", "x")
    with pytest.raises(TypeError):
        response.with_status(204)


def test_a_stream_goes_over_to_the_response_with_another_status():
    response = Response(iter("ab"))
    other = response.with_status(500)
    assert other.text() == "ab"
    with pytest.raises(BodyUsedError):
        response.text()


def test_awaiting_a_response_gives_the_response():
    async def handler():
        return await response

    response = Response()
    assert asyncio.run(handler()) is response


# ---------------------------------------------------------------------- JSON


def test_json_makes_a_response_and_reads_one():
    response = Response.json({"a": [1, float("nan")]}, status=201, headers={"x": "1"})
    assert response.headers.items() == [("content-type", "application/json"), ("x", "1")]
    assert response.status == 201
    assert response.json() == {"a": [1, None]}
    kind = "application/problem+json"
    response = Response.json(None, headers={"Content-Type": kind}, status_text="Fine")
    assert (response.headers["content-type"], response.status_text) == (kind, "Fine")


def test_a_subclass_makes_its_own_kind():
    class Page(Response):
        pass

    assert type(Page.json(1)) is type(Page.redirect("/")) is type(Page("x").clone()) is Page


def test_json_needs_a_status_with_a_body():
    with pytest.raises(TypeError, match="can't have a body"):
        Response.json({}, status=204)


def test_bad_json_in_a_response_is_a_plain_value_error():
    with pytest.raises(ValueError, match="not JSON") as raised:
        Response("{").json()
    assert type(raised.value) is ValueError


# ----------------------------------------------------------------- redirects


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("/", "/"),
        ("", ""),
        ("../up?a=b c#d", "../up?a=b%20c#d"),
        ("?page=2", "?page=2"),
        ("/é/%C3%A9?ü=€#ß", "/%C3%A9/%C3%A9?%C3%BC=%E2%82%AC#%C3%9F"),
        ("/a?next=http://x\\y", "/a?next=http://x\\y"),
        ("/<>\"'\ud800", "/%3C%3E%22'%EF%BF%BD"),
        ("HTTP://EXAMPLE.com/a/../b", "http://example.com/b"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        (URL("https://example.com/x?y"), "https://example.com/x?y"),
        ("MyApp://auth?token=x", "myapp://auth?token=x"),
        ("com.example.app:/callback?code=ü", "com.example.app:/callback?code=%C3%BC"),
        ("tel:+123", "tel:+123"),
        ("ftp://example.com", "ftp://example.com/"),
        (URL("mailto:a@b"), "mailto:a@b"),
    ],
)
def test_a_redirect_leads_to_a_path_or_a_url(url, location):
    response = Response.redirect(url)
    assert (response.status, response.headers["location"]) == (302, location)
    assert response.body is None


@pytest.mark.parametrize(
    "url",
    [
        " //evil",
        "\t//evil",
        "/x\r\nSet-Cookie: a=b",
        "/x ",
        "/x\x7f",
        "//evil",
        "\\\\evil",
        "/\\evil",
        "https:\\\\evil",
        "javascript:alert(1)",
        "JavaScript://x/%0Aalert(1)",
        "data:text/html,x",
        "vbscript:x",
        "blob:https://example.com/1",
        "FILE:///etc/passwd",
        "myapp:\\x",
        "myapp://a b",
        "http:/evil",
        "https:evil",
        "http://a b/",
        URL("javascript:x"),
    ],
)
def test_other_redirects_are_a_value_error(url):
    with pytest.raises(ValueError, match=r"Can't redirect to|not a valid URL"):
        Response.redirect(url)


def test_a_redirect_leads_to_text():
    with pytest.raises(TypeError, match="not bytes"):
        Response.redirect(b"/")


@pytest.mark.parametrize("status", [200, 300, 304, 305, 306, 309, 400, "302"])
def test_a_redirect_has_the_status_of_one(status):
    with pytest.raises(ValueError, match="A redirect has status 301"):
        Response.redirect("/", status)


@given(st.text())
def test_a_redirect_is_refused_or_stays_on_the_host_or_names_another_plainly(url):
    try:
        location = Response.redirect(url).headers["location"]
    except ValueError:
        return
    assert location.isascii()
    assert location.isprintable()
    there = URL(location, "http://here.example/a/b")
    assert there.host == "here.example" or URL.can_parse(location)
    assert there.protocol not in ("blob:", "data:", "file:", "javascript:", "vbscript:")


def test_error_is_a_network_error():
    response = Response.error()
    assert (response.type, response.status, response.ok) == ("error", 0, False)
    response.headers.set("a", "b")
    with pytest.raises(ValueError, match="can't be sent"):
        response.send(lambda *_: None)


# ------------------------------------------------------------------- sending


@pytest.mark.parametrize(
    ("body", "data", "length", "kind"),
    [
        (None, b"", "0", "text/plain;charset=UTF-8"),
        ("é", "é".encode(), "2", "text/plain;charset=UTF-8"),
        (b"abc", b"abc", "3", "application/octet-stream"),
        ("", b"", "0", "text/plain;charset=UTF-8"),
        (iter(["a", "", b"", "é"]), "aé".encode(), None, "application/octet-stream"),
        (io.BytesIO(b"abc"), b"abc", None, "application/octet-stream"),
        (URLSearchParams("a=1"), b"a=1", "3", "application/x-www-form-urlencoded;charset=UTF-8"),
    ],
)
def test_a_response_is_sent_with_its_length_and_type(body, data, length, kind):
    sent = Sent(Response(body))
    assert (sent.line, sent.body) == ("200 OK", data)
    assert sent.headers.get("content-length") == length
    assert sent.headers["content-type"] == kind


@pytest.mark.parametrize(
    ("status", "text", "line"),
    [
        (404, "", "404 Not Found"),
        (404, "Nope", "404 Nope"),
        (299, "", "299 Unknown"),
        (418, "", "418 I'm a Teapot"),
    ],
)
def test_the_status_line_has_a_reason(status, text, line):
    assert Sent(Response(status=status, status_text=text)).line == line


@pytest.mark.parametrize("status", [204, 304])
def test_a_204_or_304_has_no_headers_of_content(status):
    headers = {"content-type": "a/b", "content-length": "5", "etag": '"x"'}
    sent = Sent(Response(status=status, headers=headers), cookies=["a=1"])
    assert sent.headers.items() == [("etag", '"x"'), ("set-cookie", "a=1")]
    assert sent.body == b""


def test_a_wrong_length_is_corrected():
    for body, length in (("abc", "3"), (None, "0"), ("", "0")):
        sent = Sent(Response(body, headers={"content-length": "99"}))
        assert sent.headers["content-length"] == length
        assert len(sent.pairs) == 2


def test_the_handler_may_set_the_length_of_a_stream():
    assert Sent(Response(iter("ab"), headers={"content-length": "2"})).pairs == [
        ("content-length", "2"),
        ("content-type", "application/octet-stream"),
    ]


@pytest.mark.parametrize("body", ["a", iter(["a"])])
def test_the_headers_of_a_connection_are_not_sent(body):
    """PEP 3333: they are the server's, as RFC 9110, 7.6.1, says."""
    names = "connection keep-alive proxy-authenticate proxy-authorization proxy-connection te"
    hop_by_hop = dict.fromkeys([*names.split(), "trailer", "transfer-encoding", "upgrade"], "x")
    response = Response(body, headers={**hop_by_hop, "X-A": "b"})
    assert response.headers["upgrade"] == "x"
    sent = Sent(response)
    assert sent.headers["x-a"] == "b"
    assert hop_by_hop.keys().isdisjoint(sent.headers)


def test_head_is_what_get_would_be_without_its_body():
    for body in ("abc", b"", None, URLSearchParams("a=b")):
        get, head = Sent(Response(body)), Sent(Response(body), head=True)
        assert (head.line, head.pairs, head.body) == (get.line, get.pairs, b"")


def test_a_head_handler_may_set_the_length():
    response = Response(headers={"content-length": "1234", "content-type": "a/b"})
    assert Sent(response, head=True).headers["content-length"] == "1234"


def test_head_closes_a_stream_unread():
    pieces = Pieces("a", RuntimeError("pulled"))
    sent = Sent(Response(pieces, headers={"content-length": "2"}), head=True)
    assert sent.body == b""
    assert sent.headers["content-length"] == "2"
    assert pieces.closed == 1


def test_cookies_are_sent_beside_those_of_the_response():
    response = Response("x", headers=[("set-cookie", "a=1")])
    for _ in range(2):
        sent = Sent(response, cookies=["b=2", "c=3"])
        assert sent.headers.get_set_cookie() == ["a=1", "b=2", "c=3"]
    assert response.headers.get_set_cookie() == ["a=1"]


def test_a_buffered_response_can_be_sent_again_and_stays_as_it_is():
    response = Response("é", headers={"content-length": "7"})
    first, second = Sent(response), Sent(response)
    assert (first.pairs, first.body) == (second.pairs, second.body)
    assert response.headers["content-length"] == "7"
    assert not response.body_used
    assert response.text() == "é"
    assert Sent(response).body == "é".encode()


def test_a_stream_is_sent_once():
    response = Response(iter(["a"]))
    assert Sent(response).body == b"a"
    with pytest.raises(BodyUsedError, match="Return a new Response for each request"):
        response.send(lambda *_: None)


def test_a_stream_is_sent_piece_by_piece_as_it_comes():
    pieces = iter(["a", "", "é", b"c"])
    chunks = Response(pieces).send(lambda *_: None)
    assert next(chunks) == b"a"
    assert next(chunks) == "é".encode()
    assert next(pieces) == b"c"
    assert list(chunks) == []


def test_a_file_is_sent_in_blocks_and_closed():
    file = io.BytesIO(b"x" * 150_000)
    sent = Sent(Response(file))
    assert [len(chunk) for chunk in sent.chunks] == [65536, 65536, 18928]
    assert file.closed


def test_a_stream_is_closed_once_however_it_ends():
    whole = Pieces("a")
    Sent(Response(whole))
    broken = Pieces("a", OSError("lost"))
    with pytest.raises(OSError, match="lost"):
        Sent(Response(broken))
    left = Pieces("a", "b")
    chunks = Response(left).send(lambda *_: None)
    next(chunks)
    chunks.close()
    chunks.close()
    unsent = Pieces("a")

    def refuse(*_):
        raise RuntimeError("headers sent already")

    with pytest.raises(RuntimeError, match="already"):
        Response(unsent).send(refuse)
    assert [whole.closed, broken.closed, left.closed, unsent.closed] == [1, 1, 1, 1]


def test_both_clones_of_an_async_body_are_sent_from_one_task():
    tasks = []

    async def pieces():
        for piece in ("a", "b"):
            await asyncio.sleep(0)
            tasks.append(asyncio.current_task())
            yield piece

    response = Response(pieces())
    other = response.clone()
    assert Sent(response).body == Sent(other).body == b"ab"
    assert len(tasks) == 2
    assert tasks[0] is tasks[1]


def test_an_async_body_keeps_its_context_from_chunk_to_chunk():
    variable = contextvars.ContextVar("variable", default="outside")

    async def pieces():
        token = variable.set("inside")
        yield "a"
        yield variable.get()
        variable.reset(token)  # in another context than it was made in it would fail
        yield variable.get()

    assert Sent(Response(pieces())).body == b"ainsideoutside"


def test_an_async_body_is_closed_when_the_client_leaves():
    ended = []

    async def pieces():
        try:
            yield "a"
            yield "b"
        finally:
            await asyncio.sleep(0)
            ended.append(1)

    chunks = Response(pieces()).send(lambda *_: None)
    next(chunks)
    chunks.close()
    assert ended == [1]


def test_a_stream_of_an_async_iterator_without_close_ends():
    class Numbers:
        def __init__(self):
            self.left = 2

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return str(self.left)

    assert Sent(Response(Numbers())).body == b"10"
    Response(Numbers()).close()


@pytest.mark.parametrize("body", [{"a": 1}, types.MappingProxyType({}), Headers()])
def test_a_mapping_as_body_is_a_type_error(body):
    with pytest.raises(TypeError, match=r"Response\.json"):
        Response(body)


def test_options_by_position_are_a_type_error():
    with pytest.raises(TypeError, match=r"Response\(body, status=404\)"):
        Response("x", 404)
    with pytest.raises(TypeError, match=r"Response\.json\(data, status=201\)"):
        Response.json({}, 201)


def test_a_constructor_that_uses_the_headers_keeps_those_of_json_and_redirect():
    class Framed(Response):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.headers.set("x-frame-options", "DENY")

    assert Framed.json({}).headers.items() == [
        ("content-type", "application/json"),
        ("x-frame-options", "DENY"),
    ]
    assert Framed.redirect("/there").headers["location"] == "/there"


def test_a_response_does_not_share_the_headers_that_it_is_given():
    headers = Headers({"x-a": "1", "set-cookie": "c=1"})
    response = Response("x", headers=headers)
    headers.set("x-a", "2")
    headers.append("set-cookie", "c=2")
    assert response.headers.items() == [
        ("content-type", "text/plain;charset=UTF-8"),
        ("set-cookie", "c=1"),
        ("x-a", "1"),
    ]


def test_copies_do_not_share_changes_of_their_headers():
    first = Response("x", headers={"x-a": "1", "set-cookie": "c=1"})
    second = first.with_own_headers()
    second.headers.set("x-a", "2")
    third = second.with_own_headers()
    third.headers.append("set-cookie", "c=3")
    second.headers.set("x-a", "3")
    seen = [(r.headers["x-a"], r.headers.get_set_cookie()) for r in (first, second, third)]
    assert seen == [("1", ["c=1"]), ("3", ["c=1"]), ("2", ["c=1", "c=3"])]


@given(
    st.sampled_from([200, 204, 304, 404]),
    st.sampled_from([None, "", "text", "tëxt", b"data", b""]),
    st.booleans(),
    st.dictionaries(
        st.sampled_from(["content-type", "content-length", "connection", "te", "x-a"]),
        st.sampled_from(["7", "close"]),
    ),
)
def test_a_response_is_sent_as_before_its_headers_were_read(status, body, head, init):
    if status in (204, 304) and body is not None:
        body = None
    response = Response(body, status=status, headers=init)
    sent = []
    for _ in range(2):
        assert b"".join(response.send(lambda *given: sent.append(given), head)) in (
            b"" if head else (body.encode() if isinstance(body, str) else body or b""),
        )
        assert response.headers is response.headers
    assert sorted(sent[0][1]) == sorted(sent[1][1])
