"""Compile patterns to Werkzeug rules and to matchers of single segments.

Werkzeug's `Rule` is the definition of a route: its converters, what it matches, what it builds.
The tree in `tree.py` is an index in front of the rules and gives the same results.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from functools import cache, partial
from typing import Any

from werkzeug.routing import BaseConverter, Map, Rule, ValidationError

from .pattern import Param, Pattern, PatternError, Segment, find_whole_rest

SegmentMatcher = Callable[[str], tuple[Any, ...] | None]

_NO_CONVERTER_WEIGHT = sys.maxsize  # behind every named converter
# Werkzeug's converters that need arguments or match a slash.
_UNSUPPORTED = {"default", "string", "any", "path"}


class Rank(IntEnum):
    """The order in which segments of different kinds match; the lower matches first.

    `END` is the end of a pattern: `/foo` is before `/foo/[...rest]` and after `/foo/[id]`.
    """

    STATIC = 0
    PARTLY_DYNAMIC = 1
    DYNAMIC = 2
    END = 3
    REST = 4


class DefaultConverter(BaseConverter):
    """A parameter without a converter: one segment or a part of one, as short as possible."""

    regex = "[^/]+?"


class RestConverter(BaseConverter):
    """A rest parameter that is a whole segment: one path segment or more."""

    regex = "[^/]+(?:/[^/]+)*"
    part_isolating = False


class SpanConverter(BaseConverter):
    """A rest parameter with text beside it (`[...path].png`): any number of segments."""

    regex = "(?:[^/]+?(?:/[^/]+?)*?)??"
    part_isolating = False

    def to_python(self, value: str) -> str | None:
        return value or None

    def to_url(self, value: str | None) -> str:
        return super().to_url(value or "")


class LiteralConverter(BaseConverter):
    """Literal text that the syntax of Werkzeug's rules cannot express (`<`, `>`, `|`)."""

    def __init__(self, map: Map, text: str) -> None:
        super().__init__(map)
        self.text = bytes.fromhex(text).decode()
        self.regex = re.escape(self.text)

    def to_url(self, value: object) -> str:
        return super().to_url(self.text)


_CONVERTERS: dict[str, type[BaseConverter]] = {
    "framework_default": DefaultConverter,
    "framework_rest": RestConverter,
    "framework_span": SpanConverter,
    "framework_literal": LiteralConverter,
}


