import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from framework.web.headers import Headers, RequestHeaders, add_vary, parse_accept
from framework.web.response import Response

TOKEN = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz"

names = st.text(TOKEN, min_size=1, max_size=3) | st.sampled_from(["set-cookie", "Set-Cookie"])
values = st.text(st.characters(max_codepoint=0xFF, exclude_characters="\0\r\n"))


def both():
    """Headers with a combined value and two cookies."""
    return Headers(
        [("b", "1"), ("Set-Cookie", "x=1"), ("A", "2"), ("B", "3"), ("set-cookie", "y=2")]
    )


def test_names_are_listed_in_lower_case_sorted_and_cookies_apart():
    headers = both()
    assert headers.items() == [
        ("a", "2"),
        ("b", "1, 3"),
        ("set-cookie", "x=1"),
        ("set-cookie", "y=2"),
    ]
    assert headers.keys() == list(headers) == ["a", "b", "set-cookie", "set-cookie"]
    assert headers.values() == ["2", "1, 3", "x=1", "y=2"]
    assert len(headers) == 4


def test_names_and_values_are_plain_strings():
    [(name, value)] = Headers({Markup("X-A"): Markup("<b>")}).items()
    assert (type(name), type(value)) == (str, str)
    assert (name, value) == ("x-a", "<b>")


def test_get_combines_and_knows_no_case():
    headers = both()
    assert headers.get("B") == headers["b"] == "1, 3"
    assert headers.get("Set-Cookie") == headers["SET-COOKIE"] == "x=1, y=2"
    assert headers.get_set_cookie() == ["x=1", "y=2"]


def test_what_is_missing_is_none_or_the_default():
    headers = Headers()
    assert headers.get("a") is None
    assert headers.get("a", "none") == "none"
    assert headers.get("set-cookie") is None
    assert headers.get("set-cookie", "none") == "none"
    assert headers.get_set_cookie() == []


@pytest.mark.parametrize("name", ["a", "set-cookie"])
def test_subscripts_of_missing_names_are_key_errors(name):
    headers = Headers()
    with pytest.raises(KeyError, match=name):
        headers[name]
    with pytest.raises(KeyError, match=name):
        del headers[name]


@pytest.mark.parametrize("name", ["X-A", "Set-Cookie"])
def test_set_replaces_append_adds_delete_removes(name):
    headers = Headers({"other": "stays"})
    headers.append(name, "1")
    headers.append(name.lower(), "2")
    assert headers.get(name) == "1, 2"
    headers.set(name.upper(), "3")
    assert headers.get(name) == "3"
    headers[name] = "4"
    assert headers[name] == "4"
    assert headers.has(name)
    headers.delete(name)
    headers.delete(name)
    assert not headers.has(name)
    headers[name] = "5"
    del headers[name]
    assert headers.items() == [("other", "stays")]


@pytest.mark.parametrize("name", ["X-A", "Set-Cookie"])
def test_contains_knows_no_case_and_takes_anything(name):
    headers = Headers({name: "1"})
    assert name in headers
    assert name.upper() in headers
    assert "missing" not in headers
    assert "not a name" not in headers
    assert 5 not in headers
    assert None not in headers
    headers.delete(name)
    assert name not in headers


def test_update_sets_each_name_that_is_given():
    headers = both()
    headers.update({"B": "new", "c": 4})
    assert headers.items() == [
        ("a", "2"),
        ("b", "new"),
        ("c", "4"),
        ("set-cookie", "x=1"),
        ("set-cookie", "y=2"),
    ]
    headers.update([("Set-Cookie", "z=3")])
    assert headers.get_set_cookie() == ["z=3"]


def test_setdefault_leaves_what_is_there():
    headers = Headers({"a": ""})
    assert headers.setdefault("A", "new") == ""
    assert headers.setdefault("B", 5) == "5"
    assert headers.items() == [("a", ""), ("b", "5")]


