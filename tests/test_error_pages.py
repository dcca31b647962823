"""The site's own error pages: which one is shown, to whom, and for what."""

from typing import Any

import pytest

from framework import Config
from tests.conftest import SiteMaker

CRASH = "def GET():\n    1 / 0\n"
SHOP = {
    "src/pages/404.jinja": "the site's",
    "src/pages/500.jinja": "sorry",
    "src/pages/shop/404.jinja": "the shop's: {{ url.pathname }}",
    "src/pages/shop/[id]/500.jinja": "sorry for {{ params.id }}: {{ props.error }}",
    "src/pages/shop/[id]/[part].py": CRASH,
    "src/pages/shop/crash.py": CRASH,
    "src/pages/[lang]/post/404.jinja": "nothing in {{ params.lang }}",
    "src/pages/gone.py": "from werkzeug.exceptions import NotFound\ndef GET(): raise NotFound\n",
    "src/pages/shop/[id]/gone.py": (
        "from werkzeug.exceptions import NotFound\ndef GET(): raise NotFound\n"
    ),
}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/nothing", "the site's"),
        ("/gone", "the site's"),
        ("/shop/nothing", "the shop's: /shop/nothing"),
        ("/shop/a/b/c/d", "the shop's: /shop/a/b/c/d"),
        ("/shop/7/gone", "the shop's: /shop/7/gone"),
        ("/shop", "the shop's: /shop"),
        ("/de/post/nothing/", "nothing in de"),
        ("/shopping/nothing", "the site's"),
    ],
)
def test_the_nearest_404_page_is_shown(site: SiteMaker, path: str, text: str) -> None:
    response = site(SHOP).get(path)
    assert (response.status, response.text()) == (404, text)


@pytest.mark.parametrize(
    ("path", "text"),
    [("/shop/7/x", "sorry for 7: division by zero"), ("/shop/crash", "sorry")],
)
def test_the_nearest_500_page_is_shown(site: SiteMaker, path: str, text: str) -> None:
    response = site(SHOP).get(path)
    assert (response.status, response.text()) == (500, text)


def test_a_folders_page_is_not_for_what_is_outside(site: SiteMaker) -> None:
    made = site({"src/pages/shop/404.jinja": "the shop's", "src/pages/index.py": CRASH})
    assert made.get("/nothing").text().startswith("404 Not Found")
    assert made.get("/").text() == "500 Internal Server Error\n"


def test_the_nearest_page_is_found_below_base_and_mount_point(site: SiteMaker) -> None:
    made = site(SHOP, config=Config(base="/docs"))
    text = "the shop's: /app/docs/shop/nothing"
    assert made.get("/docs/shop/nothing", environ={"SCRIPT_NAME": "/app"}).text() == text
    assert made.get("/docs/nothing").text() == "the site's"
    assert made.get("/elsewhere").text() == "the site's"


def test_a_redirect_of_the_name_is_no_error_page(site: SiteMaker) -> None:
    made = site(
        {"src/pages/index.jinja": "home", "src/pages/404.jinja": "the site's"},
        config=Config(redirects={"/shop/404": "/"}),
    )
    assert made.get("/shop/nothing").text() == "the site's"


def test_only_404_and_500_have_pages(site: SiteMaker) -> None:
    made = site({"src/pages/index.jinja": "x", "src/pages/405.jinja": "no error page"})
    assert made.post("/").text().startswith("405 Method Not Allowed")
    assert made.get("/405").status == 200


def test_invalid_data_names_each_field(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/index.py": "from framework import Response\n"
            "def POST(request): return Response.json(request.json(list[int]))\n"
        }
    )
    headers = {"content-type": "application/json"}
    assert made.post("/", "[1, 2]", headers=headers).json() == [1, 2]
    response = made.post("/", '[1, "x"]', headers=headers)
    assert response.status == 422
    assert [error["pointer"] for error in response.json()["errors"]] == ["#/1"]


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        ("", "accept"),
        ("accept-encoding", "accept-encoding, accept"),
        ("Cookie, Accept", "Cookie, Accept"),
    ],
)
def test_an_error_page_varies_by_what_chose_it(site: Any, own: str, sent: str) -> None:
    page = f"from framework import Response\n\n\ndef GET():\n    return Response('lost', headers={{'vary': '{own}'}} if '{own}' else None)\n"
    response = site({"src/pages/404.py": page}).get("/nowhere")
    assert (response.status, response.text()) == (404, "lost")
    assert response.headers["vary"] == sent
