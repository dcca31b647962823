import io
from wsgiref.validate import validator

import pytest
import werkzeug
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import (
    LengthRequired,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)

from framework.web.errors import BadBodyError, BodyUsedError, FormTypeError
from framework.web.formdata import File, FormData
from framework.web.headers import Headers
from framework.web.request import Request
from framework.web.requeststream import BodyLimits
from framework.web.search_params import URLSearchParams
from framework.web.stream import BLOCK
from framework.web.url import URL

LIMIT = 1000
LIMITS = BodyLimits(LIMIT, LIMIT)


class Input:
    """What a server hands in: it gives at most `step` bytes at a time and counts its calls."""

    def __init__(self, data, step=10**9, error=None):
        self.data = io.BytesIO(data)
        self.step = step
        self.error = error
        self.calls = 0

    def read(self, size):
        self.calls += 1
        data = self.data.read(min(size, self.step))
        if self.error is not None and not data:
            raise self.error
        return data


def arrived(body=b"", *, length=None, input=None, limit=LIMIT, text=None, **environ):
    """A request as it came over WSGI, with `body` behind it."""
    limits = BodyLimits(limit, limit if text is None else text)
    environ.setdefault("REQUEST_METHOD", "POST")
    environ["wsgi.input"] = input or Input(body)
    if length is not None:
        environ["CONTENT_LENGTH"] = str(length)
    return Request.from_environ(environ, lambda: "http://localhost/", limits=limits)


def chunked(body=b"", **more):
    return arrived(
        body, HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True}, **more
    )


def posted(body, kind):
    return arrived(body, length=len(body), limit=10**7, CONTENT_TYPE=kind)


# ------------------------------------------------------------ made by hand


def test_a_request_has_the_standards_parts():
    request = Request("http://example.com/a b", headers={"X": "1"})
    assert (request.method, request.url) == ("GET", "http://example.com/a%20b")
    assert request.headers.items() == [("x", "1")]
    assert request.body is None
    assert repr(request) == "<Request GET http://example.com/a%20b>"
    assert Request(URL("http://x/y")).url == "http://x/y"


@pytest.mark.parametrize(
    ("method", "written"),
    [("get", "GET"), ("pOsT", "POST"), ("patch", "patch"), ("PURGE", "PURGE"), ("Purge", "Purge")],
)
def test_the_methods_of_the_standard_are_written_in_capitals(method, written):
    assert Request("http://x/", method=method).method == written


@pytest.mark.parametrize("method", ["", "G ET", "G\0", "A/B", "é", "trace", "TRACK", "CONNECT"])
def test_other_methods_are_refused(method):
    with pytest.raises(ValueError, match="method"):
        Request("http://x/", method=method)


def test_a_method_is_text():
    with pytest.raises(TypeError, match="A method is a str, not bytes"):
        Request("http://x/", method=b"GET")


@pytest.mark.parametrize("url", ["http://a b/", "/relative", "http://u@x/", "http://:p@x/"])
def test_a_url_is_absolute_and_without_credentials(url):
    with pytest.raises(ValueError, match=r"valid URL|user name"):
        Request(url)


@pytest.mark.parametrize("method", ["GET", "head"])
def test_get_and_head_have_no_body(method):
    with pytest.raises(TypeError, match="request can't have a body"):
        Request("http://x/", method=method, body="")


def test_the_headers_can_not_be_changed_and_are_the_requests_own():
    headers = Headers({"a": "1"})
    request = Request("http://x/", headers=headers)
    headers.set("a", "2")
    assert request.headers["a"] == "1"
    with pytest.raises(TypeError, match="can't be changed"):
        request.headers.set("a", "3")


def test_the_body_brings_its_content_type():
    def kind(body, **headers):
        made = Request("http://x/", method="POST", body=body, headers=headers)
        return made.headers.get("content-type")

    assert kind("") == "text/plain;charset=UTF-8"
    assert kind(b"") is kind(None) is None
    assert kind(URLSearchParams()) == "application/x-www-form-urlencoded;charset=UTF-8"
    assert kind(FormData()).startswith("multipart/form-data; boundary=")
    assert kind(File("", "x", type="image/png")) == "image/png"
    assert kind(FormData(), **{"Content-Type": "a/b"}) == "a/b"


