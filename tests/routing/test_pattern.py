import re

import pytest
from werkzeug.routing import BaseConverter, ValidationError

from framework.routing.pattern import (
    Compiler,
    Param,
    PatternError,
    parse_pattern,
    pattern_of_file,
)


class Hex(BaseConverter):
    regex = "(?:[0-9a-f]{2})+"
    weight = 5000

    def to_python(self, value):
        return bytes.fromhex(value)

    def to_url(self, value):
        return value.hex()


class Grouped(BaseConverter):
    regex = "(?P<first>a|b)(c)?"


class Even(BaseConverter):
    def to_python(self, value):
        if len(value) % 2:
            raise ValidationError
        return value


def wrong(text):
    with pytest.raises(PatternError) as caught:
        parse_pattern(text)
    assert str(caught.value) == f"{caught.value.what}. {caught.value.remedy}"
    return str(caught.value)


def accept(text, **converters):
    return Compiler(converters).accept(parse_pattern(text).segments[0])


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
            '"[" in "[id.json" has no partner. '
            "Brackets come in pairs around a parameter's name: [id], [...path].",
        ),
        (
            "/a/id]",
            '"]" in "id]" has no partner. '
            "Brackets come in pairs around a parameter's name: [id], [...path].",
        ),
        (
            "/[[id]]",
            '"[" in "[[id]]" has no partner. '
            "Brackets come in pairs around a parameter's name: [id], [...path].",
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
            "there are two rest parameters. Keep one: nothing says where the first ends.",
        ),
        ("/[id=]", '"[id=]" names no converter behind "=". Write [id=int].'),
        ("/[...p=int]", '"[...p=int]" gives a rest parameter a converter. Write [...p].'),
        ("/a\\b", r"'\\' in 'a\\b' never arrives in a path. Take it out."),
        ("/a\n", r"'\n' in 'a\n' never arrives in a path. Take it out."),
        ("/a\udcff", r"'\udcff' in 'a\udcff' never arrives in a path. Take it out."),
        ("/../x", "'..' in '..' never arrives in a path. Take it out."),
        ("/x/.", "'.' in '.' never arrives in a path. Take it out."),
    ],
)
def test_what_is_no_pattern(text, message):
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


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("/", False),
        ("/a", False),
        ("/v1.0/a", False),
        ("/robots.txt", True),
        ("/[id].json", True),
        ("/[id]", False),
        ("/[...p].png", True),
        ("/[a.json]", None),
    ],
)
def test_an_extension_is_a_dot_in_the_text_of_the_last_segment(text, has):
    if has is None:
        wrong(text)
    else:
        assert parse_pattern(text).has_extension is has


def test_a_converter_is_one_of_those_there_are():
    compiler = Compiler({"hex": Hex})
    for text in ("/[a]", "/[...a]", "/[a=int]-[b=float]", "/[a=uuid]", "/[a=hex]"):
        compiler.check(parse_pattern(text))
    for name in ("slug", "path", "any", "string", "default", "framework_rest"):
        with pytest.raises(PatternError) as caught:
            compiler.check(parse_pattern(f"/[id={name}]"))
        assert str(caught.value) == (
            f'"[id={name}]" names a converter that is not there. There are: float, hex, int, '
            "uuid. Add your own with Config(converters={...})."
        )


def test_the_order_of_routes():
    # Each before the next, whatever else its path holds.
    ordered = [
        *("/a/b/c", "/a/b", "/a/[x].json/c", "/a/x-[y]", "/a/[x=int]", "/a/[x]/c", "/a/[x]"),
        *("/a", "/a/[...x]/b", "/a/[...x]", "/x-[...a].png", "/[a=float]", "/[a=hex]/x"),
        *("/[a]/b", "/[a]/[b]", "/[a]", "/", "/[...a]/b", "/[...a]"),
    ]
    compiler = Compiler({"hex": Hex})
    keys = [compiler.order(parse_pattern(text)) for text in ordered]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


def test_a_named_converter_is_before_none_however_heavy():
    compiler = Compiler({"hex": Hex})
    ranks = [
        compiler.rank(parse_pattern(text).segments[0])
        for text in ("/[a=int]", "/[a=uuid]", "/[a=hex]", "/[a]")
    ]
    assert ranks == sorted(set(ranks))


def test_a_whole_parameter_takes_any_segment():
    assert accept("/[id]") is None
    assert accept("/[...path]") is None


