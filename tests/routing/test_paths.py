import re
import sys
from unicodedata import normalize
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.routing.paths import (
    BadPathError,
    decode_mount,
    decode_path,
    encode_path,
    find_path_below,
    is_plain_path,
    quote_path,
)
from framework.web.url import URL

pieces = st.sampled_from(
    [
        *"//..\\%?#;:@!$&'()*+,=-_~|[]{}<>^`\" aZ0",
        *("..", "%2e", "%2F", "%5C", "\0", "\n", "\x7f", "\x85", "\ufeff", "\u2028"),
        *("é", "e\u0301", "\u212b", "\ufffd", "日", "\U0001f600"),
    ]
)
texts = st.one_of(
    st.lists(pieces).map(lambda parts: "/" + "".join(parts)),
    st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: "/" + text),
)
path_infos = st.one_of(
    texts.map(lambda text: text.encode().decode("latin-1")),
    st.binary().map(lambda data: data.decode("latin-1")),
    st.text(),
)


def wsgi(text):
    return text.encode().decode("latin-1")


def canonical(path_info):
    try:
        return decode_path(path_info)
    except BadPathError:
        return None


@pytest.mark.parametrize(
    ("path_info", "path"),
    [
        ("/", "/"),
        ("", "/"),
        ("/a/b.json", "/a/b.json"),
        ("/a//b/", "/a/b/"),
        ("//a///", "/a/"),
        ("/...", "/..."),
        ("/.well-known/x", "/.well-known/x"),
        ("/a..b/c.", "/a..b/c."),
        ("/%2e%2e/%41", "/%2e%2e/%41"),
        ("/a b", "/a b"),
        (wsgi("/café/日本"), "/café/日本"),
        (wsgi("/cafe\u0301"), "/café"),
    ],
)
def test_a_path_is_decoded_once(path_info, path):
    assert decode_path(path_info) == path


