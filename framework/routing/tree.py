"""Match paths against all patterns of a site: a tree of their segments.

A path takes one walk through the tree. The tree returns the first matching pattern in the order
of the contract, the one that trying the patterns' Werkzeug rules one by one would return.
"""

from bisect import bisect_left
from typing import Any

from .pattern import Param, Segment, find_whole_rest, shape_of
from .rules import Compiler

TreeMatch = tuple[int, tuple[Any, ...]]
"""The position of a pattern in the order of patterns, and the values of its parameters."""


class Tree:
    """The patterns of a site. The number with which a pattern is added is its position."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._root = _Node()

    def add(self, segments: tuple[Segment, ...], index: int) -> None:
        """Add a pattern by its segments."""
        node = self._root
        for position, segment in enumerate(segments):
            head = segment[0]
            if len(segment) == 1 and isinstance(head, str):
                node = node.static.setdefault(head, _Node())
            else:
                edge = node.add_edge(segment, self._compiler)
                edge.tails.add(len(segments) - position - 1)
                node = edge.node
        node.end = index

    def match(self, path: str) -> TreeMatch | None:
        """Match a decoded path. A slash at its end is ignored."""
        path = path.strip("/")
        return self._root.match(path.split("/") if path else [], 0, ())


class _Edge:
    """The way from a node to the next by a segment with a parameter."""

    __slots__ = ("match", "node", "segment", "spans", "tails")

    def __init__(self, segment: Segment, compiler: Compiler) -> None:
        self.segment = segment
        self.match = compiler.compile_segment(segment)
        self.spans = any(isinstance(part, Param) and part.rest for part in segment)
        self.node = _Node()
        # The possible numbers of segments after this one, to know where a rest parameter ends.
        self.tails: set[int] = set()


class _Node:
    """A position in the tree. All patterns below it begin with the same segments."""

    __slots__ = ("_ranks", "end", "groups", "rests", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node] = {}
        # Edges of one rank form a group. The groups are in the order of their ranks. The last
        # group holds the rest parameters, the only ones that may match no segment at all.
        self._ranks: list[tuple[int, int]] = []
        self.groups: list[list[_Edge]] = []
        self.rests: list[list[_Edge]] = []
        self.end: int | None = None

    def add_edge(self, segment: Segment, compiler: Compiler) -> _Edge:
        rank = compiler.rank(segment)
        position = bisect_left(self._ranks, rank)
        if self._ranks[position : position + 1] != [rank]:
            self._ranks.insert(position, rank)
            self.groups.insert(position, [])
        edges = self.groups[position]
        if find_whole_rest(segment):
            self.rests = [edges]
        for edge in edges:
            if shape_of(edge.segment) == shape_of(segment):
                return edge
        edges.append(_Edge(segment, compiler))
        return edges[-1]

    def match(
        self, segments: list[str], position: int, values: tuple[Any, ...]
    ) -> TreeMatch | None:
        """Return the first pattern below this node that matches `segments[position:]`."""
        best: TreeMatch | None = None
        if position == len(segments):
            if self.end is not None:
                return self.end, values
            groups = self.rests
        else:
            segment = segments[position]
            child = self.static.get(segment)
            if child is not None and (best := child.match(segments, position + 1, values)):
                return best
            groups = self.groups
        for edges in groups:
            # Within a group the whole pattern decides, so every edge is tried.
            for edge in edges:
                if edge.spans:
                    found = _match_span(edge, segments, position, values)
                elif edge.match is None:
                    found = edge.node.match(segments, position + 1, (*values, segment))
                else:
                    read = edge.match(segment)
                    found = read and edge.node.match(segments, position + 1, values + read)
                if found and (best is None or found[0] < best[0]):
                    best = found
            if best is not None:
                return best
        return None


def _match_span(
    edge: _Edge, segments: list[str], position: int, values: tuple[Any, ...]
) -> TreeMatch | None:
    """Match a segment with a rest parameter against any number of path segments."""
    best: TreeMatch | None = None
    for tail in edge.tails:
        stop = len(segments) - tail
        if stop < position:
            continue
        text = "/".join(segments[position:stop])
        read = (text or None,) if edge.match is None else edge.match(text)
        found = None if read is None else edge.node.match(segments, stop, values + read)
        if found is not None and (best is None or found[0] < best[0]):
            best = found
    return best