@pytest.mark.parametrize(
    ("text", "segment", "values"),
    [
        ("/[id].json", "42.json", ("42",)),
        ("/[id].json", ".json", None),
        ("/[id].json", "1xjson", None),
        ("/[id].json", "1.json\n", None),
        ("/[id].json", "a.json.json", ("a.json",)),
        ("/[a]-[b]", "en-v2", ("en", "v2")),
        ("/[a]-[b]", "x-y-z", ("x", "y-z")),
        ("/[a]-[b]", "--x", ("-", "x")),
        ("/[a]-[b]", "---", ("-", "-")),
        ("/[a]-[b]", "--", None),
        ("/v[a].[b].x", "v1..x", None),
        ("/v[a].[b].x", "v1.2.3.x", ("1", "2.3")),
        ("/[a]-[b=int]", "x-y-5", ("x-y", 5)),
        ("/[a]-[b]-[c=int]", "x-y-z-5", ("x", "y-z", 5)),
        ("/[a=int]-[b]-[c]", "1-2-3-4", (1, "2", "3-4")),
        ("/[id=int]", "7", (7,)),
        ("/[id=int]", "x", None),
        ("/[id=int]", "-7", None),
        ("/[id=int]", "9" * 5000, None),
        ("/[x=float]", "1.5", (1.5,)),
        ("/[x=even]", "ab", ("ab",)),
        ("/[x=even]", "abc", None),
        ("/[x=hex]", "c3a9", (b"\xc3\xa9",)),
        ("/[x=grouped]-[y]", "ac-z", ("ac", "z")),
        ("/[x=grouped]-[y=int]", "b-7", ("b", 7)),
        ("/[...p].png", "a/b.png", ("a/b",)),
        ("/[...p].png", ".png", (None,)),
        ("/[...p].png", "a/.png", None),
        ("/[...p]-[b]", "x-y/z-w", ("x-y/z", "w")),
        ("/[a]-[...p].png", "x-y/z.png", ("x", "y/z")),
        ("/<a|[x]>", "<a|b>", ("b",)),
    ],
)
def test_what_a_segment_reads(text, segment, values):
    assert accept(text, hex=Hex, grouped=Grouped, even=Even)(segment) == values


def test_the_same_text_is_never_read_again_by_plain_parameters():
    # Else these take hours: the cost would be the length to the power of the parameters.
    long = "-" * 4000
    for pattern in (
        "/[a]-[b]-[c]-[d].x",
        "/[a]-[b]-[c]-[d]-[e=int]",
        "/[n=int]-[a]-[b]-[c]-[d].x",
        "/[a]-[b]-[c]-[d]-[...p].x",
    ):
        assert accept(pattern)(long) is None
        assert accept(pattern)("1" + long) is None
    segments = "/".join(["-"] * 2000)
    for pattern in ("/[...p].png", "/a[...p]-[b].png", "/[...p]-[b]-[c]-[d].png"):
        assert accept(pattern)(segments) is None


def test_rules_are_werkzeugs():
    compiler = Compiler({"hex": Hex})
    rules = {
        text: [rule.rule for rule in compiler.rules(parse_pattern(text))]
        for text in (
            "/",
            "/[a]/b",
            "/[...a]",
            "/x/[...a]/y",
            "/x[...a].y",
            "/[a=int]-[b=hex]",
            "/<|",
        )
    }
    assert rules == {
        "/": ["/"],
        "/[a]/b": ["/<framework_default:p0>/b"],
        "/[...a]": ["/", "/<framework_rest:p0>"],
        "/x/[...a]/y": ["/x/y", "/x/<framework_rest:p0>/y"],
        "/x[...a].y": ["/x<framework_span:p0>.y"],
        "/[a=int]-[b=hex]": ["/<int:p0>-<hex:p1>"],
        "/<|": ['/<framework_literal("3c7c"):l0_0>'],
    }
    assert {rule.endpoint for rule in compiler.map.iter_rules()} == set(rules)


def test_a_literal_converter_builds_its_text():
    compiler = Compiler({})
    (rule,) = compiler.rules(parse_pattern("/a<b>/[x]|y"))
    built = rule.build(dict.fromkeys(rule.arguments, "v"))
    assert built is not None
    assert re.sub("%..", "_", built[1]) == "/a_b_/v_y"
