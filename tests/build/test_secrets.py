"""`Build(secrets=...)`: values of environment variables that no file may hold."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from framework.build.run import build
from framework.build.secrets import Secrets
from framework.errors import BuildError
from tests.conftest import SiteMaker

SECRET = 'k"<ü &/ey'
CONFIG = (
    "from framework import *\n\nconfig = Config("
    "output='static', build=Build(secrets=('API_KEY', 'OTHER'), compress=True))\n"
)
PAGE = "import os, json, html, urllib.parse\nfrom framework import Response\n\nK = os.environ.get('API_KEY', '')\n\n\n"


@pytest.fixture
def make(site: SiteMaker, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    monkeypatch.setenv("API_KEY", SECRET)
    monkeypatch.delenv("OTHER", raising=False)

    def made(files: dict[str, str | bytes]) -> Path:
        return Path(site({"framework.config.py": CONFIG, **files}).root)

    return made


def refused(root: Path) -> str:
    with pytest.raises(BuildError) as caught:
        build(root)
    assert SECRET not in str(caught.value)
    assert not (root / "dist").exists()
    return str(caught.value).removeprefix("The site can't be built:\n")


def told(place: str, file: str) -> str:
    return (
        f"{place}: {file} would hold the value of API_KEY, and Build(secrets=...) says that it is "
        "secret.\n    Use it on the server only: set prerender = False, or leave it out."
    )


@pytest.mark.parametrize(
    "answer",
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
def test_a_secret_in_an_answer_is_refused_in_any_form(make: Any, answer: str) -> None:
    root = make({"src/pages/x.txt.py": f"{PAGE}def GET():\n    return {answer}\n"})
    assert refused(root) == told("src/pages/x.txt.py", "x.txt")


def test_a_secret_in_a_public_file_is_refused(make: Any) -> None:
    root = make({"src/pages/index.jinja": "home", "public/a.bin": f"\0{SECRET}".encode()})
    assert refused(root) == told("public/a.bin", "a.bin")


def test_a_kept_file_is_looked_through(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make({"src/pages/index.jinja": "only later a secret", "public/x.txt": "this too: later"})
    assert build(root).rendered == 1
    assert build(root).kept == 1
    monkeypatch.setenv("OTHER", "later a")
    with pytest.raises(
        BuildError, match=r"index\.jinja: index\.html would hold the value of OTHER"
    ):
        build(root)
    monkeypatch.setenv("OTHER", ": later")
    with pytest.raises(BuildError, match=r"public/x\.txt: x\.txt would hold the value of OTHER"):
        build(root)


def test_a_short_value_is_warned_of(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER", "short")
    root = make({"src/pages/index.jinja": "a short text"})
    assert build(root).warnings == ["Build(secrets=...): the value of OTHER is too short to find."]


def test_a_variable_that_is_not_set_is_warned_of(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTHER", raising=False)
    root = make({"src/pages/index.jinja": "text"})
    assert build(root).warnings == [
        "Build(secrets=...): the value of OTHER is empty: set the variable where you build."
    ]


def test_without_values_nothing_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("UNSET", raising=False)
    secrets = Secrets(["EMPTY", "UNSET"])
    assert not secrets
    assert secrets.find(b"anything") is None
    why = "is empty: set the variable where you build"
    assert secrets.ignored == {"EMPTY": why, "UNSET": why}


def test_a_value_that_is_no_text_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYTES", b"\xff\xfe bytes".decode(errors="surrogateescape"))
    secrets = Secrets(["BYTES"])
    assert secrets.find(b"x", b"y \xff\xfe bytes") == "BYTES"
    assert secrets.find(quote(b"\xff\xfe bytes").encode()) == "BYTES"