def test_a_clone_is_read_beside_the_request():
    request = Request("http://x/", method="POST", body="[1]")
    other = request.clone()
    assert (other.method, other.url, other.headers) == ("POST", "http://x/", request.headers)
    assert (request.json(), other.text()) == ([1], "[1]")
    with pytest.raises(BodyUsedError):
        request.clone()


# ------------------------------------------------------------- over WSGI


def test_what_a_handler_does_not_ask_for_is_not_touched():
    source = Input(b"12")
    request = arrived(input=source, length=2, HTTP_X_Y="1", REQUEST_METHOD="Purge")
    assert request.method == "Purge"
    assert request.url == "http://localhost/"
    assert request.headers.get("x-y") == "1"
    assert request.headers is request.headers
    assert not request.body_used
    assert source.calls == 0
    assert request.json() == 12


def test_the_url_is_computed_once():
    asked = []
    request = Request.from_environ(
        {"REQUEST_METHOD": "GET"}, lambda: asked.append(1) or "http://x/", limits=LIMITS
    )
    assert [request.url, request.url] == ["http://x/"] * 2
    assert asked == [1]


def test_without_length_and_coding_there_is_no_body():
    for environ in ({}, {"wsgi.input_terminated": True}, {"CONTENT_LENGTH": ""}):
        request = arrived(b"smuggled", **environ)
        assert request.body is None
        assert [request.text(), request.text()] == ["", ""]
        with pytest.raises(BadBodyError):
            request.json()


def test_http_2_needs_no_length():
    request = arrived(b"abc", SERVER_PROTOCOL="HTTP/2", **{"wsgi.input_terminated": True})
    assert request.text() == "abc"


def test_bytes_behind_the_length_are_not_the_body():
    assert arrived(b"abcdef", length=3).text() == "abc"
    request = arrived(b"abcdef", length=0)
    assert request.body.read() == b""
    assert request.body_used


@given(st.binary(max_size=300), st.integers(1, 40), st.integers(1, 40))
def test_a_body_arrives_however_it_is_split(data, step, size):
    for make in (arrived, chunked):
        length = {"length": len(data)} if make is arrived else {}
        assert make(input=Input(data, step), **length).bytes() == data
        stream = make(input=Input(data, step), **length).body
        assert b"".join(iter(lambda stream=stream: stream.read(size), b"")) == data


@pytest.mark.parametrize("read", [Request.bytes, Request.text, Request.json])
def test_a_body_of_known_length_is_read_at_once(read):
    source = Input(b" " * 999 + b"1")
    read(arrived(input=source, length=1000))
    assert source.calls == 1


@pytest.mark.parametrize("there", range(20))
@pytest.mark.parametrize("read", [Request.bytes, Request.text, Request.json, Request.form_data])
def test_a_body_cut_short_is_the_clients_fault(there, read):
    body = b'["a=1", "b=2", "c=3"]'
    assert len(body) > 20
    request = arrived(
        body[:there], length=len(body), CONTENT_TYPE="application/x-www-form-urlencoded"
    )
    with pytest.raises(BadBodyError) as raised:
        read(request)
    assert raised.value.description == (
        f"The body ended {len(body) - there} bytes before its Content-Length."
    )
    with pytest.raises(BodyUsedError):
        request.bytes()


@pytest.mark.parametrize("first", [list, lambda stream: stream.read()])
def test_a_stream_that_was_cut_short_stays_so(first):
    stream = arrived(b"abc", length=10).body
    for read in (first, lambda stream: stream.read()):
        with pytest.raises(BadBodyError, match="400"):
            read(stream)


