import io
from collections.abc import Callable
from typing import Any

import flask
import pytest

from framework import File, Response
from framework.testing import Client
from tests.conftest import SiteMaker

ECHO = """
from framework import Response

def ALL(request):
    return Response.json({
        "method": request.method,
        "headers": dict(request.headers),
        "body": request.text(),
    })
"""


@pytest.fixture
def client(site: SiteMaker) -> Callable[[str], Client]:
    """A client of a site with this `src/pages/index.py`."""
    return lambda source: Client(site({"src/pages/index.py": source}).app)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
def test_every_usual_method_has_a_function(client: Callable[[str], Client], method: str) -> None:
    assert getattr(client(ECHO), method)("/").json()["method"] == method.upper()


def test_head_has_no_body(client: Callable[[str], Client]) -> None:
    response = client(ECHO).head("/")
    assert response.status == 200
    assert int(response.headers["content-length"]) > 0
    assert response.text() == ""


def test_any_other_method_can_be_sent(client: Callable[[str], Client]) -> None:
    assert client(ECHO).request("PURGE", "/").json()["method"] == "PURGE"


def test_a_body_and_headers_are_sent_as_given(client: Callable[[str], Client]) -> None:
    echo = client(ECHO).post("/", body="hi", headers={"x-a": "1", "content-type": "text/a"}).json()
    assert echo["body"] == "hi"
    assert (echo["headers"]["x-a"], echo["headers"]["content-type"]) == ("1", "text/a")


def test_json_is_sent_as_json(client: Callable[[str], Client]) -> None:
    ask = client(ECHO)
    echo = ask.post("/", json={"a": [1]}).json()
    assert (echo["body"], echo["headers"]["content-type"]) == ('{"a":[1]}', "application/json")
    assert ask.post("/", json=None).json()["body"] == "null"
    patch = ask.patch("/", json=1, headers={"content-type": "application/merge-patch+json"}).json()
    assert patch["headers"]["content-type"] == "application/merge-patch+json"


def test_a_form_is_sent_as_browsers_do(client: Callable[[str], Client]) -> None:
    ask = client(ECHO)
    echo = ask.post("/", form={"a": "1 &", "b": "é"}).json()
    assert echo["body"] == "a=1+%26&b=%C3%A9"
    assert echo["headers"]["content-type"].startswith("application/x-www-form-urlencoded")
    assert "origin" not in echo["headers"]
    assert ask.post("/", form=[("a", "1"), ("a", "2")]).json()["body"] == "a=1&a=2"


def test_a_form_with_a_file_is_multipart(client: Callable[[str], Client]) -> None:
    source = """
from framework import Response

def POST(request):
    form = request.form_data()
    return Response.json([form.get("name"), form.get("file").name, form.get("file").text()])
"""
    form = {"name": "ada", "file": File("x,y", "a.csv")}
    assert client(source).post("/", form=form).json() == ["ada", "a.csv", "x,y"]


def test_a_given_origin_is_not_replaced(client: Callable[[str], Client]) -> None:
    response = client(ECHO).post("/", form={}, headers={"origin": "https://evil.example"})
    assert response.status == 403


# ----------------------------------------------------------------------- cookies


def sets(*lines: str) -> Client:
    """A client of an application that sets these cookies at `/set` and tells what it got."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        cookies = lines if environ["PATH_INFO"] == "/set" else ()
        response = Response(environ.get("HTTP_COOKIE", ""))
        return response.send(start_response, cookies=cookies)

    return Client(application)


def test_cookies_are_sent_back() -> None:
    client = sets("a=1; Path=/; HttpOnly", "b=x=y")
    assert client.get("/").text() == ""
    client.get("/set")
    assert client.get("/").text() == "a=1; b=x=y"
    assert client.cookies == {"localhost": {"a": "1", "b": "x=y"}}


def test_cookies_of_one_host_are_not_sent_to_another() -> None:
    client = sets("a=1")
    client.get("/set")
    assert client.get("http://other.example/").text() == ""


def test_a_given_cookie_header_is_not_replaced() -> None:
    client = sets("a=1")
    client.get("/set")
    assert client.get("/", headers={"cookie": "mine=2"}).text() == "mine=2"


@pytest.mark.parametrize(
    "line",
    [
        "a=; Max-Age=0",
        "a=; max-age=-1; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
        "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ],
)
def test_an_expired_cookie_is_deleted(line: str) -> None:
    client = sets(line)
    client.cookies["localhost"] = {"a": "1"}
    client.get("/set")
    assert client.cookies == {"localhost": {}}
    client.get("/set")  # it is gone already
    assert client.cookies == {"localhost": {}}


@pytest.mark.parametrize(
    "line",
    [
        "a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "a=1; Max-Age=soon",
        "a=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
        "a=1; Expires=someday",
    ],
)
def test_a_cookie_that_has_not_expired_is_kept(line: str) -> None:
    client = sets(line)
    client.get("/set")
    assert client.cookies == {"localhost": {"a": "1"}}


# --------------------------------------------------------------------- redirects


@pytest.fixture
def follower(site: SiteMaker) -> Client:
    move = """
from framework import Response

def ALL(params):
    return Response.redirect("/", int(params["status"]))
