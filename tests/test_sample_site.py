"""The sample site, from its home page to its catalogue, as its visitors use it."""

import csv
import io
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from framework import URL, App, File, Response, URLSearchParams
from framework.testing import Client
from tests.conftest import call, make_environ

ROOT = Path(__file__).parent.parent / "sample_site"
KEPT = shutil.ignore_patterns("data", "dist", ".*", "__pycache__")


class Asker:
    """Asks the sample site; every request passes through `wsgiref.validate`."""

    def __init__(self, app: App) -> None:
        self.app = app

    def __call__(self, method: str, path: str, data: Any = None, **headers: str) -> Response:
        body = "" if data is None else data if isinstance(data, str) else json.dumps(data)
        if data is not None:
            headers.setdefault("content_type", "application/json")
        return call(self.app, make_environ(method, path, headers, body))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The shop in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ADMIN_PASSWORD", raising=False)
        root = tmp_path_factory.mktemp("sample") / "shop"
        app = App(shutil.copytree(ROOT, root, ignore=KEPT))
    yield app
    app.close()


@pytest.fixture
def app(shop: App, monkeypatch: pytest.MonkeyPatch) -> App:
    """The shop, which has forgotten all that it kept."""
    monkeypatch.delenv("CATALOG_DB", raising=False)
    shop.stop()  # closes the database
    shutil.rmtree(shop.site.root / "data", ignore_errors=True)
    for session in (shop.site.root / ".sessions").glob("*"):
        session.unlink()
    return shop


@pytest.fixture
def ask(app: App) -> Asker:
    return Asker(app)


@pytest.fixture
def visitor(app: App) -> Client:
    """Somebody with a browser that keeps cookies."""
    return Client(app)


# ------------------------------------------------------------- the article's examples


def test_health_says_ok_and_the_time_in_milliseconds(ask: Asker) -> None:
    before = time.time_ns() // 1_000_000
    response = ask("GET", "/api/health")
    after = time.time_ns() // 1_000_000
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    text = response.text()
    assert re.fullmatch(r'\{"status":"ok","time":\d{13}\}', text)
    assert before <= json.loads(text)["time"] <= after


def test_echo_sends_back_the_json_and_its_own_path(ask: Asker) -> None:
    response = ask("POST", "/api/echo?a=1", {"name": "Zoë", "tags": [1, None]})
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.text() == '{"received":{"name":"Zoë","tags":[1,null]},"path":"/api/echo"}'


def test_echo_refuses_what_is_no_json(ask: Asker) -> None:
    response = ask("POST", "/api/echo", "{oops")
    assert response.status == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert "This is not JSON" in response.json()["detail"]


def test_echo_answers_post_only(ask: Asker) -> None:
    response = ask("GET", "/api/echo")
    assert (response.status, response.headers["allow"]) == (405, "POST, OPTIONS")


def test_robots_txt_names_the_sitemap_of_the_configured_site(ask: Asker) -> None:
    response = ask("GET", "/robots.txt")
    assert response.status == 200
    assert response.headers["content-type"] == "text/plain"
    assert response.text() == (
        "User-agent: *\nAllow: /\nSitemap: https://example.com/sitemap-index.xml"
    )


@pytest.mark.parametrize(("id", "name"), [("1", "Keyboard"), ("2", "Mouse")])
def test_a_product_is_found_by_the_id_in_its_path(ask: Asker, id: str, name: str) -> None:
    response = ask("GET", f"/products/{id}.json")
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.text() == f'{{"id":"{id}","name":"{name}"}}'


@pytest.mark.parametrize("id", ["99", "01", "1.0", "x", "9" * 30])
def test_no_other_id_is_a_product(ask: Asker, id: str) -> None:
    response = ask("GET", f"/products/{id}.json")
    assert (response.status, response.text()) == (404, "Not found")


def test_static_paths_are_those_of_the_catalogue(ask: Asker) -> None:
    [route] = [r for r in ask.app.site.routes.all if r.pattern.text == "/products/[id].json"]
    module = ask.app.site.modules.load(
        ask.app.site.root / "src" / "pages" / f"{route.pattern.text[1:]}.py"
    )
    ask.app.start()
    assert module.get_static_paths() == [{"params": {"id": str(id)}} for id in range(1, 6)]


