"""What must another server know to answer with these files as the application would?

`_headers` and `_redirects` tell it Netlify, Cloudflare Pages and others, a snippet tells it nginx.

https://docs.netlify.com/manage/routing/headers/,
https://docs.netlify.com/manage/routing/redirects/overview/,
https://developers.cloudflare.com/pages/configuration/headers/,
https://nginx.org/en/docs/http/ngx_http_rewrite_module.html
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import TextIO

from ..config import Config
from ..routing.paths import quote_path
from ..routing.pattern import Param, Pattern, Segment, parse_pattern
from ..static.types import content_type_of
from ..web.response import Response

NGINX = ".framework.nginx.conf"
HEADERS, REDIRECTS = "_headers", "_redirects"
# A server has validators of its own.
_OWN = {"content-type", "etag", "last-modified"}

Extra = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file below the output folder, and the headers of the response that it holds.

    There are none for public files, error pages and redirects.
    """

    file: str
    headers: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Redirect:
    """A path, without `base`, and where it leads; `file` is the page that redirects, if any.

    `place` names it in warnings.
    """

    source: Pattern
    destination: str
    status: int
    file: str | None
    place: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Files that have the same headers beside those that any server gives: all below a folder
    (`products/`, `""` for all), or one.
    """

    name: str
    is_folder: bool
    headers: Extra


def write_hosting(
    folder: Path,
    config: Config,
    entries: Callable[[], Iterable[Entry]],
    redirects: Sequence[Redirect],
) -> list[str]:
    """Write the lists for other servers into the output folder; what to warn of.

    `entries` gives the files anew with each call, by name. A file of the site's own that has the
    name of a list stays as it is. Where routes are live, only nginx gets a list.
    """
    mixed = _find_mixed(entries())
    base = config.base.rstrip("/")
    warnings: list[str] = []
    if config.output == "static":
        lines = _redirect_lines(redirects, base, warnings)
        _write(folder / REDIRECTS, lines, warnings)
        _write(folder / HEADERS, _header_lines(entries, mixed, base), warnings)
    with (folder / NGINX).open("w", encoding="utf-8") as file:
        has_404 = (folder / "404.html").is_file()
        _write_nginx(file, config, find_rules(entries(), mixed), redirects, has_404, warnings)
    return warnings


def _write(path: Path, lines: Iterator[str], warnings: list[str]) -> None:
    first = next(lines, None)
    if first is None:
        return
    if path.exists():
        warnings.append(
            f"public/{path.name} stays as it is, so it has to say what the build would have:\n"
            "    headers of responses and redirects. Without it the build writes one."
        )
        return
    with path.open("x", encoding="utf-8") as file:
        file.writelines([first])
        file.writelines(lines)


# ---------------------------------------------------------------------------- rules


def find_rules(entries: Iterable[Entry], mixed: set[str]) -> Iterator[Rule]:
    """The rules that give each file its headers and no file another's, as few as folders allow.

    `mixed` are the folders whose files have different ones. A page that is alone in its folder,
    `about/index.html`, is one file.
    """

    def widest(entry: Entry) -> tuple[str, bool]:
        folders = _folders_of(entry.file)
        return next(((f, True) for f in folders if f not in mixed), (entry.file, False))

    for (name, is_folder), group in groupby(entries, widest):
        first, *more = islice(group, 2)
        headers = _extra(first)
        is_alone = name and first.file == f"{name}index.html" and not more
        if headers and is_folder and is_alone:
            yield Rule(first.file, False, headers)
        elif headers:
            yield Rule(name, is_folder, headers)


def _find_mixed(entries: Iterable[Entry]) -> set[str]:
    """The folders with files, however deep, whose extra headers differ."""
    mixed: set[str] = set()
    open_folders: dict[str, Extra] = {}  # those of the last file, each with its first headers
    for entry in entries:
        folders, headers = _folders_of(entry.file), _extra(entry)
        open_folders = {name: open_folders.get(name, headers) for name in folders}
        mixed.update(name for name in folders if open_folders[name] != headers)
    return mixed


def _folders_of(file: str) -> list[str]:
    """The folders that a file is in, from the top one down.

    >>> _folders_of("a/b/x.json")
    ['', 'a/', 'a/b/']
    """
    return ["", *(file[: found.end()] for found in re.finditer("/", file))]


def _extra(entry: Entry) -> Extra:
    """The headers that a server which goes by names would not send."""
    headers = entry.headers or {}
    extra = {name: value for name, value in headers.items() if name not in _OWN}
    kind = headers.get("content-type")
    if kind is not None and _plain(kind) != _plain(content_type_of(entry.file.rpartition("/")[2])):
        extra["content-type"] = kind
    return tuple(sorted(extra.items()))


def _plain(content_type: str) -> str:
    return content_type.lower().replace(" ", "")


# ---------------------------------------------------------------- _headers, _redirects


def _header_lines(
    entries: Callable[[], Iterable[Entry]], mixed: set[str], base: str
) -> Iterator[str]:
    for rule in find_rules(entries(), mixed):
        yield f"{_address(rule, base)}\n"
        for name, value in rule.headers:
            yield f"  {name}: {value}\n"


def _address(rule: Rule, base: str) -> str:
    """The path at which these hosts serve a file: `/about/` for `about/index.html`."""
    path = re.sub(r"(^|/)index\.html$|\.html$", r"\1", rule.name)
    path = _literal(f"{base}/{path}")
    return f"{path}*" if rule.is_folder else path


def _literal(path: str) -> str:
    """A path of which nothing stands for anything else."""
    return quote_path(path).replace("*", "%2A").replace(":", "%3A")


def _redirect_lines(redirects: Sequence[Redirect], base: str, warnings: list[str]) -> Iterator[str]:
    """Those without parameters first: Cloudflare reads no more of them behind one with."""
    for redirect in sorted(redirects, key=lambda r: bool(r.source.params)):
        source = _placeholders(redirect.source.segments)
        if source is None:
            warnings.append(
                f"{redirect.place}: _redirects can't say it: a parameter there is a whole segment "
                "without a converter, and a rest parameter the last one."
            )
            continue
        params = redirect.source.params
        values = {p.name: ":splat" if p.rest else f":{p.name}" for p in params}
        to = _filled(redirect.destination, values)
        yield f"{_literal(base)}{source} {to} {redirect.status}\n"


def _placeholders(segments: Sequence[Segment]) -> str | None:
    """The source with `:id` for `[id]` and `*` for a rest; `None` where that isn't the same."""
    for number, segment in enumerate(segments):
        for part in segment:
            if isinstance(part, Param) and (
                len(segment) > 1 or part.converter or (part.rest and number < len(segments) - 1)
            ):
                return None
    return _joined(segments, _literal, lambda p: "*" if p.rest else f":{p.name}")