@pytest.mark.parametrize("length", ["+2", "-1", "0x2", "0_2", "2 2", "2, 2", "bla", "²", "2.0"])
def test_a_length_is_a_number(length):
    source = Input(b"{}")
    with pytest.raises(BadBodyError):
        arrived(input=source, length=length).json()
    assert source.calls == 0


@pytest.mark.parametrize("length", [LIMIT + 1, 10**19, "9" * 5000])
def test_a_body_announced_as_too_large_is_not_read(length):
    source = Input(b"x")
    with pytest.raises(RequestEntityTooLarge):
        arrived(input=source, length=length).bytes()
    assert source.calls == 0


def test_a_body_as_large_as_allowed_is_read():
    assert len(arrived(b"x" * LIMIT, length=f"000{LIMIT}").bytes()) == LIMIT
    assert len(chunked(b"x" * LIMIT).bytes()) == LIMIT


@pytest.mark.parametrize("step", [1, 7, 10**9])
def test_a_chunked_body_is_counted_while_it_is_read(step):
    source = Input(b"x" * 10 * LIMIT, step)
    with pytest.raises(RequestEntityTooLarge):
        chunked(input=source).bytes()
    assert source.data.tell() == LIMIT + 1
    stream = chunked(b"x" * 10 * LIMIT).body
    with pytest.raises(RequestEntityTooLarge):
        b"".join(iter(lambda: stream.read(100), b""))


@pytest.mark.parametrize("error", [OSError("reset"), ValueError("bad chunk"), EOFError()])
def test_whatever_the_server_raises_is_the_clients_fault(error):
    request = chunked(input=Input(b"abc", error=error))
    with pytest.raises(BadBodyError) as raised:
        request.text()
    assert raised.value.__cause__ is error


def test_an_http_error_of_a_middleware_stays_what_it_is():
    with pytest.raises(RequestEntityTooLarge):
        chunked(input=Input(b"", error=RequestEntityTooLarge())).text()


def test_length_and_coding_together_are_refused():
    with pytest.raises(BadBodyError):
        chunked(b"{}", length=2).json()


def test_a_coding_other_than_chunked_is_refused():
    with pytest.raises(BadBodyError):
        arrived(b"{}", HTTP_TRANSFER_ENCODING="gzip, chunked").json()


def test_a_server_that_can_not_tell_the_end_needs_a_length():
    with pytest.raises(LengthRequired):
        arrived(b"{}", HTTP_TRANSFER_ENCODING="chunked").json()


def test_a_compressed_body_is_not_unpacked():
    for read in (Request.text, Request.json, Request.form_data):
        request = arrived(b"\x1f\x8b", length=2, HTTP_CONTENT_ENCODING="gzip")
        with pytest.raises(UnsupportedMediaType):
            read(request)
        assert request.bytes() == b"\x1f\x8b"
    assert arrived(b"1", length=1, HTTP_CONTENT_ENCODING="Identity").json() == 1
    made = Request("http://x/", method="POST", body=b"", headers={"content-encoding": "br"})
    with pytest.raises(UnsupportedMediaType):
        made.text()


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"[" * 100_000, b'"\xff"', b"9" * 5000])
def test_bad_json_is_the_clients_fault(body):
    request = arrived(body, length=len(body), limit=10**6)
    with pytest.raises(BadBodyError) as raised:
        request.json()
    assert raised.value.code == 400
    assert raised.value.description.startswith("This ")


def test_text_that_is_not_utf_8_is_the_clients_fault():
    with pytest.raises(BadBodyError) as raised:
        arrived(b"a\xff", length=2).text()
    assert raised.value.description == "The body is not UTF-8 at byte 1."


# ----------------------------------------------------------------- limits

READERS = (Request.json, Request.text, Request.bytes, Request.form_data, lambda r: r.body.read())
READ_TEXT = (Request.json, Request.text, lambda r: r.json(list[int]))


def in_both_framings(body, **more):
    """The request with a Content-Length, and the one whose length is not known."""
    return arrived(body, length=len(body), **more), chunked(body, **more)