# -------------------------------------------------------------------- the catalogue


def test_a_product_is_created_read_changed_replaced_and_deleted(ask: Asker) -> None:
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
def test_a_product_that_is_not_there_is_404(ask: Asker, method: str, data: Any, id: str) -> None:
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
                "#/colour": "This field is unknown.",
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
        ({"name": " ", "price_cents": 1}, {"#": "' ' is blank or not printable."}),
        (
            {"name": "\ud800", "price_cents": 1},
            {"#": "'\\ud800' is blank or not printable."},
        ),
        (
            {"name": "a", "price_cents": 1, "description": "a\0"},
            {"#": "'a\\x00' is blank or not printable."},
        ),
    ],
)
def test_everything_that_is_wrong_with_a_product_is_said(
    ask: Asker, data: Any, errors: dict[str, str]
) -> None:
    response = ask("POST", "/api/products", data)
    assert response.status == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert {e["pointer"]: e["detail"] for e in response.json()["errors"]} == errors
    assert ask("GET", "/api/products").json()["total"] == 5


def test_a_product_that_is_no_json_is_400(ask: Asker) -> None:
    assert ask("POST", "/api/products", "name=Cable").status == 400


def test_a_form_from_another_site_is_403(ask: Asker) -> None:
    response = ask(
        "POST",
        "/api/products",
        '{"name": "a", "price_cents": 1}',
        content_type="text/plain",
        origin="https://evil.example",
    )
    assert response.status == 403


def test_the_catalogue_is_searched_and_paged(ask: Asker) -> None:
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
def test_a_page_that_is_no_number_in_range_is_422(ask: Asker, query: str) -> None:
    response = ask("GET", f"/api/products?{query}")
    assert response.status == 422
    assert f"#/{query.partition('=')[0]}: Expected int" in response.text()


def test_the_csv_holds_every_product_of_a_long_catalogue(ask: Asker) -> None:
    for number in range(6, 111):
        ask("POST", "/api/products", {"name": f'No. {number}, "new"', "price_cents": number})
    response = ask("GET", "/products.csv")
    assert response.headers["content-type"] == "text/csv;charset=UTF-8"
    header, *rows = csv.reader(io.StringIO(response.text()))
    assert header == ["id", "name", "price_cents", "description"]
    assert [row[0] for row in rows] == [str(id) for id in range(1, 111)]
    assert rows[-1] == ["110", 'No. 110, "new"', "110", ""]


def test_threads_that_come_first_together_fill_the_catalogue_once(ask: Asker) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, "GET", "/api/products") for _ in range(16)]
        assert [response.result().json()["total"] for response in asked] == [5] * 16


def test_an_emptied_catalogue_stays_empty(ask: Asker) -> None:
    for id in range(1, 6):
        assert ask("DELETE", f"/api/products/{id}").status == 204
    assert ask("GET", "/api/products").json() == {"items": [], "total": 0}
    home = ask("GET", "/")
    assert home.status == 200
    assert "Every product has been deleted" in home.text()
    for path in ("/products", "/how", "/feed.xml", "/sitemap.xml", "/products.csv"):
        assert ask("GET", path).status == 200


