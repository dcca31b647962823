"""Why does this file answer this path, and why not another?"""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from ..context import APIContext
from ..errors import StaticPathsError
from ..routing.pattern import END, Param
from ..routing.table import Route
from ..web.response import Response
from .loader import Site

_KINDS = ("static", "partly dynamic", "dynamic", "", "a rest parameter")


def explain(
    site: Site, context: APIContext, found: Route | Response | None, method: str, target: str
) -> str:
    """What answers a request for `target` and what stands behind it, as lines of text.

    `found` is what the application found for the path of `context`: a route, a response (a
    redirect to another spelling, or a file of `public/`), or nothing.
    """
    return "\n".join([f"{method} {target}", *_lines(site, context, found, method)])


def _lines(
    site: Site, context: APIContext, found: Route | Response | None, method: str
) -> Iterator[str]:
    if isinstance(found, Response):
        location = found.headers.get("location")
        found.close()
        if location is None:
            yield _row("answered by", "a file in public/, past middleware")
        else:
            yield _row("redirected to", f"{location} ({found.status}), its one spelling")
            yield f"  Explain that path to see what answers it. trailing_slash is {_slash(site)}."
        return
    if found is None or found.kind == "missing":
        yield from _nothing(site, context, found)
        return
    yield _row("answered by", f"{found.file}{_function(found, method)}")
    yield _row("pattern", found.pattern.text)
    for name, value in context.params.items():
        yield _row("param", f"{name} = {value!r}")
    if found.kind != "redirect":
        yield from _row_of_middleware(found.middleware)
        yield _row("prerendered", _prerendered(site, context, found, method))
    behind = [
        route for route in site.routes.candidates(_local(site, context)) if route is not found
    ]
    for route in behind:
        yield _row("behind it", f"{route.file}: {_reason(site, found, route)}")


def _nothing(site: Site, context: APIContext, found: Route | None) -> Iterator[str]:
    if found is None:
        yield _row("answered by", "the fallback application: no route matches")
    else:
        yield _row("answered by", "nothing: 404")
        yield from _row_of_middleware(found.middleware)
    path = _local(site, context)
    if not path:
        yield f"  The path is outside base, {site.config.base}."
        return
    patterns = {route.pattern.text: route for route in site.routes.all}
    for text in difflib.get_close_matches(path, patterns, 3, 0.4):
        yield _row("near", f"{text} ({patterns[text].file})")


def _row_of_middleware(middleware: Sequence[Any]) -> Iterator[str]:
    for layer in middleware:
        yield _row("middleware", layer.where)


def _prerendered(site: Site, context: APIContext, route: Route, method: str) -> str:
    if route.static is None:
        return "no"
    if method not in ("GET", "HEAD"):
        return "yes"
    try:
        listed = route.static.find(context.params, site.routes.url_for) is not None
    except StaticPathsError as error:
        return f"yes, with a mistake: {error}"
    return "yes" if listed else "yes, and get_static_paths() doesn't list this path: 404"


def _function(route: Route, method: str) -> str:
    if route.kind == "redirect":
        return ", a redirect"
    if method in route.handlers.by_method:
        return f", for {method}"
    if route.handlers.takes_all:
        return f", for every method ({method} has no function of its own)"
    return f", but not {method}: 405, Allow: {', '.join(route.handlers.methods)}"


def _reason(site: Site, first: Route, other: Route) -> str:
    """The rule by which `first` comes before `other`."""
    one, two = site.routes.order[first.pattern.text], site.routes.order[other.pattern.text]
    for number, (left, right) in enumerate(zip(one, two, strict=False)):
        if left == right:
            continue
        if left[0] == END:
            return f"it goes on with {_segment(other, number)} where the first ends"
        if right[0] == END:
            return f"it ends where the first goes on with {_segment(first, number)}"
        if left[0] == right[0]:
            return f"{_segment(other, number)} has no converter, or a heavier one"
        return (
            f"{_segment(other, number)} is {_KINDS[right[0]]}, "
            f"{_segment(first, number)} is {_KINDS[left[0]]}"
        )
    if first.kind != other.kind:
        return "endpoints come before pages"
    return "the names decide, in alphabetical order"


def _segment(route: Route, number: int) -> str:
    return "".join(map(_part, route.pattern.segments[number]))


def _part(part: str | Param) -> str:
    if isinstance(part, str):
        return part
    converter = f"={part.converter}" if part.converter else ""
    return f"[{'...' if part.rest else ''}{part.name}{converter}]"


def _local(site: Site, context: APIContext) -> str:
    """The path below `base`; empty where it is outside."""
    base = site.config.base.rstrip("/")
    if context.path != base and not context.path.startswith(f"{base}/"):
        return ""
    return context.path[len(base) :] or "/"


def _slash(site: Site) -> str:
    return f'"{site.config.trailing_slash}"'


def _row(name: str, text: str) -> str:
    return f"  {name:<14}{text}"