def test_json_and_text_are_limited_by_the_limit_of_text():
    fits, too_long = b"[" + b"1," * 48 + b"1 ]", b"[" + b"1," * 48 + b"1  ]"
    for read in READ_TEXT:
        for request in in_both_framings(fits, limit=1000, text=100):
            assert len(read(request)) in (49, 100)
        for request in in_both_framings(too_long, limit=1000, text=100):
            with pytest.raises(RequestEntityTooLarge) as raised:
                read(request)
            assert raised.value.description == (
                "The text of the body is larger than security.max_text_size: 100 bytes."
            )
    for read in (Request.bytes, lambda r: r.body.read()):
        for request in in_both_framings(too_long, limit=1000, text=100):
            assert read(request) == too_long


def test_a_length_may_begin_with_zeros():
    for read in READERS[:3]:
        assert read(arrived(b"1", length="0" * 5000 + "1")) in (1, "1", b"1")
    assert arrived(length="0" * 5000).text() == ""
    with pytest.raises(RequestEntityTooLarge):
        arrived(length="0" * 5000 + "2000").text()


def test_text_that_is_announced_as_too_long_is_not_received():
    input = Input(b"x" * 101)
    with pytest.raises(RequestEntityTooLarge):
        arrived(length=101, input=input, limit=1000, text=100).text()
    assert input.calls == 0


def test_text_without_a_length_is_received_only_up_to_the_limit():
    input = Input(b"x" * 10**6)
    with pytest.raises(RequestEntityTooLarge):
        chunked(input=input, limit=10**6, text=100).text()
    assert input.data.tell() <= 100 + BLOCK


@pytest.mark.parametrize("text", [100, 1000])
def test_the_limit_of_every_body_limits_text_too(text):
    for read in READERS:
        kind = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
        for request in in_both_framings(b"x" * 101, limit=100, text=text, **kind):
            with pytest.raises(RequestEntityTooLarge) as raised:
                read(request)
            assert raised.value.description == (
                "The body is larger than security.max_body_size: 100 bytes."
            )


def test_a_clone_has_the_same_limits_and_leaves_the_other_body_alone():
    for request in in_both_framings(b"x" * 200, limit=1000, text=100):
        other = request.clone().clone()
        for limited in (other, request.clone()):
            with pytest.raises(RequestEntityTooLarge):
                limited.text()
        assert request.bytes() == b"x" * 200
    for request in in_both_framings(b"x" * 200, limit=1000, text=100):
        other = request.clone()
        assert other.bytes() == b"x" * 200
        with pytest.raises(RequestEntityTooLarge):
            request.json()


def test_limits_can_be_replaced_until_the_body_is_read():
    for request in in_both_framings(b"x" * 200, limit=100):
        moved = request.with_url(lambda: "http://x/new")
        moved.limit_body(BodyLimits(150, 150, of_route=True))
        with pytest.raises(RequestEntityTooLarge) as raised:
            moved.clone().text()
        assert raised.value.description == (
            "The body is larger than max_body_size of this route: 150 bytes."
        )
    for request in in_both_framings(b"x" * 200, limit=100):
        copy = request.clone()
        request.limit_body(BodyLimits(200, 200))
        assert copy.text() == request.text() == "x" * 200
    made = Request("http://x/", method="POST", body="abc")
    made.limit_body(BodyLimits(1, 1))
    assert made.text() == "abc"  # not from a client


# ----------------------------------------------------------------- forms

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


def entry(content, parameters='name="a"', *headers):
    lines = ["--b", f"Content-Disposition: form-data; {parameters}", *headers, "", content, ""]
    return "\r\n".join(lines).encode()


