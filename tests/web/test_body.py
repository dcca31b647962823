import asyncio
import contextvars
import gc
import io
import os
import re
import socket
import threading
import weakref
from contextlib import suppress
from http.client import HTTPResponse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.web.errors import BodyUsedError
from framework.web.formdata import File
from framework.web.request import Request
from framework.web.response import Response
from framework.web.stream import to_bytes


class Pieces:
    """An iterable that counts what is pulled from it and how often it is closed."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.pulled = self.closed = 0

    def __iter__(self):
        for piece in self.pieces:
            self.pulled += 1
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self):
        self.closed += 1


async def async_pieces(*pieces):
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


class AsyncIterator:
    """An async iterator without `aclose`."""

    def __init__(self, *pieces):
        self.pieces = iter(pieces)

    def __aiter__(self):
        return self

    async def __anext__(self):
        for piece in self.pieces:
            return piece
        raise StopAsyncIteration


BODIES = {
    "str": lambda: "a€",
    "bytes": lambda: "a€".encode(),
    "bytearray": lambda: bytearray("a€".encode()),
    "memoryview": lambda: memoryview("a€".encode()),
    "file": lambda: File("a€", "x"),
    "list": lambda: ["a", b"\xe2", b"\x82\xac"],
    "generator": lambda: (piece for piece in ("a", "", "€")),
    "binary file": lambda: io.BytesIO("a€".encode()),
    "text file": lambda: io.StringIO("a€"),
    "async generator": lambda: async_pieces("a", b"", "€"),
    "async iterator": lambda: AsyncIterator("a", "€"),
}
every_body = pytest.mark.parametrize("make", BODIES.values(), ids=BODIES)


@every_body
def test_each_reader_gives_the_body_and_uses_it(make):
    assert Response(make()).bytes() == "a€".encode()
    response = Response(make())
    assert not response.body_used
    assert response.text() == "a€"
    assert response.body_used
    with pytest.raises(BodyUsedError, match=r"Response was already read.*clone"):
        response.bytes()


@every_body
def test_the_body_is_a_binary_stream(make):
    response = Response(make())
    stream = response.body
    assert stream is response.body
    assert not response.body_used
    assert stream.read(2) == b"a\xe2"
    assert response.body_used
    assert stream.read() == b"\x82\xac"
    assert stream.read() == b""
    with pytest.raises(BodyUsedError):
        response.text()


def test_a_body_that_was_read_gives_no_stream_of_it():
    response = Response("x")
    stream = response.body
    response.text()
    with pytest.raises(BodyUsedError):
        stream.read()


@every_body
def test_clones_read_the_same(make):
    first = Response(make())
    second = first.clone()
    third = second.clone()
    assert [third.text(), first.text(), second.text()] == ["a€"] * 3


def test_a_used_body_can_not_be_cloned():
    response = Response("x")
    response.text()
    with pytest.raises(BodyUsedError, match="can't be cloned"):
        response.clone()


def test_a_null_body_can_be_read_again():
    response = Response()
    assert response.body is None
    assert [response.text(), response.bytes(), response.clone().text()] == ["", b"", ""]
    assert not response.body_used


@pytest.mark.parametrize("body", [5, True, {"a": 1}, object(), [1], [{"a": 1}], ("a", None)])
def test_a_body_of_another_type_is_a_type_error(body):
    with pytest.raises(TypeError, match=r"Response\.json"):
        Response(body)


def test_a_buffer_is_copied():
    buffer = bytearray(b"abc")
    response = Response(buffer)
    buffer[:] = b"xyz"
    assert response.bytes() == b"abc"
    assert Response(bytearray()).body is not None


def test_surrogates_become_what_browsers_send():
    assert Response("a\ud800").bytes() == "a\ufffd".encode()


def test_a_byte_order_mark_is_dropped():
    assert Response("\ufeffa\ufeff").text() == "a\ufeff"
    assert Request("http://x/", method="POST", body="\ufeffa").text() == "a"


def test_invalid_utf_8_of_a_response_is_replaced():
    assert Response(b"a\xff").text() == "a\ufffd"
    assert Response(b'["\xff"]').json() == ["\ufffd"]


def test_nothing_is_pulled_before_it_is_needed():
    pieces = Pieces("a", "b")
    response = Response(pieces)
    response.clone()
    assert pieces.pulled == 0


def test_a_stream_is_closed_once_when_it_was_read():
    pieces = Pieces("a")
    response = Response(pieces)
    response.text()
    response.close()
    assert pieces.closed == 1


def test_a_stream_that_is_not_needed_is_closed_unread():
    pieces = Pieces("a")
    response = Response(pieces)
    response.close()
    assert (pieces.pulled, pieces.closed) == (0, 1)
    with pytest.raises(BodyUsedError):
        response.text()
    Response("text").close()


def test_closing_the_stream_of_a_body_closes_what_it_comes_from():
    pieces = Pieces("a", "b")
    with Response(pieces).body as stream:
        assert stream.read(1) == b"a"
    assert pieces.closed == 1


def test_closing_the_stream_of_a_body_does_not_close_another_reader():
    pieces = Pieces("a", "b")
    response = Response(pieces)
    stream = response.body
    chunks = response.send(lambda *_: None)
    assert next(iter(chunks)) == b"a"
    stream.close()
    assert pieces.closed == 0
    assert list(chunks) == [b"b"]


def test_a_generator_is_closed_through_its_iterable():
    ended = []

    class Source:
        def __iter__(self):
            try:
                yield "a"
                yield "b"
            finally:
                ended.append(1)

    response = Response(Source())
    assert response.body.read(1) == b"a"
    response.close()
    assert ended == [1]


def test_a_failure_is_raised_and_the_stream_closed():
    pieces = Pieces("a", OSError("lost"))
    response = Response(pieces)
    with pytest.raises(OSError, match="lost"):
        response.text()
    assert pieces.closed == 1


def test_half_a_body_is_never_taken_for_a_whole():
    first = Response(Pieces("a", OSError("lost")))
    second = first.clone()
    for response in (first, second):
        with pytest.raises(OSError, match="lost"):
            response.bytes()
    stream = Response(Pieces(OSError("lost"))).body
    for _ in range(2):
        with pytest.raises(OSError, match="lost"):
            stream.read(1)


texts = st.text(st.characters(codec=None), max_size=3)
data = st.binary(max_size=3)
ends = st.sampled_from(
    [
        (None, "StopIteration()"),
        (OSError("lost"), "OSError('lost')"),
        (SystemExit(3), "RuntimeError('SystemExit(3) was raised in a body.')"),
    ]
)


@given(
    st.lists(texts | data | data.map(bytearray) | data.map(memoryview), max_size=9),
    ends,
    st.lists(st.booleans(), min_size=13, max_size=13),
)
def test_a_stream_has_the_same_chunks_and_end_however_it_is_iterated(pieces, end, turns):
    failure, expected = end

    def generate():
        yield from pieces
        if failure is not None:
            raise failure

    stream = Response(generate()).send(lambda *_: None)
    rest = iter(stream)
    chunks, raised = [], []
    for turn in turns:
        try:
            chunks.append(next(rest if turn else stream))
        except (StopIteration, OSError, RuntimeError) as error:
            raised.append(repr(error))
    assert chunks == [to_bytes(piece) for piece in pieces if piece]
    assert len(chunks) + len(raised) == 13
    assert set(raised) == {expected}


def test_a_file_that_failed_keeps_failing():
    class Lost(io.BytesIO):
        def read(self, size=-1):
            raise OSError("lost")

        read1 = read

    response = Response(Lost())
    chunks = response.send(lambda *_: None)
    for _ in range(2):
        with pytest.raises(OSError, match="lost"):
            next(iter(chunks))
    with pytest.raises(OSError, match="lost"):
        chunks.read()


class StrangeError(Exception):
    """It can't be copied: its `args` are not those of its class."""

    def __init__(self, host, port):
        super().__init__(f"lost {host}:{port}")


