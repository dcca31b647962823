"""Content types by the names of files."""

import pytest

from framework.static.types import content_type_of, has_extension, page_type_of


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.css", "text/css;charset=UTF-8"),
        ("a.html", "text/html;charset=UTF-8"),
        ("a.js", "text/javascript;charset=UTF-8"),
        ("a.mjs", "text/javascript;charset=UTF-8"),
        ("a.json", "application/json"),
        ("a.js.map", "application/json"),
        ("a.svg", "image/svg+xml;charset=UTF-8"),
        ("A.PNG", "image/png"),
        ("photo.webp", "image/webp"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("LICENSE", "application/octet-stream"),
        ("a.tar.gz", "application/octet-stream"),
        ("a.svgz", "application/octet-stream"),
        ("http:x.css", "text/css;charset=UTF-8"),
    ],
)
def test_the_suffix_decides_the_content_type(name: str, content_type: str) -> None:
    assert content_type_of(name) == content_type


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("feed.rss", "application/rss+xml"),
        ("v1.0", "text/html;charset=UTF-8"),
        ("about", "text/html;charset=UTF-8"),
        ("", "text/html;charset=UTF-8"),
    ],
)
def test_a_page_is_html_unless_it_has_a_known_suffix(name: str, content_type: str) -> None:
    assert page_type_of(name) == content_type


@pytest.mark.parametrize(
    "name",
    [
        *("robots.txt", "feed.xml", "[id].json", "[...path].png", "index.json", "a.b.CSV"),
        *("data.tar.gz", "calendar.ics", "openapi.yaml", "[lang]-[version].html"),
    ],
)
def test_a_known_extension(name: str) -> None:
    assert has_extension(name)


@pytest.mark.parametrize(
    "name", ["about", "v1.0", "hello.world", "json", "[id]", "x.[ext]", "[a].[b]", ".", "a."]
)
def test_other_names_have_no_extension(name: str) -> None:
    assert not has_extension(name)
