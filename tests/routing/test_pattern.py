"""Parsing of patterns: segments, parameters, and what is refused."""

import pytest

from framework.routing.pattern import Param, PatternError, parse_pattern, pattern_of_file


def wrong(text):
    with pytest.raises(PatternError) as caught:
        parse_pattern(text)
    assert str(caught.value) == f"{caught.value.what}. {caught.value.remedy}"
    return str(caught.value)


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("index.py", "/"),
        ("index.jinja", "/"),
        ("api/health.py", "/api/health"),
        ("robots.txt.py", "/robots.txt"),
        ("products/[id].json.py", "/products/[id].json"),
        ("docs/index.py", "/docs"),
        ("docs/[...path].py", "/docs/[...path]"),
        ("index/index.py", "/index"),
        ("a.index.py", "/a.index"),
        ("v1.0/index.jinja", "/v1.0"),
        ("posts/index.json.py", "/posts.json"),
        ("[id]/index.json.py", "/[id].json"),
        ("docs/[...path]/index.xml.jinja", "/docs/[...path].xml"),
        ("v1.0/index.json.py", "/v1.0.json"),
        ("index.json.py", "/index.json"),
        ("posts/indexes.json.py", "/posts/indexes.json"),
    ],
)
def test_a_file_has_a_pattern(file, pattern):
    assert pattern_of_file(file) == pattern


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("/", ()),
        ("/a/b.c", (("a",), ("b.c",))),
        ("/[id]", ((Param("id"),),)),
        ("/[id=int]", ((Param("id", "int"),),)),
        ("/[...path]", ((Param("path", rest=True),),)),
        ("/v[a]-[b].x/y", (("v", Param("a"), "-", Param("b"), ".x"), ("y",))),
        ("/img[...p].png", (("img", Param("p", rest=True), ".png"),)),
        ("/[größe]", ((Param("größe"),),)),
    ],
)
def test_a_pattern_is_segments_of_text_and_parameters(text, segments):
    pattern = parse_pattern(text)
    assert (pattern.text, pattern.segments) == (text, segments)
    assert pattern.names == tuple(param.name for param in pattern.params)


def test_a_pattern_is_as_written_but_for_slashes_and_normal_form():
    assert parse_pattern("//a///b/").text == "/a/b"
    assert parse_pattern("/cafe\u0301/[u\u0308]").text == "/café/[ü]"
    assert parse_pattern("/[ﬁt]").names == ("fit",)  # as Python reads an identifier


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "'a' does not begin with a slash. Write '/a'."),
        (
            "/[id.json",
            '"[" is never closed in "[id.json". Write [id].json.',
        ),
        (
            "/a/id]",
            '"]" closes nothing in "id]". '
            "Brackets come in pairs around the name of a parameter: [id], [...path].",
        ),
        (
            "/[[id]]",
            '"[" is never closed in "[[id]]". '
            "Brackets come in pairs around the name of a parameter: [id], [...path].",
        ),
        (
            "/[a][b]",
            'two parameters touch in "[a][b]". '
            "Put text between them, as in [lang]-[version], or a slash.",
        ),
        (
            "/[a]/[...a]",
            'the parameter name "a" is used twice. Give each its own name.',
        ),
        (
            "/[fi]/[ﬁ]",
            'the parameter name "fi" is used twice. Give each its own name.',
        ),
        (
            "/[...a]/x/[...b]",
            "the pattern has two rest parameters. Keep one: a path cannot say where the first ends.",
        ),
        ("/[id=]", '"[id=]" has "=" but no converter. Write [id=int].'),
        ("/[...p=int]", '"[...p=int]" gives a rest parameter a converter. Write [...p].'),
        ("/a\\b", r"'a\\b' contains '\\', which no path can have. Remove it."),
        ("/a\n", r"'a\n' contains '\n', which no path can have. Remove it."),
        ("/a\udcff", r"'a\udcff' contains '\udcff', which no path can have. Remove it."),
        ("/../x", "'..' contains '..', which no path can have. Remove it."),
        ("/x/.", "'.' contains '.', which no path can have. Remove it."),
    ],
)
def test_invalid_patterns(text, message):
    assert wrong(text) == message


@pytest.mark.parametrize("inside", ["", "...", "1", "a-b", "a b", " a", "=int", "....a", "a.b"])
def test_a_name_is_an_identifier(inside):
    assert wrong(f"/[{inside}]") == (
        f'"[{inside}]" does not name a parameter. '
        "A name is a Python identifier: [id], [...path], [id=int]."
    )


@pytest.mark.parametrize("text", ["/...", "/a..b", "/.well-known", "/[a].[b]", "/[a].", "/.[a]"])
def test_dots_beside_other_text_are_text(text):
    assert parse_pattern(text).text == text


def test_patterns_that_claim_the_same_urls_have_one_conflict_key():
    def key(text):
        return parse_pattern(text).conflict_key

    assert key("/a/[x].json") == key("/a/[y].json")
    assert key("/[...a]") == key("/[...b]")
    assert key("/[a=int]") == key("/[b=int]")
    different = [
        "/",
        "/a",
        "/[a]",
        "/[a=int]",
        "/[a=float]",
        "/[...a]",
        "/[a].x",
        "/a/[b]",
        "/a[b]",
    ]
    assert len({key(text) for text in different}) == len(different)