def test_a_failure_that_can_not_be_copied_becomes_an_oserror():
    stream = Response(Pieces(StrangeError("a", 1))).body
    with pytest.raises(StrangeError):
        stream.read(1)
    with pytest.raises(OSError, match=r"could not be read: StrangeError\('lost a:1'\)"):
        stream.read(1)


def test_a_stream_that_failed_is_freed_without_a_garbage_collection():
    class Source:
        def __iter__(self):
            yield "a"
            raise OSError("lost")

    source = Source()
    response = Response(source)
    alive = weakref.ref(source)
    gc.disable()
    try:
        for other in (response.clone(), response):
            with suppress(OSError):
                other.body.read(9)
            with suppress(OSError):
                other.body.read(9)
        del source, response, other
        assert alive() is None
    finally:
        gc.enable()


def test_a_pipe_is_sent_as_its_bytes_come():
    """A stream that waited for a whole block would hang here."""
    end, other = os.pipe()
    with open(other, "wb", buffering=0) as writer:
        chunks = Response(os.fdopen(end, "rb")).send(lambda *_: None)
        for data in (b"a", b"bc"):
            writer.write(data)
            assert next(iter(chunks)) == data
    assert list(chunks) == []
    chunks.close()


def test_the_response_of_a_server_is_passed_on_as_it_comes():
    server, client = socket.socketpair()
    with server, client:
        server.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        upstream = HTTPResponse(client)
        upstream.begin()
        chunks = Response(upstream).send(lambda *_: None)
        assert next(iter(chunks)) == b"a"
        server.sendall(b"2\r\nbc\r\n0\r\n\r\n")
        assert b"".join(chunks) == b"bc"
        chunks.close()


