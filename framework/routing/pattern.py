"""What does a file name with brackets mean as a URL?

The only module that knows brackets. `products/[id].json.py` is read once into a
`Pattern`; from it come the Werkzeug rules, the matchers of its segments, its place in the
order of routes and the key by which two files collide.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from werkzeug.routing import BaseConverter, Map, Rule, ValidationError

_PARTS = re.compile(r"\[([^\[\]]*)\]|([^\[\]]+)|(.)", re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ufffd\ud800-\udfff]|^\.\.?$")

# Where a segment stands in its route's order; a route that ends stands before one that goes
# on with a rest parameter and behind all others.
_STATIC, _PARTIAL, _DYNAMIC, END, _REST = range(5)
_PLAIN_WEIGHT = sys.maxsize  # behind every named converter

Accept = Callable[[str], tuple[Any, ...] | None]


class PatternError(ValueError):
    """A pattern that can't be read; `what` is wrong, and `remedy` says what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Param:
    """`[name]`, `[name=converter]` or `[...name]`."""

    name: str
    converter: str | None = None
    rest: bool = False


Segment = tuple[str | Param, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A route's path as written, `/products/[id].json`, and what it is made of."""

    text: str
    segments: tuple[Segment, ...]
    params: tuple[Param, ...]
    names: tuple[str, ...]

    @property
    def conflict_key(self) -> tuple[object, ...]:
        """Equal for two patterns that claim the same URLs, whatever their parameters are called."""
        return tuple(
            tuple(p if isinstance(p, str) else (p.converter, p.rest) for p in segment)
            for segment in self.segments
        )

    @property
    def has_extension(self) -> bool:
        """Whether the last segment has a dot in its literal text, and so never a slash behind it."""
        last = self.segments[-1] if self.segments else ()
        return any(isinstance(part, str) and "." in part for part in last)


class DefaultConverter(BaseConverter):
    """A parameter without a converter: one segment or a part of one, as short as possible."""

    regex = "[^/]+?"


class RestConverter(BaseConverter):
    """A rest parameter that is a whole segment: one segment or more."""

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
    """Text that Werkzeug's own rule syntax can't hold (`<`, `>`, `|`)."""

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
# Werkzeug's converters that need arguments or hold a slash are no use between brackets.
_USELESS = {"default", "string", "any", "path"}


def pattern_of_file(name: str) -> str:
    """The pattern that a file below `src/pages` stands for.

    >>> pattern_of_file("products/[id].json.py"), pattern_of_file("docs/index.jinja")
    ('/products/[id].json', '/docs')
    """
    path = name.rpartition(".")[0]
    folder, _, stem = path.rpartition("/")
    if stem == "index":
        path = folder
    return "/" + path


def parse_pattern(text: str) -> Pattern:
    """Read a pattern such as `/docs/[...path]`; raise `PatternError` where it can't be read."""
    if not text.startswith("/"):
        raise PatternError(f"{text!r} does not begin with a slash", f"Write {'/' + text!r}.")
    text = normalize("NFC", text)
    names = [name for name in text.split("/") if name]
    segments = tuple(_parse_segment(name) for name in names)
    params = tuple(part for segment in segments for part in segment if isinstance(part, Param))
    if sum(param.rest for param in params) > 1:
        raise PatternError(
            "there are two rest parameters", "Keep one: nothing says where the first ends."
        )
    seen: set[str] = set()
    for param in params:
        if param.name in seen:
            raise PatternError(
                f'the parameter name "{param.name}" is used twice', "Give each its own name."
            )
        seen.add(param.name)
    return Pattern("/" + "/".join(names), segments, params, tuple(param.name for param in params))


def _parse_segment(name: str) -> Segment:
    if bad := _FORBIDDEN.search(name):
        raise PatternError(f"{bad[0]!r} in {name!r} never arrives in a path", "Take it out.")
    parts: list[str | Param] = []
    for inside, literal, stray in _PARTS.findall(name):
        if stray:
            raise PatternError(
                f'"{stray}" in "{name}" has no partner',
                "Brackets come in pairs around a parameter's name: [id], [...path].",
            )
        if literal:
            parts.append(literal)
            continue
        param = _parse_param(inside)
        if parts and isinstance(parts[-1], Param):
            raise PatternError(
                f'two parameters touch in "{name}"',
                "Put text between them, as in [lang]-[version], or a slash.",
            )
        parts.append(param)
    return tuple(parts)


def _parse_param(inside: str) -> Param:
    name, equals, converter = inside.partition("=")
    rest = name.startswith("...")
    name = name[3:] if rest else name
    if not name.isidentifier():
        raise PatternError(
            f'"[{inside}]" does not name a parameter',
            "A name is a Python identifier: [id], [...path], [id=int].",
        )
    if equals and not converter:
        raise PatternError(f'"[{inside}]" names no converter behind "="', f"Write [{name}=int].")
    if rest and equals:
        raise PatternError(
            f'"[{inside}]" gives a rest parameter a converter', f"Write [...{name}]."
        )
    return Param(normalize("NFKC", name), converter or None, rest)


class _Rule(Rule):
    """A rule whose function that builds URLs is compiled when the first is built.

    It is most of what a rule costs: a site of thousands of routes starts in half the time.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_now = super()._compile_builder
        made: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            if not made:
                made.append(compile_now(append_unknown))
            return made[0](rule, **values)

        return build


class Compiler:
    """Compiles patterns to Werkzeug rules, with Werkzeug's converters and the site's own.

    `map` holds every rule compiled so far.
    """

    def __init__(self, converters: Mapping[str, type[BaseConverter]]) -> None:
        self.map = Map(strict_slashes=False, merge_slashes=False)
        self.names = sorted((self.map.converters.keys() | converters.keys()) - _USELESS)
        self.map.converters.update(converters)
        self.map.converters.update(_CONVERTERS)

    def check(self, pattern: Pattern) -> None:
        """Raise `PatternError` where a parameter names a converter that can't be had."""
        for param in pattern.params:
            if param.converter is not None and param.converter not in self.names:
                raise PatternError(
                    f'"[{param.name}={param.converter}]" names a converter that is not there',
                    f"There are: {', '.join(self.names)}. "
                    "Add your own with Config(converters={...}).",
                )
            try:
                re.compile(self.converter(param).regex)
            except Exception as error:  # a converter of the site: whatever is wrong with it
                raise PatternError(
                    f'the converter "{param.converter}" can\'t be made: {error}', "Mend its class."
                ) from error

    def rules(self, pattern: Pattern) -> list[Rule]:
        """Werkzeug's rules of a pattern, bound to `map`. Two where a rest may match nothing.

        A parameter is `p0`, `p1`, ... in the rule, since Werkzeug's names are ASCII only.
        """
        rules: list[Rule] = [_Rule(path, endpoint=pattern.text) for path in _rule_paths(pattern)]
        for rule in rules:
            self.map.add(rule)
        return rules

    def converter(self, param: Param) -> BaseConverter:
        """The converter of a parameter, made as Werkzeug makes it for a rule."""
        return self.map.converters[_converter_name(param, whole=False)](self.map)

    def order(self, pattern: Pattern) -> tuple[tuple[int, int], ...]:
        """What the contract compares segment by segment; the smaller answers first."""
        return (*(self.rank(segment) for segment in pattern.segments), (END, 0))

    def rank(self, segment: Segment) -> tuple[int, int]:
        """Where a segment stands among others in its place."""
        head = segment[0]
        if len(segment) > 1:
            return (_PARTIAL, 0)
        if isinstance(head, str):
            return (_STATIC, 0)
        if head.rest:
            return (_REST, 0)
        if head.converter is None:
            return (_DYNAMIC, _PLAIN_WEIGHT)
        return (_DYNAMIC, self.map.converters[head.converter].weight)

    def accept(self, segment: Segment) -> Accept | None:
        """What reads the values of one segment's text, or `None` where any text is the value."""
        head = segment[0]
        if len(segment) == 1 and isinstance(head, Param) and head.converter is None:
            return None
        regex = re.compile("".join(self._regex_parts(segment)))
        if all(isinstance(part, str) or _is_plain(part) for part in segment):

            def accept_text(text: str) -> tuple[Any, ...] | None:
                found = regex.fullmatch(text)
                return None if found is None else found.groups()

            return accept_text

        readers = [
            (f"framework_{number}", self.converter(part).to_python)
            for number, part in enumerate(segment)
            if isinstance(part, Param)
        ]

        def accept(text: str) -> tuple[Any, ...] | None:
            found = regex.fullmatch(text)
            if found is None:
                return None
            try:
                return tuple([read(found[name]) for name, read in readers])
            except ValidationError:
                return None

        return accept

    def _regex_parts(self, segment: Segment) -> Iterator[str]:
        # A plain parameter takes as little as it can. Where the next is plain too, more would
        # never help: what was read is not read again (`?>`), else a long path costs its square.
        settled = False
        for number, part in enumerate(segment):
            if isinstance(part, str):
                yield re.escape(part) + (")" if settled else "")
                settled = False
            else:
                settled = _is_plain(part) and any(map(_is_plain, segment[number + 2 : number + 3]))
                yield "(?>" if settled else ""
                yield f"(?P<framework_{number}>{self.converter(part).regex})"


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
        for place, part in enumerate(segment):
            if isinstance(part, Param):
                name = _converter_name(part, whole=len(segment) == 1)
                text += f"<{name}:{numbers[part.name]}>"
            elif re.search(r"[<>|]", part):
                text += f'<framework_literal("{part.encode().hex()}"):l{len(paths[0])}_{place}>'
            else:
                text += part
        longer = [f"{path}/{text}" for path in paths]
        first = segment[0]
        whole_rest = len(segment) == 1 and isinstance(first, Param) and first.rest
        paths = paths + longer if whole_rest else longer
    return (path or "/" for path in paths)
