import copy
import gc
import pickle
import weakref
from contextlib import suppress

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.routing.paths import BadPathError, decode_path, quote_path
from framework.web.search_params import URLSearchParams
from framework.web.url import URL, make_request_url

PARTS = [
    "protocol",
    "username",
    "password",
    "hostname",
    "port",
    "pathname",
    "search",
    "hash",
    "host",
    "origin",
]

pieces = st.sampled_from(
    [
        *"/?#@:[].|\\ %&=\"'<^{~\t\n\0\x7fé日a",
        *("//", "..", "/.", "%2e", "[::1]", "80", "443", "C:", "1.2.3", "0x7f", "xn--", "\ud800"),
        *("u:p@h:81", "localhost"),
    ]
)
starts = st.sampled_from(
    [
        *("http://", "https://h/", "http:", "ws://u:p@", "file:", "file:///"),
        *("foo:", "foo://", "foo:/", "blob:https://", "data:"),
    ]
)
addresses = st.builds(lambda start, rest: start + "".join(rest), starts, st.lists(pieces))


def parts(url):
    return {name: getattr(url, name) for name in PARTS}


def test_the_parts_of_a_url():
    url = URL("HTTPS://Us%65r:p%40ss@EXAMPLE.com:8443/a/../b?q=1#top")
    assert url.href == str(url) == "https://Us%65r:p%40ss@example.com:8443/b?q=1#top"
    assert parts(url) == {
        "protocol": "https:",
        "username": "Us%65r",
        "password": "p%40ss",
        "hostname": "example.com",
        "port": "8443",
        "pathname": "/b",
        "search": "?q=1",
        "hash": "#top",
        "host": "example.com:8443",
        "origin": "https://example.com:8443",
    }


@pytest.mark.parametrize("href", ["https://a/?#", "https://a/?", "https://a/#"])
def test_an_empty_query_or_fragment_reads_as_nothing_but_stays_in_the_href(href):
    url = URL(href)
    assert (url.search, url.hash, url.href) == ("", "", href)


@pytest.mark.parametrize(
    ("url", "base", "href"),
    [
        ("b", "http://a/x", "http://a/b"),
        ("?q", "http://a/x", "http://a/x?q"),
        ("//b", "https://a/x", "https://b/"),
        ("http://b/", "http://a/", "http://b/"),
        (URL("http://b/"), None, "http://b/"),
        ("c", URL("http://a/b/"), "http://a/b/c"),
        (" \thttp://a/\n", None, "http://a/"),
        ("http://a/é?é#é", None, "http://a/%C3%A9?%C3%A9#%C3%A9"),
    ],
)
def test_urls_are_resolved_and_normalised(url, base, href):
    assert URL(url, base).href == href
    assert URL.can_parse(url, base)
    assert URL.parse(url, base) == URL(href)


@pytest.mark.parametrize(
    ("url", "base", "message"),
    [
        ("", None, "'' is not a valid URL."),
        ("/a", None, "'/a' is not a valid URL."),
        ("http://a b/", None, "'http://a b/' is not a valid URL."),
        ("/a", "nonsense", "'/a' relative to 'nonsense' is not a valid URL."),
        ("http://a/", "nonsense", "'http://a/' relative to 'nonsense' is not a valid URL."),
        ("b", URL("mailto:a"), "'b' relative to 'mailto:a' is not a valid URL."),
    ],
)
def test_an_invalid_url_is_a_value_error_that_names_it(url, base, message):
    with pytest.raises(ValueError, match="not a valid URL") as raised:
        URL(url, base)
    assert str(raised.value) == message
    assert not URL.can_parse(url, base)
    assert URL.parse(url, base) is None


@pytest.mark.parametrize("value", [None, 5, b"http://a/"])
def test_a_url_is_made_from_text(value):
    with pytest.raises(TypeError, match="takes a str or a URL, not "):
        URL(value)


def test_lone_surrogates_become_the_replacement_character():
    assert URL("http://a/\ud800").pathname == "/%EF%BF%BD"
    assert URL("\udc00", "http://a/").pathname == "/%EF%BF%BD"
    url = URL("http://a/")
    url.hash = "\ud800"
    assert url.hash == "#%EF%BF%BD"
    url.search_params.append("\ud800", "\ud83d\ude00")
    assert url.search == "?%EF%BF%BD=%F0%9F%98%80"


