"""One path, one spelling: whatever a client sends, and wherever we send it."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import App, Config
from tests.conftest import call, make_environ

ECHO = """
from framework import Response

def ALL(url, params, route_pattern):
    return Response.json([route_pattern, url.pathname, params])
"""
FILES = (
    "index.py",
    "about.py",
    "café.py",
    "feed.xml.py",
    "[a]/x.py",
    "v-[b]-[c].py",
    "[...rest].py",
)
PIECES = st.sampled_from(
    [
        "/",
        "//",
        "a",
        "about",
        "caf",
        "é",
        "%C3%A9",
        "e%CC%81",
        "feed.xml",
        "x",
        "v-",
        "-",
        ".",
        "..",
        "%2F",
        "%2f",
        "%5C",
        "\\",
        "%2e",
        "%25",
        "%61",
        "%09",
        "%00",
        "%FF",
        "evil.example",
        "@",
        ":",
        " ",
        "%20",
        "?",
        "#",
        ";",
        "%EF%BC%8F",
        "%E2%80%8B",
        "~",
        "*",
        "[",
        "%5B",
        "|",
        "%7C",
    ]
)
TARGETS = st.lists(PIECES, max_size=8).map(lambda pieces: "/" + "".join(pieces).replace("?", ""))


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], App]]:
    root = tmp_path_factory.mktemp("site")
    for name in FILES:
        path = Path(root, "src", "pages", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ECHO)
    made = {
        (slash, base): App(root, Config(trailing_slash=slash, base=base))
        for slash in ("ignore", "always", "never")
        for base in ("/", "/b")
    }
    yield made
    for app in made.values():
        app.close()


KEYS = st.sampled_from([(s, b) for s in ("ignore", "always", "never") for b in ("/", "/b")])


@given(key=KEYS, target=TARGETS)
def test_what_a_handler_sees_is_the_one_spelling_of_its_path(
    apps: dict[tuple[str, str], App], key: tuple[str, str], target: str
) -> None:
    app, base = apps[key], key[1].rstrip("/")
    response = call(app, make_environ("GET", base + target, {}))
    assert response.status in (200, 301, 400, 404)
    if response.status == 200:
        seen = response.json()
        # Asked for in its own spelling, the same handler sees the same; so no other spelling
        # of a path reaches a handler unseen by a guard that compares url.pathname.
        assert call(app, make_environ("GET", seen[1], {})).json() == seen
        assert app.fetch(f"http://localhost{seen[1]}").json() == seen


@given(key=KEYS, target=TARGETS, method=st.sampled_from(["GET", "HEAD", "PUT"]))
def test_a_redirect_stays_on_this_host_and_ends(
    apps: dict[tuple[str, str], App], key: tuple[str, str], target: str, method: str
) -> None:
    app, base = apps[key], key[1].rstrip("/")
    headers = {"Content-Type": "application/json"}
    response = call(app, make_environ(method, base + target, headers))
    if not 300 <= response.status < 400:
        return
    assert response.status == (308 if method == "PUT" else 301)
    location = response.headers["location"]
    assert urljoin("http://localhost/here", location).startswith("http://localhost/")
    assert location[:1] == "/"
    assert location[1:2] not in ("/", "\\")
    assert call(app, make_environ(method, location, headers)).status in (200, 404)
