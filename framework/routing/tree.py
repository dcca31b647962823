"""Match paths against all patterns of a site: a tree of their segments.

A path takes one walk through the tree. The result is the first matching pattern in the order of
routes, as if the Werkzeug rules of each pattern were tried one by one.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from .pattern import Param, Segment, find_ends, find_text, find_whole_rest, shape_of
from .rules import Compiler

TreeMatch = tuple[int, tuple[Any, ...]]
"""The position of a pattern in the order of patterns, and the values of its parameters."""

MOST_TRIED = 8  # edges of a group that are tried one by one


class Tree:
    """The patterns of a site, added in their order. `index` is the position of a pattern."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        # Paths of patterns without parameters, which come before all others that match the path.
        self._static: dict[str, tuple[int, ...]] = {}
        self._root = _Node()

    def add(self, segments: tuple[Segment, ...], index: int) -> None:
        """Add a pattern by its segments."""
        texts = list(map(find_text, segments))
        if None not in texts:
            path = "/".join(map(str, texts))
            self._static[path] = (*self._static.get(path, ()), index)
            return
        node = self._root
        for position, (segment, text) in enumerate(zip(segments, texts, strict=True)):
            if text is not None:
                node = node.static.setdefault(text, _Node())
            else:
                group = node.group(segment, self._compiler.rank(segment))
                edge = group.add(segment, len(segments) - position - 1, self._compiler)
                is_only = len(node.groups) == len(group.edges) == 1 and not edge.spans
                node.only_edge = edge if is_only else None
                node = edge.node
        node.ends += (index,)

    def match(self, path: str, after: int = -1) -> TreeMatch | None:
        """Match a decoded path to the first pattern at a position behind `after`.

        A slash at the end of the path is ignored.
        """
        path = path.strip("/")
        if path in self._static:
            for index in self._static[path]:
                if index > after:
                    return index, ()
        return self._root.match(path.split("/") if path else [], 0, (), after)


class _Edge:
    """The way from a node to the next by a segment with a parameter.

    `begin` and `end` are the literal text with which the segment begins and ends. `tails` are the
    possible numbers of segments after this one, to know where a rest parameter ends.
    """

    __slots__ = ("begin", "end", "match", "node", "spans", "tails")

    def __init__(self, segment: Segment, compiler: Compiler) -> None:
        self.begin, self.end = find_ends(segment)
        self.match = compiler.compile_segment(segment)
        self.spans = any(isinstance(part, Param) and part.rest for part in segment)
        self.node = _Node()
        self.tails: tuple[int, ...] = ()


class _Group:
    """The edges from a node by segments of one rank.

    If there are many, `index` finds the edges whose segments begin and end with the same text as
    those of a path: by the lengths of the two texts, and then by the texts.
    """

    __slots__ = ("_by_shape", "_tails", "edges", "index", "rank")

    def __init__(self, rank: tuple[int, int]) -> None:
        self.rank = rank
        self.edges: list[_Edge] = []
        self.index: dict[tuple[int, int], dict[tuple[str, str], list[_Edge]]] = {}
        self._by_shape: dict[tuple[object, ...], _Edge] = {}
        self._tails: tuple[int, ...] = ()

    def add(self, segment: Segment, tail: int, compiler: Compiler) -> _Edge:
        """Return the edge for a segment. It is added unless there is one of the same shape.

        `tail` is the number of segments after this one.
        """
        shape = shape_of(segment)
        edge = self._by_shape.get(shape)
        if edge is None:
            edge = self._by_shape[shape] = _Edge(segment, compiler)
            self.edges.append(edge)
            if len(self.edges) > MOST_TRIED:
                for one in [edge] if self.index else self.edges:
                    of_lengths = self.index.setdefault((len(one.begin), len(one.end)), {})
                    of_lengths.setdefault((one.begin, one.end), []).append(one)
        if edge.spans:
            edge.tails = tuple({*edge.tails, tail})
            self._tails = tuple({*self._tails, tail})
        return edge

    def find(self, segments: list[str], position: int) -> Iterable[_Edge]:
        """Return the edges that may match `segments[position:]`."""
        first = segments[position]
        lasts = {first}
        if self.edges[0].spans:
            longest = len(segments) - position - 1
            lasts = {segments[-1 - tail] for tail in self._tails if tail <= longest}
        found: list[_Edge] = []
        for (begin, end), edges in self.index.items():
            for last in lasts:
                found += edges.get((first[:begin], last[-end:] if end else ""), ())
        return found


class _Node:
    """A position in the tree. All patterns below it begin with the same segments.

    `ends` are the positions of the patterns that end here: several if they have the same shape.
    `groups` are in the order of their ranks. The last one holds the rest parameters, the only ones
    that may match no segment at all: `rests` is that group, if there is one.
    """

    __slots__ = ("ends", "groups", "only_edge", "rests", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node] = {}
        self.groups: tuple[_Group, ...] = ()
        self.only_edge: _Edge | None = None
        self.rests: tuple[_Group, ...] = ()
        self.ends: tuple[int, ...] = ()

    def group(self, segment: Segment, rank: tuple[int, int]) -> _Group:
        """Return the group of a rank, to which `segment` belongs."""
        position = bisect_left(self.groups, rank, key=lambda group: group.rank)
        if not any(group.rank == rank for group in self.groups[position : position + 1]):
            self.groups = (*self.groups[:position], _Group(rank), *self.groups[position:])
        if find_whole_rest(segment):
            self.rests = self.groups[position:]
        return self.groups[position]

    def match(
        self, segments: list[str], position: int, values: tuple[Any, ...], after: int
    ) -> TreeMatch | None:
        """Return the first pattern below this node that matches `segments[position:]`."""
        node, size = self, len(segments)
        # While there is one way at most, follow it without a call.
        while position < size:
            segment = segments[position]
            child, edge = node.static.get(segment), node.only_edge
            if edge is not None and child is None:
                read = (segment,) if edge.match is None else edge.match(segment)
                if read is None:
                    return None
                values += read
                child = edge.node
            elif node.groups:
                break
            elif child is None:
                return None
            node = child
            position += 1
        best: TreeMatch | None = None
        if position == size:
            for end in node.ends:
                if end > after:
                    return end, values
            groups = node.rests
        else:
            if child is not None:
                best = child.match(segments, position + 1, values, after)
                if best is not None:
                    return best
            groups = node.groups
        for group in groups:
            # Within a group the whole pattern decides, so every edge is tried.
            for edge in group.find(segments, position) if group.index else group.edges:
                if edge.spans:
                    found = _match_span(edge, segments, position, values, after)
                elif edge.match is None:
                    found = edge.node.match(segments, position + 1, (*values, segment), after)
                else:
                    read = edge.match(segment)
                    found = read and edge.node.match(segments, position + 1, values + read, after)
                if found and (best is None or found[0] < best[0]):
                    best = found
            if best is not None:
                return best
        return None


def _match_span(
    edge: _Edge, segments: list[str], position: int, values: tuple[Any, ...], after: int
) -> TreeMatch | None:
    """Match a segment with a rest parameter against any number of path segments."""
    best: TreeMatch | None = None
    for tail in edge.tails:
        stop = len(segments) - tail
        if stop < position:
            continue
        text = "/".join(segments[position:stop])
        read = (text or None,) if edge.match is None else edge.match(text)
        found = None if read is None else edge.node.match(segments, stop, values + read, after)
        if found is not None and (best is None or found[0] < best[0]):
            best = found
    return best