def test_pieces_of_another_kind_are_a_type_error():
    with pytest.raises(TypeError, match="pieces of a body are str or bytes, not int: 5"):
        Response(iter(["a", 5])).text()


def test_a_clone_keeps_for_the_other_only_what_it_is_ahead():
    pieces = Pieces("a", "b", "c")
    first = Response(pieces)
    second = first.clone()
    one, two = first.send(lambda *_: None), second.send(lambda *_: None)
    assert [next(one), next(one), next(two)] == [b"a", b"b", b"a"]
    assert pieces.pulled == 2
    one.close()
    assert pieces.closed == 0
    assert list(two) == [b"b", b"c"]
    two.close()
    assert pieces.closed == 1
    assert list(one) == []


@given(st.lists(st.binary(max_size=5)), st.lists(st.booleans(), max_size=30))
def test_clones_may_be_read_in_any_turn(pieces, turns):
    first = Response(iter(pieces))
    streams = [first.clone().send(lambda *_: None), first.send(lambda *_: None)]
    got = [b"", b""]
    for turn in turns:
        got[turn] += next(streams[turn], b"")
    assert [got[i] + b"".join(streams[i]) for i in (0, 1)] == [b"".join(pieces)] * 2


@pytest.mark.parametrize(
    ("body", "streams"), [(None, False), ("a", False), (b"", False), ([], True), (iter("a"), True)]
)
def test_a_body_streams_if_it_comes_piece_by_piece(body, streams):
    assert Response(body).streams is streams


# ------------------------------------------------------------------- async


def test_an_async_body_is_one_task_and_its_reader_gets_the_variables_that_it_sets():
    seen = []
    variable = contextvars.ContextVar("variable", default="outside")

    async def pieces():
        try:
            seen.append(asyncio.current_task())
            variable.set("inside")
            yield "a"
            seen.append(asyncio.current_task())
            yield variable.get()
        finally:
            seen.append(asyncio.current_task())

    def read():
        return Response(pieces()).text(), variable.get()

    assert contextvars.copy_context().run(read) == ("ainside", "inside")
    assert len(seen) == 3
    assert len(set(map(id, seen))) == 1
    assert variable.get() == "outside"


def test_an_async_body_can_be_read_while_a_loop_runs():
    async def reader():
        return Response(async_pieces("a", "b")).text(), threading.current_thread()

    text, thread = asyncio.run(reader())
    assert text == "ab"
    assert thread is threading.current_thread()


def test_a_failing_async_body_is_closed():
    ended = []

    async def pieces():
        try:
            yield "a"
            raise OSError("lost")
        finally:
            ended.append(1)

    with pytest.raises(OSError, match="lost"):
        Response(pieces()).text()
    assert ended == [1]


# ------------------------------------------------------------------- forms

MULTIPART = "multipart/form-data; boundary=b"


def response(body, kind):
    return Response(body, headers={"content-type": kind})


def part(content, *headers):
    return "--b\r\n" + "".join(f"{h}\r\n" for h in headers) + f"\r\n{content}\r\n"


def named(name, content, *more):
    return part(content, f'Content-Disposition: form-data; name="{name}"', *more)


