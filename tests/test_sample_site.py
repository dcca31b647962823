"""The sample site, from its home page to its catalogue, as its visitors use it."""

import csv
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from framework import App, Response
from tests.conftest import call, make_environ

ROOT = Path(__file__).parent.parent / "sample_site"


class Client:
    """Asks the sample site; every request passes through `wsgiref.validate`."""

    def __init__(self, app: App) -> None:
        self.app = app

    def __call__(self, method: str, path: str, data: Any = None, **headers: str) -> Response:
        body = "" if data is None else data if isinstance(data, str) else json.dumps(data)
        if data is not None:
            headers.setdefault("content_type", "application/json")
        return call(self.app, make_environ(method, path, headers, body))


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("CATALOG_DB", str(tmp_path / "new" / "catalog.db"))
    app = App(ROOT)
    yield Client(app)
    app.close()


# ------------------------------------------------------------- the article's examples


def test_health_says_ok_and_the_time_in_milliseconds(ask: Client) -> None:
    before = time.time_ns() // 1_000_000
    response = ask("GET", "/api/health")
    after = time.time_ns() // 1_000_000
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    text = response.text()
    assert re.fullmatch(r'\{"status":"ok","time":\d{13}\}', text)
    assert before <= json.loads(text)["time"] <= after


def test_echo_sends_back_the_json_and_its_own_path(ask: Client) -> None:
    response = ask("POST", "/api/echo?a=1", {"name": "Zoë", "tags": [1, None]})
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.text() == '{"received":{"name":"Zoë","tags":[1,null]},"path":"/api/echo"}'


def test_echo_refuses_what_is_no_json(ask: Client) -> None:
    response = ask("POST", "/api/echo", "{oops")
    assert response.status == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert "This is not JSON" in response.json()["detail"]


def test_echo_answers_post_only(ask: Client) -> None:
    response = ask("GET", "/api/echo")
    assert (response.status, response.headers["allow"]) == (405, "POST, OPTIONS")


def test_robots_txt_names_the_sitemap_of_the_configured_site(ask: Client) -> None:
    response = ask("GET", "/robots.txt")
    assert response.status == 200
    assert response.headers["content-type"] == "text/plain"
    assert response.text() == (
        "User-agent: *\nAllow: /\nSitemap: https://example.com/sitemap-index.xml"
    )


@pytest.mark.parametrize(("id", "name"), [("1", "Keyboard"), ("2", "Mouse")])
def test_a_product_is_found_by_the_id_in_its_path(ask: Client, id: str, name: str) -> None:
    response = ask("GET", f"/products/{id}.json")
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.text() == f'{{"id":"{id}","name":"{name}"}}'


@pytest.mark.parametrize("id", ["99", "01", "1.0", "x", "9" * 30])
def test_no_other_id_is_a_product(ask: Client, id: str) -> None:
    response = ask("GET", f"/products/{id}.json")
    assert (response.status, response.text()) == (404, "Not found")


def test_static_paths_are_those_of_the_catalogue(ask: Client) -> None:
    [route] = [r for r in ask.app.site.routes.all if r.pattern.text == "/products/[id].json"]
    module = ask.app.site.modules.load(ROOT / "src" / "pages" / f"{route.pattern.text[1:]}.py")
    assert module.get_static_paths() == [{"params": {"id": str(id)}} for id in range(1, 6)]


# -------------------------------------------------------------------- the catalogue


def test_a_product_is_created_read_changed_replaced_and_deleted(ask: Client) -> None:
    created = ask("POST", "/api/products", {"name": "Cable", "price_cents": 900})
    assert (created.status, created.headers["location"]) == (201, "/api/products/6")
    cable = {"id": "6", "name": "Cable", "price_cents": 900, "description": ""}
    assert created.json() == cable
    assert ask("GET", "/api/products/6").json() == cable
    assert ask("GET", "/products/6.json").json() == {"id": "6", "name": "Cable"}

    changed = ask("PATCH", "/api/products/6", {"description": "USB-C,\n1 m"})
    assert changed.json() == cable | {"description": "USB-C,\n1 m"}
    replaced = ask("PUT", "/api/products/6", {"name": "Cord", "price_cents": 0})
    assert replaced.json() == {"id": "6", "name": "Cord", "price_cents": 0, "description": ""}

    deleted = ask("DELETE", "/api/products/6")
    assert (deleted.status, deleted.body) == (204, None)
    assert ask("GET", "/products/6.json").status == 404
    again = ask("POST", "/api/products", {"name": "Cable", "price_cents": 900})
    assert again.headers["location"] == "/api/products/7"