def test_the_catalogue_is_where_the_environment_says(
    ask: Asker, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CATALOG_DB", str(tmp_path / "elsewhere" / "shop.db"))
    assert ask("GET", "/api/products").json()["total"] == 5
    assert (tmp_path / "elsewhere" / "shop.db").exists()
    assert not (app.site.root / "data").exists()


def test_a_catalogue_of_the_first_version_keeps_its_products(ask: Asker, app: App) -> None:
    file = app.site.root / "data" / "catalog.db"
    ask("DELETE", "/api/products/2")
    with closing(sqlite3.connect(file)) as old:
        old.executescript(
            "DROP TABLE orders; DROP TABLE messages; DROP TABLE pictures; PRAGMA user_version = 1"
        )
    app.stop()
    assert ask("GET", "/orders").status == 200
    assert ask("GET", "/api/products").json()["total"] == 4


# ------------------------------------------------------------------------- the pages


class Page(HTMLParser):
    """What a page holds. Its elements are closed in order, its fields have labels, its ids are
    its own, and it has no scripts."""

    VOID = ("meta", "link", "img", "br", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.links: list[str] = []
        self.codes: list[str] = []
        self.texts: list[str] = []
        self.ids: list[str] = []
        self.referred: set[str] = set()
        self.fields: dict[str, str] = {}
        self.feed(html)
        self.close()
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids)
        assert self.referred <= set(self.ids)
        assert "script" not in self.count
        for tag in ("html", "title", "header", "main", "footer", "h1"):
            assert self.count[tag] == 1, tag

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        assert len(attributes) == len(attrs)
        self.count[tag] = self.count.get(tag, 0) + 1
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        self.ids += [attributes["id"]] if "id" in attributes else []
        for name in ("for", "aria-describedby", "aria-labelledby"):
            self.referred |= set(attributes.get(name, "").split())
        if tag == "img":
            assert {"alt", "width", "height"} <= attributes.keys()
        if tag in ("input", "select", "textarea"):
            self.fields[attributes["name"]] = attributes.get("value", "")
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "code":
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if "code" in self.open:
            self.codes[-1] += data
        if "textarea" in self.open:
            self.fields["text"] = data.removeprefix("\n").replace("\r\n", "\n")

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


PAGES = ["/", "/products", "/products?q=mo", "/products/1", "/cart", "/orders", "/contact"]
PAGES += ["/about", "/how", "/login"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_sound_html_without_scripts(ask: Asker, path: str) -> None:
    response = ask("GET", path)
    assert response.status == 200
    assert response.headers["content-type"] == "text/html;charset=UTF-8"
    html = response.text()
    Page(html)
    assert '<meta name="viewport"' in html
    assert '<html lang="en">' in html


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(ask: Asker, path: str) -> None:
    links = [link for link in Page(ask("GET", path).text()).links if not link.startswith("#")]
    assert "/products" in links
    for link in set(links) - {"/orders/live"}:  # which takes its time
        assert ask("GET", link).status < 400, link


def test_every_curl_line_of_how_it_is_made_works(ask: Asker) -> None:
    lines = [code for code in Page(ask("GET", "/how").text()).codes if code.startswith("curl ")]
    assert len(lines) == 8
    for line in lines:
        found = re.fullmatch(
            r"curl (?:-X (\w+) )?(?:--json '(?P<data>[^']+)' )?"
            r"'?http://localhost(?P<path>[^']+)'?",
            line,
        )
        assert found, line
        method = found[1] or ("POST" if found["data"] else "GET")
        assert ask(method, found["path"], found["data"]).ok, line


def test_how_it_is_made_names_files_that_are_there(ask: Asker, app: App) -> None:
    files = [code for code in Page(ask("GET", "/how").text()).codes if code.startswith("src/")]
    assert len(files) > 15
    assert [file for file in files if not (app.site.root / file).exists()] == []


def test_products_are_searched_and_leafed_through(ask: Asker) -> None:
    for number in range(6, 31):
        ask("POST", "/api/products", {"name": f"Cable {number}", "price_cents": 123456})
    everything = Page(ask("GET", "/products").text())
    assert everything.count["h3"] == 12
    assert "30 in the catalogue" in everything.text
    assert "Page 1 of 3 Next page" in everything.text
    found = ask("GET", "/products?q=CABLE%202&page=1").text()
    assert "10 found for “CABLE 2”" in Page(found).text
    assert "Page 1" not in found
    second = Page(ask("GET", "/products?q=cable&page=2").text())
    assert "/products?q=cable&page=1" in second.links
    assert "/products?q=cable&page=3" in second.links
    assert "€ 1,234.56" in second.text
    assert ask("GET", "/products?page=0").status == 422


def test_a_product_has_a_page_and_a_short_link(ask: Asker) -> None:
    page = Page(ask("GET", "/products/5").text())
    assert "Desk lamp" in page.text
    assert "€ 45.00" in page.text
    assert "/p/5" in page.links
    short = ask("GET", "/p/5")
    assert (short.status, short.headers["location"]) == (302, "/products/5")
    assert ask("GET", "/products/99", accept="text/html").status == 404


def test_what_is_not_there_gets_the_sites_page(ask: Asker) -> None:
    response = ask("GET", "/no/<b>where", accept="text/html")
    assert response.status == 404
    html = response.text()
    Page(html)
    assert "Nothing is here" in html
    assert "/no/%3Cb%3Ewhere" in html


def test_what_is_not_there_is_a_problem_for_who_wants_json(ask: Asker) -> None:
    response = ask("GET", "/nowhere", accept="application/json")
    assert response.status == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_what_breaks_gets_the_sites_page(
    ask: Asker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CATALOG_DB", str(tmp_path))  # a folder is no database
    response = ask("GET", "/products", accept="text/html")
    assert response.status == 500
    page = Page(response.text())
    assert "Something went wrong" in page.text
    assert "unable to open" not in page.text


@pytest.mark.parametrize("path", ["/style.css", "/favicon.svg"])
def test_public_files_are_served(ask: Asker, path: str) -> None:
    assert ask("GET", path).status == 200


def test_every_answer_of_a_route_has_an_id_and_guards_the_browser(ask: Asker) -> None:
    seen = set()
    for path in ("/", "/api/health", "/nowhere", "/products.csv"):
        headers = ask("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'self'")
        seen.add(headers["x-request-id"])
    assert len(seen) == 4


# -------------------------------------------------------------------- cart and orders


def put(visitor: Client, product: int, count: int = 1, path: str = "/cart/add") -> Page:
    form = {"product": str(product), "count": str(count)}
    return Page(visitor.post(path, form=form, follow_redirects=True).text())


def test_a_cart_is_filled_changed_and_emptied(visitor: Client) -> None:
    assert "Cart 0 in it" in Page(visitor.get("/").text()).text
    assert "Keyboard is in your cart." in put(visitor, 1).text
    page = put(visitor, 2, 3)
    assert "Cart 4 in it" in page.text
    assert "Total € 196.00" in page.text
    assert "Total € 275.00" in put(visitor, 1).text
    page = put(visitor, 2, 1, "/cart/change")
    assert "Total € 197.00" in page.text
    assert "is in your cart" not in page.text
    page = put(visitor, 1, 0, "/cart/change")
    assert "Keyboard" not in page.text
    assert "Total € 39.00" in page.text
    page = put(visitor, 2, 0, "/cart/change")
    assert "Nothing yet." in page.text


def test_no_more_than_99_of_one_product_and_40_products_fit_in_a_cart(visitor: Client) -> None:
    put(visitor, 1, 99)
    assert "Cart 99 in it" in put(visitor, 1, 99).text
    for number in range(6, 46):
        visitor.post("/api/products", json={"name": f"Cable {number}", "price_cents": 1})
        said = put(visitor, number, 99).text
    assert "Your cart is full." in said
    assert max(len(value) for jar in visitor.cookies.values() for value in jar.values()) < 4000
    assert "Cart 3960 in it" in said


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"product": "99"}, 404),
        ({"product": "x"}, 422),
        ({"product": "1", "count": "100"}, 422),
        ({"product": "1", "count": "-1"}, 422),
        ({}, 422),
    ],
)
def test_what_is_no_product_or_count_stays_out(
    visitor: Client, form: dict[str, str], status: int
) -> None:
    assert visitor.post("/cart/add", form=form).status == status
    assert "Nothing yet." in visitor.get("/cart").text()


