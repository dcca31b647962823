"""The header of a `.md` page: YAML 1.2."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.site.header import split_header
from framework.site.modules import LoadError

ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


def parse(header: str) -> dict[str, Any]:
    values, _, text = split_header(f"---\n{header}\n---\nbody", "a.md")
    assert text == "body"
    return values


def test_a_page_may_have_no_header() -> None:
    assert split_header("# Hi\n---\nx: y\n---\n", "a.md") == ({}, {}, "# Hi\n---\nx: y\n---\n")


def test_aliases_take_no_more_memory_than_their_text() -> None:
    last = parse(ALIASES)["a11"]
    assert all(one is last[0] for one in last)


@pytest.mark.parametrize("header", ["", "# a remark", "\n\n", "{}"])
def test_a_header_may_be_empty(header: str) -> None:
    assert parse(header) == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("010", 10),
        ("0o10", 8),
        ("1.10", 1.1),
        ("1.2.3", "1.2.3"),
        ("12:30", "12:30"),
        ("2026-05-01", date(2026, 5, 1)),
        ("2026-05-01T03:04:05Z", datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)),
        ("'true'", "true"),
        ('" x\\n "', " x\n "),
        ("C# in depth # a remark", "C# in depth"),
        ('["astro", "blogging"]', ["astro", "blogging"]),
        ("\n  - a b\n  - c", ["a b", "c"]),
        ("\n- a\n-\n  - b", ["a", ["b"]]),
        ("{name: Ada, links: [a, {b: c}]}", {"name": "Ada", "links": ["a", {"b": "c"}]}),
        ("\n  b:\n    c: 1", {"b": {"c": 1}}),
        ("|\n  one\n  two", "one\ntwo\n"),
        (">-\n  one\n  two", "one two"),
        ("[&x 1, *x]", [1, 1]),
        ("{b: &b {x: 1}, c: {<<: *b}}", {"b": {"x": 1}, "c": {"x": 1}}),
    ],
)
def test_a_value_is_yaml_1_2(text: str, value: Any) -> None:
    assert parse(f"key: {text}") == {"key": value}


def test_blank_lines_above_the_header_are_ignored() -> None:
    assert split_header("\n\n---\na: 1\n---\nx", "a.md") == ({"a": 1}, {"a": 4}, "x")


def test_each_key_has_a_line_number() -> None:
    source = "\ufeff---\r\n# a remark\r\n\r\na:\r\n  - 1\r\nb_ß: 2\r\n---\r\nx"
    assert split_header(source, "a.md") == ({"a": [1], "b_ß": 2}, {"a": 4, "b_ß": 6}, "x")


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("- a", "a.md:2: the header has no keys\n    Write key: value in each line"),
        ("no colon", "a.md:2: the header has no keys\n"),
        ("a: 1\nmy-key: x", "a.md:3: the key my-key is not a name\n    Use letters, digits"),
        ("1: x", "a.md:2: the key 1 is not a name\n"),
        ("true: x", "a.md:2: the key true is not a name\n"),
        ("? [a]\n: x", "a.md:2: the key a list or mapping is not a name\n"),
        ("a: 1\na: 2", "a.md:3: line 2 already sets a\n    Remove one of the lines."),
        ("a:\n  b: 1\n  b: 2", "a.md:4: while constructing a mapping: found duplicate key"),
        ("x: 1\ntags: [a, b", "a.md:3: while parsing a flow sequence: expected ',' or ']'"),
        ("a: 'x\nb: 1", "a.md:2: while scanning a quoted scalar: found unexpected end"),
        (
            "a: b\ntitle: A: B",
            "a.md:3: mapping values are not allowed here\n    The header is YAML.",
        ),
        ("a:\n\t- x", "a.md:3: while scanning for the next token: found character '\\t'"),
        ("a: *b", "a.md:2: found undefined alias 'b'\n"),
        ("a: 1\n...\nb: 2", "a.md:4: expected a single document"),
        ("a: 1\nb: !!python/name:os.system x", "a.md:3: could not determine a constructor for"),
        ("a: 1\nb: 2026-13-01", "a.md:3: the value is invalid: month must be in 1..12\n"),
        ("a: 1\nb: !!bool x", "a.md:3: the value is invalid: 'x'\n"),
        ("a: 1\nb: " + "9" * 5000, "a.md:3: the value is invalid: Exceeds the limit"),
        ("a: 1\nb: \x01", "a.md:3: the header contains the character U+0001\n"),
        ("a: " + "[" * 900, "a.md:2: the header is nested too deep\n"),
        ("a: 1\nlayuot: x", "a.md:3: layuot is not a key with a meaning\n    Did you mean layout?"),
        ("Prerender: true", "a.md:2: Prerender is not a key with a meaning\n"),
    ],
)
def test_an_invalid_header_is_a_mistake(header: str, text: str) -> None:
    with pytest.raises(LoadError) as caught:
        parse(header)
    assert str(caught.value).startswith(text)


def test_a_key_may_be_similar_to_one_that_the_header_has() -> None:
    assert parse("layout: a\nlayouts: b") == {"layout": "a", "layouts": "b"}


def test_a_header_without_an_end_is_a_mistake() -> None:
    with pytest.raises(LoadError, match=r"a\.md:1: the frontmatter has no end"):
        split_header("---\na: 1\n", "a.md")


@given(st.text())
def test_any_header_is_parsed_or_a_mistake(header: str) -> None:
    with suppress(LoadError):
        assert isinstance(split_header(f"---\n{header}\n---\n", "a.md")[0], dict)


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(st.characters(max_codepoint=0xD7FF))
    ),
    lambda values: (
        st.lists(values) | st.dictionaries(st.from_regex(r"[a-z]+", fullmatch=True), values)
    ),
    max_leaves=5,
)


@settings(max_examples=30)
@given(st.dictionaries(st.from_regex(r"x[a-z]*", fullmatch=True), JSON))
def test_json_is_yaml(values: dict[str, Any]) -> None:
    header = "".join(f"{key}: {json.dumps(value)}\n" for key, value in values.items())
    read, lines, _ = split_header(f"---\n{header}---\n", "a.md")
    assert read == values
    assert list(lines.values()) == list(range(2, 2 + len(values)))
