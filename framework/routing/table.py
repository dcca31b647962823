"""Which route answers a path, and what is the path of a route?

Frozen at start-up. A path without parameters is one look-up; any other walks a tree of the
patterns' segments. The order is the contract's: the answer is always the one that asking the
routes' Werkzeug rules one by one, in order, would give.
"""

import difflib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

from ..errors import Mistake, RouteNotFoundError
from ..middleware import Middleware
from ..site.endpoints import Handlers
from ..site.static_paths import StaticPaths
from ..static.files import StaticFile
from .paths import decode_path, quote_path
from .pattern import Compiler, Param, Pattern, Segment

Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """One file of `src/pages`, or one entry of `redirects`, ready to answer.

    `file` names it in errors. `handlers` are its own answers, `chain` the same with its
    middleware around them. `slash` is whether its path ends with a slash: yes, no, or as the
    client likes it (`None`).
    """

    pattern: Pattern
    file: str
    kind: str
    handlers: Handlers
    chain: Handlers
    middleware: tuple[Middleware, ...] = ()
    prerender: bool = False
    check_origin: bool = True
    slash: bool | None = None
    static: StaticPaths | None = None


class Routes:
    """Every route of a site, in the order in which they answer."""

    def __init__(self, routes: Sequence[Route], compiler: Compiler, base: str = "/") -> None:
        self.order = {route.pattern.text: compiler.order(route.pattern) for route in routes}
        self.all = tuple(
            sorted(
                routes,
                key=lambda r: (self.order[r.pattern.text], r.kind == "page", r.pattern.text),
            )
        )
        self._base = base.rstrip("/")
        self._by_pattern = {route.pattern.text: _Own(route, compiler) for route in self.all}
        self._root = _Node()
        self.static: dict[str, tuple[Route, str]] = {}
        for number, route in enumerate(self.all):
            self._root.add(route.pattern.segments, number, compiler)
            if not route.pattern.params and route.kind != "redirect":
                for path in _spellings(self._base + route.pattern.text, route.slash):
                    self.static[path.encode().decode("latin-1")] = (route, path)

    def match(self, path: str) -> tuple[Route, dict[str, Any]] | None:
        """(route, params) of a canonical path without `base`; a slash at its end is ignored."""
        path = path.strip("/")
        found = self._root.find(path.split("/") if path else [], 0, ())
        if found is None:
            return None
        route = self.all[found[0]]
        return route, dict(zip(route.pattern.names, found[1], strict=True))

    def spell_files(
        self, built: Mapping[str, StaticFile]
    ) -> tuple[dict[str, StaticFile], list[str]]:
        """Built files by each `PATH_INFO` that asks for them, as their routes' slashes are set;
        and the paths of files whose routes are not prerendered any more.
        """
        found, gone = {}, []
        for path, file in built.items():
            match = self.match(path)
            if match is None or match[0].static is None:
                gone.append(path or "/")
                continue
            for text in _spellings(self._base + path, match[0].slash):
                found[text if text.isascii() else text.encode().decode("latin-1")] = file
        return found, gone

    def place_of(self, pattern: str) -> str:
        """The file with that pattern, as errors name it."""
        own = self._by_pattern.get(pattern)
        return own.route.file if own else "no route"

    def candidates(self, path: str) -> list[Route]:
        """Every route that matches a canonical path without `base`, in order."""
        segments = path.strip("/").split("/") if path.strip("/") else []
        return [r for r in self.all if self._by_pattern[r.pattern.text].tree.find(segments, 0, ())]

    def url_for(self, pattern: str, params: Mapping[str, Any]) -> str:
        """The percent-encoded path of the route with that pattern, `base` before it.

        Raises `RouteNotFoundError` for an unknown pattern or a missing parameter, naming the
        nearest; `TypeError` for a parameter that the pattern doesn't have; `ValueError` for a
        value that the route would not read back.
        """
        own = self._by_pattern.get(pattern)
        if own is None:
            near = _nearest(pattern, self._by_pattern)
            raise RouteNotFoundError(f"No route has the pattern {pattern!r}.{near}")
        path = (self._base + own.build(params)).rstrip("/")
        return quote_path(f"{path}/" if own.route.slash or not path else path)


def _spellings(path: str, slash: bool | None) -> Iterator[str]:
    """The spellings of a path that are answered as they are, without a redirect."""
    bare = path.rstrip("/")
    if slash is not True or not bare:
        yield bare or "/"
    if slash is not False and bare:
        yield f"{bare}/"