@pytest.mark.parametrize(
    "path_info",
    [
        *("/.", "/..", "/./a", "/a/.", "/a/../b", "/a//..", "//../"),
        *(
            "/a\\b",
            "/\\",
            "/\\é",
            "/a\0",
            "/a\n",
            "/\x1f",
            "/\x7f",
            "/é\x7f".encode().decode("latin-1"),
        ),
        *(wsgi("/\x80"), wsgi("/\x9f"), wsgi("/\ufffd"), wsgi("/é/..")),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(path_info):
    with pytest.raises(BadPathError) as caught:
        decode_path(path_info)
    assert str(caught.value) in (
        "The path contains a . or .. segment, a backslash or a control character.",
        "The path is not valid UTF-8.",
    )


LONG_RUNS = [
    "e" + "\u0301\u0316" * 16_000,
    "e" + "\u0301" * 31,
    "\u00e9" + "\u0301" * 30,  # 31 in NFD
    "\u0f73\u0f75" * 8,  # each of them decomposes to two marks
    "/".join(["a", "\u0344" * 16, "b"]),
    "\u0301" * 31,
]


@pytest.mark.parametrize("text", LONG_RUNS)
def test_many_combining_marks_in_a_row_are_refused_before_they_are_sorted(text, monkeypatch):
    lengths = []

    def counting(form, text):
        lengths.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr("framework.routing.paths.normalize", counting)
    with pytest.raises(BadPathError, match="more than 30 combining marks in a row"):
        decode_path(wsgi(f"/x/{text}"))
    assert max(lengths) == 1


def test_thirty_combining_marks_in_a_row_are_accepted():
    for text in ("e" + "\u0301\u0316" * 15, "\u0f73\u0f75\u0f81" * 5, "\u00e9\u0316" * 100):
        decoded = normalize("NFC", text)
        for spelling in (text, decoded, normalize("NFD", text)):
            assert decode_path(wsgi(f"/{spelling}")) == f"/{decoded}"


def test_each_refusal_says_why():
    why = {}
    for path_info in ("/..", "/\xc0\xaf", "/\xff", "/\xed\xa0\x80", "/\u0100", "*", "admin"):
        with pytest.raises(BadPathError) as caught:
            decode_path(path_info)
        why[path_info] = str(caught.value)
    assert why == {
        "/..": "The path contains a . or .. segment, a backslash or a control character.",
        "/\xc0\xaf": "The path is not valid UTF-8.",
        "/\xff": "The path is not valid UTF-8.",
        "/\xed\xa0\x80": "The path is not valid UTF-8.",
        "/\u0100": "The path is not valid UTF-8.",
        "*": "The path does not begin with a slash.",
        "admin": "The path does not begin with a slash.",
    }


@given(path_infos)
def test_a_path_is_decoded_or_refused_and_nothing_else(path_info):
    path = canonical(path_info)
    if path is None:
        return
    assert path.startswith("/")
    assert "//" not in path
    assert "\\" not in path
    assert not {".", ".."} & set(path.split("/"))
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\ufffd]", path)
    assert path == normalize("NFC", path)


@given(path_infos)
def test_a_plain_path_is_its_own_canonical_path(path_info):
    if is_plain_path(path_info):
        assert decode_path(path_info) == path_info


def test_most_paths_are_plain():
    for path in ("/", "/a/b.json", "/products/7/", "/a b~!$&'()*+,;=:@[]|%41"):
        assert is_plain_path(path)
    for path in ("", "a", "//a", "/a//b", "/.well-known", "/a/..", "/a\\b", "/\xe9", "/a\n"):
        assert not is_plain_path(path)


@given(path_infos)
def test_the_canonical_path_is_its_own_canonical_path(path_info):
    path = canonical(path_info)
    if path is not None:
        assert canonical(wsgi(path)) == path


@given(texts)
def test_only_what_must_be_refused_is_refused(text):
    text = normalize("NFC", text)
    bad = re.search(r"[\x00-\x1f\x7f-\x9f\\\ufffd]", text) or {".", ".."} & set(text.split("/"))
    assert (canonical(wsgi(text)) is None) == bool(bad)


@given(path_infos)
def test_a_path_has_one_spelling(path_info):
    path = canonical(path_info)
    if path is None:
        return
    quoted = quote_path(path)
    assert quoted.isascii()
    assert unquote(quoted, errors="strict") == path
    assert URL(f"http://h{quoted}").pathname == quoted
    assert URL(f"http://h{quoted}").search == URL(f"http://h{quoted}").hash == ""


@given(st.text("/aé"))
def test_decoding_leaves_one_slash_where_there_are_more(path):
    assert decode_path(wsgi(f"/{path}")) == re.sub("//+", "/", f"/{path}")


@given(st.text(st.characters(max_codepoint=0x7F)))
def test_plain_paths_are_decoded_as_all_others(text):
    try:
        path = decode_path(f"/{text}")
    except BadPathError:
        path = None
    # "é" makes a path take the slow way.
    try:
        slow = decode_path(wsgi(f"/é/{text}")).removeprefix("/é")
    except BadPathError:
        slow = None
    assert path == slow


@pytest.mark.parametrize(
    ("path", "quoted"),
    [
        ("/a-z_0.9~/:@!$&'()*+,;=|[]", "/a-z_0.9~/:@!$&'()*+,;=|[]"),
        ("/café", "/caf%C3%A9"),
        ('/ "<>?#`{}%^', "/%20%22%3C%3E%3F%23%60%7B%7D%25%5E"),
    ],
)
def test_a_url_spells_a_path(path, quoted):
    assert quote_path(path) == quoted


@pytest.mark.parametrize(
    ("script_name", "mount"),
    [("", ""), ("/", ""), ("/shop", "/shop"), ("//shop//a/", "/shop/a"), ("/caf\xc3\xa9", "/café")],
)
def test_where_an_application_is_mounted(script_name, mount):
    assert decode_mount(script_name) == mount


@pytest.mark.parametrize("script_name", ["shop", "/..", "/\xff"])
def test_a_mount_point_is_refused_as_a_path_is(script_name):
    with pytest.raises(BadPathError):
        decode_mount(script_name)


def test_every_character_has_one_spelling():
    # All of the first plane, and some of each other.
    for number in (*range(0x10000), *range(0x10000, sys.maxunicode + 1, 0x101)):
        char = chr(number)
        if 0xD800 <= number <= 0xDFFF or char in "/.":
            continue
        path = canonical(wsgi(f"/{char}"))
        if path is not None:
            assert unquote(quote_path(path)) == path == normalize("NFC", f"/{char}")


@pytest.mark.parametrize(
    ("prefix", "path", "below"),
    [
        ("", "/a/b", "/a/b"),
        ("", "/", "/"),
        ("/docs", "/docs/a", "/a"),
        ("/docs", "/docs/", "/"),
        ("/docs", "/docs", "/"),
        ("/docs", "/docs-old", None),
        ("/docs", "/docsx/y", None),
        ("/docs", "/doc", None),
        ("/docs", "/", None),
    ],
)
def test_the_path_below_a_prefix(prefix, path, below):
    assert find_path_below(prefix, path) == below


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_path_is_decoded_as_it_was_encoded(text):
    assert encode_path(text).encode("latin-1").decode() == text
