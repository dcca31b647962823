"""Find the headers and redirects of a build, and write them for static hosts.

Netlify, Cloudflare Pages and others read the files `_headers` and `_redirects`.

https://docs.netlify.com/manage/routing/headers/,
https://docs.netlify.com/manage/routing/redirects/overview/,
https://developers.cloudflare.com/pages/configuration/headers/
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..config import Config
from ..routing.destination import Destination
from ..routing.paths import quote_path
from ..routing.pattern import Param, Pattern, Segment, parse_pattern
from ..site.redirects import name_redirect
from ..static.types import content_type_of
from ..web.response import Response
from .results import HeaderItems, WrittenFile

HEADERS, REDIRECTS = "_headers", "_redirects"
_OWN_HEADERS = {"content-type", "etag", "last-modified"}  # each server sends its own

Rules = dict[str, HeaderItems]
"""Headers by the name of a file, or of a folder for all files below it ("a/", "" for the top)."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect from a path, without `base`.

    `file` is the page that redirects, if there is one. `where` names the redirect in warnings.
    `keeps_query` says that the query of the request goes along.
    """

    source: Pattern
    destination: str
    status: int
    file: str | None
    where: str
    keeps_query: bool = False


def find_redirects(config: Config, files: Sequence[WrittenFile]) -> list[Redirect]:
    """Return the configured redirects, and those of routes that redirect."""
    pages = {file.source: file.name for file in files if file.redirect is not None}
    redirects = []
    for source, target in config.redirects.items():
        to, status = (
            (target, 301)
            if isinstance(target, str)
            else (target["destination"], target.get("status", 301))
        )
        to = config.prefix + to if to.startswith("/") else to
        where = name_redirect(source)
        redirects.append(Redirect(parse_pattern(source), to, status, pages.get(where), where, True))
    configured = {redirect.where for redirect in redirects}
    for file in files:
        if file.redirect is not None and file.source not in configured:
            status, destination = file.redirect
            path = file.path or "/"
            segments = tuple((part,) for part in path.split("/") if part)
            pattern = Pattern(path, segments, (), ())
            redirects.append(Redirect(pattern, destination, status, file.name, file.source))
    return redirects


def find_rules(files: Sequence[WrittenFile]) -> Rules:
    """Return the headers that a server would not send anyway, in as few rules as possible.

    A folder has a rule if all files below it have the same headers; else each file has its own.
    """
    special = [
        (file.name, _special_headers(file.headers, content_type_of(file.name))) for file in files
    ]
    of_folder: dict[str, HeaderItems | None] = {}
    for name, headers in special:
        for folder in _folders_of(name):
            if of_folder.setdefault(folder, headers) != headers:
                of_folder[folder] = None
    rules: Rules = {}
    for name, headers in special:
        if headers:
            folders = (folder for folder in _folders_of(name) if of_folder[folder] is not None)
            rules[next(folders, name)] = headers
    return rules


def is_folder(name: str) -> bool:
    """Return whether the rule `name` is for a folder."""
    return name == "" or name.endswith("/")


def _folders_of(name: str) -> list[str]:
    """Return the folders that a file is in, from the top one down.

    >>> _folders_of("a/b/x.json")
    ['', 'a/', 'a/b/']
    """
    return ["", *(name[: slash.end()] for slash in re.finditer("/", name))]


@lru_cache(maxsize=256)  # most files have the same
def _special_headers(items: HeaderItems | None, usual_type: str) -> HeaderItems:
    """Return the headers that a server does not send by itself; it sends `usual_type` of the file."""
    headers = dict(items or ())
    content_type = headers.get("content-type")
    special = [(name, value) for name, value in headers.items() if name not in _OWN_HEADERS]
    if content_type is not None and content_type.lower().replace(" ", "") != usual_type.lower():
        special.append(("content-type", content_type))
    return tuple(sorted(special))


# ---------------------------------------------------------------- _headers, _redirects


def write_host_lists(
    folder: Path, prefix: str, rules: Rules, redirects: Sequence[Redirect]
) -> Iterator[str]:
    """Write `_headers` and `_redirects`, unless `public/` has them; yield warnings."""
    lines = []
    # Cloudflare ignores redirects without parameters that stand below one with parameters.
    for redirect in sorted(redirects, key=lambda redirect: bool(redirect.source.params)):
        line = _redirect_line(redirect, prefix)
        if line is None:
            yield (
                f"{redirect.where}: _redirects can't express this redirect: a parameter must be "
                "a whole segment without a converter, and a rest parameter the last segment."
            )
        else:
            lines.append(line)
    yield from _write_lines(folder / REDIRECTS, lines)
    lines = []
    for name, headers in rules.items():
        lines.append(f"{_address(name, prefix)}\n")
        lines += [f"  {header}: {value}\n" for header, value in headers]
    yield from _write_lines(folder / HEADERS, lines)


def _write_lines(path: Path, lines: list[str]) -> Iterator[str]:
    if lines and path.exists():
        yield (
            f"public/{path.name} replaces the {path.name} that the build would write.\n"
            "    List the headers and redirects of your routes there, or remove the file."
        )
    elif lines:
        path.write_text("".join(lines), encoding="utf-8")


def _address(name: str, prefix: str) -> str:
    """Return the path of a rule: `/about/` for `about/index.html`, `/a/*` for the folder `a/`."""
    path = re.sub(r"(^|/)index\.html$|\.html$", r"\1", name)
    return _literal(f"{prefix}/{path}") + ("*" if is_folder(name) else "")


def _literal(path: str) -> str:
    """Quote a path, with the characters that have a meaning in these files."""
    return quote_path(path).replace("*", "%2A").replace(":", "%3A")


def _redirect_line(redirect: Redirect, prefix: str) -> str | None:
    segments = redirect.source.segments
    for segment in segments:
        for part in segment:
            if isinstance(part, Param) and (
                len(segment) > 1 or part.converter or (part.rest and segment is not segments[-1])
            ):
                return None
    source = join_segments(segments, _literal, lambda p: "*" if p.rest else f":{p.name}")
    params = redirect.source.params
    values = {param.name: ":splat" if param.rest else f":{param.name}" for param in params}
    to = fill_destination(redirect.destination, values)
    return f"{_literal(prefix)}{source} {to} {redirect.status}\n"


def fill_destination(destination: str, values: Mapping[str, str], query: str = "") -> str:
    """Return the `Location` of a redirect, with `values` in place of its parameters."""
    if values or query:
        destination = Destination(destination).fill(values, query)
    return Response.redirect(destination).headers["location"]


def join_segments(
    segments: Sequence[Segment], text: Callable[[str], str], value: Callable[[Param], str]
) -> str:
    """Return a path, with `text` called for each literal part and `value` for each parameter."""
    written = [
        "".join(text(part) if isinstance(part, str) else value(part) for part in segment)
        for segment in segments
    ]
    return "/" + "/".join(written)