@pytest.mark.parametrize(
    ("href", "origin"),
    [
        ("http://a:80/x", "http://a"),
        ("https://u:p@a:444/x", "https://a:444"),
        ("ws://a/", "ws://a"),
        ("ftp://a:21/", "ftp://a"),
        ("file:///a", "null"),
        ("data:,x", "null"),
        ("blob:https://a:443/id", "https://a"),
        ("blob:x", "null"),
    ],
)
def test_the_origin_of_each_kind_of_url(href, origin):
    assert URL(href).origin == origin


def test_the_origin_can_not_be_set():
    with pytest.raises(AttributeError):
        URL("http://a/").origin = "http://b"


@pytest.mark.parametrize(
    ("name", "value", "href"),
    [
        ("href", "https://b/", "https://b/"),
        ("protocol", "https", "https://u:p@a:81/x?q#h"),
        ("username", "v w", "http://v%20w:p@a:81/x?q#h"),
        ("password", "", "http://u@a:81/x?q#h"),
        ("host", "b:82", "http://u:p@b:82/x?q#h"),
        ("hostname", "b", "http://u:p@b:81/x?q#h"),
        ("port", "80", "http://u:p@a/x?q#h"),
        ("port", 8080, "http://u:p@a:8080/x?q#h"),
        ("port", "9x", "http://u:p@a:9/x?q#h"),
        ("pathname", "y z", "http://u:p@a:81/y%20z?q#h"),
        ("search", "?r=1 2", "http://u:p@a:81/x?r=1%202#h"),
        ("search", "", "http://u:p@a:81/x#h"),
        ("hash", "", "http://u:p@a:81/x?q"),
        ("hash", "i", "http://u:p@a:81/x?q#i"),
    ],
)
def test_each_part_can_be_set(name, value, href):
    url = URL("http://u:p@a:81/x?q#h")
    setattr(url, name, value)
    assert url.href == href
    assert parts(url) == parts(URL(href))


@pytest.mark.parametrize(
    ("name", "value"),
    [("protocol", "mailto"), ("host", "a b"), ("hostname", ""), ("port", "x"), ("port", "65536")],
)
def test_a_value_that_a_part_can_not_have_is_ignored(name, value):
    url = URL("http://a:81/x")
    setattr(url, name, value)
    assert url.href == "http://a:81/x"


def test_what_a_setter_understood_before_it_refused_counts():
    url = URL("http://a/x")
    url.host = "b:65536"
    assert url.href == "http://b/x"


def test_an_invalid_href_is_refused_and_nothing_changes():
    url = URL("http://a/?q=1")
    with pytest.raises(ValueError, match=r"^'relative' is not a valid URL"):
        url.href = "relative"
    assert url.href == "http://a/?q=1"
    assert url.search_params.get("q") == "1"


def test_the_query_follows_its_search_params():
    url = URL("http://a/?x=1#h")
    params = url.search_params
    assert params is url.search_params
    params.append("y", "a b")
    assert url.href == "http://a/?x=1&y=a+b#h"
    params.set("x", 2)
    assert url.search == "?x=2&y=a+b"
    params.delete("y")
    assert url.search == "?x=2"
    params.append("a", "")
    params.sort()
    assert url.search == "?a=&x=2"
    params.delete("a")
    params.delete("x")
    assert url.href == "http://a/#h"


def test_search_params_follow_the_query():
    url = URL("http://a/?x=1")
    params = url.search_params
    url.search = "y=2"
    assert params.items() == [("y", "2")]
    url.href = "http://b/?z=3"
    assert params.items() == [("z", "3")]
    url.hash = "h"
    assert params.items() == [("z", "3")]
    url.search = ""
    assert params.items() == []


def test_deleting_from_an_empty_query_drops_its_question_mark():
    url = URL("http://a/?")
    url.search_params.delete("x")
    assert url.href == "http://a/"


def test_search_params_live_on_without_their_url():
    url = URL("http://a/?x=1")
    params = url.search_params
    del url
    params.append("y", "2")
    assert str(params) == "x=1&y=2"


def test_a_url_with_search_params_is_no_cycle():
    gc.disable()
    try:
        url = URL("http://a/?x=1")
        assert url.search_params.get("x") == "1"
        alive = weakref.ref(url)
        del url
        assert alive() is None
    finally:
        gc.enable()


