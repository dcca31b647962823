"""The configuration for nginx: its locations, headers and redirects."""

import re
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import pytest

from framework import Build, Config
from framework.build.hosting import Redirect, find_redirects, find_rules
from framework.build.nginx import NGINX, write_nginx
from tests.build.test_hosting import OWN, Files, redirect, written


class Configure(Protocol):
    """The type of the fixture `nginx`."""

    def __call__(
        self, files: Files, redirects: list[Redirect] | None = None, **options: Any
    ) -> tuple[str, list[str]]:
        """Write the configuration; its text, and the warnings."""


@pytest.fixture
def nginx(tmp_path: Path) -> Configure:

    def write(
        files: Files, redirects: list[Redirect] | None = None, **options: Any
    ) -> tuple[str, list[str]]:
        config = Config(**{"output": "static", **options})
        rules = find_rules(written(files))
        warnings = list(write_nginx(tmp_path, config, rules, redirects or []))
        return (tmp_path / NGINX).read_text(), warnings

    return write


def test_nginx_passes_live_routes_to_the_application(nginx: Configure) -> None:
    text, _ = nginx({"a": OWN}, [redirect("/old", "/new")], output="server")
    assert "try_files $framework_file @site;" in text
    assert "=404" not in text
    assert "/new" not in text


def test_one_rule_for_all_files_is_the_only_location(nginx: Configure) -> None:
    text, _ = nginx({"index.html": OWN, "a/x": OWN, "b/y": {"x-own": "2"}, "b/z": None})
    assert re.findall("^location .*", text, re.MULTILINE) == [
        'location ^~ "/a/" {',
        'location = "/b/y" {',
        'location = "/index.html" {',
        "location / { charset utf-8; try_files $framework_file =404; }",
    ]
    text, _ = nginx({"a.html": OWN, "b.html": OWN})
    assert re.findall("^location .*", text, re.MULTILINE) == ['location ^~ "/" {']


def test_a_dollar_in_a_header_is_warned_of_once(nginx: Configure) -> None:
    kind = {"content-type": "text/$x"}
    files = {"a": {**OWN, "y": "$1"}, "b": {**OWN, "y": "$2"}, "c": kind, "d": None}
    text, warnings = nginx(files)
    reason = "its value contains $, which nginx would replace with a variable."
    assert warnings == [
        f"{NGINX} does not send the header y of a: {reason}",
        f"{NGINX} does not send the header content-type of c: {reason}",
    ]
    assert "$1" not in text


def test_a_page_that_redirects_becomes_a_return_directive(nginx: Configure) -> None:
    to = 'https://example.com/"{a};$b'
    text, _ = nginx({"go": OWN, "x": None}, [redirect("/go", to, 307, "go")])
    [line] = re.findall('.*"/go".*', text)
    assert line == (
        f'location = "/go" {{ return 307 "https://example.com/{quote(chr(34))}%7Ba%7D;%24b"; }}'
    )


def test_parameters_are_taken_from_the_request_as_it_was_sent(nginx: Configure) -> None:
    redirects = [
        redirect("/v-[x].y/[...rest]", "/w/[...rest]/[x]", 302),
        redirect("/[id=int]", "/n"),
    ]
    text, _ = nginx({}, redirects, base="/b.c")
    assert re.findall("if .*request_uri.*", text) == [
        r'if ($request_uri ~ "^/b\x2ec/v-([^/?]+?)\x2ey/([^?]*?)/?(?:[?]|$)") '
        '{ return 302 "/w/$2/$1"; }'
    ]


def test_the_query_goes_along_unless_the_destination_has_one(nginx: Configure) -> None:
    targets = {"/a": "/b", "/c/[x]": "/d#e", "/f": "/g?h"}
    redirects = find_redirects(Config(redirects=targets), [])
    text, _ = nginx({}, redirects)
    assert re.findall('return 301 "(.*)"', text) == ["/b$is_args$args", "/d$is_args$args#e", "/g?h"]


def test_the_404_page_is_sent_if_there_is_one(nginx: Configure, tmp_path: Path) -> None:
    options = {"build": Build(format="preserve"), "trailing_slash": "never"}
    assert "error_page" not in nginx({}, **options)[0]
    (tmp_path / "404.html").touch()
    assert "error_page 404 /404.html;" in nginx({}, **options)[0]