def test_numbers_are_written_as_their_text():
    headers = Headers({"a": 1, "b": 1.5})
    headers.set("c", True)
    headers.append("a", 2)
    assert headers.items() == [("a", "1, 2"), ("b", "1.5"), ("c", "true")]


@pytest.mark.parametrize("value", [None, b"bytes", ["a"]])
def test_a_value_that_is_no_text_is_a_type_error(value):
    with pytest.raises(TypeError, match=r"^Header x-a: Expected a str or a number, not "):
        Headers({"X-A": value})


@pytest.mark.parametrize("name", [5, None, b"a"])
def test_a_name_that_is_no_text_is_a_type_error(name):
    with pytest.raises(TypeError, match=r"^A header name is a str, not "):
        Headers([(name, "a")])


def test_blanks_around_a_value_are_stripped():
    headers = Headers({"a": " \t x y\t "})
    headers.append("a", "\tz ")
    headers.set("b", " \t")
    assert headers.items() == [("a", "x y, z"), ("b", "")]


@pytest.mark.parametrize("bad", ["\0", "\r", "\n", "\u0100", "\ud800", "日"])
@pytest.mark.parametrize("pattern", ["{}", "{}a", "a{}", "a{}b", "é{}"])
def test_values_that_can_not_be_sent_are_refused_and_nothing_changes(bad, pattern):
    value = pattern.format(bad)
    headers = Headers({"a": "kept"})
    for change in (headers.set, headers.append, headers.__setitem__):
        with pytest.raises(ValueError, match=r"^Header a: .* can't be sent"):
            change("A", value)
    with pytest.raises(ValueError, match=r"^Header set-cookie: "):
        headers.append("Set-Cookie", value)
    assert headers.items() == [("a", "kept")]


@pytest.mark.parametrize("value", ["\x01", "\x7f", "\x80", "é", "ÿ", "a\tb", "\x0bx\x0c"])
def test_other_control_characters_and_latin_1_are_values(value):
    assert Headers({"a": value})["a"] == value


@pytest.mark.parametrize(
    "name", ["", " ", "a b", " a", "a:", "a\n", "a\r\nb", "a\0", "é", "(a)", "a/b", "日"]
)
def test_a_name_that_is_no_token_is_refused(name):
    headers = Headers()
    for call in (headers.get, headers.has, headers.delete, headers.__getitem__):
        with pytest.raises(ValueError, match="is not a header name"):
            call(name)
    for call in (headers.set, headers.append, headers.setdefault, headers.__setitem__):
        with pytest.raises(ValueError, match="is not a header name"):
            call(name, "v")
    assert len(headers) == 0


@pytest.mark.parametrize(
    ("init", "error"),
    [
        ("abc", TypeError),
        (b"abc", TypeError),
        (5, TypeError),
        (["ab"], TypeError),
        ([("a",)], ValueError),
        ([("a", "b", "c")], ValueError),
    ],
)
def test_what_is_no_pairs_is_refused(init, error):
    with pytest.raises(error, match=r"^Headers: "):
        Headers(init)


def test_headers_of_headers_are_a_copy():
    first = both()
    second = Headers(first)
    second.set("a", "changed")
    second.append("set-cookie", "z=3")
    assert first == both()
    assert second.get("a") == "changed"


@pytest.mark.parametrize("kind", [Headers, RequestHeaders])
@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda h: pickle.loads(pickle.dumps(h))]
)
def test_copies_and_pickles_are_equal_and_apart(kind, duplicate):
    first = kind(both())
    second = duplicate(first)
    assert second == first
    assert type(second) is kind
    Headers.append(second, "a", "more")
    Headers.append(second, "set-cookie", "more")
    assert first == both()


def test_a_list_of_cookies_that_was_handed_out_changes_nothing():
    headers = both()
    headers.get_set_cookie().clear()
    assert headers == both()


def test_equality_looks_at_values_not_at_the_order_of_names():
    assert Headers({"a": "1", "B": "2"}) == Headers({"b": "2", "A": "1"})
    assert Headers({"a": "1"}) != Headers({"a": "2"})
    assert Headers([("set-cookie", "a"), ("set-cookie", "b")]) != Headers(
        [("set-cookie", "b"), ("set-cookie", "a")]
    )
    assert Headers() != {}