class _Own:
    """One route's rules, and a tree that holds no other route."""

    __slots__ = ("_rules", "route", "tree")

    def __init__(self, route: Route, compiler: Compiler) -> None:
        self.route = route
        self._rules = compiler.rules(route.pattern)
        self.tree = _Node()
        self.tree.add(route.pattern.segments, 0, compiler)

    def build(self, params: Mapping[str, Any]) -> str:
        """The path with these parameters, not encoded, without `base`."""
        pattern = self.route.pattern
        given = {
            name: normalize("NFC", value) if isinstance(value, str) else value
            for name, value in params.items()
            if value is not None
        }
        values: dict[str, Any] = {}
        for number, param in enumerate(pattern.params):
            if param.name in given:
                values[f"p{number}"] = given[param.name]
            elif not param.rest:
                near = _nearest(param.name, given)
                raise RouteNotFoundError(f"{pattern.text} needs {param.name!r}.{near}")
        for name in params:
            if name not in pattern.names:
                near = _nearest(name, pattern.names)
                raise TypeError(f"{pattern.text} has no parameter {name!r}.{near}")
        reason = None
        try:
            path = self._write(values)
            if self._reads(path, given):
                return path
        except (
            ArithmeticError,
            TypeError,
            ValueError,
        ) as error:  # of a converter, or a path that never arrives
            reason = error
        texts = ", ".join(f"{name}={value!r}" for name, value in params.items())
        raise ValueError(
            f"{pattern.text} would not read {texts} back from its own path."
        ) from reason

    def _write(self, values: Mapping[str, Any]) -> str:
        """The path that Werkzeug builds, in the spelling in which it will arrive."""
        rule = next(rule for rule in self._rules if rule.arguments >= values.keys())
        # Literal text in a converter takes any value, and an empty span is None.
        free = {name: None for name in rule.arguments if name not in values}
        built = rule.build({**values, **free})
        if built is None:
            raise ValueError("A converter refuses the value.")
        return decode_path(unquote_to_bytes(built[1]).decode("latin-1"))

    def _reads(self, path: str, given: Mapping[str, Any]) -> bool:
        """Whether the route reads these parameters from the path; `7` and `"7"` are the same."""
        segments = path.split("/")[1:] if path != "/" else []
        found = self.tree.find(segments, 0, ())
        if found is None or "" in segments:
            return False
        read = dict(zip(self.route.pattern.names, found[1], strict=True))
        return all(read[name] == v or str(read[name]) == str(v) for name, v in given.items())


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f" Did you mean {near[0]!r}?" if near else ""


class _Edge:
    """A way from a node on, by a segment that is not only literal text."""

    __slots__ = ("accept", "node", "segment", "spans", "tails")

    def __init__(self, segment: Segment, compiler: Compiler) -> None:
        self.segment = segment
        self.accept = compiler.accept(segment)
        self.spans = any(isinstance(part, Param) and part.rest for part in segment)
        self.node = _Node()
        # How many segments may follow a rest parameter: what is behind it has a fixed length.
        self.tails: set[int] = set()


Found = tuple[int, Values]


class _Node:
    """A place in the tree of segments: what has been read so far is the same for all below."""

    __slots__ = ("_ranks", "end", "groups", "rests", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node] = {}
        # Edges of one rank form a group: all of it stands before the next group. Rest
        # parameters are the last one, and the only one that may match nothing.
        self._ranks: list[tuple[int, int]] = []
        self.groups: list[list[_Edge]] = []
        self.rests: list[list[_Edge]] = []
        self.end: int | None = None

    def add(self, segments: tuple[Segment, ...], number: int, compiler: Compiler) -> None:
        """Put a route, known by its place in the order, below this node."""
        if not segments:
            self.end = number
            return
        head, tail = segments[0], segments[1:]
        if len(head) == 1 and isinstance(head[0], str):
            node = self.static.setdefault(head[0], _Node())
        else:
            edge = self._edge(head, compiler)
            edge.tails.add(len(tail))
            node = edge.node
        node.add(tail, number, compiler)

    def _edge(self, segment: Segment, compiler: Compiler) -> _Edge:
        rank = compiler.rank(segment)
        place = bisect_left(self._ranks, rank)
        if self._ranks[place : place + 1] != [rank]:
            self._ranks.insert(place, rank)
            self.groups.insert(place, [])
        edges = self.groups[place]
        first = segment[0]
        if len(segment) == 1 and isinstance(first, Param) and first.rest:
            self.rests = [edges]
        for edge in edges:
            if _shape(edge.segment) == _shape(segment):
                return edge
        edges.append(_Edge(segment, compiler))
        return edges[-1]

    def find(self, segments: list[str], at: int, values: Values) -> Found | None:
        """(place in the order, values) of the first route below that matches the rest."""
        best: Found | None = None
        if at == len(segments):
            if self.end is not None:
                return self.end, values
            groups = self.rests
        else:
            segment = segments[at]
            child = self.static.get(segment)
            if child is not None and (best := child.find(segments, at + 1, values)):
                return best
            groups = self.groups
        for edges in groups:
            # Within a group only the whole route decides, so each of its edges is tried.
            for edge in edges:
                if edge.spans:
                    found = _span(edge, segments, at, values)
                elif edge.accept is None:
                    found = edge.node.find(segments, at + 1, (*values, segment))
                else:
                    read = edge.accept(segment)
                    found = read and edge.node.find(segments, at + 1, values + read)
                if found and (best is None or found[0] < best[0]):
                    best = found
            if best is not None:
                return best
        return None


def _span(edge: _Edge, segments: list[str], at: int, values: Values) -> Found | None:
    best: Found | None = None
    for tail in edge.tails:
        stop = len(segments) - tail
        if stop < at:
            continue
        text = "/".join(segments[at:stop])
        read = (text or None,) if edge.accept is None else edge.accept(text)
        found = None if read is None else edge.node.find(segments, stop, values + read)
        if found is not None and (best is None or found[0] < best[0]):
            best = found
    return best


def _shape(segment: Segment) -> tuple[object, ...]:
    return tuple(p if isinstance(p, str) else (p.converter, p.rest) for p in segment)


def find_conflicts(routes: Iterable[Route]) -> list[Mistake]:
    """Two routes that claim the same URLs."""
    seen: dict[object, Route] = {}
    mistakes = []
    for route in routes:
        first = seen.setdefault(route.pattern.conflict_key, route)
        if first is not route:
            mistakes.append(
                Mistake(
                    "",
                    f"{first.file} and {route.file} answer the same URLs.",
                    "Keep one, or give one another name.",
                )
            )
    return mistakes