def test_a_form_is_read_as_its_content_type_says():
    form = response("a=1&b=%C3%A9+&?c", "Application/X-WWW-Form-Urlencoded; charset=x").form_data()
    assert form.items() == [("a", "1"), ("b", "é "), ("?c", "")]
    body = named("a", "1") + named("b", "é", "Content-Type: text/plain; charset=rot13") + "--b--"
    assert response(body, MULTIPART).form_data().items() == [("a", "1"), ("b", "é")]
    assert response(iter(["--b-", "-\r\n"]), MULTIPART).form_data().items() == []


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    "body",
    [
        named("a", "1") + "--b--",
        named("a", "1") + "--b--\r\nafter\r\nit",
        named("a", "1") + "--b-- \t\r\n",
        named("a", "1") + "--b--  ",
        "\r\n\r\n" + named("a", "1") + "--b--\r\n",
    ],
)
def test_what_follows_a_multipart_form_is_ignored(body, size):
    """https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1"""
    chunks = (body[at : at + size] for at in range(0, len(body), size))
    assert response(chunks, MULTIPART).form_data().items() == [("a", "1")]


@pytest.mark.parametrize("value", ["x--b", "--b \tc", "\r\n-b", "\n--b\n", "\r--b\r\n"])
@pytest.mark.parametrize("size", [1, 1000])
def test_only_a_boundary_after_crlf_ends_a_part(value, size):
    body = named("a", value) + "--b--\r\n"
    chunks = (body[at : at + size] for at in range(0, len(body), size))
    assert response(chunks, MULTIPART).form_data().items() == [("a", value)]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("before\r\n" + named("a", "1") + "--b--\r\n", "it doesn't begin with its boundary"),
        ("\n" + named("a", "1") + "--b--\r\n", "it doesn't begin with its boundary"),
        ("--b\n--b--\r\n", "Invalid line break after first boundary"),
        ("--b\r--b--\r\n", "Unexpected byte after first boundary"),
        ("--b- ---b--\r\n", "Unexpected byte after first boundary"),
        ("--b\r\n\r\n\r\n--b--\r\n", "a part has no Content-Disposition of a form: ''"),
        (named("a", "1\r\n--bc") + "--b--\r\n", "Unexpected bytes after boundary"),
        (named("a", "1\r\n--b\n") + "--b--\r\n", "Unexpected bytes after boundary"),
        (named("a", "1--b--\r\n"), "it ends before its last boundary"),
        ("--b", "it ends before its last boundary"),
        ("", "it ends before its last boundary"),
        (named("a\nb", "1") + "--b--\r\n", "a part has an invalid header: "),
        (named("a\rb", "1") + "--b--\r\n", "a part has an invalid header: "),
        (named("a", "1", "\nX: y") + "--b--\r\n", "a part has an invalid header: '\\nX: y'"),
        (named("a", "1", " X: y") + "--b--\r\n", "a part has an invalid header: ' X: y'"),
        (named("a", "1", "X Y: z") + "--b--\r\n", "Invalid segment header name"),
        (named("a", "1", ": z") + "--b--\r\n", "Invalid segment header name"),
        (named("a", "1", "X-Y") + "--b--\r\n", "Malformed segment header"),
        (named("a", "1", "Content-Length: 2") + "--b--\r\n", "Segment size does not match"),
        (part("1", "Content-Disposition: form-data; x=y") + "--b--", "a part has no name, or two"),
        (named('a"; name="b', "1") + "--b--\r\n", "a part has no name, or two"),
        (named('a"; filename*="b', "1") + "--b--\r\n", "a part has an invalid filename*: 'b'"),
        (named('a"; filename*="utf-8\'b', "1") + "--b--\r\n", "a part has an invalid filename*: "),
        (named('a"; x', "1") + "--b--\r\n", "a part has no Content-Disposition of a form: "),
        (named("a\\", "1") + "--b", "it ends before its last boundary"),
        (named('a\\"b"c', "1") + "--b--", "a part has no Content-Disposition of a form: "),
        (named('a"; filename="f"; filename="g', "1") + "--b--\r\n", "a part has no name, or two"),
    ],
)
def test_an_invalid_multipart_form_is_not_an_empty_form(body, why):
    with pytest.raises(ValueError, match="This form can't be read: " + re.escape(why)):
        response(body, MULTIPART).form_data()


def test_blanks_around_a_parts_header_mean_nothing():
    body = part("1", 'content-disposition \t: \tform-data; name="a" ') + "--b--"
    assert response(body, MULTIPART).form_data().items() == [("a", "1")]


