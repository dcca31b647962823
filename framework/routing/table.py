"""The routes of a site in the order in which they match; building their paths.

The table is made once, at start-up. `exact` finds paths without parameters with one look-up;
`match` takes every path.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import unquote_to_bytes

from msgspec import Struct
from werkzeug.routing import Rule

from .paths import decode_path, encode_path, find_path_below, quote_path, to_nfc
from .pattern import Param, Pattern
from .rules import Compiler
from .tree import Tree

_is_plain = re.compile(r"[\w-]+", re.ASCII).fullmatch


class Routable(Protocol):
    """What the table needs to know of a route.

    `file` names the route in messages. `kind` orders routes of one pattern: pages are last.
    `slash` says whether the path ends with a slash; `None` allows both. `lists` says whether the
    route answers a path that its pattern matches, by its parameters and by the path below the
    prefix; `None` stands for every path.
    """

    @property
    def pattern(self) -> Pattern: ...
    @property
    def file(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def slash(self) -> bool | None: ...
    @property
    def lists(self) -> Callable[[dict[str, Any], str], bool] | None: ...


R = TypeVar("R", bound=Routable)


class Match(Struct, Generic[R]):
    """What a path leads to: a route, the values of its parameters, and the path.

    `path` is spelled as the route wants it: with or without a slash at its end.
    """

    route: R
    params: dict[str, Any]
    path: str


class RouteNotFoundError(LookupError):
    """`url_for` got an unknown pattern or lacks a parameter; the text names the nearest."""

    def __str__(self) -> str:
        return str(self.args[0])


class RouteTable(Generic[R]):
    """Every route of a site, in the order in which they match (`all`).

    `prefix` is the path of the whole site: `""` or `/docs`.
    """

    def __init__(self, routes: Sequence[R], compiler: Compiler, prefix: str = "") -> None:
        self._compiler = compiler
        self.all = tuple(
            sorted(routes, key=lambda r: (self.sort_key(r), r.kind == "page", r.pattern.text))
        )
        self.exact: dict[str, Match[R]] = {}
        """The matches of paths without parameters, by `PATH_INFO`; redirects are not among them.

        They share their `params`.
        """
        self._prefix = prefix
        self._of_pattern = {route.pattern.text: route for route in self.all}
        self._builders: dict[str, _PathBuilder[R]] = {}  # of the patterns that `url_for` got
        self._tree = Tree(compiler)
        no_params: dict[str, Any] = {}
        for index, route in enumerate(self.all):
            self._tree.add(route.pattern.segments, index)
            if not route.pattern.params and route.kind != "redirect":
                for path in self.spellings(route, route.pattern.text):
                    self.exact.setdefault(encode_path(path), Match(route, no_params, path))

    def sort_key(self, route: R) -> tuple[tuple[int, int], ...]:
        """Return what the order of routes compares, segment by segment; the lower is first."""
        return self._compiler.sort_key(route.pattern)

    def match(self, path: str) -> Match[R] | None:
        """Match a decoded path that begins with the prefix. A slash at its end is ignored."""
        below = find_path_below(self._prefix, path) if self._prefix else path
        if below is None:
            return None
        found = self._tree.match(below)
        while found is not None:
            position, values = found
            route = self.all[position]
            names = route.pattern.names
            params = (
                {names[0]: values[0]} if len(names) == 1 else dict(zip(names, values, strict=True))
            )
            if route.lists is None or route.lists(params, below):
                spelled = path if route.slash is None else _spell(path, route.slash)
                return Match(route, params, spelled)
            found = self._tree.match(below, position)
        return None

    def candidates(self, path: str) -> Iterator[tuple[R, dict[str, Any]]]:
        """Every route whose pattern matches a path of the site, in order, with the parameters.

        `match` returns the first of them that also lists the path.
        """
        below = self.find_path_below(path)
        if below is None:
            return
        found = self._tree.match(below)
        while found is not None:
            position, values = found
            route = self.all[position]
            yield route, dict(zip(route.pattern.names, values, strict=True))
            found = self._tree.match(below, position)

    def find_path_below(self, path: str) -> str | None:
        """Return the part of a path below the prefix, or `None` if the path is outside."""
        return find_path_below(self._prefix, path)

    def add_prefix(self, path: str) -> str:
        """Return the path of the site for a path below the prefix."""
        return self._prefix + path

    def spellings(self, route: R, path: str) -> Iterator[str]:
        """The paths of a route that are not redirected to another spelling.

        `path` has no prefix.
        """
        bare = (self._prefix + path).rstrip("/")
        if route.slash is not True or not bare:
            yield bare or "/"
        if route.slash is not False and bare:
            yield f"{bare}/"

    def url_for(self, pattern: str, params: Mapping[str, Any]) -> str:
        """Return the percent-encoded path of the route with that pattern, prefix included.

        Raises `RouteNotFoundError` for an unknown pattern or a missing parameter, `TypeError` for
        a parameter that the pattern does not have and for a value that is not a `str` or an `int`
        (a converter may take others), `ValueError` for a value that the route would not read back
        from the path.
        """
        builder = self._builders.get(pattern)
        if builder is None:
            route = self._of_pattern.get(pattern)
            if route is None:
                hint = _did_you_mean(pattern, self._of_pattern)
                raise RouteNotFoundError(f"No route has the pattern {pattern!r}.{hint}")
            builder = self._builders[pattern] = _PathBuilder(route, self._compiler)
        path = (self._prefix + builder.build(params)).rstrip("/")
        return quote_path(f"{path}/" if builder.route.slash or not path else path)


class _PathBuilder(Generic[R]):
    """Builds the paths of one route. `tree` holds that route only."""

    __slots__ = ("_format", "_rules", "route", "tree")

    def __init__(self, route: R, compiler: Compiler) -> None:
        self.route = route
        self._rules: list[Rule] = []
        if route.pattern.params:
            self._rules = compiler.compile_rules(route.pattern)
        self.tree = Tree(compiler)
        self.tree.add(route.pattern.segments, 0)
        self._format = _find_format(route.pattern)

    def build(self, params: Mapping[str, Any]) -> str:
        """Return the path with these parameters: decoded, without prefix."""
        pattern = self.route.pattern
        if self._format is not None and len(params) == len(pattern.names):
            given_values = tuple([params.get(name) for name in pattern.names])
            if all(type(v) is int or (type(v) is str and _is_plain(v)) for v in given_values):
                return self._format % given_values
        given = {
            name: to_nfc(value) if isinstance(value, str) else value
            for name, value in params.items()
            if value is not None
        }
        values: dict[str, Any] = {}
        for number, param in enumerate(pattern.params):
            if param.name in given:
                value = given[param.name]
                is_text = isinstance(value, str | int) and not isinstance(value, bool)
                if param.converter is None and not is_text:
                    kind = type(value).__name__
                    raise TypeError(
                        f"{pattern.text} got a {kind} as {param.name!r}: {value!r:.200}. "
                        "Give it a str or an int."
                    )
                values[f"p{number}"] = value
            elif not param.rest:
                hint = _did_you_mean(param.name, given)
                raise RouteNotFoundError(f"{pattern.text} needs {param.name!r}.{hint}")
        for name in params:
            if name not in pattern.names:
                hint = _did_you_mean(name, pattern.names)
                raise TypeError(f"{pattern.text} has no parameter {name!r}.{hint}")
        cause = None
        try:
            path = self._build_path(values)
            if self._reads_back(path, given):
                return path
        except (ArithmeticError, TypeError, ValueError) as error:  # a converter, or a refused path
            cause = error
        texts = ", ".join(f"{name}={value!r}" for name, value in params.items())
        raise ValueError(
            f"{pattern.text} would not read {texts} back from its own path."
        ) from cause

    def _build_path(self, values: Mapping[str, Any]) -> str:
        """Build the path with Werkzeug, and decode it as it will arrive."""
        rule = next(rule for rule in self._rules if rule.arguments >= values.keys())
        # The converter of literal text ignores its value; an empty rest parameter is None.
        unset = {name: None for name in rule.arguments if name not in values}
        built = rule.build({**values, **unset})
        if built is None:
            raise ValueError("A converter refuses the value.")
        return decode_path(unquote_to_bytes(built[1]).decode("latin-1"))

    def _reads_back(self, path: str, given: Mapping[str, Any]) -> bool:
        """Whether matching the path gives these parameters; `7` and `"7"` are the same.

        `True` is not the same as `1`.
        """
        found = self.tree.match(path)
        if found is None:
            return False
        read = dict(zip(self.route.pattern.names, found[1], strict=True))
        return all(
            (read[name] == value and isinstance(read[name], bool) == isinstance(value, bool))
            or str(read[name]) == str(value)
            for name, value in given.items()
        )


def _find_format(pattern: Pattern) -> str | None:
    """Find a format string for the path, into which values that `_is_plain` accepts fit unchecked.

    With one parameter in a segment, without a converter, such a value is always read back.
    """
    counts = [sum(isinstance(part, Param) for part in segment) for segment in pattern.segments]
    if max(counts, default=0) > 1 or any(p.rest or p.converter for p in pattern.params):
        return None
    texts = [
        "".join(["%s" if isinstance(p, Param) else p.replace("%", "%%") for p in segment])
        for segment in pattern.segments
    ]
    return "/" + "/".join(texts)


def find_conflicts(routes: Iterable[R]) -> list[tuple[R, R]]:
    """Return the pairs of routes that match the same URLs."""
    first_of: dict[object, R] = {}
    conflicts = []
    for route in routes:
        first = first_of.setdefault(route.pattern.conflict_key, route)
        if first is not route:
            conflicts.append((first, route))
    return conflicts


def _spell(path: str, slash: bool) -> str:
    """Return the path with or without a slash at its end."""
    return (path.rstrip("/") + ("/" if slash else "")) or "/"


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f" Did you mean {near[0]!r}?" if near else ""