@pytest.mark.parametrize(
    ("method", "data"),
    [("GET", None), ("PUT", {"name": "a", "price_cents": 1}), ("PATCH", {}), ("DELETE", None)],
)
@pytest.mark.parametrize("id", ["99", "9" * 30])
def test_a_product_that_is_not_there_is_404(ask: Client, method: str, data: Any, id: str) -> None:
    response = ask(method, f"/api/products/{id}", data)
    assert response.status == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == f"There is no product {id}."


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        ([], {"#": "Expected object, got array."}),
        (
            {},
            {"#/name": "This field is missing.", "#/price_cents": "This field is missing."},
        ),
        (
            {"name": "", "price_cents": True, "colour": "red"},
            {
                "#/colour": "There is no such field.",
                "#/name": "Expected str of length >= 1.",
                "#/price_cents": "Expected int, got bool.",
            },
        ),
        (
            {"name": "a" * 101, "price_cents": 2**70, "description": 1},
            {
                "#/name": "Expected str of length <= 100.",
                "#/price_cents": "Expected int <= 10000000.",
                "#/description": "Expected str, got int.",
            },
        ),
        ({"name": " ", "price_cents": 1}, {"#": "' ' is blank, or holds what can't be printed."}),
        (
            {"name": "\ud800", "price_cents": 1},
            {"#": "'\\ud800' is blank, or holds what can't be printed."},
        ),
        (
            {"name": "a", "price_cents": 1, "description": "a\0"},
            {"#": "'a\\x00' is blank, or holds what can't be printed."},
        ),
    ],
)
def test_everything_that_is_wrong_with_a_product_is_said(
    ask: Client, data: Any, errors: dict[str, str]
) -> None:
    response = ask("POST", "/api/products", data)
    assert response.status == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert {e["pointer"]: e["detail"] for e in response.json()["errors"]} == errors
    assert ask("GET", "/api/products").json()["total"] == 5


def test_a_product_that_is_no_json_is_400(ask: Client) -> None:
    assert ask("POST", "/api/products", "name=Cable").status == 400


def test_a_form_from_another_site_is_403(ask: Client) -> None:
    response = ask(
        "POST",
        "/api/products",
        '{"name": "a", "price_cents": 1}',
        content_type="text/plain",
        origin="https://evil.example",
    )
    assert response.status == 403


def test_the_catalogue_is_searched_and_paged(ask: Client) -> None:
    def names(query: str) -> tuple[list[str], int]:
        found = ask("GET", f"/api/products{query}").json()
        return [item["name"] for item in found["items"]], found["total"]

    everything = ["Keyboard", "Mouse", "Monitor", "Webcam", "Desk lamp"]
    assert names("") == (everything, 5)
    assert names("?q=MO") == (["Mouse", "Monitor"], 2)
    assert names("?q=mo&limit=1&offset=1") == (["Monitor"], 2)
    assert names("?q=%25") == ([], 0)
    assert names("?offset=5") == ([], 5)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=%D9%A3", "offset=-1"])
def test_a_page_that_is_no_number_in_range_is_422(ask: Client, query: str) -> None:
    response = ask("GET", f"/api/products?{query}")
    assert response.status == 422
    assert f"#/{query.partition('=')[0]}: Expected int" in response.text()


def test_the_csv_holds_every_product_of_a_long_catalogue(ask: Client) -> None:
    for number in range(6, 111):
        ask("POST", "/api/products", {"name": f'No. {number}, "new"', "price_cents": number})
    response = ask("GET", "/products.csv")
    assert response.headers["content-type"] == "text/csv;charset=UTF-8"
    header, *rows = csv.reader(io.StringIO(response.text()))
    assert header == ["id", "name", "price_cents", "description"]
    assert [row[0] for row in rows] == [str(id) for id in range(1, 111)]
    assert rows[-1] == ["110", 'No. 110, "new"', "110", ""]