def test_a_form_of_another_type_is_unsupported():
    with pytest.raises(FormTypeError) as raised:
        posted(b"a=1", "application/json").form_data()
    assert raised.value.code == 415
    with pytest.raises(FormTypeError):
        arrived().form_data()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"a=\xff", URLENCODED),
        (b"a=%FF", URLENCODED),
        (b"%ED%A0%80=1", URLENCODED),
        (b"", MULTIPART),
        (entry("1"), MULTIPART),
        (entry("1") + b"--b--", "multipart/form-data"),
        (entry("1").replace(b"1", b"\xff") + b"--b--", MULTIPART),
        (entry("1").replace(b'"a"', b'"\xff"') + b"--b--", MULTIPART),
        (entry("1", "name=a; filename*=utf-8''%FF") + b"--b--", MULTIPART),
    ],
)
def test_a_broken_form_is_the_clients_fault(body, kind):
    with pytest.raises(BadBodyError):
        posted(body, kind).form_data()


def test_a_form_of_a_thousand_entries_is_read_and_one_more_is_not():
    many = b"&".join([b"a=1"] * 1000)
    assert len(posted(many, URLENCODED).form_data()) == 1000
    parts = entry("1") * 1000
    assert len(posted(parts + b"--b--", MULTIPART).form_data()) == 1000
    for body, kind in ((many + b"&a=1", URLENCODED), (parts + entry("1") + b"--b--", MULTIPART)):
        with pytest.raises(RequestEntityTooLarge):
            posted(body, kind).form_data()


def test_the_text_of_a_form_is_limited_its_files_are_not():
    big = "x" * 600
    for file, kind in (
        (entry(big, 'name="f"; filename="f"') + entry("x" * 200) + b"--b--", MULTIPART),
        (b"a=" + b"x" * 498, URLENCODED),
    ):
        for request in in_both_framings(file, limit=2000, text=500, CONTENT_TYPE=kind):
            assert len(request.form_data()) == 1 + (kind == MULTIPART)
    for body, kind in (
        (b"a=" + big.encode(), URLENCODED),
        (entry(big) + b"--b--", MULTIPART),
        (entry("x" * 300) * 2 + b"--b--", MULTIPART),
    ):
        for request in in_both_framings(body, limit=2000, text=500, CONTENT_TYPE=kind):
            with pytest.raises(RequestEntityTooLarge, match="max_text_size: 500 bytes"):
                request.form_data()


def test_the_headers_of_a_part_are_limited():
    body = entry("1", 'name="a"', "X: " + "y" * 20_000) + b"--b--"
    with pytest.raises(RequestEntityTooLarge, match="too long headers"):
        posted(body, MULTIPART).form_data()


def test_big_uploads_go_to_the_disk_and_come_back():
    content = bytes(range(256)) * 10_000
    form = FormData()
    form.append("a", File(content, "a.bin"))
    form.append("b", "text")
    form.append("c", File(b"small", "c.bin"))
    sent = Request("http://x/", method="POST", body=form)
    form = Request.from_environ(sent.to_environ(), str, limits=BodyLimits(10**7, 10**7)).form_data()
    assert form.get("a").bytes() == content
    assert form.get("c").stream().read() == b"small"
    assert form.get("b") == "text"


@given(st.data())
def test_a_multipart_form_cut_anywhere_is_never_taken_for_whole(data):
    whole = entry("one") + entry("two", 'name="f"; filename="x"') + b"--b--"
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(BadBodyError):
        posted(cut, MULTIPART).form_data()


# ------------------------------------------------------ environ and Werkzeug


def test_an_environ_is_made_for_a_request_made_by_hand():
    request = Request(
        "https://exämple.com:8443/a%20b/ü?q=%20#top",
        method="POST",
        headers={"X-Y": "1", "Content-Type": "a/b", "Cookie": "a=1"},
        body="äb",
    )
    environ = request.to_environ()
    assert environ["REQUEST_METHOD"] == "POST"
    assert environ["PATH_INFO"] == "/a b/ü".encode().decode("latin-1")
    assert environ["QUERY_STRING"] == "q=%20"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("xn--exmple-cua.com", "8443")
    assert environ["HTTP_HOST"] == "xn--exmple-cua.com:8443"
    assert environ["wsgi.url_scheme"] == "https"
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("a/b", "3")
    assert (environ["HTTP_X_Y"], environ["HTTP_COOKIE"]) == ("1", "a=1")
    assert not request.body_used
    assert environ["wsgi.input"].read() == "äb".encode()
    assert request.body_used


