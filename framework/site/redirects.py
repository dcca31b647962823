"""The redirects of the configuration: their handlers, and the circles among them."""

import re
from collections.abc import Callable, Container, Iterator, Mapping
from itertools import islice, product
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from ..config import Config
from ..context import APIContext
from ..errors import Mistake
from ..route import Route
from ..routing.destination import Destination
from ..routing.paths import decode_mount, decode_path, quote_path
from ..routing.pattern import Param, Pattern, parse_pattern
from ..routing.rules import Compiler
from ..routing.table import RouteTable
from ..static.types import has_extension
from ..web.response import Response
from ..web.url import URL
from .config_file import CONFIG_FILE
from .endpoints import make_handlers

Target = str | Mapping[str, Any]

_MOST_HOPS = 20  # as many redirects as browsers follow
# Values of parameters for following redirects at start-up. Most converters match one of them.
_SAMPLES = ("sample", "7", "1.5", "ab", "00000000-0000-0000-0000-000000000000")


def name_redirect(source: str) -> str:
    """Return the name of an entry of `redirects` in messages."""
    return f"{CONFIG_FILE}: redirects[{source!r}]"


def find_destination(target: Target) -> Destination:
    """Return the destination of an entry of `redirects`."""
    return Destination(target if isinstance(target, str) else target["destination"])


def make_redirect(source: str, target: Target, compiler: Compiler, prefix: str) -> Route:
    """Return the route of an entry of `redirects`. Raises `PatternError`.

    Its handler fills in the request's parameters. Without a status of its own it sends 301 for GET
    and HEAD, 308 otherwise. The mount point and `prefix` are put before a path.
    """
    pattern = parse_pattern(source)
    compiler.check(pattern)
    destination = find_destination(target)
    status = None if isinstance(target, str) else target.get("status")
    to_texts = _make_to_texts(pattern, compiler)

    def handler(context: APIContext) -> Response:
        code = status or (301 if context.request.method in ("GET", "HEAD") else 308)
        location = destination.fill(to_texts(context.params), context.url.search)
        if not destination.origin:
            mount = decode_mount(context.environ.get("SCRIPT_NAME", ""))
            location = quote_path(mount + prefix) + location
        return context.redirect(location, code)

    handlers = make_handlers({"ALL": handler})
    return Route(
        pattern,
        name_redirect(source),
        "redirect",
        handlers,
        handlers,
        check_origin=False,  # left to the route to which the redirect leads
        has_extension=has_extension(pattern.last_name),
    )


def _make_to_texts(
    pattern: Pattern, compiler: Compiler
) -> Callable[[Mapping[str, Any]], dict[str, str]]:
    """Return a function from values of parameters to texts, as their converters write them."""
    writers = {param.name: compiler.get_converter(param).to_url for param in pattern.params}
    return lambda values: {name: unquote(write(values[name])) for name, write in writers.items()}


def find_circles(
    config: Config, routes: RouteTable[Route], compiler: Compiler, files: Container[str]
) -> list[Mistake]:
    """Return a mistake for each circle of redirects.

    `files` are the paths of public files, which come before redirects.
    """
    origin = None if config.site is None else URL(config.site).origin
    targets = {parse_pattern(source).text: to for source, to in config.redirects.items()}

    def follow(pattern: Pattern, values: Mapping[str, str]) -> Iterator[tuple[str, Route]]:
        """Yield each path to which the redirects lead, and the redirect of that path."""
        while True:
            destination = find_destination(targets[pattern.text])
            if destination.origin not in ("", origin):
                return
            path = re.split("[?#]", destination.fill(values))[0][len(destination.origin) :]
            try:
                path = decode_path(unquote_to_bytes(path).decode("latin-1"))
                path = path if destination.origin else routes.add_prefix(path)
                found = None if path in files else next(routes.candidates(path), None)
                if found is None or found[0].kind != "redirect":
                    return
                route, params = found
                pattern = route.pattern
                values = _make_to_texts(pattern, compiler)(params)
            except Exception:  # a bad path, or a converter of the site
                return
            yield path, route

    circles: dict[frozenset[str], Mistake] = {}
    for route in routes.all:
        if route.kind != "redirect":
            continue
        for values in _samples(route.pattern, compiler):
            hops = list(islice(follow(route.pattern, values), _MOST_HOPS))
            if len(hops) == _MOST_HOPS:
                shown = [routes.add_prefix(route.pattern.text)]
                for path, _ in hops[:3]:
                    shown.append(path)
                    if path.rstrip("/") in shown[:-1]:
                        break
                else:
                    shown.append("...")
                mistake = Mistake(
                    route.file,
                    f"redirects lead in a circle: {' -> '.join(shown)}",
                    "Change the destination of one of them.",
                )
                circles.setdefault(frozenset(hop.file for _, hop in hops), mistake)
    return list(circles.values())


def _samples(pattern: Pattern, compiler: Compiler) -> Iterator[dict[str, str]]:
    """Yield texts for the parameters; none if a converter matches no sample."""
    choices = [["", _SAMPLES[0]] if p.rest else _samples_of(p, compiler) for p in pattern.params]
    for texts in product(*choices):
        yield dict(zip(pattern.names, texts, strict=True))


def _samples_of(param: Param, compiler: Compiler) -> list[str]:
    match = compiler.compile_segment((param,))

    def matches(text: str) -> bool:
        try:
            return match is None or match(text) is not None
        except Exception:  # a converter of the site
            return False

    return list(filter(matches, _SAMPLES))[:1]
