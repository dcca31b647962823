"""Write the configuration of nginx for a build: its paths, headers and redirects.

https://nginx.org/en/docs/http/ngx_http_rewrite_module.html
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..config import Config
from ..routing.paths import quote_path
from .hosting import Redirect, Rules, fill_destination, is_folder, join_segments

NGINX = ".framework.nginx.conf"

_HEAD = """\
# Written by framework build. Include it in a server whose root is this folder, without a
# location / of its own.{more}
absolute_redirect off;
charset_types text/css text/csv text/javascript text/markdown text/plain text/vtt text/xml
    application/javascript image/svg+xml;
if ($uri ~ "[[:cntrl:]\\\\\\\\]") {{ return 400; }}

# The path below the base, and the file for it.
set $framework_path /.none;
set $framework_file /.none;
if ($uri ~ "^{prefix}(?<framework_below>|/.*?[^/])/*$") {{ set $framework_path $framework_below; }}
"""
_LIVE = "\n# Add a location @site with your proxy_pass, for the paths that have no file."
_ONLY_GET = 'if ($request_method !~ "^(GET|HEAD)$") { set $framework_path /.none; }\n'
_FILE = 'if (-f "$document_root$framework_path") { set $framework_file $framework_path; }\n'
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


def write_nginx(
    folder: Path, config: Config, rules: Rules, redirects: Sequence[Redirect]
) -> Iterator[str]:
    """Write the configuration; yield warnings.

    nginx finds the file for a path and rewrites the path to the name of the file, so each location
    is for a file or folder. In a site with live routes the application does the redirects.
    """
    is_live = config.output == "server"
    slash = _SLASH[config.trailing_slash]
    text = [_HEAD.format(more=_LIVE if is_live else "", prefix=_regex(config.prefix))]
    text += [_ONLY_GET if is_live else "", _FILE]
    if config.build.format != "directory":
        text.append(_PAGE.format(suffix=".html", slash=slash))
    text += [_PAGE.format(suffix="/index.html", slash=slash), _TAIL]
    if (folder / "404.html").is_file() and not is_live:
        text.append("error_page 404 /404.html;\nlocation = /404.html { internal; }\n")
    serve = f"try_files $framework_file {'@site' if is_live else '=404'};"
    pages = set() if is_live else {redirect.file for redirect in redirects}
    left_out: dict[str, str] = {}
    for name, headers in rules.items():
        if name in pages:
            continue
        text.append(f"location {'^~' if is_folder(name) else '='} {_quoted('/' + name)} {{\n")
        if "content-type" not in dict(headers):
            text.append("    charset utf-8;\n")
        for header, value in headers:
            if "$" in value:
                left_out.setdefault(header, name)
            elif header == "content-type":
                text.append(f"    types {{ }} default_type {_quoted(value)};\n")
            else:
                text.append(f"    add_header {header} {_quoted(value)};\n")
        text.append(f"    {serve}\n}}\n")
    if "" not in rules:
        text.append(f"location / {{ charset utf-8; {serve} }}\n")
    if not is_live:
        text += [_redirect(redirect, config.prefix) for redirect in redirects]
    (folder / NGINX).write_text("".join(text), encoding="utf-8")
    for header, name in left_out.items():
        yield (
            f"{NGINX} does not send the header {header} of {name}: its value contains $, which "
            "nginx would replace with a variable."
        )


def _redirect(redirect: Redirect, prefix: str) -> str:
    destination = redirect.destination.replace("$", "%24")
    query = "$is_args$args" if redirect.keeps_query else ""
    if redirect.file is not None:
        to = _quoted(fill_destination(destination, {}, query))
        return f"location = {_quoted('/' + redirect.file)} {{ return {redirect.status} {to}; }}\n"
    if any(param.converter for param in redirect.source.params):
        return ""  # nginx does not know the site's converters
    path = join_segments(
        redirect.source.segments,
        lambda text: _regex(quote_path(text)),  # as a client sends it
        lambda param: "([^?]*?)" if param.rest else "([^/?]+?)",
    )
    groups = {name: f"${number}" for number, name in enumerate(redirect.source.names, 1)}
    to = _quoted(fill_destination(destination, groups, query))
    pattern = f"^{_regex(quote_path(prefix))}{path}/?(?:[?]|$)"
    return f'if ($request_uri ~ "{pattern}") {{ return {redirect.status} {to}; }}\n'


def _regex(text: str) -> str:
    """Escape text for a quoted regular expression of nginx."""
    return re.sub(r"(?![\w/%-])[\x00-\x7f]", lambda found: f"\\x{ord(found[0]):02x}", text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
