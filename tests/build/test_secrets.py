"""`Build(secrets=...)`: values of environment variables that no file may hold."""

from urllib.parse import quote

import pytest

from framework.build.secrets import Secrets
from tests.build.conftest import StaticSiteMaker, listed

SECRET = 'k"<ü &/ey'
CONFIG = "build=Build(secrets=('API_KEY', 'OTHER'), compress=True)"
PAGE = "import os, json, html, urllib.parse, markupsafe\nfrom base64 import b64encode, urlsafe_b64encode\nfrom jinja2.utils import htmlsafe_json_dumps\nfrom framework import Response\n\nK = os.environ.get('API_KEY', '')\n\n\n"


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
        "Response(markupsafe.escape(K))",
        "Response(html.escape(json.dumps(K)))",
        "Response(''.join(f'&#x{ord(c):X};' if c in '<&/' else c for c in K))",
        "Response(''.join(f'&#0{ord(c)};' if c in '<&/' else c for c in K))",
        "Response(K.replace('<', '&lt;').replace('/', '&sol;'))",
        "Response(htmlsafe_json_dumps({'key': K}))",
        "Response(json.dumps(K).replace('/', r'\\/'))",
        "Response(json.dumps(json.dumps(K)))",
        "Response(urllib.parse.quote(K).lower())",
        "Response(urllib.parse.quote(K, safe='~()*!.'))",
        *(
            f"Response({encode}(({before!r} + K + ': more').encode()))"
            for encode in ("b64encode", "urlsafe_b64encode")
            for before in ("", "a", "ab", "user:")
        ),
        "Response(urllib.parse.quote(b64encode(K.encode())))",
        "Response('', headers={'x-key': b64encode(K.encode()).decode()})",
    ],
)
def test_a_secret_in_a_response_is_refused_in_any_form(
    static_site: StaticSiteMaker, expression: str
) -> None:
    code = f"{PAGE}def GET():\n    return {expression}\n"
    text = static_site({"src/pages/x.txt.py": code}, CONFIG).mistakes()
    assert text == refusal("src/pages/x.txt.py", "x.txt")
    assert SECRET not in text


@pytest.mark.parametrize(
    "page", ["{{ key }}", "{{ {'k': key} | tojson }}", "{{ key | urlencode }}"]
)
def test_a_secret_in_a_page_is_refused(static_site: StaticSiteMaker, page: str) -> None:
    code = f"---\nimport os\nkey = os.environ['API_KEY']\n---\n<p title=\"{page}\">\n"
    text = static_site({"src/pages/x.jinja": code}, CONFIG).mistakes()
    assert text == refusal("src/pages/x.jinja", "x/index.html")


def test_a_secret_in_the_name_of_a_file_is_refused(
    static_site: StaticSiteMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "s3cret key")
    files = {"src/pages/[id].py": listed("['a', 's3cret key']"), "public/s3cret key/x": ""}
    assert static_site(files, CONFIG).mistakes() == "\n".join(
        refusal(source, "the name of a file")
        for source in ("public/s3cret key/x", "src/pages/[id].py")
    )


@pytest.mark.parametrize("source", ["/old", "/old/[x]"])
def test_a_secret_in_a_redirect_is_refused(static_site: StaticSiteMaker, source: str) -> None:
    to = f"https://example.com/?key={quote(SECRET)}"
    one = static_site({"src/pages/x.jinja": "x"}, f"redirects={{{source!r}: {to!r}}}, {CONFIG}")
    text = one.mistakes()
    assert text.startswith(f"framework.config.py: redirects[{source!r}]: ")
    assert "the value of API_KEY, which Build(secrets=...) lists." in text
    one.configure(f"redirects={{{source!r}: {to!r}}}, {CONFIG}", "server")
    one.build()  # the application does the redirect
    assert not any(b"example.com" in content for content in one.files().values())


@pytest.mark.parametrize("text", ["k", 'k"<', 'k"<ü &/e', "=ey", "ayI8w7wgJi9l"])
def test_a_part_of_a_secret_is_not_found(text: str) -> None:
    assert Secrets(["API_KEY"]).find(text.encode()) is None


def test_blanks_around_a_value_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "from a file\n")
    assert Secrets(["API_KEY"]).find(b"x from a file x") == "API_KEY"


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