def test_headers_can_change_so_they_have_no_hash():
    with pytest.raises(TypeError, match="unhashable"):
        hash(Headers())


def test_the_repr_shows_no_secrets():
    headers = Headers({"Accept": "text/html", "Cookie": "s=1", "Authorization": "Bearer t"})
    assert (
        repr(headers) == "Headers({'accept': 'text/html', 'authorization': '...', 'cookie': '...'})"
    )
    assert repr(RequestHeaders()) == "RequestHeaders({})"


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.set("a", "b"),
        lambda h: h.append("a", "b"),
        lambda h: h.delete("a"),
        lambda h: h.update({}),
        lambda h: h.setdefault("a", "b"),
        lambda h: h.__setitem__("a", "b"),
        lambda h: h.__delitem__("a"),
    ],
)
def test_the_headers_of_a_request_can_not_be_changed(change):
    headers = RequestHeaders({"a": "1"})
    with pytest.raises(TypeError, match="can't be changed"):
        change(headers)
    assert headers.items() == [("a", "1")]


@pytest.mark.parametrize(
    ("value", "qualities"),
    [
        (None, {}),
        ("", {}),
        ("gzip", {"gzip": 1}),
        ("GZip;Q=0.5 , br", {"gzip": 0.5, "br": 1}),
        ("text/html;level=1;q=0.3;x=y", {"text/html": 0.3}),
        ("a;q=0, a;q=0.2, a;q=0.1", {"a": 0.2}),
        ("b;q=1.000, c;q=0", {"b": 1, "c": 0}),
        ("a;q=1.1, b;q=-1, c;q=x, e;q=nan, f;q=1e0, g;q=2", {}),
        ("a\t;\tq=0.5", {"a": 0.5}),
        (" ,, ,", {}),
        ("a," * 499 + "b", {"a": 1, "b": 1}),
        ("a," * 500 + "b", {}),
    ],
)
def test_an_accept_header_is_a_mapping_of_qualities(value, qualities):
    assert parse_accept(value) == qualities


def test_headers_made_of_a_request_can_be_changed():
    headers = Headers(RequestHeaders({"a": "1"}))
    headers.set("a", "2")
    assert headers["a"] == "2"


def test_the_headers_of_an_environ():
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "3",
        "HTTP_HOST": "example.com",
        "HTTP_X_FORWARDED_FOR": "1.2.3.4",
        "HTTP_SET_COOKIE": "odd=1",
        "NOT_HTTP_A": "no header",
        "wsgi.version": (1, 0),
    }
    headers = RequestHeaders.from_environ(environ)
    assert headers == Headers(
        {
            "content-type": "text/plain",
            "content-length": "3",
            "host": "example.com",
            "x-forwarded-for": "1.2.3.4",
            "set-cookie": "odd=1",
        }
    )


def test_empty_cgi_variables_are_no_headers():
    assert len(RequestHeaders.from_environ({"CONTENT_TYPE": "", "CONTENT_LENGTH": ""})) == 0


def test_a_client_can_not_smuggle_in_the_type_or_length_of_the_body():
    smuggled = {"HTTP_CONTENT_TYPE": "text/html", "HTTP_CONTENT_LENGTH": "9"}
    assert len(RequestHeaders.from_environ(smuggled)) == 0
    assert RequestHeaders.from_environ({**smuggled, "CONTENT_TYPE": "a/b"}).items() == [
        ("content-type", "a/b")
    ]


KEYS = ["HTTP_A", "HTTP_A_B", "HTTP_", "HTTP__", "HTTP_SET_COOKIE", "HTTP_CONTENT_TYPE"]
KEYS += ["CONTENT_TYPE", "CONTENT_LENGTH", "A", "SERVER_NAME", "NOT_HTTP_A"]
ASKED = ["a", "A-b", "a_b", "-", "_", "Set-Cookie", "Content-Type", "content_type"]
ASKED += ["content-length", "server-name", "name", "", "a b", "é"]
keys = st.sampled_from(KEYS) | st.text(TOKEN.upper().replace("-", ""), max_size=3).map(
    "HTTP_{}".format
)