@pytest.mark.parametrize(
    "cookie",
    ["", "%", "[]", "{", '{"1":"x"}', '{"1":1e99}', '{"x":1}', '{"1":-1}', '{"1":0}', '{"99":1}'],
)
def test_a_cookie_that_is_no_cart_is_an_empty_one(visitor: Client, cookie: str) -> None:
    visitor.cookies["localhost"] = {"cart": cookie}
    response = visitor.get("/cart")
    assert response.status == 200
    assert "Nothing yet." in response.text()


def test_an_order_empties_the_cart_and_is_seen_by_all(visitor: Client, app: App) -> None:
    put(visitor, 1, 2)
    put(visitor, 2)
    page = Page(visitor.post("/orders", form={}, follow_redirects=True).text())
    assert "Thank you." in page.text
    assert "Cart 0 in it" in page.text
    assert "2 × Keyboard, 1 × Mouse for € 197.00" in Page(Client(app).get("/orders").text()).text
    assert "Thank you." not in visitor.get("/orders").text()


def test_an_empty_cart_is_no_order(visitor: Client) -> None:
    visitor.post("/orders", form={})
    assert "Nothing yet." in visitor.get("/orders").text()


def test_orders_are_a_stream_of_events(visitor: Client) -> None:
    def events(query: str = "seconds=0", **headers: str) -> list[dict[str, Any]]:
        response = visitor.get(f"/orders/live?{query}", headers=headers)
        assert response.headers["content-type"] == "text/event-stream"
        first, *blocks, last = response.text().split("\n\n")
        assert (first, last) == ("retry: 1000", "")
        found = [re.fullmatch(r"id: (\d+)\ndata: (.*)", block) for block in blocks]
        orders = [json.loads(match[2]) for match in found if match]
        assert [order["id"] for order in orders] == [int(match[1]) for match in found if match]
        return orders

    assert events() == []
    for _ in range(5):
        put(visitor, 2)
        visitor.post("/orders", form={})
    assert [order["id"] for order in events()] == [3, 4, 5]
    assert events()[0]["items"] == "1 × Mouse"
    assert [order["id"] for order in events(**{"last-event-id": "1"})] == [2, 3, 4, 5]
    assert [order["id"] for order in events(**{"last-event-id": "²"})] == [3, 4, 5]
    assert [order["id"] for order in events("seconds=1")] == [3, 4, 5]
    assert visitor.get("/orders/live?seconds=61").status == 422


