"""Parse bracket patterns such as `/products/[id].json`.

This module alone knows the syntax of brackets. A `Pattern` is the basis of everything else: its
Werkzeug rules, its matcher, its rank among other routes, and whether it conflicts with another.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize

_PARTS = re.compile(r"\[([^\[\]]*)\]|([^\[\]]+)|(.)", re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ufffd\ud800-\udfff]|^\.\.?$")


class PatternError(ValueError):
    """An invalid pattern: `what` is wrong, and `remedy` says what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter: `[name]`, `[name=converter]` or `[...name]`."""

    name: str
    converter: str | None = None
    rest: bool = False

    def __str__(self) -> str:
        converter = f"={self.converter}" if self.converter else ""
        return f"[{'...' if self.rest else ''}{self.name}{converter}]"


Segment = tuple[str | Param, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """The path of a route as written (`text`), its segments and its parameters."""

    text: str
    segments: tuple[Segment, ...]
    params: tuple[Param, ...]
    names: tuple[str, ...]

    @property
    def conflict_key(self) -> tuple[object, ...]:
        """A key that is equal for two patterns that match the same URLs."""
        return tuple(map(shape_of, self.segments))

    @property
    def last_name(self) -> str:
        """The text of the last segment: `404` for `/shop/404`."""
        return self.text.rpartition("/")[2]


def shape_of(segment: Segment) -> tuple[object, ...]:
    """Return the segment without the names of its parameters."""
    return tuple([p if isinstance(p, str) else (p.converter, p.rest) for p in segment])


def find_text(segment: Segment) -> str | None:
    """Return the text of a segment without parameters."""
    first = segment[0]
    return first if len(segment) == 1 and isinstance(first, str) else None


def find_ends(segment: Segment) -> tuple[str, str]:
    """Return the texts with which a segment with parameters begins and ends, or `""`."""
    first, last = segment[0], segment[-1]
    return first if isinstance(first, str) else "", last if isinstance(last, str) else ""


def find_whole_rest(segment: Segment) -> Param | None:
    """Return the parameter of a segment that consists of one rest parameter (`[...path]`)."""
    first = segment[0]
    return first if len(segment) == 1 and isinstance(first, Param) and first.rest else None


def pattern_of_file(name: str) -> str:
    """Return the pattern of a file below `src/pages`.

    >>> pattern_of_file("products/[id].json.py"), pattern_of_file("docs/index.jinja")
    ('/products/[id].json', '/docs')
    >>> pattern_of_file("posts/index.json.py"), pattern_of_file("index.json.py")
    ('/posts.json', '/index.json')
    """
    path = name.rpartition(".")[0]
    folder, _, stem = path.rpartition("/")
    if stem == "index":
        return f"/{folder}"
    if folder and stem.startswith("index."):
        return f"/{folder}{stem.removeprefix('index')}"
    return f"/{path}"


def parse_pattern(text: str) -> Pattern:
    """Parse a pattern such as `/docs/[...path]`. Raises `PatternError`."""
    if not text.startswith("/"):
        raise PatternError(f"{text!r} does not begin with a slash", f"Write {'/' + text!r}.")
    segment_names = [name for name in normalize("NFC", text).split("/") if name]
    segments = tuple([_parse_segment(name) for name in segment_names])
    params = tuple([part for segment in segments for part in segment if isinstance(part, Param)])
    if sum([param.rest for param in params]) > 1:
        raise PatternError(
            "the pattern has two rest parameters",
            "Keep one: a path cannot say where the first ends.",
        )
    names = tuple([param.name for param in params])
    for name in names:
        if names.count(name) > 1:
            what = f'the parameter name "{name}" is used twice'
            raise PatternError(what, "Give each its own name.")
    return Pattern("/" + "/".join(segment_names), segments, params, names)


@lru_cache(maxsize=1024)  # so that equal segments of routes are one object
def _parse_segment(name: str) -> Segment:
    if bad := _FORBIDDEN.search(name):
        raise PatternError(f"{name!r} contains {bad[0]!r}, which no path can have", "Remove it.")
    if "[" not in name and "]" not in name:
        return (name,)
    parts: list[str | Param] = []
    for inside, literal, stray in _PARTS.findall(name):
        if stray:
            what = '"[" is never closed' if stray == "[" else '"]" closes nothing'
            raise PatternError(f'{what} in "{name}"', _balance(name))
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


def _balance(name: str) -> str:
    """Suggest a name with balanced brackets where one bracket is missing."""
    opened = re.fullmatch(r"([^\[\]]*)\[((?:\.\.\.)?\w+)([^\[\]]*)", name)
    if opened:
        return f"Write {opened[1]}[{opened[2]}]{opened[3]}."
    return "Brackets come in pairs around the name of a parameter: [id], [...path]."


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
        raise PatternError(f'"[{inside}]" has "=" but no converter', f"Write [{name}=int].")
    if rest and equals:
        raise PatternError(
            f'"[{inside}]" gives a rest parameter a converter', f"Write [...{name}]."
        )
    return Param(normalize("NFKC", name), converter or None, rest)
