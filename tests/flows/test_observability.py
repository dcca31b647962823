"""What operators see of a request: its route, its id, and what failed."""

import logging
from typing import Any

import pytest

from framework import Config, Security
from framework.cli.dev import add_server_timing
from tests.conftest import SiteMaker, call, make_environ

FILES = {
    "src/pages/products/[id].py": "from framework import Response\n\n\ndef GET(params):\n"
    "    return Response(params['id'])\n\n\ndef PUT():\n    raise RuntimeError('secret')\n",
    "src/pages/own.py": "from framework import Response\n\n\ndef GET():\n"
    "    return Response('x', headers={'x-request-id': 'mine'})\n",
    "src/pages/shared.py": "from framework import Response\n\nSAME = Response('s')\n\n\n"
    "def GET():\n    return SAME\n",
}
LAYER = """
def on_request(context, next):
    response = next()
    response.headers.append("x-seen", context.request.headers.get("x-user", "nobody"))
    return response
"""


@pytest.mark.parametrize("proxies", [0, 1])
def test_the_route_is_where_instrumentation_finds_it(site: SiteMaker, proxies: int) -> None:
    app = site(FILES, config=Config(security=Security(trusted_proxies=proxies))).app
    environ = make_environ("GET", "/products/7", {})
    seen = []

    def instrumentation(environ: Any, start_response: Any) -> Any:
        chunks = app(environ, start_response)
        seen.append(environ.get("http.route"))
        return chunks

    assert call(instrumentation, environ).text() == "7"
    call(instrumentation, make_environ("GET", "/nowhere", {}))
    assert seen == ["/products/[id]", "/404"]


def test_a_request_id_passes_through(site: SiteMaker) -> None:
    shop = site(FILES)
    sent = {"X-Request-Id": "4bf92f35-77b3.4da6:a3ce/9=29"}
    assert shop.get("/products/7", headers=sent).headers["x-request-id"] == sent["X-Request-Id"]
    assert shop.get("/nowhere", headers=sent).headers["x-request-id"] == sent["X-Request-Id"]
    assert shop.get("/own", headers=sent).headers["x-request-id"] == "mine"
    assert "x-request-id" not in shop.get("/products/7").headers


@pytest.mark.parametrize("value", ["", "a b", "x" * 129, "é", "<script>"])
def test_what_is_no_request_id_goes_no_further(site: SiteMaker, value: str) -> None:
    response = site(FILES).get("/products/7", headers={"X-Request-Id": value})
    assert (response.status, "x-request-id" in response.headers) == (200, False)


def test_a_request_id_is_of_one_request(site: SiteMaker) -> None:
    shop = site(FILES)
    assert shop.get("/shared", headers={"X-Request-Id": "one"}).headers["x-request-id"] == "one"
    assert "x-request-id" not in shop.get("/shared").headers


def test_what_middleware_changes_in_a_shared_response_is_of_one_request(site: SiteMaker) -> None:
    shop = site({**FILES, "src/middleware.py": LAYER})
    assert shop.get("/shared", headers={"X-User": "ann"}).headers["x-seen"] == "ann"
    assert shop.get("/shared").headers["x-seen"] == "nobody"


def test_a_crash_names_the_request_in_the_log(
    site: SiteMaker, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"X-Request-Id": "abc", "Content-Type": "application/json"}
    assert site(FILES).request("PUT", "/products/7", headers=headers).status == 500
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.getMessage() == (
        "PUT /products/7 failed in src/pages/products/[id].py, request abc"
    )


def test_development_tells_how_long_a_request_took(site: SiteMaker) -> None:
    timed = add_server_timing(site(FILES, mode="dev").app)
    timing = call(timed, make_environ("GET", "/products/7", {})).headers["server-timing"]
    name, _, value = timing.partition(";dur=")
    assert name == "app"
    assert float(value) >= 0


def test_development_answers_on_this_machine_whatever_hosts_the_site_allows(
    site: SiteMaker,
) -> None:
    config = Config(security=Security(allowed_hosts=("example.com",)))
    assert site(FILES, config=config, mode="dev").get("/products/7").status == 200
    assert site(FILES, config=config).get("/products/7").status == 400