def _filled(destination: str, values: Mapping[str, str]) -> str:
    """The destination, each parameter as `values` write it, as a `Location` has it."""
    if values and destination.startswith("/"):
        path, *rest = re.split("(?=[?#])", destination, maxsplit=1)
        slash = "/" if path.endswith("/") and path != "/" else ""
        segments = parse_pattern(path).segments
        path = _joined(segments, str, lambda param: values[param.name])
        destination = path + slash + "".join(rest)
    return Response.redirect(destination).headers["location"]


def _joined(
    segments: Sequence[Segment], text: Callable[[str], str], value: Callable[[Param], str]
) -> str:
    written = [
        "".join(text(part) if isinstance(part, str) else value(part) for part in segment)
        for segment in segments
    ]
    return "/" + "/".join(written)


# ---------------------------------------------------------------------------- nginx

_HEAD = """\
# Written by framework build. Include it in a server whose root is this folder, without a
# location / of its own.{site}
absolute_redirect off;
charset_types text/css text/csv text/javascript text/markdown text/plain text/vtt text/xml
    application/javascript image/svg+xml;
if ($uri ~ "[[:cntrl:]\\\\\\\\]") {{ return 400; }}

# The path below the base, and the file that it asks for.
set $framework_path /.none;
set $framework_file /.none;
if ($uri ~ "^{base}(?<framework_below>|/.*?[^/])/*$") {{ set $framework_path $framework_below; }}
{live}if (-f "$document_root$framework_path") {{ set $framework_file $framework_path; }}
"""
# Before anything is a file, as it is the address that the application is asked for.
_LIVE = 'if ($request_method !~ "^(GET|HEAD)$") { set $framework_path /.none; }\n'
_PAGE = """\
if (-f "$document_root$framework_path{suffix}") {{
{slash}    set $framework_file "$framework_path{suffix}";
}}
"""
_TAIL = """\
if ($framework_path ~ "/\\.(?!well-known(/|$))|^/(_headers|_redirects|404\\.html|500\\.html)$") {
    set $framework_file /.none;
}
if ($framework_file != /.none) { rewrite ^ $framework_file last; }
"""
_SLASH = {
    "ignore": "",
    "always": '    rewrite "^(.*[^/])$" $1/ permanent;\n',
    "never": '    rewrite "^(.+[^/])/+$" $1 permanent;\n',
}