@given(
    st.dictionaries(keys, st.just("") | st.text()),
    st.sampled_from(ASKED) | names,
    st.none() | st.text(),
)
def test_one_header_of_an_environ_is_what_all_of_them_say(environ, name, default):
    def look_up(headers):
        try:
            return headers.get(name, default)
        except ValueError as error:
            return repr(error)

    headers = RequestHeaders.from_environ(environ)
    first = look_up(headers)
    headers.items()  # reads all of them
    assert first == look_up(headers) == look_up(Headers(headers))


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda h: pickle.loads(pickle.dumps(h))]
)
def test_headers_are_copied_and_pickled_without_their_environ(duplicate):
    environ = {"HTTP_A": "1", "HTTP_SET_COOKIE": "x=1", "wsgi.input": lambda: "can't be pickled"}
    second = duplicate(RequestHeaders.from_environ(environ))
    assert second.items() == [("a", "1"), ("set-cookie", "x=1")]
    assert second.get("A") == "1"
    assert type(second) is RequestHeaders


def test_a_header_is_no_attribute():
    assert not hasattr(RequestHeaders.from_environ({"HTTP_ACCEPT": "*/*"}), "accept")


@given(st.dictionaries(st.text(), st.text()))
def test_the_headers_of_an_environ_never_raise(variables):
    environ = {f"HTTP_{name}": value for name, value in variables.items()}
    headers = RequestHeaders.from_environ(environ)
    assert len(headers) <= len(environ)
    headers.items()
    repr(headers)


@pytest.mark.parametrize(
    ("vary", "name", "expected"),
    [
        (None, "Accept", "Accept"),
        ("Accept", "Cookie", "Accept, Cookie"),
        ("accept,COOKIE", "Cookie", "accept,COOKIE"),
        ("Accept-Encoding", "Accept", "Accept-Encoding, Accept"),
        ("*", "Accept", "*"),
        ("Accept, *", "Cookie", "Accept, *"),
    ],
)
def test_vary_lists_each_field_once_and_a_star_covers_all(vary, name, expected):
    headers = Headers() if vary is None else Headers({"Vary": vary})
    add_vary(headers, name)
    assert headers["vary"] == expected


@given(
    st.lists(
        st.tuples(st.just("append"), names, values)
        | st.tuples(st.just("set"), names, values)
        | st.tuples(st.just("delete"), names)
    )
)
def test_headers_behave_as_a_list_of_pairs(steps):
    headers = Headers()
    model: list[tuple[str, str]] = []
    for verb, name, *rest in steps:
        getattr(headers, verb)(name, *rest)
        key = name.lower()
        if verb != "append":
            model = [pair for pair in model if pair[0] != key]
        model += [(key, value.strip(" \t")) for value in rest]
    combined = []
    for key in sorted({key for key, _ in model}):
        found = [value for k, value in model if k == key]
        assert headers.get(key) == headers[key.upper()] == ", ".join(found)
        combined += [(key, v) for v in (found if key == "set-cookie" else [", ".join(found)])]
    assert headers.items() == combined


def added_one_by_one(pairs):
    """The headers, or the exception, that `append` makes of the pairs."""
    headers = Headers()
    try:
        for name, value in pairs:
            headers.append(name, value)
    except (TypeError, ValueError) as error:
        return str(error)
    return headers


@given(st.dictionaries(names | st.text(max_size=3), values | st.text(max_size=5) | st.integers()))
def test_headers_made_at_once_are_those_that_are_added_one_by_one(init):
    plain = added_one_by_one(init.items())
    for make in (Headers, lambda init: Response(headers=init).headers):
        for given_as in (init, list(init.items())):
            try:
                made = make(given_as)
            except (TypeError, ValueError) as error:
                made = str(error)
            assert made == plain
