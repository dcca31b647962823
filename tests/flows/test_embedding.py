"""A site in front of a Flask application, and a site mounted inside one."""

from typing import Any

import flask
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from framework import Config, Response
from tests.conftest import SiteMaker, TestSite, call, make_environ

WHERE = (
    "from framework import Response\n"
    "def ALL(request, url, url_for, cookies):\n"
    "    cookies.set('site', 1)\n"
    "    return Response.json(['site', request.method, url.href, url_for('/where'), request.text()])\n"
)


@pytest.fixture
def shop() -> flask.Flask:
    shop = flask.Flask("shop")

    @shop.route("/", defaults={"path": ""}, methods=["GET", "POST"])
    @shop.route("/<path:path>", methods=["GET", "POST"])
    def where(path: str) -> Any:
        body = flask.request.get_data(as_text=True)
        response = flask.jsonify(["shop", flask.request.method, flask.request.url, path, body])
        response.set_cookie("shop", "1")
        return response

    @shop.route("/streamed")
    def streamed() -> flask.Response:
        return flask.Response(str(number) for number in range(3))

    @shop.route("/crash")
    def crash() -> str:
        raise flask.abort(503)

    return shop


def test_a_fallback_application_handles_the_rest(site: SiteMaker, shop: flask.Flask) -> None:
    made = site({"src/pages/where.py": WHERE, "public/style.css": "a{}"}, fallback=shop.wsgi_app)
    assert made.get("/where").json()[:3] == ["site", "GET", "http://localhost/where"]
    assert made.get("/style.css").text() == "a{}"
    assert made.get("/orders/7?q=1").json() == [
        "shop",
        "GET",
        "http://localhost/orders/7?q=1",
        "orders/7",
        "",
    ]
    assert made.get("/").json()[0] == "shop"
    assert made.get("/streamed").text() == "012"
    assert made.get("/crash").status == 503


def test_bodies_and_cookies_go_to_the_application_that_handles_the_path(
    site: SiteMaker, shop: flask.Flask
) -> None:
    made = site({"src/pages/where.py": WHERE}, fallback=shop.wsgi_app)
    headers = {"content-type": "a/b"}
    site_answer = made.post("/where", "to the site", headers=headers)
    shop_answer = made.post("/other", "to the shop", headers=headers)
    assert site_answer.json()[-1] == "to the site"
    assert shop_answer.json()[-1] == "to the shop"
    names = [
        [cookie.partition("=")[0] for cookie in answer.headers.get_set_cookie()]
        for answer in (site_answer, shop_answer)
    ]
    assert names == [["site"], ["shop"]]


def test_a_site_in_front_refuses_bad_requests_for_both(site: SiteMaker, shop: flask.Flask) -> None:
    made = site({"src/pages/where.py": WHERE}, fallback=shop.wsgi_app)
    assert made.get("/x/../y").status == 400
    assert made.get("/other", headers={"host": "a b"}).status == 400


def test_a_site_in_front_reaches_the_other_by_fetch(site: SiteMaker, shop: flask.Flask) -> None:
    made = site({"src/pages/where.py": WHERE}, fallback=shop.wsgi_app)
    assert made.app.fetch("/orders/7").json()[0] == "shop"
    assert made.app.fetch("/streamed").text() == "012"
    assert made.app.fetch("/orders/7", method="HEAD").body is None


def test_a_site_can_stand_before_flask_as_its_middleware(
    site: SiteMaker, shop: flask.Flask
) -> None:
    made = site({"src/pages/where.py": WHERE}, fallback=shop.wsgi_app)
    shop.wsgi_app = made.app  # type: ignore[method-assign]
    client = shop.test_client()
    assert client.get("/where").get_json()[0] == "site"
    assert client.get("/orders/7").get_json()[0] == "shop"


class Mounted:
    """A site below /site of a Flask application."""

    def __init__(self, shop: flask.Flask, made: TestSite) -> None:
        self.both = DispatcherMiddleware(shop.wsgi_app, {"/site": made.app})

    def request(self, method: str, path: str, headers: dict[str, str] | None = None) -> Response:
        return call(self.both, make_environ(method, path, headers or {}))

    def get(self, path: str) -> Response:
        return self.request("GET", path)


@pytest.fixture
def mounted(site: SiteMaker, shop: flask.Flask) -> Mounted:
    return Mounted(shop, site({"src/pages/where.py": WHERE, "src/pages/[id].py": WHERE}))


def test_a_site_inside_flask_knows_where_it_is_mounted(mounted: Mounted) -> None:
    data = mounted.get("/site/where?q=1").json()
    assert data == ["site", "GET", "http://localhost/site/where?q=1", "/site/where", ""]
    assert mounted.get("/site/7").json()[2] == "http://localhost/site/7"
    assert mounted.get("/where").json()[0] == "shop"


def test_a_site_inside_flask_has_its_own_404(mounted: Mounted) -> None:
    assert mounted.get("/site").status == 404
    assert mounted.get("/site/a/b").text().startswith("404 Not Found")


def test_slashes_lead_back_into_the_site(
    mounted: Mounted, site: SiteMaker, shop: flask.Flask
) -> None:
    response = mounted.get("/site//where?q=1")
    assert (response.status, response.headers["location"]) == (301, "/site/where?q=1")
    never = site({"src/pages/where.py": WHERE}, config=Config(trailing_slash="never"))
    assert Mounted(shop, never).get("/site/where/").headers["location"] == "/site/where"


def test_a_site_inside_flask_checks_origins(mounted: Mounted) -> None:
    assert mounted.request("POST", "/site/where", {"origin": "http://evil"}).status == 403
    assert mounted.request("POST", "/site/where", {"origin": "http://localhost"}).status == 200


def test_a_host_applications_own_proxy_fix_counts(site: SiteMaker) -> None:
    made = site({"src/pages/where.py": WHERE})
    headers = {"x-forwarded-proto": "https", "x-forwarded-host": "shop.example"}
    fixed = ProxyFix(made.app, x_proto=1, x_host=1)
    response = call(fixed, make_environ("GET", "/where", headers))
    assert response.json()[2] == "https://shop.example/where"


def test_an_exception_of_the_fallback_is_left_to_the_server(site: SiteMaker) -> None:
    def broken(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("content-type", "text/plain")])
        raise LookupError("the fallback's own")

    with pytest.raises(LookupError, match="the fallback's own"):
        site(fallback=broken).get("/elsewhere")
