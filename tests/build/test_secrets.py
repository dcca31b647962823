"""`Build(secrets=...)`: values of environment variables that no file may hold."""

from urllib.parse import quote

import pytest

from framework.build.secrets import Secrets
from tests.build.conftest import StaticSiteMaker

SECRET = 'k"<ü &/ey'
CONFIG = "build=Build(secrets=('API_KEY', 'OTHER'), compress=True)"
PAGE = "import os, json, html, urllib.parse\nfrom framework import Response\n\nK = os.environ.get('API_KEY', '')\n\n\n"


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", SECRET)
    monkeypatch.setenv("OTHER", "another secret")


def refusal(source: str, name: str) -> str:
    return (
        f"{source}: {name} would hold the value of API_KEY, which Build(secrets=...) lists.\n"
        "    Use it on the server only: set prerender = False, or leave it out."
    )


@pytest.mark.parametrize(
    "expression",
    [
        "Response(f'key: {K}.')",
        "Response.json({'key': K})",
        "Response(json.dumps([K]))",
        "Response(html.escape(K))",
        "Response(f'/?key={urllib.parse.quote(K, safe=str())}')",
        "Response(urllib.parse.urlencode({'key': K}))",
        "Response('x' * 2000 + K)",
        "Response('', headers={'x-key': K})",
    ],
)
def test_a_secret_in_a_response_is_refused_in_any_form(
    static_site: StaticSiteMaker, expression: str
) -> None:
    code = f"{PAGE}def GET():\n    return {expression}\n"
    text = static_site({"src/pages/x.txt.py": code}, CONFIG).mistakes()
    assert text == refusal("src/pages/x.txt.py", "x.txt")
    assert SECRET not in text


def test_a_secret_in_a_public_file_is_refused(static_site: StaticSiteMaker) -> None:
    files = {"src/pages/index.jinja": "home", "public/a.bin": f"\0{SECRET}".encode()}
    assert static_site(files, CONFIG).mistakes() == refusal("public/a.bin", "a.bin")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("short", "is too short to find"),
        ("", "is empty: set the variable where you build"),
    ],
)
def test_a_value_that_cannot_be_found_is_warned_of(
    static_site: StaticSiteMaker, monkeypatch: pytest.MonkeyPatch, value: str, reason: str
) -> None:
    monkeypatch.setenv("OTHER", value)
    one = static_site({"src/pages/index.jinja": "a short text"}, CONFIG)
    assert one.build().warnings == [f"Build(secrets=...): the value of OTHER {reason}."]


def test_without_values_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("UNSET", raising=False)
    secrets = Secrets(["EMPTY", "UNSET"])
    assert not secrets
    assert secrets.find(b"anything") is None
    why = "is empty: set the variable where you build"
    assert secrets.ignored == {"EMPTY": why, "UNSET": why}


def test_a_value_that_is_not_utf_8_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYTES", b"\xff\xfe bytes".decode(errors="surrogateescape"))
    secrets = Secrets(["BYTES"])
    assert secrets.find(b"x", b"y \xff\xfe bytes") == "BYTES"
    assert secrets.find(quote(b"\xff\xfe bytes").encode()) == "BYTES"
