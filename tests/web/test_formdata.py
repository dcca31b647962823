import io
import threading
import zipfile
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.web.formdata import File, FormData
from framework.web.multipart import parse_multipart, write_multipart


def form(*entries):
    made = FormData()
    for name, value in entries:
        made.append(name, value)
    return made


# ------------------------------------------------------------------- File


def test_a_file_is_made_of_bytes_text_files_and_lists_of_them():
    inner = File("ü", "inner")
    file = File(["a", b"b", bytearray(b"c"), memoryview(b"d"), inner, array("B", [101])], "x")
    assert file.bytes() == "abcdüe".encode()
    assert file.size == 7
    assert File("é", "x").text() == "é"
    assert File(inner, "y", type="Text/Plain").bytes() == "ü".encode()


def test_a_file_has_a_name_and_a_type_in_lower_case():
    file = File(b"", "a\ud800.txt", type="Image/SVG+xml")
    assert (file.name, file.type) == ("a\ufffd.txt", "image/svg+xml")
    assert File(b"", "x", type="a/b\r\nX: y").type == ""
    assert repr(File(b"abc", "x.txt", type="text/plain")) == (
        "File('x.txt', type='text/plain', size=3)"
    )


def test_the_text_of_a_file_is_utf_8_without_mark_and_never_fails():
    assert File(b"\xef\xbb\xbfa\xff", "x").text() == "a\ufffd"


@pytest.mark.parametrize("content", [5, None, {"a": "b"}, [1]])
def test_a_file_of_something_else_is_a_type_error(content):
    with pytest.raises(TypeError, match="A File's content is"):
        File(content, "x")


def test_a_binary_file_is_not_read_before_it_is_needed():
    source = io.BytesIO(b"0123456789")
    source.read = None  # as long as nobody asks
    file = File(source, "x")
    assert file.size == 10
    del source.read
    assert file.bytes() == file.bytes() == b"0123456789"
    first, second = file.stream(), file.stream()
    assert (first.read(3), second.read(5), first.read()) == (b"012", b"01234", b"3456789")
    assert first.readable()


def test_streams_of_a_file_begin_at_its_beginning():
    file = File(b"abc", "x")
    assert [file.stream().read(), file.stream().read()] == [b"abc", b"abc"]


def test_files_of_one_form_can_be_read_in_threads():
    contents = [bytes([65 + i]) * 300_000 for i in range(8)]
    body = write_multipart(form(*((str(i), File(c, "f")) for i, c in enumerate(contents))), "b")
    parsed = parse_multipart([body], "b", strict=True)
    seen = {}

    def read(name):
        stream = parsed.get(name).stream()
        seen[name] = b"".join(iter(lambda: stream.read(999), b""))

    threads = [threading.Thread(target=read, args=(name,)) for name in parsed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [seen[str(i)] for i in range(8)] == contents


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "etc_passwd"),
        ("/abs/é.txt", "abs_e.txt"),
        (".hidden", "hidden"),
        ("x" * 300 + ".txt", "x" * 100 + ".txt"),
    ],
)
def test_a_file_is_saved_under_a_harmless_name(tmp_path, name, saved):
    path = File(b"content", name).save_to(tmp_path)
    assert path == tmp_path / saved
    assert path.read_bytes() == b"content"


@pytest.mark.parametrize("name", ["", "..", "/", "日本", "\0"])
def test_a_file_without_a_usable_name_gets_a_random_one(tmp_path, name):
    path = File(b"content", name).save_to(tmp_path)
    assert path.parent == tmp_path
    assert len(path.name) == 32


def test_saving_never_overwrites(tmp_path):
    (tmp_path / "elsewhere").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "dir.txt").mkdir()
    file = File(b"new", "ignored")
    paths = {file.save_to(tmp_path, name) for name in ("link.txt", "dir.txt", "a.txt", "a.txt")}
    assert len(paths) == 4
    assert {path.read_bytes() for path in paths} == {b"new"}
    assert {path.suffix for path in paths} == {".txt"}
    assert (tmp_path / "elsewhere").read_text() == "old"


def test_saving_leaves_no_half_file(tmp_path):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        File(Broken(b"abc"), "x.txt").save_to(tmp_path)
    assert list(tmp_path.iterdir()) == []


def uploaded(*contents):
    """The files of a form with these contents, as a request brings them."""
    sent = form(*((str(number), File(data, "x")) for number, data in enumerate(contents)))
    parsed = parse_multipart([write_multipart(sent, "b")], "b", strict=True)
    return parsed.values()


moves = st.lists(
    st.one_of(
        st.tuples(st.just("seek"), st.integers(-8, 8), st.sampled_from([0, 1, 2])),
        st.tuples(st.just("read"), st.integers(-1, 8)),
        st.tuples(st.just("tell")),
    )
)