"""
    loop = "def GET(redirect):\n    return redirect('/loop')\n"
    away = "def GET(redirect):\n    return redirect('https://other.example/')\n"
    return Client(
        site(
            {
                "src/pages/index.py": ECHO,
                "src/pages/move/[status].py": move,
                "src/pages/loop.py": loop,
                "src/pages/away.py": away,
            }
        ).app
    )


def test_redirects_are_followed_on_request_only(follower: Client) -> None:
    assert follower.get("/move/302").status == 302
    assert follower.url.pathname == "/move/302"
    assert follower.get("/move/302", follow_redirects=True).status == 200
    assert follower.url.pathname == "/"


@pytest.mark.parametrize(
    ("method", "status", "then", "body"),
    [
        ("POST", 301, "GET", ""),
        ("POST", 302, "GET", ""),
        ("PUT", 302, "PUT", "x"),
        ("PUT", 303, "GET", ""),
        ("POST", 307, "POST", "x"),
        ("POST", 308, "POST", "x"),
    ],
)
def test_a_redirect_keeps_or_changes_the_method_as_fetch_does(
    follower: Client, method: str, status: int, then: str, body: str
) -> None:
    echo = follower.request(method, f"/move/{status}", body="x", follow_redirects=True).json()
    assert (echo["method"], echo["body"]) == (then, body)
    assert ("content-type" in echo["headers"]) is (body != "")


def test_head_stays_head_on_a_303(follower: Client) -> None:
    response = follower.head("/move/303", follow_redirects=True)
    assert (response.status, response.text()) == (200, "")


def test_a_redirect_to_another_host_is_not_followed(follower: Client) -> None:
    response = follower.get("/away", follow_redirects=True)
    assert response.headers["location"] == "https://other.example/"


def test_a_redirect_in_a_circle_is_an_error(follower: Client) -> None:
    with pytest.raises(RuntimeError, match="More than 20 redirects, the last to http://localhost/"):
        follower.get("/loop", follow_redirects=True)


# ------------------------------------------------------------------------ conduct


def test_a_violation_of_wsgi_is_reported() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return [b""]

    with pytest.raises(AssertionError, match="Content-Type"):
        Client(application).get("/")


def test_text_from_write_comes_before_the_body() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        write = start_response("200 OK", [("content-type", "text/plain")])
        write(b"one ")
        return [b"two"]

    assert Client(application).get("/").text() == "one two"


def test_a_body_that_fails_is_closed() -> None:
    closed = []

    class Body:
        def __iter__(self) -> Any:
            yield b"a"
            raise ValueError("midway")

        def close(self) -> None:
            closed.append(True)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("content-type", "text/plain")])
        return Body()

    with pytest.raises(ValueError, match="midway"):
        Client(application).get("/")
    assert closed == [True]


def test_a_response_can_be_read_more_than_once(client: Callable[[str], Client]) -> None:
    response = client(ECHO).post("/", body="hi")
    assert response.json()["body"] == "hi"
    assert '"body":"hi"' in response.text()
    assert response.bytes() == response.text().encode()
    assert response.clone().json() == response.json()
    assert not response.body_used


# ------------------------------------------------------------- other applications


@pytest.fixture
def shop() -> flask.Flask:
    shop = flask.Flask("shop")

    @shop.route("/", methods=["GET", "POST", "PUT"])
    def data() -> bytes:
        return flask.request.get_data()

    @shop.post("/form")
    def form() -> Any:
        files = {name: file.read().decode() for name, file in flask.request.files.items()}
        return {**flask.request.form, **files}

    @shop.post("/json")
    def json() -> Any:
        return [flask.request.get_json()]

    @shop.get("/stream")
    def stream() -> flask.Response:
        return flask.Response(str(number) for number in range(3))

    @shop.get("/visits")
    def visits() -> flask.Response:
        response = flask.Response(flask.request.cookies.get("n", "0"))
        response.set_cookie("n", "1")
        return response

    return shop


@pytest.mark.parametrize("body", ["text é", b"\xff", iter(["in ", "parts"]), io.BytesIO(b"file")])
def test_a_flask_application_reads_what_is_sent(shop: flask.Flask, body: Any) -> None:
    expected = {str: "text é".encode(), bytes: b"\xff", io.BytesIO: b"file"}
    response = Client(shop).put("/", body=body)
    assert (response.status, response.bytes()) == (200, expected.get(type(body), b"in parts"))


def test_a_flask_application_works_as_any_other(shop: flask.Flask) -> None:
    client = Client(shop)
    assert client.get("/").text() == ""
    assert client.post("/").text() == ""
    assert client.post("/form", form={"a": "1 &"}).json() == {"a": "1 &"}
    form = {"a": "1", "f": File("x,y", "a.csv")}
    assert client.post("/form", form=form).json() == {"a": "1", "f": "x,y"}
    assert client.post("/json", json={"a": 1}).json() == [{"a": 1}]
    assert client.get("/stream").text() == "012"
    assert [client.get("/visits").text() for _ in range(2)] == ["0", "1"]
    assert client.head("/stream").text() == ""
    assert client.get("/missing").status == 404


def test_a_flask_application_behind_a_site(site: SiteMaker, shop: flask.Flask) -> None:
    client = Client(site({"src/pages/site.py": ECHO}, fallback=shop.wsgi_app).app)
    assert client.post("/site", body="to the site").json()["body"] == "to the site"
    assert client.post("/form", form={"a": "1"}).json() == {"a": "1"}


READS: dict[str, Callable[[Any], bytes]] = {
    "all": lambda stream: stream.read(),
    "by size": lambda stream: b"".join(iter(lambda: stream.read(2), b"")),
    "more than there is": lambda stream: stream.read(10_000),
    "by line": lambda stream: stream.readline() + stream.readline(3) + stream.readline(),
    "all lines": lambda stream: b"".join(stream.readlines()),
    "iterated": lambda stream: b"".join(stream),
}


@pytest.mark.parametrize("how", READS)
@pytest.mark.parametrize("body", ["one\ntwo\n", ["on", "e\ntwo\n"]])
def test_an_application_may_read_its_input_in_any_way(how: str, body: Any) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("content-type", "text/plain")])
        return [READS[how](environ["wsgi.input"])]

    assert Client(application).post("/", body=body).text() == "one\ntwo\n"