@pytest.mark.parametrize(
    ("parameters", "name", "filename"),
    [
        ('name="f"; filename="x.txt"', "f", "x.txt"),
        ("name=f;filename=x.txt;", "f", "x.txt"),
        ('filename="x.txt"; NAME="f"', "f", "x.txt"),
        ('name="a%22b%0D%0Ac%20"; filename="%22"', 'a"b\r\nc%20', '"'),
        ('name="f"; filename="a\\b"', "f", "a\\b"),
        ('name="f"; filename=""', "f", ""),
        ('name=""; filename="C:\\\\x.txt"', "", "C:\\\\x.txt"),
        ('name="é"; filename="ü.txt"', "é", "ü.txt"),
        ('name="f";\tfilename="x.txt"', "f", "x.txt"),
        ("name=f; filename*=utf-8''n%C3%A4me", "f", "näme"),
        ("name=f; filename*=evil''n%E4me", "f", "näme"),
        ("name=f; filename=a; filename*=utf-8''b", "f", "a"),
        ("name=f; filename*=UTF-8'en'n%C3%A4me", "f", "näme"),
        ("name=f; filename*=\"iso-8859-1'de'n%E4me\"", "f", "näme"),
        ("name*=utf-8''n%C3%A4me; filename=a", "näme", "a"),
        ("name=f; name*=utf-8''x; filename=a", "f", "a"),
        ('name="f"; filename="a\\"b.txt"', "f", 'a"b.txt'),
        ('name="\\"f\\\\\\""; filename="a\\b"', '"f\\"', "a\\b"),
        ('name="f"; filename="a\\"; x=y', "f", "a\\"),
        ('name="f"; filename="x"; creation-date="Sat; 1"; x-id=1; a.b=c', "f", "x"),
        ('name = "f" ;\tfilename\t=  x.txt ; ', "f", "x.txt"),
        ("name=f; filename=a=b", "f", "a=b"),
    ],
)
def test_a_part_with_a_file_name_is_a_file(parameters, name, filename):
    body = part("data", f"Content-Disposition: form-data; {parameters}") + "--b--"
    ((found, file),) = response(body, MULTIPART).form_data().items()
    assert (found, file.name, file.type, file.text()) == (name, filename, "text/plain", "data")


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "--b",
        "--b\r\n",
        "--b\r--b--\r\n",
        "--b\n--b--\r\n",
        named("a", "1"),
        named("a", "1") + "--b-",
        named("a", "1") + "--bc--",
        named("a", "1").replace("\r\n", "\n") + "--b--",
        "--b\r\n\r\nno headers\r\n--b--",
        part("1", "X: y") + "--b--",
        part("1", "Content-Disposition: form-data") + "--b--",
        part("1", 'Content-Disposition: attachment; name="a"') + "--b--",
        part("1", 'Content-Disposition: form-data; name="a\r\nX: y"') + "--b--",
        part("1", 'Content-Disposition: form-data; name="a', 'b"') + "--b--",
    ],
)
def test_a_broken_form_is_a_value_error(body):
    with pytest.raises(ValueError, match="This form can't be read"):
        response(body, MULTIPART).form_data()


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_multipart_form_needs_a_boundary(kind):
    with pytest.raises(ValueError, match="no boundary"):
        response("--b--", kind).form_data()


@pytest.mark.parametrize("kind", ["text/plain", "", "multipart/mixed; boundary=b"])
def test_a_body_of_another_content_type_is_not_a_form(kind):
    made = response("a=1", kind)
    with pytest.raises(TypeError, match="A form's content type is"):
        made.form_data()
    assert made.body_used


def test_the_form_of_a_response_has_no_limits_and_is_never_invalid():
    body = b"&".join([b"a=\xff"] * 2000)
    form = response(body, "application/x-www-form-urlencoded").form_data()
    assert form.get_all("a") == ["\ufffd"] * 2000
    escaped = response("a=%FF", "application/x-www-form-urlencoded").form_data()
    assert escaped.get("a") == "\ufffd"
    many = (named("a", "x" * 1000) * 1001 + "--b--").encode()
    assert len(response(many, MULTIPART).form_data()) == 1001
    long = part("1", "X: " + "y" * 20_000, 'Content-Disposition: form-data; name="a"') + "--b--"
    assert response(long, MULTIPART).form_data().items() == [("a", "1")]