def _write_nginx(
    file: TextIO,
    config: Config,
    rules: Iterable[Rule],
    redirects: Sequence[Redirect],
    has_404: bool,
    warnings: list[str],
) -> None:
    """Locations go by files: what a path asks for is found before one is chosen."""
    is_live = config.output == "server"
    base = config.base.rstrip("/")
    site, live = "", ""
    if is_live:
        site = "\n# It asks for @site, a location with your proxy_pass, where there is no file."
        live = _LIVE
    file.write(_HEAD.format(site=site, live=live, base=_regex(base)))
    slash = _SLASH[config.trailing_slash]
    if config.build.format != "directory":
        file.write(_PAGE.format(suffix=".html", slash=slash))
    file.write(_PAGE.format(suffix="/index.html", slash=slash))
    file.write(_TAIL)
    if has_404 and not is_live:
        file.write("error_page 404 /404.html;\nlocation = /404.html { internal; }\n")
    serve = f"try_files $framework_file {'@site' if is_live else '=404'};"
    lacks: dict[str, str] = {}
    covers_all = False
    redirecting = set() if is_live else {redirect.file for redirect in redirects}
    for rule in rules:
        covers_all = rule.name == ""
        if rule.name in redirecting:
            continue
        where = "^~" if rule.is_folder else "="
        file.write(f"location {where} {_quoted('/' + rule.name)} {{\n")
        if "content-type" not in dict(rule.headers):
            file.write("    charset utf-8;\n")
        for name, value in rule.headers:
            if "$" in value:
                lacks.setdefault(name, rule.name)
            elif name == "content-type":
                file.write(f"    types {{ }} default_type {_quoted(value)};\n")
            else:
                file.write(f"    add_header {name} {_quoted(value)};\n")
        file.write(f"    {serve}\n}}\n")
    if not covers_all:
        file.write(f"location / {{ charset utf-8; {serve} }}\n")
    for name, rule_name in lacks.items():
        what = f"{NGINX} lacks the header {name}, as of {rule_name}"
        warnings.append(f"{what}: its value holds a $, which nginx takes for a variable.")
    for redirect in () if is_live else redirects:
        if redirect.file is not None:
            where = f"location = {_quoted('/' + redirect.file)}"
            to = _filled(redirect.destination.replace("$", "%24"), {})
            file.write(f"{where} {{ return {redirect.status} {_quoted(to)}; }}\n")
        elif not any(param.converter for param in redirect.source.params):
            pattern = _regex(quote_path(base)) + _joined(
                redirect.source.segments,
                lambda text: _regex(quote_path(text)),  # as a client sends it
                lambda param: "([^?]*?)" if param.rest else "([^/?]+?)",
            )
            numbers = {name: f"${n}" for n, name in enumerate(redirect.source.names, 1)}
            to = _filled(redirect.destination.replace("$", "%24"), numbers)
            file.write(f'if ($request_uri ~ "^{pattern}/?(?:[?]|$)") ')
            file.write(f"{{ return {redirect.status} {_quoted(to)}; }}\n")


def _regex(text: str) -> str:
    """Text for a quoted regular expression of nginx."""
    return re.sub(r"(?![\w/%-])[\x00-\x7f]", lambda found: f"\\x{ord(found[0]):02x}", text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
