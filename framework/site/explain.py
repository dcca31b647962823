"""`framework explain`: which file responds to a request, and why not another."""

import difflib
from collections.abc import Iterator

from ..context import APIContext
from ..route import Route
from ..routing.paths import decode_mount, find_path_below
from ..routing.rules import Rank
from .loader import Site

_RANK_NAMES = {
    Rank.STATIC: "static",
    Rank.PARTLY_DYNAMIC: "partly dynamic",
    Rank.DYNAMIC: "dynamic",
    Rank.PARTLY_REST: "partly a rest parameter",
    Rank.REST: "a rest parameter",
}


def explain(site: Site, context: APIContext, method: str, target: str) -> str:
    """Return what responds to a request for `target`, as lines of text.

    `context` is the request's, with its route.
    """
    return "\n".join([f"{method} {target}", *_explain(site, context, method)])


def _explain(site: Site, context: APIContext, method: str) -> Iterator[str]:
    route = context.route
    if route is None:
        yield _row("handled by", "the fallback application: no route matches")
        yield from _near(site, context)
    elif route.kind == "file":
        yield _row("handled by", "a file in public/, without middleware")
    elif route.kind == "spelling":
        response = route.handlers.get(method)(context)
        location = response.headers["location"]
        yield _row(
            "redirected to", f"{location} ({response.status}), the path's canonical spelling"
        )
        slash = site.config.trailing_slash
        yield f'  Explain that path to see what handles it. trailing_slash is "{slash}".'
    elif route.kind == "missing":
        yield _row("handled by", "no route matches: 404")
        yield from _rows_around(site, context, route)
        yield from _passed_over(site, context, route)
        yield from _near(site, context)
        for mistake in site.mistakes:  # its file may be meant for this path
            yield _row("mistake", str(mistake))
    else:
        yield from _explain_route(site, context, route, method)


def _explain_route(site: Site, context: APIContext, route: Route, method: str) -> Iterator[str]:
    yield _row("handled by", f"{route.file}{_function(route, method)}")
    yield _row("pattern", route.pattern.text)
    for name, value in context.params.items():
        yield _row("param", f"{name} = {value!r}")
    if route.kind != "redirect":
        yield from _rows_around(site, context, route)
        yield _row("prerendered", "yes" if route.prerender else "no")
    yield from _passed_over(site, context, route)


def _passed_over(site: Site, context: APIContext, route: Route) -> Iterator[str]:
    """Rows for the other routes whose patterns match the path."""
    is_before = True
    for other, _ in site.routes.candidates(_path_of(context)):
        if other is route:
            is_before = False
        elif is_before:
            yield _row("passed over", f"{other.file}: get_static_paths() does not list this path")
        else:
            yield _row("passed over", f"{other.file}: {_reason(site, route, other)}")


def _near(site: Site, context: APIContext) -> Iterator[str]:
    """Rows for the routes whose patterns look like the path."""
    path = site.routes.find_path_below(_path_of(context))
    if path is None:
        yield f"  The path is outside base, {site.config.base}."
        return
    routes = {route.pattern.text: route for route in site.routes.all}
    for text in difflib.get_close_matches(path, routes, 3, 0.4):
        yield _row("near", f"{text} ({routes[text].file})")


def _rows_around(site: Site, context: APIContext, route: Route) -> Iterator[str]:
    """Rows for the middleware and the error handlers around a route."""
    for middleware in route.middleware:
        yield _row("middleware", middleware.where)
    for handler in site.error_folders.find(context).handlers:
        yield _row("on_error", handler.where)


def _function(route: Route, method: str) -> str:
    if route.kind == "redirect":
        return ", a redirect"
    if method in route.handlers.by_method:
        return f", for {method}"
    if route.handlers.takes_all:
        return f", for every method ({method} has no function of its own)"
    return f", but not {method}: 405, Allow: {', '.join(route.handlers.methods)}"


def _reason(site: Site, first: Route, other: Route) -> str:
    """Return the rule by which `first` matches before `other`."""
    pairs = zip(*map(site.routes.sort_key, (first, other)), strict=False)
    for number, (left, right) in enumerate(pairs):
        if left == right:
            continue
        if left[0] == Rank.END:
            return f"it goes on with {_segment(other, number)} where the first ends"
        if right[0] == Rank.END:
            return f"it ends where the first goes on with {_segment(first, number)}"
        if left[0] == right[0]:
            return f"{_segment(other, number)} has no converter, or one of greater weight"
        return (
            f"{_segment(other, number)} is {_RANK_NAMES[Rank(right[0])]}, "
            f"{_segment(first, number)} is {_RANK_NAMES[Rank(left[0])]}"
        )
    if first.kind != other.kind:
        return "endpoints come before pages"
    return "patterns of equal rank match in alphabetical order"


def _segment(route: Route, number: int) -> str:
    return "".join(map(str, route.pattern.segments[number]))


def _path_of(context: APIContext) -> str:
    """Return the path below the mount point."""
    mount = decode_mount(context.environ.get("SCRIPT_NAME", ""))
    return find_path_below(mount, context.path) or context.path


def _row(name: str, text: str) -> str:
    return f"  {name:<14}{text}"