# ------------------------------------------------------------------------ the contact form

MESSAGE = {"name": "Zoë", "email": "zoe@example.com", "text": "Very\r\nquiet."}


def test_a_message_is_sent_once_and_thanked_for(visitor: Client, app: App) -> None:
    sent = visitor.post("/contact", form=MESSAGE)
    assert (sent.status, sent.headers["location"]) == (303, "/contact")
    assert "Thank you, Zoë." in visitor.get("/contact").text()
    assert "Thank you" not in visitor.get("/contact").text()


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"name": " "}, "Please enter your name."),
        ({"email": "zoe@example"}, "An address looks like ada@example.com."),
        ({"text": ""}, "Please write a message of at most 2000 characters."),
        ({"text": "x" * 2001}, "Please write a message of at most 2000 characters."),
    ],
)
def test_a_message_with_a_mistake_is_shown_again(
    visitor: Client, wrong: dict[str, str], hint: str
) -> None:
    response = visitor.post("/contact", form=MESSAGE | wrong)
    assert response.status == 422
    html = response.text()
    page = Page(html)
    assert html.count('aria-invalid="true"') == 1
    assert hint in page.text
    kept = {name: text.replace("\r\n", "\n") for name, text in (MESSAGE | wrong).items()}
    assert {name: page.fields[name] for name in kept} == kept


# ------------------------------------------------------------------------ feed and pictures


def test_the_feed_and_the_sitemap_are_xml_with_addresses_of_the_site(ask: Asker) -> None:
    feed = ask("GET", "/feed.xml")
    assert feed.headers["content-type"] == "application/rss+xml;charset=UTF-8"
    channel = ElementTree.fromstring(feed.text())[0]
    assert [item.findtext("title") for item in channel.findall("item")][-1] == "Keyboard"
    assert channel.find("item").findtext("link") == "https://example.com/products/5"  # type: ignore[union-attr]
    index = ElementTree.fromstring(ask("GET", "/sitemap-index.xml").text())
    assert [loc.text for loc in index.iterfind("{*}sitemap/{*}loc")] == [
        "https://example.com/sitemap.xml"
    ]
    sitemap = ElementTree.fromstring(ask("GET", "/sitemap.xml").bytes())
    addresses = [loc.text or "" for loc in sitemap.iterfind("{*}url/{*}loc")]
    assert {"https://example.com/products/1", "https://example.com/notes/felt"} <= {*addresses}
    for address in addresses:
        assert ask("GET", address.removeprefix("https://example.com")).status == 200