def test_urls_are_equal_by_their_href():
    assert URL("http://a:80") == URL("http://a/")
    assert URL("http://a/") != URL("http://a/#")
    assert URL("http://a/") != "http://a/"
    with pytest.raises(TypeError, match="unhashable"):
        hash(URL("http://a/"))


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda u: pickle.loads(pickle.dumps(u))]
)
def test_copies_and_pickles_are_equal_and_apart(duplicate):
    first = URL("http://a/?x=1")
    first.search_params.append("y", "2")
    second = duplicate(first)
    assert second == first
    second.search_params.append("z", "3")
    assert first.search == "?x=1&y=2"
    assert second.search == "?x=1&y=2&z=3"


def test_the_repr_is_the_call_that_makes_it():
    assert repr(URL("http://a")) == "URL('http://a/')"


def test_a_part_of_the_class_is_its_descriptor():
    assert URL.host is URL.__dict__["host"]


@given(addresses)
def test_parts_are_those_that_the_parser_sees(address):
    url = URL.parse(address)
    if url is not None:
        seen = ada_url.parse_url(url.href)
        assert parts(url) == {name: seen[name] for name in PARTS}
        assert url.href == seen["href"] == URL(url.href).href


@given(addresses, st.lists(st.tuples(st.sampled_from(PARTS[:-1]), st.lists(pieces).map("".join))))
def test_setters_leave_a_url_that_parses_to_itself(address, changes):
    url = URL.parse(address) or URL("http://a/?q")
    params = url.search_params
    for name, value in changes:
        setattr(url, name, value)
        assert URL(url.href).href == url.href
        assert params == URLSearchParams(url.search)


# ------------------------------------------------------------ the URL of a request

hosts = st.sampled_from(
    ["localhost", "localhost:8000", "EXAMPLE.com:80", "h:443", "h:", "1.2.3", "[::1]:1", "xn--a"]
) | st.lists(pieces, min_size=1).map("".join)
paths = st.lists(
    st.sampled_from([*"/?#%:@;[]|^{}'\"`~é日a", "..", "%2e"])
    | st.characters(exclude_categories=["Cs"])
).map(lambda characters: "/" + "".join(characters))
queries = st.lists(pieces).map("".join) | st.text()


@given(st.sampled_from(["http", "https", "HTTP", "ftp", "file", "foo"]), hosts, paths, queries)
def test_the_url_of_a_request_is_what_the_parser_makes_of_it(scheme, host, path, query):
    try:
        path = quote_path(decode_path(path.encode().decode("latin-1")))
    except BadPathError:
        path = "/"
    query = query.encode(errors="replace").decode("latin-1")
    environ = {"wsgi.url_scheme": scheme, "HTTP_HOST": host, "QUERY_STRING": query}
    rest = query.partition("#")[0]
    rest = "".join(c if c.isascii() else f"%{ord(c):02X}" for c in rest)
    plain = URL.parse(f"{scheme}://{host}{path}" + (f"?{rest}" if rest else ""))
    if plain is None:
        with pytest.raises(ValueError, match="is not a valid URL"):
            make_request_url(environ, path)
        return

    def make():
        return make_request_url(environ, path)

    assert {name: getattr(make(), name) for name in PARTS} == parts(plain)
    assert make() == plain
    assert make().href == str(make()) == plain.href
    assert repr(make()) == repr(plain)
    assert pickle.loads(pickle.dumps(make())) == plain
    assert make().search_params == plain.search_params


@given(st.lists(st.tuples(st.sampled_from([*PARTS[:-1], "href"]), st.lists(pieces).map("".join))))
def test_the_url_of_a_request_is_changed_as_any_other(changes):
    environ = {"wsgi.url_scheme": "http", "HTTP_HOST": "h:8000", "QUERY_STRING": "x=1&y=2"}
    url = make_request_url(environ, "/a/b")
    plain = URL("http://h:8000/a/b?x=1&y=2")
    assert url.search_params == plain.search_params
    for one in (url, plain):
        for name, value in changes:
            with suppress(ValueError):  # of an invalid href
                setattr(one, name, value)
    assert parts(url) == parts(plain)
    assert url.href == plain.href
    assert url.search_params == plain.search_params
    url.search_params.append("z", "3")
    plain.search_params.append("z", "3")
    assert url == plain