def test_threads_that_come_first_together_fill_the_catalogue_once(ask: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, "GET", "/api/products") for _ in range(16)]
        assert [response.result().json()["total"] for response in asked] == [5] * 16


def test_an_emptied_catalogue_stays_empty(ask: Client) -> None:
    for id in range(1, 6):
        assert ask("DELETE", f"/api/products/{id}").status == 204
    assert ask("GET", "/api/products").json() == {"items": [], "total": 0}
    home = ask("GET", "/")
    assert home.status == 200
    assert "Every product has been deleted" in home.text()


def test_the_countdown_is_a_stream_of_events(ask: Client) -> None:
    response = ask("GET", "/api/countdown?start=1")
    assert response.headers["content-type"] == "text/event-stream"
    assert response.text() == "data: 1\n\ndata: lift-off\n\n"
    assert ask("GET", "/api/countdown?start=0").status == 422


# ------------------------------------------------------------------------- the pages


class Page(HTMLParser):
    """What a page holds: how often each element is opened, links, texts; all closed in order."""

    VOID = ("meta", "link", "img", "br", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.links: list[str] = []
        self.codes: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag == "img":
            assert "alt" in dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "code":
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.codes[-1] += data


def test_the_home_page_is_sound_html_without_scripts(ask: Client) -> None:
    response = ask("GET", "/")
    assert response.headers["content-type"] == "text/html;charset=UTF-8"
    html = response.text()
    page = Page(html)
    for tag in ("html", "title", "header", "main", "footer", "h1"):
        assert page.count[tag] == 1
    assert "script" not in page.count
    assert '<meta name="viewport"' in html
    assert "Keyboard" in html
    assert "€ 79.00" in html


def test_every_link_of_the_home_page_leads_somewhere(ask: Client) -> None:
    links = Page(ask("GET", "/").text()).links
    assert "/api/products/1" in links
    assert {link: status for link in links if (status := ask("GET", link).status) >= 400} == {}


def test_every_curl_line_of_the_home_page_works(ask: Client) -> None:
    lines = [code for code in Page(ask("GET", "/").text()).codes if code.startswith("curl ")]
    assert len(lines) == 9
    for line in lines:
        found = re.fullmatch(
            r"curl (?:-X (\w+) )?(?:-N )?(?:--json '(?P<data>[^']+)' )?"
            r"'?http://localhost(?P<path>[^']+)'?",
            line,
        )
        assert found, line
        method = found[1] or ("POST" if found["data"] else "GET")
        assert ask(method, found["path"], found["data"]).status in (200, 201, 204), line


def test_a_name_with_markup_is_text_on_the_home_page(ask: Client) -> None:
    ask("POST", "/api/products", {"name": "<script>alert(1)</script>", "price_cents": 1})
    html = ask("GET", "/").text()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_what_is_not_there_gets_the_sites_page(ask: Client) -> None:
    response = ask("GET", "/no/<b>where", accept="text/html")
    assert response.status == 404
    html = response.text()
    Page(html)
    assert "Nothing is here" in html
    assert "/no/%3Cb%3Ewhere" in html


def test_what_is_not_there_is_a_problem_for_who_wants_json(ask: Client) -> None:
    response = ask("GET", "/nowhere", accept="application/json")
    assert response.status == 404
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/style.css", "/favicon.svg"])
def test_public_files_are_served(ask: Client, path: str) -> None:
    assert ask("GET", path).status == 200


def test_every_answer_of_a_route_has_an_id_and_guards_the_browser(ask: Client) -> None:
    seen = set()
    for path in ("/", "/api/health", "/nowhere", "/products.csv"):
        headers = ask("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'self'")
        seen.add(headers["x-request-id"])
    assert len(seen) == 4


# -------------------------------------------------------------------- how it is served


@pytest.mark.parametrize(("folder", "module"), [(ROOT.parent, "sample_site.wsgi"), (ROOT, "wsgi")])
def test_servers_find_the_application_from_both_folders(folder: Path, module: str) -> None:
    command = f"import {module} as m; print(type(m.application).__name__)"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == "App\n"