@given(st.binary(max_size=6), moves)
def test_the_stream_of_an_uploaded_file_moves_as_bytesio_does(content, moves):
    _, file, _ = uploaded(b"before", content, b"after")
    stream, expected = file.stream(), io.BytesIO(content)
    assert stream.seekable()
    for name, *arguments in moves:
        if name == "seek" and (0, expected.tell(), len(content))[arguments[1]] + arguments[0] < 0:
            with pytest.raises(ValueError, match="negative"):
                stream.seek(*arguments)
        else:
            assert getattr(stream, name)(*arguments) == getattr(expected, name)(*arguments)


def test_an_uploaded_zip_file_can_be_opened():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "hi")
    _, file, _ = uploaded(b"before", packed.getvalue(), b"after")
    with zipfile.ZipFile(file.stream()) as archive:
        assert archive.read("a.txt") == b"hi"


# --------------------------------------------------------------- FormData


def test_entries_keep_their_order_and_a_name_may_come_again():
    data = form(("b", "1"), ("a", 2), ("b", 1.5))
    assert data.items() == [("b", "1"), ("a", "2"), ("b", "1.5")]
    assert data.keys() == list(data) == ["b", "a", "b"]
    assert data.values() == ["1", "2", "1.5"]
    assert len(data) == 3
    assert (data.get("b"), data.get_all("b"), data.get("x")) == ("1", ["1", "1.5"], None)
    assert repr(data) == "FormData([('b', '1'), ('a', '2'), ('b', '1.5')])"


def test_set_takes_the_place_of_the_first():
    data = form(("x", "0"), ("k", "1"), ("y", "2"), ("k", "3"))
    data.set("k", "9")
    data.set("new", True)
    assert data.items() == [("x", "0"), ("k", "9"), ("y", "2"), ("new", "true")]


def test_delete_removes_each_of_a_name():
    data = form(("k", "1"), ("y", "2"), ("k", "3"))
    data.delete("k")
    data.delete("missing")
    assert data.items() == [("y", "2")]


def test_names_are_found_as_they_are_written():
    data = form(("a", ""), ("\ud800", "x"))
    assert data.has("a")
    assert "a" in data
    assert "A" not in data
    assert 5 not in data
    assert data.get("\ufffd") == "x"


def test_a_file_may_be_given_another_name():
    file = File(b"x", "old", type="text/plain")
    data = FormData()
    data.append("f", file, "new")
    data.append("g", file)
    assert (data.get("f").name, data.get("f").type, data.get("f").text()) == (
        "new",
        "text/plain",
        "x",
    )
    assert data.get("g") is file


def test_values_are_text_numbers_and_files():
    with pytest.raises(TypeError, match=r"'k'.*bytes.*File"):
        form(("k", b"bytes"))
    with pytest.raises(TypeError, match="Only a File has a file name"):
        FormData().append("k", "text", "name.txt")


# ---------------------------------------------------------------- the wire

escaped = st.text(st.characters(exclude_categories=["Cs"])).filter(
    lambda text: not any(code in text for code in ("%22", "%0A", "%0D"))
)
entries = st.lists(
    st.tuples(
        escaped,
        st.text(st.characters(exclude_categories=["Cs"]))
        | st.builds(File, st.binary(), escaped, type=st.sampled_from(["", "text/css", "a/b;c=d"])),
    )
)


def crlf(text):
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def test_get_gives_a_default_where_there_is_no_entry():
    form = FormData()
    form.append("a", "")
    assert form.get("a", "x") == ""
    assert form.get("b", "x") == "x"
    assert form.get("b") is None


def test_forms_are_equal_when_their_entries_are():
    first, second = FormData(), FormData()
    file = File("x", "x.txt")
    for form in (first, second):
        form.append("a", 1)
        form.append("f", file)
    assert first == second
    second.append("a", 1)
    assert first != second
    assert first != first.items()
    with pytest.raises(TypeError):
        hash(first)


@given(entries, st.integers(1, 50))
def test_a_form_comes_back_from_the_wire(items, size):
    body = write_multipart(form(*items), "limit")
    chunks = [body[i : i + size] for i in range(0, len(body), size)]
    back = parse_multipart(chunks, "limit", strict=True).items()
    assert [name for name, _ in back] == [crlf(name) for name, _ in items]
    for (_, sent), (_, got) in zip(items, back, strict=True):
        if isinstance(sent, File):
            kind = sent.type or "application/octet-stream"
            assert (got.name, got.type, got.bytes()) == (sent.name, kind, sent.bytes())
        else:
            assert got == crlf(sent)