def test_the_ports_of_an_environ_are_the_schemes_own():
    assert Request("http://x/").to_environ()["SERVER_PORT"] == "80"
    assert Request("https://[::1]/").to_environ()["SERVER_PORT"] == "443"


def test_headers_may_give_another_host_and_length():
    headers = {"Host": "evil.example", "Content-Length": "99"}
    environ = Request("http://x/", method="POST", headers=headers, body="abc").to_environ()
    assert (environ["HTTP_HOST"], environ["CONTENT_LENGTH"]) == ("evil.example", "99")
    assert "HTTP_CONTENT_LENGTH" not in environ


def test_only_http_and_https_urls_have_an_environ():
    with pytest.raises(ValueError, match="Only http and https"):
        Request("ftp://x/").to_environ()


@pytest.mark.parametrize("body", [None, "", "text", b"bytes", iter(["a", "b"])])
def test_an_environ_is_valid_wsgi(body):
    def application(environ, start_response):
        size = 10 if "CONTENT_LENGTH" in environ or body is not None else 0
        data = environ["wsgi.input"].read(size)
        start_response("200 OK", [("content-type", "text/plain")])
        return [data]

    environ = Request("http://x/?a=1", method="POST", body=body).to_environ()
    answer = validator(application)(environ, lambda *_: None)
    assert b"".join(answer) in (b"", b"text", b"bytes", b"ab")
    answer.close()


def test_a_request_goes_through_its_environ_unread():
    pieces = iter(["a", "é"])
    sent = Request("http://x/", method="POST", body=pieces)
    got = Request.from_environ(sent.to_environ(), lambda: sent.url, limits=LIMITS)
    assert next(pieces) == "a"
    assert got.text() == "é"
    with pytest.raises(BodyUsedError):
        sent.text()


def test_a_body_that_was_read_is_not_sent_again():
    sent = Request("http://x/", method="POST", body="x")
    sent.text()
    got = Request.from_environ(sent.to_environ(), str, limits=LIMITS)
    with pytest.raises(BodyUsedError):
        got.text()


def test_werkzeugs_request_is_there_and_shares_the_body():
    request = arrived(
        b"a=1", length=3, CONTENT_TYPE=URLENCODED, HTTP_RANGE="bytes=0-1", QUERY_STRING="b=2"
    )
    below = request.werkzeug
    assert isinstance(below, werkzeug.Request)
    assert below is request.werkzeug
    assert below.args["b"] == "2"
    assert below.range.ranges == [(0, 2)]
    assert not request.body_used
    assert below.form["a"] == "1"
    assert request.body_used
    made = Request("http://x/?b=2", method="POST", body="abc").werkzeug
    assert (made.args["b"], made.get_data()) == ("2", b"abc")


def test_a_request_with_another_url_takes_the_body_along():
    request = arrived(b"abc", length=3, HTTP_X="1")
    moved = request.with_url(lambda: "http://x/new")
    assert (moved.method, moved.url, moved.headers["x"]) == ("POST", "http://x/new", "1")
    assert moved.text() == "abc"
    assert request.body_used
    assert request.url == "http://localhost/"
    again = moved.with_url(lambda: "http://x/newer")
    with pytest.raises(BodyUsedError):
        again.text()
    assert not arrived().with_url(str).body_used


def test_a_clone_of_an_arrived_request_shares_what_arrives():
    source = Input(b"abc")
    request = arrived(input=source, length=3)
    other = request.clone()
    assert source.calls == 0
    assert (other.text(), request.text(), other.url) == ("abc", "abc", "http://localhost/")


def test_options_by_position_are_a_type_error():
    with pytest.raises(TypeError, match=r'Request\(url, method="POST"\)'):
        Request("http://a/", "POST")
