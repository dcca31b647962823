"""Patterns as Werkzeug rules, as matchers of segments, and their order."""

import re

import pytest
from werkzeug.routing import BaseConverter, ValidationError

from framework.routing.pattern import PatternError, parse_pattern
from framework.routing.rules import Compiler


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


def match_segment(text, **converters):
    return Compiler(converters).compile_segment(parse_pattern(text).segments[0])


def test_a_converter_is_one_of_those_there_are():
    compiler = Compiler({"hex": Hex})
    for text in ("/[a]", "/[...a]", "/[a=int]-[b=float]", "/[a=uuid]", "/[a=hex]"):
        compiler.check(parse_pattern(text))
    for name in ("slug", "path", "any", "string", "default", "framework_rest"):
        with pytest.raises(PatternError) as caught:
            compiler.check(parse_pattern(f"/[id={name}]"))
        assert str(caught.value) == (
            f'"[id={name}]" names an unknown converter. Known converters: float, hex, int, '
            "uuid. Add your own with Config(converters={...})."
        )


def test_the_order_of_routes():
    # Each before the next, whatever else its path holds.
    ordered = [
        *("/a/b/c", "/a/b", "/a/[x].json/c", "/a/x-[y]", "/a/[x=int]", "/a/[x]/c", "/a/[x]"),
        *("/a", "/a/[...x]/b", "/a/[...x]", "/x-[a].png", "/[a=float]", "/[a=hex]/x"),
        *("/[a]/b", "/[a]/[b]", "/[a]/x-[...b].png", "/[a]", "/[a]/[...b]"),
        *("/x-[...a].png/b", "/x-[...a].png", "/", "/[...a]/b", "/[...a]"),
    ]
    compiler = Compiler({"hex": Hex})
    keys = [compiler.sort_key(parse_pattern(text)) for text in ordered]
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
    assert match_segment("/[id]") is None
    assert match_segment("/[...path]") is None


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
def test_what_a_segment_matches(text, segment, values):
    assert match_segment(text, hex=Hex, grouped=Grouped, even=Even)(segment) == values


@pytest.mark.parametrize(
    "pattern",
    [
        *("/[a]-[b]-[c]-[d].x", "/[a]-[b]-[c]-[d]-[e=int]", "/[n=int]-[a]-[b]-[c]-[d].x"),
        *("/[a]-[b=int]-[c].x", "/[a]-[b=uuid]-[c].x", "/[a]-[...p]-[b]", "/[a]-[...p]-[b].x"),
        *("/[a]-[b]-[c]-[d]-[...p].x", "/[...p].png", "/a[...p]-[b].png", "/[...p]-[b=int]"),
        *("/[...p]-[b]-[c]-[d].png", "/[...p]-[b=int]-[c].x"),
    ],
)
def test_matching_takes_linear_time(pattern: str) -> None:
    """Twice the length takes about twice as long: the square of it would be minutes."""
    match = match_segment(pattern)
    size = 200_000
    for part, end in (("a-", "/z"), ("1-", ""), ("1-1.", "/"), ("-", ""), ("-/", "-"), ("a/", "")):
        assert match(part * size + end + "!/") is None


@pytest.mark.parametrize(
    ("pattern", "separator"),
    [
        ("/[a]-[b=slug]", "-"),
        ("/[a=slug]-[b]", "-"),
        ("/[a=slug]-[b=slug]", "-"),
        ("/[a]-[b=int].[c=float]-[d]", "."),
        ("/[a]7[b=int]-[c]", "7"),
        ("/[a]Q[b=letters]", "Q"),
        ("/[a]-[b=anything]", "-"),
        ("/[a]-[b=other]", "-"),
        ("/[a]-[b=escaped]", "-"),
        ("/[a]-[b=width]", "-"),
        ("/[...a]-[b=slug]", "-"),
    ],
)
def test_a_converter_does_not_match_the_text_before_the_next_parameter(
    pattern: str, separator: str
) -> None:
    regexes = {
        "slug": "[a-z]+(?:-[a-z]+)*",
        "letters": "(?i:q)+",
        "anything": ".+",
        "other": r"[^/]+",
        "escaped": r"(?:a|\x2d)+",
        "width": "[a-z-]{1,3}",
    }
    converters = {name: type(name, (BaseConverter,), {"regex": r}) for name, r in regexes.items()}
    with pytest.raises(PatternError, match="separates it from another parameter") as caught:
        Compiler(converters).check(parse_pattern(pattern))
    assert f'may contain the text "{separator}", which separates' in str(caught.value)


@pytest.mark.parametrize(
    "pattern",
    [
        *("/[a]-[b=int]-[c].x", "/[a]-[b=uuid]", "/[a]1-[b=int]", "/[a=code]/[b]", "/v-[a=code]-x"),
        *("/[a=code]-=-[b]", "/[a]:[b=code]", "/[a=grouped]-[b=pair]"),
    ],
)
def test_a_converter_beside_other_text(pattern: str) -> None:
    code = type("Code", (BaseConverter,), {"regex": r"^[a-z\]\d]{1,3}(?P<x>_?\w)*$"})
    pair = type("Pair", (BaseConverter,), {"regex": "[a-z-]{2}"})
    Compiler({"code": code, "pair": pair, "grouped": Grouped}).check(parse_pattern(pattern))


def test_rules_are_werkzeugs():
    compiler = Compiler({"hex": Hex})
    rules = {
        text: [rule.rule for rule in compiler.compile_rules(parse_pattern(text))]
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


def test_a_literal_converter_builds_its_text():
    compiler = Compiler({})
    (rule,) = compiler.compile_rules(parse_pattern("/a<b>/[x]|y"))
    built = rule.build(dict.fromkeys(rule.arguments, "v"))
    assert built is not None
    assert re.sub("%..", "_", built[1]) == "/a_b_/v_y"