def test_a_product_has_a_drawn_picture_of_its_own(ask: Asker) -> None:
    drawn = [ask("GET", f"/products/{id}.svg") for id in (1, 2)]
    assert drawn[0].headers["content-type"] == "image/svg+xml"
    texts = [response.text() for response in drawn]
    assert texts[0] != texts[1]
    assert ElementTree.fromstring(texts[0])[0].text == "Keyboard"
    assert ask("GET", "/products/1/picture").text() == texts[0]
    assert ask("GET", "/products/99.svg").status == 404
    assert ask("GET", "/products/99/picture").status == 404


# ---------------------------------------------------------------------- hostile names

HOSTILE = [
    "<script>alert(1)</script>",
    '" onload="alert(1)',
    "{{ 7 * 7 }}{% include 'x' %}",
    "]]></title><svg onload=alert(1)>",
    "' --><!-- &amp;lt; %3Cb%3E",
    "a\nid: 9\ndata: b",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_everywhere(visitor: Client, name: str) -> None:
    product = {"name": name, "price_cents": 100, "description": f"{name}\n\n<b>{name}"}
    assert visitor.post("/api/products", json=product).status == 201
    said = " ".join(name.split())

    assert said in put(visitor, 6).text  # the flash and the cart
    assert said in Page(visitor.get("/products/6").text()).text
    assert "<b>" not in visitor.get("/products/6").text()
    for path in ("/", "/products", "/cart"):
        html = visitor.get(path).text()
        assert said in Page(html).text
        assert "alert(1)>" not in html
    search = visitor.get(URL(f"/products?{URLSearchParams({'q': name})}", visitor.url))
    found = Page(search.text())
    assert f"1 found for “{said}”" in found.text
    assert found.fields["q"] == name

    assert name in visitor.get("/products/6.json").json()["name"]
    rows = list(csv.reader(io.StringIO(visitor.get("/products.csv").text(), newline="")))
    assert rows[-1][1] == name
    feed = ElementTree.fromstring(visitor.get("/feed.xml").text())
    assert feed.findtext("./channel/item/title") == name
    svg = ElementTree.fromstring(visitor.get("/products/6.svg").text())
    assert svg[0].text == name

    visitor.post("/orders", form={})
    assert f"1 × {said}" in Page(visitor.get("/orders").text()).text
    *_, data, _, _ = visitor.get("/orders/live?seconds=0").text().split("\n")
    assert json.loads(data.removeprefix("data: "))["items"] == f"1 × {name}"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_is_text(visitor: Client, name: str) -> None:
    said = " ".join(name.split())
    wrong = visitor.post("/contact", form={"name": name, "email": name, "text": name})
    page = Page(wrong.text())
    assert page.fields["name"].split() == name.split()
    assert said in page.text
    visitor.post("/contact", form={"name": name, "email": "a@example.com", "text": name})
    assert f"Thank you, {said}." in Page(visitor.get("/contact").text()).text


# ------------------------------------------------------------------------ the back room

LOGIN = {"name": "ada", "password": "quiet-desk"}
PNG = b"\x89PNG\r\n\x1a\n and the rest"
JPEG = b"\xff\xd8\xff and the rest"


def upload(visitor: Client, content: bytes, name: str = "me.png", product: str = "1") -> Response:
    form = {"product": product, "picture": File(content, name, type="image/png")}
    return visitor.post("/admin", form=form)


def pictures(app: App) -> list[str]:
    return sorted(path.name for path in (app.site.root / "data" / "pictures").iterdir())


def test_the_back_room_asks_who_it_is(visitor: Client) -> None:
    response = visitor.get("/admin")
    assert (response.status, response.headers["location"]) == (303, "/login")
    assert upload(visitor, PNG).headers["location"] == "/login"
    assert visitor.get("/products/1/picture").headers["content-type"] == "image/svg+xml"
    page = Page(visitor.get("/login").text())
    assert "log in as ada with the password quiet-desk" in page.text


@pytest.mark.parametrize(
    "wrong", [{"name": "eve"}, {"password": "loud-desk"}, {"password": ""}, {"name": "a" * 101}]
)
def test_nobody_else_gets_in(visitor: Client, wrong: dict[str, str]) -> None:
    response = visitor.post("/login", form=LOGIN | wrong)
    assert response.status == 422
    page = Page(response.text())
    assert "The name or the password is wrong." in page.text
    assert page.fields["password"] == ""
    assert visitor.get("/admin").status == 303


def test_a_login_has_a_new_id_and_ends_with_the_logout(visitor: Client) -> None:
    visitor.cookies["localhost"] = {"framework-session": "a" * 43}
    assert visitor.post("/login", form=LOGIN).headers["location"] == "/admin"
    cookie = visitor.cookies["localhost"]["framework-session"]
    assert cookie != "a" * 43
    inside = visitor.get("/admin")
    assert "You are ada." in Page(inside.text()).text
    assert inside.headers["cache-control"] == "no-store"
    assert visitor.post("/logout").headers["location"] == "/"
    visitor.cookies["localhost"] = {"framework-session": cookie}
    assert visitor.get("/admin").status == 303


def test_a_password_of_your_own_is_told_to_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ADMIN_PASSWORD", "s3cret")
    app = App(shutil.copytree(ROOT, tmp_path / "own", ignore=KEPT))
    visitor = Client(app)
    html = visitor.get("/login").text()
    assert "quiet-desk" not in html
    assert "s3cret" not in html
    assert visitor.post("/login", form=LOGIN).status == 422
    assert visitor.post("/login", form=LOGIN | {"password": "s3cret"}).status == 303
    app.close()


def test_messages_are_read_in_the_back_room(visitor: Client) -> None:
    for name in [*HOSTILE, "Zoë"]:
        visitor.post("/contact", form=MESSAGE | {"name": name, "text": name})
    visitor.post("/login", form=LOGIN)
    page = Page(visitor.get("/admin").text())
    for name in [*HOSTILE, "Zoë"]:
        assert f"{' '.join(name.split())} zoe@example.com" in page.text


@pytest.mark.parametrize(("content", "kind"), [(PNG, "png"), (JPEG, "jpeg")])
def test_an_uploaded_picture_is_shown_in_place_of_the_drawn_one(
    visitor: Client, app: App, content: bytes, kind: str
) -> None:
    drawn = visitor.get("/products/1/picture")
    visitor.post("/login", form=LOGIN)
    sent = upload(visitor, content, "../../../evil.php")
    assert (sent.status, sent.headers["location"]) == (303, "/admin")
    assert "Keyboard has a new picture." in Page(visitor.get("/admin").text()).text
    shown = visitor.get("/products/1/picture")
    assert shown.headers["content-type"] == f"image/{kind}"
    assert shown.bytes() == content
    assert drawn.headers["cache-control"] == shown.headers["cache-control"] == "no-cache"
    assert pictures(app) == [f"1.{kind}"]
    assert visitor.get("/products/2/picture").headers["content-type"] == "image/svg+xml"

    upload(visitor, PNG + b"newer")
    assert visitor.get("/products/1/picture").bytes() == PNG + b"newer"
    assert len(pictures(app)) == 1


@pytest.mark.parametrize(
    ("content", "product", "problem"),
    [
        (b"<svg onload='alert(1)'/>", "1", "Choose a PNG or a JPEG file."),
        (b"", "1", "Choose a PNG or a JPEG file."),
        (PNG + bytes(2 * 1024 * 1024), "1", "This file is larger than 2 MB."),
        (PNG, "99", "Choose a product and a file."),
        (PNG, "../1", "Choose a product and a file."),
    ],
)
def test_what_is_no_picture_is_refused(
    visitor: Client, app: App, content: bytes, product: str, problem: str
) -> None:
    visitor.post("/login", form=LOGIN)
    response = upload(visitor, content, product=product)
    assert response.status == 422
    assert problem in Page(response.text()).text
    assert not (app.site.root / "data" / "pictures").exists()


def test_an_upload_without_a_file_or_one_that_is_far_too_large_is_refused(visitor: Client) -> None:
    visitor.post("/login", form=LOGIN)
    response = visitor.post("/admin", form={"product": "2"})
    assert response.status == 422
    assert '<option value="2" selected>' in response.text()
    assert upload(visitor, bytes(4 * 1024 * 1024)).status == 413


# -------------------------------------------------------------------- how it is served


@pytest.mark.parametrize(("folder", "module"), [(ROOT.parent, "sample_site.wsgi"), (ROOT, "wsgi")])
def test_servers_find_the_application_from_both_folders(folder: Path, module: str) -> None:
    command = f"import {module} as m; print(type(m.application).__name__)"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == "App\n"