class _Rule(Rule):
    """A rule that compiles its URL builder when the first URL is built.

    The builder is most of the cost of a rule: a site with thousands of routes starts in half
    the time.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        get_builder = cache(partial(super()._compile_builder, append_unknown))
        return lambda rule, **values: get_builder()(rule, **values)


class Compiler:
    """Compiles patterns, with Werkzeug's converters and those of the site.

    `map` holds every rule compiled so far.
    """

    def __init__(self, converters: Mapping[str, type[BaseConverter]]) -> None:
        self.map = Map(strict_slashes=False, merge_slashes=False)
        self.names = sorted((self.map.converters.keys() | converters.keys()) - _UNSUPPORTED)
        self.map.converters.update(converters)
        self.map.converters.update(_CONVERTERS)

    def check(self, pattern: Pattern) -> None:
        """Raise `PatternError` for a converter that does not exist or cannot be created."""
        for param in pattern.params:
            if param.converter is not None and param.converter not in self.names:
                raise PatternError(
                    f'"{param}" names an unknown converter',
                    f"Known converters: {', '.join(self.names)}. "
                    "Add your own with Config(converters={...}).",
                )
            try:
                re.compile(self.get_converter(param).regex)
            except Exception as error:  # the site's own class may raise anything
                raise PatternError(
                    f'the converter "{param.converter}" can\'t be created: {error}',
                    "Fix its class.",
                ) from error

    def compile_rules(self, pattern: Pattern) -> list[Rule]:
        """Compile the pattern to Werkzeug rules and add them to `map`.

        There are two rules if a rest parameter may be empty. The parameters are named `p0`, `p1`,
        ... in the rules, because Werkzeug only allows ASCII names.
        """
        rules: list[Rule] = [_Rule(path, endpoint=pattern.text) for path in _rule_paths(pattern)]
        for rule in rules:
            self.map.add(rule)
        return rules

    def get_converter(self, param: Param) -> BaseConverter:
        """Create the converter of a parameter as Werkzeug does for a rule."""
        return self.map.converters[_converter_name(param, whole=False)](self.map)

    def sort_key(self, pattern: Pattern) -> tuple[tuple[int, int], ...]:
        """Return what the order of routes compares, segment by segment; the lower is first."""
        return (*(self.rank(segment) for segment in pattern.segments), (Rank.END, 0))

    def rank(self, segment: Segment) -> tuple[int, int]:
        """Return the `Rank` of a segment and the weight of its converter."""
        head = segment[0]
        if len(segment) > 1:
            return (Rank.PARTLY_DYNAMIC, 0)
        if isinstance(head, str):
            return (Rank.STATIC, 0)
        if head.rest:
            return (Rank.REST, 0)
        if head.converter is None:
            return (Rank.DYNAMIC, _NO_CONVERTER_WEIGHT)
        return (Rank.DYNAMIC, self.map.converters[head.converter].weight)

    def compile_segment(self, segment: Segment) -> SegmentMatcher | None:
        """Return a function from a segment's text to the values of its parameters.

        The function returns `None` if the text does not match. The result is `None` instead of a
        function if any text matches and is the value itself.
        """
        head = segment[0]
        if len(segment) == 1 and isinstance(head, Param) and head.converter is None:
            return None
        matches = re.compile("".join(self._regex_parts(segment))).fullmatch
        if all(isinstance(part, str) or _is_plain(part) for part in segment):

            def match_text(text: str) -> tuple[Any, ...] | None:
                found = matches(text)
                return None if found is None else found.groups()

            return match_text

        to_python = [
            (f"framework_{number}", self.get_converter(part).to_python)
            for number, part in enumerate(segment)
            if isinstance(part, Param)
        ]

        def match_values(text: str) -> tuple[Any, ...] | None:
            found = matches(text)
            if found is None:
                return None
            try:
                return tuple([convert(found[name]) for name, convert in to_python])
            except ValidationError:
                return None

        return match_values

    def _regex_parts(self, segment: Segment) -> Iterator[str]:
        # A plain parameter matches as little as possible. If the next one is plain too, a longer
        # match never helps, so the group is atomic (`?>`): no backtracking, linear time.
        is_atomic = False
        for number, part in enumerate(segment):
            if isinstance(part, str):
                yield re.escape(part) + (")" if is_atomic else "")
                is_atomic = False
            else:
                next_params = segment[number + 2 : number + 3]
                is_atomic = _is_plain(part) and any(map(_is_plain, next_params))
                yield "(?>" if is_atomic else ""
                yield f"(?P<framework_{number}>{self.get_converter(part).regex})"


def _is_plain(part: str | Param) -> bool:
    return isinstance(part, Param) and not (part.converter or part.rest)


def _converter_name(param: Param, *, whole: bool) -> str:
    if param.rest:
        return "framework_rest" if whole else "framework_span"
    return param.converter or "framework_default"


def _rule_paths(pattern: Pattern) -> Iterator[str]:
    numbers = {param.name: f"p{number}" for number, param in enumerate(pattern.params)}
    paths = [""]
    for segment in pattern.segments:
        text = ""
        for position, part in enumerate(segment):
            if isinstance(part, Param):
                name = _converter_name(part, whole=len(segment) == 1)
                text += f"<{name}:{numbers[part.name]}>"
            elif re.search(r"[<>|]", part):
                text += f'<framework_literal("{part.encode().hex()}"):l{len(paths[0])}_{position}>'
            else:
                text += part
        longer = [f"{path}/{text}" for path in paths]
        paths = paths + longer if find_whole_rest(segment) else longer
    return (path or "/" for path in paths)
