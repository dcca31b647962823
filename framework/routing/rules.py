"""Compile patterns to Werkzeug rules and to matchers of single segments.

Werkzeug's `Rule` is the definition of a route: its converters, what it matches, what it builds.
The tree in `tree.py` is an index in front of the rules and gives the same results.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from typing import Any

from werkzeug.routing import BaseConverter, Map, Rule, ValidationError

from .pattern import Param, Pattern, PatternError, Segment, find_ends, find_whole_rest

SegmentMatcher = Callable[[str], tuple[Any, ...] | None]

_NO_CONVERTER_WEIGHT = sys.maxsize  # behind every named converter
# Werkzeug's converters that need arguments or match a slash.
_UNSUPPORTED = {"default", "string", "any", "path"}

# A rest parameter with text beside it, in one segment: everything up to the last slash and more,
# or any text without a slash.
_SEGMENT_SPAN = "(?:(?>(?:[^/]+/)+)[^/]+?|[^/]*?)"
# The tokens of a regular expression; `one` matches one character.
_REGEX_TOKENS = re.compile(
    r"\(\?P<\w+>|\(\?:|[()*+?|^$]|\{[\d,]+\}|(?P<one>\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.)", re.DOTALL
)


class Rank(IntEnum):
    """The order in which segments of different kinds match; the lower matches first.

    `END` is the end of a pattern: `/foo` is before `/foo/[...rest]` and after `/foo/[id]`.
    """

    STATIC = 0
    PARTLY_DYNAMIC = 1
    DYNAMIC = 2
    PARTLY_REST = 3
    END = 4
    REST = 5


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


class Compiler:
    """Compiles patterns, with Werkzeug's converters and those of the site, which `map` holds."""

    def __init__(self, converters: Mapping[str, type[BaseConverter]]) -> None:
        self.map = Map(strict_slashes=False, merge_slashes=False)
        self.names = sorted((self.map.converters.keys() | converters.keys()) - _UNSUPPORTED)
        self.map.converters.update(converters)
        self.map.converters.update(_CONVERTERS)

    def check(self, pattern: Pattern) -> None:
        """Raise `PatternError` for a converter that does not exist or cannot be created."""
        converted = [param for param in pattern.params if param.converter is not None]
        for param in converted:
            if param.converter not in self.names:
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
        for segment in pattern.segments if converted else ():
            self._check_separators(segment)

    def compile_rules(self, pattern: Pattern) -> list[Rule]:
        """Compile the pattern to Werkzeug rules.

        There are two rules if a rest parameter may be empty. The parameters are named `p0`, `p1`,
        ... in the rules, because Werkzeug only allows ASCII names.
        """
        rules: list[Rule] = [Rule(path, endpoint=pattern.text) for path in _rule_paths(pattern)]
        for rule in rules:
            rule.bind(self.map)  # not map.add(): its own matcher is not used, and slow to fill
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
            has_rest = any(isinstance(part, Param) and part.rest for part in segment)
            return (Rank.PARTLY_REST if has_rest else Rank.PARTLY_DYNAMIC, 0)
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
        params = [part for part in segment if isinstance(part, Param)]
        if len(params) == 1 and params[0].converter is None:
            if len(segment) == 1:
                return None
            if not params[0].rest:
                return _match_between(*find_ends(segment))
        matches = re.compile("".join(self._regex_parts(segment))).fullmatch
        if not any(param.converter or param.rest for param in params):

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
        # A parameter without a converter takes as little text as possible. If another one follows,
        # taking more never helps. Everything up to that one is therefore an atomic group (`?>`),
        # into which the match does not backtrack: it takes linear time.
        last = max((n for n, part in enumerate(segment) if _takes_any_text(part)), default=-1)
        is_atomic = False
        for number, part in enumerate(segment):
            if isinstance(part, str):
                yield re.escape(part)
                continue
            if _takes_any_text(part):
                yield (")" if is_atomic else "") + ("(?>" if number < last else "")
                is_atomic = number < last
            regex = _SEGMENT_SPAN if part.rest else self.get_converter(part).regex
            yield f"(?P<framework_{number}>{regex})"

    def _check_separators(self, segment: Segment) -> None:
        """Raise `PatternError` if it is ambiguous where the value of a converter ends.

        Matching would then take time in proportion to the square of the path's length.
        """
        params = [number for number, part in enumerate(segment) if isinstance(part, Param)]
        separators = [str(segment[number + 1]) for number in params[:-1]]
        for part in segment:
            if not isinstance(part, Param) or part.converter is None:
                continue
            regex = self.get_converter(part).regex
            for separator in separators:
                if not _is_fixed_length(regex) and all(_may_match(regex, c) for c in separator):
                    raise PatternError(
                        f'the value of "{part}" may contain the text "{separator}", which '
                        "separates it from another parameter",
                        "Separate them by other text or a slash.",
                    )


def _match_between(begin: str, end: str) -> SegmentMatcher:
    """Return the matcher of a segment that is any text between two texts."""
    start, length = len(begin), len(end)

    def match_text(text: str) -> tuple[Any, ...] | None:
        stop = len(text) - length
        if start < stop and text[:start] == begin and text[stop:] == end:
            return (text[start:stop],)
        return None

    return match_text


def _is_fixed_length(regex: str) -> bool:
    """Whether all text that the regex matches has one length. If in doubt, it is `False`."""
    return not re.search(r"[*+?|(]|\{\d*,", regex)


def _may_match(regex: str, char: str) -> bool:
    """Whether text that the regex matches may contain the character. If in doubt, it is `True`."""
    for token in _REGEX_TOKENS.finditer(regex):
        try:
            if token["one"] and re.fullmatch(token["one"], char, re.IGNORECASE):
                return True
        except re.error:  # a part of a longer escape
            return True
    return False


def _takes_any_text(part: str | Param) -> bool:
    return isinstance(part, Param) and part.converter is None


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
