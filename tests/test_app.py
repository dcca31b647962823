"""One request through the application: order, mounting, errors, rewrites, and `fetch`."""

import logging
from collections.abc import Iterable
from typing import Any

import pytest

from framework import URL, App, Config, Request, Security
from framework.errors import RewriteLoopError
from tests.conftest import SiteMaker, TestSite, call, make_environ

START = "from framework import Response\nfrom werkzeug.exceptions import *\n\n\n"
OK = START + "def GET():\n    return Response('ok')\n"
ECHO = (
    START + "def ALL(request, url, params, route_pattern, origin_pathname, cookies, locals):\n"
    "    return Response.json({'method': request.method, 'href': url.href, 'params': params,\n"
    "        'pattern': route_pattern, 'origin': origin_pathname, 'text': request.text(),\n"
    "        'cookie': getattr(cookies.get('c'), 'value', None), 'locals': dict(vars(locals))})\n"
)
ADMIN = (
    "from framework import Response\n"
    "def on_request(context, next):\n"
    "    if context.url.pathname.startswith('/admin'):\n"
    "        return Response('Who are you?', status=401)\n"
    "    return next()\n"
)
HTML = {"accept": "text/html"}
JSON = {"accept": "application/json"}


def handler(body: str, name: str = "GET", parameters: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    return f"{START}def {name}({parameters}):\n{lines}"


# ------------------------------------------------------------------ the order of things


def test_host_comes_before_path_and_path_before_redirects(site: SiteMaker) -> None:
    made = site({"src/pages/x.py": OK}, config=Config(redirects={"/old": "/x"}))
    assert "Host" in made.get("/../old", headers={"host": "a b"}).text()
    assert "segment" in made.get("/../old").text()
    assert made.get("/old").status == 301


def test_slash_redirects_come_before_the_origin_check(site: SiteMaker) -> None:
    made = site({"src/pages/x.py": OK}, config=Config(trailing_slash="always"))
    headers = {"origin": "http://evil"}
    response = made.post("/x?q=1", headers=headers)
    assert (response.status, response.headers["location"]) == (308, "/x/?q=1")
    assert made.post("/x/", headers=headers).status == 403


def test_the_origin_check_comes_before_middleware(site: SiteMaker) -> None:
    made = site(
        {"src/pages/x.py": OK, "src/middleware.py": "def on_request(context, next): 1 / 0\n"}
    )
    assert made.post("/x", headers={"origin": "http://evil"}).status == 403


def test_the_origin_check_covers_what_is_missing(site: SiteMaker) -> None:
    assert site().post("/nothing", headers={"origin": "http://evil"}).status == 403


def test_a_missing_page_runs_the_sites_middleware(site: SiteMaker) -> None:
    made = site({"src/pages/x.py": OK, "src/middleware.py": ADMIN})
    assert made.get("/admin/nothing").status == 401
    assert made.get("/nothing").status == 404


def test_middleware_sees_an_error_as_its_response(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/x.py": handler("raise Gone('It left.')"),
            "src/middleware.py": "def on_request(context, next):\n"
            "    response = next()\n"
            "    response.headers.set('x-seen', str(response.status))\n"
            "    return response\n",
        }
    )
    assert made.get("/x").headers["x-seen"] == "410"
    assert made.get("/nothing").headers["x-seen"] == "404"
    assert made.post("/x", headers={"content-type": "a/b"}).headers["x-seen"] == "405"


# ------------------------------------------------------------------ mounting


def mounted(made: Any, path: str, mount: str) -> Any:
    return made.get(path, environ={"SCRIPT_NAME": mount})


def test_a_mounted_site_knows_the_whole_path(site: SiteMaker) -> None:
    made = site({"src/pages/a/[id].py": ECHO, "src/pages/index.py": ECHO})
    data = mounted(made, "/a/7", "/app").json()
    assert (data["href"], data["pattern"]) == ("http://localhost/app/a/7", "/a/[id]")
    assert mounted(made, "/", "/app").json()["href"] == "http://localhost/app/"
    assert mounted(made, "", "/app").json()["href"] == "http://localhost/app"
    assert mounted(made, "/", "/caf\xc3\xa9").json()["href"] == "http://localhost/caf%C3%A9/"


def test_slashes_are_collapsed_below_the_mount_point(site: SiteMaker) -> None:
    response = mounted(site({"src/pages/x.py": OK}), "//x", "/app")
    assert (response.status, response.headers["location"]) == (301, "/app/x")


@pytest.mark.parametrize("mount", ["app", "/a/../b", "/a\\b", "/\xff"])
def test_a_mount_point_is_a_path_like_any_other(site: SiteMaker, mount: str) -> None:
    app = site().app
    environ = make_environ("GET", "/", {}) | {"SCRIPT_NAME": mount}
    started: list[Any] = []
    list(app(environ, lambda *head: started.extend(head)))
    assert started[0] == "400 Bad Request"


def test_a_client_may_not_say_where_the_site_is_mounted(site: SiteMaker) -> None:
    for config in (Config(), Config(security=Security(trusted_proxies=1))):
        response = site(config=config).get("/", headers={"script-name": "/x"})
        assert response.text() == "400 Bad Request\nA client may not set SCRIPT_NAME.\n"


def test_base_is_in_front_of_every_route(site: SiteMaker) -> None:
    made = site({"src/pages/x.py": ECHO, "src/pages/[id].py": ECHO}, config=Config(base="/docs"))
    assert made.get("/docs/x").json()["href"] == "http://localhost/docs/x"
    assert made.get("/docs/7").json()["params"] == {"id": "7"}
    assert [made.get(path).status for path in ("/x", "/docsx", "/docsx/x", "/")] == [404] * 4


def test_base_and_mount_point_add_up(site: SiteMaker) -> None:
    made = site({"src/pages/[id].py": ECHO}, config=Config(base="/docs"))
    assert mounted(made, "/docs/7", "/app").json()["href"] == "http://localhost/app/docs/7"


@pytest.mark.parametrize("path_info", ["", None])
def test_an_empty_path_is_the_root(site: SiteMaker, path_info: str | None) -> None:
    environ = make_environ("GET", "/", {})
    del environ["PATH_INFO"]
    if path_info is not None:
        environ["PATH_INFO"] = path_info
    started: list[Any] = []
    assert list(site().app(environ, lambda *head: started.extend(head))) == [b"ok"]


# ------------------------------------------------------------------ HEAD


def test_head_sends_what_get_says_without_the_body(site: SiteMaker) -> None:
    made = site({"src/pages/x.py": handler("return Response('12345', headers={'x-a': '1'})")})
    response = made.request("HEAD", "/x")
    assert (response.headers["content-length"], response.headers["x-a"]) == ("5", "1")
    missing = len(made.get("/nothing").bytes())
    assert made.request("HEAD", "/nothing").headers["content-length"] == str(missing)


# ------------------------------------------------------------------ error answers, whole


FORMS = {
    "/bad": "try:\n    request.json()\nexcept ZeroDivisionError: pass",
    "/form": "request.form_data()",
    "/boom": "raise RuntimeError('secret reason')",
    "/down": "raise ServiceUnavailable('secret host', retry_after=30)",
    "/shy": "raise Unauthorized(www_authenticate=[A('basic', {'realm': 'a'}), A('x', {'realm': 'b'})])",
}


def failing(site: SiteMaker, **options: Any) -> TestSite:
    """A site whose routes fail in different ways."""
    pages = {
        f"src/pages{path}.py": "from werkzeug.datastructures import WWWAuthenticate as A\n"
        + handler(body, "POST", "request")
        for path, body in FORMS.items()
    }
    return site(pages, config=Config(security=Security(max_body_size=4)), **options)


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "title", "detail"),
    [
        ("/bad", "{", {}, 400, "Bad Request", None),
        ("/nothing", "", {}, 404, "Not Found", None),
        (
            "/bad",
            "[1, 2]",
            {},
            413,
            None,
            "The body is larger than security.max_body_size: 4 bytes.",
        ),
        ("/form", "{}", {"content-type": "a/b"}, 415, "Unsupported Media Type", None),
        ("/boom", "", {}, 500, "Internal Server Error", ""),
        ("/down", "", {}, 503, "Service Unavailable", ""),
    ],
)
def test_an_error_has_the_form_that_the_client_accepts(
    site: SiteMaker,
    path: str,
    body: str,
    headers: dict[str, str],
    status: int,
    title: str | None,
    detail: str | None,
) -> None:
    made = failing(site)
    problem = made.post(path, body, headers=headers | JSON)
    assert problem.status == status
    assert problem.headers["content-type"] == "application/problem+json"
    document = problem.json()
    title = title or document["title"]
    detail = document.get("detail", "") if detail is None else detail
    assert document == {"type": "about:blank", "title": title, "status": status} | (
        {"detail": detail} if detail else {}
    )
    text = made.post(path, body, headers=headers)
    assert text.headers["content-type"] == "text/plain;charset=UTF-8"
    assert text.text() == f"{status} {title}\n" + (f"{detail}\n" if detail else "")
    page = made.post(path, body, headers=headers | HTML)
    assert page.headers["content-type"] == "text/html;charset=UTF-8"
    assert page.text().split("<main>")[1] == (
        f"\n<h1>{status} {title}</h1>\n"
        + (f"<p>{detail.replace(chr(39), '&#39;')}</p>\n" if detail else "")
        + "</main>\n</body>\n</html>"
    )


def test_the_headers_of_an_error_are_sent(site: SiteMaker) -> None:
    made = failing(site)
    assert made.post("/down").headers["retry-after"] == "30"
    assert made.post("/shy").headers["www-authenticate"] == "Basic realm=a, X realm=b"
    refused = made.get("/boom")
    assert (refused.status, refused.headers["allow"]) == (405, "POST, OPTIONS")
    assert refused.text() == ("405 Method Not Allowed\n")


def test_errors_of_a_path_that_ends_in_json_are_json(site: SiteMaker) -> None:
    made = site({"src/pages/[id].json.py": handler("raise NotFound('No such thing.')")})
    assert made.get("/7.json").json()["detail"] == "No such thing."
    assert made.get("/7.txt").headers["content-type"] == "text/plain;charset=UTF-8"


@pytest.mark.parametrize("headers", [{}, HTML, JSON])
def test_a_client_sees_nothing_of_a_crash_in_production(
    site: SiteMaker, headers: Any, caplog: Any
) -> None:
    text = failing(site).post("/boom", headers=headers).text()
    for secret in ("secret", "Traceback", "RuntimeError", "boom.py", "/site"):
        assert secret not in text
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("framework", "ERROR")
    assert record.getMessage() == "POST /boom failed in src/pages/boom.py"
    assert "secret reason" in caplog.text


@pytest.mark.parametrize("headers", [{}, HTML, JSON])
def test_a_developer_sees_the_inside_of_a_crash(site: SiteMaker, headers: Any, caplog: Any) -> None:
    made = failing(site, mode="dev")
    made.write({"src/pages/500.jinja": "the site's own page"})
    text = made.post("/boom", headers=headers).text()
    assert "RuntimeError: secret reason" in text
    assert "boom.py" in text
    assert len(caplog.records) == 1


def test_a_log_line_cannot_be_forged_by_a_path(site: SiteMaker, caplog: Any) -> None:
    made = site({"src/pages/[...path].py": handler("1 / 0")})
    made.get("/caf\u00e9%20%E2%80%A8x")
    assert caplog.messages == ["GET /caf%C3%A9%20%E2%80%A8x failed in src/pages/[...path].py"]


def test_a_crash_in_middleware_names_no_other_file(site: SiteMaker, caplog: Any) -> None:
    made = site(
        {"src/pages/x.py": OK, "src/middleware.py": "def on_request(context, next): 1 / 0\n"}
    )
    assert made.get("/nothing").status == 500
    assert caplog.messages == ["GET /nothing failed in no route"]
    assert "src/middleware.py" in caplog.text


def test_cookies_that_were_set_before_an_error_are_sent_with_it(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/[how].py": handler(
                "cookies.set('seen', 1)\n"
                "if params['how'] == 'crash': 1 / 0\n"
                "if params['how'] == 'none': return None\n"
                "raise NotFound",
                "GET",
                "cookies, params",
            ),
            "src/pages/500.jinja": "---\ncookies.set('page', 2)\n---\n",
        }
    )
    for how, status in {"crash": 500, "none": 500, "raised": 404}.items():
        response = made.get(f"/{how}", headers={"accept": "text/html"})
        assert response.status == status
        names = [c.partition("=")[0] for c in response.headers.get_set_cookie()]
        assert names == (["seen", "page"] if status == 500 else ["seen"])


def test_a_body_that_cannot_be_sent_is_a_crash(site: SiteMaker, caplog: Any) -> None:
    made = site({"src/pages/x.py": handler("return Response.error()")})
    assert made.get("/x").text() == "500 Internal Server Error\n"
    assert caplog.messages == ["GET /x failed in src/pages/x.py"]


def test_a_response_that_was_started_is_replaced_with_exc_info(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/x.py": handler(
                "class Chunks:\n"
                "    def __iter__(self): return iter([b'x'])\n"
                "    def close(self): raise OSError('disk')\n"
                "return Response(Chunks())"
            )
        }
    )
    started: list[Any] = []
    environ = make_environ("HEAD", "/x", {})
    assert list(made.app(environ, lambda *head: started.append(head))) == []
    assert [head[0] for head in started] == ["200 OK", "500 Internal Server Error"]
    assert len(started[0]) == 2
    assert str(started[1][2][1]) == "disk"


def test_an_interrupt_is_not_a_response(site: SiteMaker) -> None:
    made = site({"src/pages/stop.py": handler("raise KeyboardInterrupt")})
    with pytest.raises(KeyboardInterrupt):
        made.get("/stop")


EXIT = "raise SystemExit(3)"
LAYER = "{} on_request(context, next):\n    if context.request.headers.get('x-exit'): raise SystemExit(3)\n    return {}next()\n"


@pytest.mark.parametrize(
    "middleware", [None, LAYER.format("def", ""), LAYER.format("async def", "await ")]
)
@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("x.py", handler(EXIT)),
        ("x.py", handler(EXIT).replace("def GET", "async def GET")),
        ("x.py", handler("import sys\nsys.exit('bye')")),
        ("x.jinja", f"---\n{EXIT}\n---\n"),
    ],
)
def test_exit_in_a_handler_is_a_crash(
    site: SiteMaker, caplog: Any, middleware: str | None, name: str, page: str
) -> None:
    files = {f"src/pages/{name}": page, "src/pages/y.py": OK, "src/pages/500.jinja": "sorry"}
    made = site(files | ({"src/middleware.py": middleware} if middleware else {}))
    response = made.get("/x")
    assert (response.status, response.text()) == (500, "sorry")
    assert caplog.messages == [f"GET /x failed in src/pages/{name}"]
    assert isinstance(caplog.records[0].exc_info[1], SystemExit)
    if middleware is not None:
        assert made.get("/y", headers={"x-exit": "1"}).text() == "sorry"
    assert made.get("/y").text() == "ok"


def test_exit_in_an_error_page_is_a_crash(site: SiteMaker, caplog: Any) -> None:
    files = {"src/pages/404.py": handler(EXIT), "src/pages/500.py": handler(EXIT)}
    response = site(files).get("/nothing")
    assert (response.status, response.text()) == (500, "500 Internal Server Error\n")
    assert caplog.messages == [
        "GET /nothing failed in src/pages/404.py",
        "GET /nothing failed in src/pages/500.py",
    ]


@pytest.mark.parametrize("word", ["def", "async def"])
def test_exit_in_a_body_does_not_end_the_server(site: SiteMaker, word: str) -> None:
    body = f"{word} parts():\n    yield 'a'\n    raise SystemExit(3)\nreturn Response(parts())"
    made = site({"src/pages/x.py": handler(body)})
    with pytest.raises(RuntimeError, match=r"SystemExit\(3\) was raised in a body"):
        made.get("/x").text()


# ------------------------------------------------------------------ HTTPException of all kinds


@pytest.mark.parametrize(
    ("raised", "status", "text"),
    [
        ("raise ImATeapot", 418, "418 I'm a Teapot\n"),
        ("raise HTTPException", 500, "500 Internal Server Error\n"),
        ("abort(410, 'It left.')", 410, "410 Gone\nIt left.\n"),
        ("abort(W('own', 409))", 409, "own"),
        ("abort(W('', 204))", 204, ""),
        ("abort(W(status=304))", 304, ""),
    ],
)
def test_an_http_exception_is_an_answer(
    site: SiteMaker, raised: str, status: int, text: str
) -> None:
    made = site({"src/pages/x.py": "from werkzeug import Response as W\n" + handler(raised)})
    response = made.get("/x")
    assert (response.status, response.text()) == (status, text)


@pytest.mark.parametrize(
    ("raised", "status"),
    [("abort(redirect('/y', 303))", 303), ("raise RequestRedirect('/y')", 308)],
)
def test_a_redirect_that_is_raised_leads_there(site: SiteMaker, raised: str, status: int) -> None:
    made = site(
        {
            "src/pages/x.py": "from werkzeug.utils import redirect\n"
            "from werkzeug.routing import RequestRedirect\n" + handler(raised)
        }
    )
    response = made.get("/x")
    assert (response.status, response.headers["location"]) == (status, "/y")


def test_an_http_exception_with_no_possible_status_is_a_crash(site: SiteMaker, caplog: Any) -> None:
    made = site(
        {"src/pages/x.py": handler("error = HTTPException()\nerror.code = 700\nraise error")}
    )
    assert made.get("/x").text() == "500 Internal Server Error\n"
    assert "A status is from 200 to 599, not 700." in caplog.text


# ------------------------------------------------------------------ the site's error pages


def test_error_pages_are_for_clients_that_accept_html(site: SiteMaker) -> None:
    made = site(
        {"src/pages/404.jinja": "lost at {{ url.pathname }}", "src/pages/x.py": handler("1/0")}
    )
    made.write({"src/pages/500.jinja": "sorry: {{ props.error }}"})
    assert made.get("/a", headers=HTML).text() == "lost at /a"
    assert made.get("/a").text() == "lost at /a"
    assert made.get("/a", headers=JSON).json()["status"] == 404
    assert made.get("/x").text() == "sorry: division by zero"
    assert made.get("/x", headers=JSON).json()["title"] == "Internal Server Error"


def test_the_headers_of_an_error_are_on_the_sites_page_too(site: SiteMaker) -> None:
    made = site(
        {"src/pages/500.jinja": "sorry", "src/pages/x.py": handler("raise InternalServerError")}
    )
    assert made.get("/x").text() == "sorry"
    made = site({"src/pages/404.jinja": "lost"})
    response = made.get("/a")
    assert (response.status, response.headers["content-type"]) == (404, "text/html;charset=UTF-8")


def test_a_404_page_that_fails_leads_to_the_500_page(site: SiteMaker, caplog: Any) -> None:
    made = site({"src/pages/404.py": handler("1 / 0"), "src/pages/500.jinja": "sorry"})
    response = made.get("/nothing")
    assert (response.status, response.text()) == (500, "sorry")
    assert caplog.messages == ["GET /nothing failed in src/pages/404.py"]


def test_a_500_page_that_fails_leads_to_plain_text(site: SiteMaker, caplog: Any) -> None:
    made = site({"src/pages/x.py": handler("1 / 0"), "src/pages/500.py": handler("{}['key']")})
    response = made.get("/x", headers={"accept": "text/*"})
    assert (response.status, response.text()) == (500, "500 Internal Server Error\n")
    assert caplog.messages == [
        "GET /x failed in src/pages/x.py",
        "GET /x failed in src/pages/500.py",
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PATCH"])
def test_an_error_page_handles_every_method(site: SiteMaker, method: str) -> None:
    made = site({"src/pages/404.py": handler("return Response('lost')")})
    response = made.request(method, "/nothing", headers={"content-type": "a/b"})
    assert (response.status, response.text()) == (404, "lost")


def test_an_error_page_may_have_a_handler_for_a_method(site: SiteMaker) -> None:
    text = handler("return Response('get')") + "def POST():\n    return Response('post')\n"
    made = site({"src/pages/404.py": text})
    assert made.post("/nothing").text() == "post"
    assert made.request("PUT", "/nothing").text() == "get"


def test_an_endpoints_own_404_is_sent_as_it_is(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/404.jinja": "lost",
            "src/pages/x.py": handler("return Response(None, status=404)"),
        }
    )
    assert made.get("/x").text() == ""


# ------------------------------------------------------------------ one request, not the next


def test_a_response_made_once_carries_no_cookies_over(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/x.py": START + "SHARED = Response('same', headers={'x-a': '1'})\n"
            "def GET(cookies, url):\n"
            "    if url.search: cookies.set('c', url.search[1:])\n"
            "    return SHARED\n"
        }
    )
    one, two, three = made.get("/x?1"), made.get("/x?2"), made.get("/x")
    assert one.headers.get_set_cookie() == ["c=1; Path=/; HttpOnly; SameSite=Lax"]
    assert two.headers.get_set_cookie() == ["c=2; Path=/; HttpOnly; SameSite=Lax"]
    assert three.headers.get_set_cookie() == []
    assert one.text() == two.text() == three.text() == "same"


def test_an_error_page_made_once_carries_no_headers_over(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/404.py": START + "SHARED = Response('lost')\ndef GET(): return SHARED\n",
            "src/middleware.py": "def on_request(context, next):\n"
            "    response = next()\n"
            "    response.headers.append('x-n', '1')\n"
            "    return response\n",
        }
    )
    assert [made.get("/nothing").headers["x-n"] for _ in range(2)] == ["1", "1"]


def test_a_host_application_hands_in_locals(site: SiteMaker) -> None:
    made = site({"src/pages/x.py": ECHO})
    given = {"user": "ada"}
    assert made.get("/x", environ={"framework.locals": given}).json()["locals"] == given
    assert made.get("/x").json()["locals"] == {}


def test_locals_do_not_write_into_what_was_handed_in(site: SiteMaker) -> None:
    made = site(
        {"src/pages/x.py": handler("locals.user = 'eve'\nreturn Response()", "GET", "locals")}
    )
    given = {"user": "ada"}
    made.get("/x", environ={"framework.locals": given})
    assert given == {"user": "ada"}


# ------------------------------------------------------------------ rewrites


def rewriting(site: SiteMaker, target: str, **more: str) -> Any:
    body = f"locals.by = 'x'\ncookies.set('c', 'new')\nreturn rewrite({target})"
    return site(
        {
            "src/pages/x.py": "from framework import URL, Request\n"
            + handler(body, "ALL", "rewrite, cookies, locals, request, url, url_for"),
            "src/pages/to/[id].py": ECHO,
            **more,
        }
    )


@pytest.mark.parametrize("target", ["'/to/7?q=1'", "URL('/to/7?q=1', url)", "'to/7?q=1'"])
def test_a_rewrite_keeps_the_request(site: SiteMaker, target: str) -> None:
    response = rewriting(site, target).post("/x?old", "body", headers={"content-type": "a/b"})
    assert response.json() == {
        "method": "POST",
        "href": "http://localhost/to/7?q=1",
        "params": {"id": "7"},
        "pattern": "/to/[id]",
        "origin": "/x",
        "text": "body",
        "cookie": "new",
        "locals": {"by": "x"},
    }
    assert response.headers.get_set_cookie() == ["c=new; Path=/; HttpOnly; SameSite=Lax"]


def test_a_rewrite_may_bring_a_request_of_its_own(site: SiteMaker) -> None:
    target = "Request(URL('/to/8', url), method='PUT', body='own')"
    data = rewriting(site, target).get("/x").json()
    assert (data["method"], data["text"], data["params"]) == ("PUT", "own", {"id": "8"})


def test_a_rewrite_is_read_as_a_path_is(site: SiteMaker) -> None:
    assert rewriting(site, "'//localhost//to//7'").get("/x").json()["href"].endswith("/to/7")
    assert rewriting(site, "'/to/%61'").get("/x").json()["params"] == {"id": "a"}
    assert rewriting(site, "'/to/%2561'").get("/x").json()["params"] == {"id": "%61"}
    assert rewriting(site, "'/a/../to/7'").get("/x").json()["params"] == {"id": "7"}
    assert rewriting(site, "'/to/%00'").get("/x").status == 400
    assert rewriting(site, "'/to/%FF'").get("/x").status == 400


def test_a_rewrite_to_another_host_is_refused(site: SiteMaker, caplog: Any) -> None:
    assert rewriting(site, "'https://other.example/to/7'").get("/x").status == 500
    assert (
        "rewrite('https://other.example/to/7') leads to another host; use redirect()."
        in caplog.text
    )


def test_a_rewrite_to_nothing_is_404(site: SiteMaker) -> None:
    made = rewriting(site, "'/nothing'", **{"src/pages/404.jinja": "lost at {{ url.pathname }}"})
    response = made.get("/x")
    assert (response.status, response.text()) == (404, "lost at /nothing")
    assert response.headers.get_set_cookie() == ["c=new; Path=/; HttpOnly; SameSite=Lax"]


def test_a_rewrite_that_leads_in_a_circle_is_508(site: SiteMaker, caplog: Any) -> None:
    made = site(
        {
            "src/pages/a.py": handler("return rewrite('/b')", "GET", "rewrite"),
            "src/pages/b.py": handler("return rewrite('/a')", "GET", "rewrite"),
        }
    )
    response = made.get("/a")
    assert (response.status, response.text()) == (508, "508 Loop Detected\n")
    assert caplog.messages == ["GET /a failed in src/pages/a.py"]
    assert "Rewrites lead in a circle: /a -> /b -> /a -> /b -> /a" in caplog.text
    assert caplog.records[0].exc_info[0] is RewriteLoopError


def test_a_rewrite_runs_the_middleware_of_where_it_leads(site: SiteMaker) -> None:
    made = rewriting(
        site,
        "'/to/7'",
        **{
            "src/middleware.py": "def on_request(context, next):\n"
            "    context.locals.runs = context.locals.get('runs', 0) + 1\n"
            "    return next()\n",
            "src/pages/to/_middleware.py": "def on_request(context, next):\n"
            "    context.locals.folder = True\n"
            "    return next()\n",
        },
    )
    data = made.get("/x").json()
    assert (data["locals"]["runs"], data["locals"]["folder"]) == (2, True)


def test_a_guard_is_not_walked_around_by_a_rewrite(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/[...path].py": handler(
                "return rewrite('/' + (params['path'] or ''))", "GET", "rewrite, params"
            ),
            "src/pages/go/[...path].py": handler(
                "return rewrite('/' + params['path'])", "GET", "rewrite, params"
            ),
            "src/pages/admin/secret.py": OK,
            "src/middleware.py": ADMIN,
        }
    )
    assert made.get("/go/admin/secret").status == 401
    assert made.get("/go/%61dmin/secret").status == 401
    collapsed = made.get("/go//admin/secret")
    assert (collapsed.status, collapsed.headers["location"]) == (301, "/go/admin/secret")
    assert made.get("/go/%2561dmin/secret").status == 401


def test_next_with_a_path_does_not_run_again_what_was_passed(site: SiteMaker) -> None:
    made = site(
        {
            "src/middleware.py": "def on_request(context, next):\n"
            "    context.locals.runs = context.locals.get('runs', 0) + 1\n"
            "    return next('/to/7' if context.url.pathname == '/x' else None)\n",
            "src/pages/_middleware.py": "def on_request(context, next):\n"
            "    context.locals.inner = context.locals.get('inner', 0) + 1\n"
            "    return next()\n",
            "src/pages/x.py": OK,
            "src/pages/to/[id].py": ECHO,
        }
    )
    data = made.get("/x").json()
    assert (data["params"], data["locals"]) == ({"id": "7"}, {"runs": 1, "inner": 1})


def test_rewrites_know_base_and_mount_point(site: SiteMaker) -> None:
    def href(target: str, path: str, mount: str = "", **options: Any) -> str:
        made = site(
            {
                "src/pages/x.py": handler(f"return rewrite({target})", "GET", "rewrite, url_for"),
                "src/pages/to/[id].py": ECHO,
            },
            **options,
        )
        return str(mounted(made, path, mount).json()["href"])

    docs = Config(base="/docs")
    for target in ("'/to/7'", "'/app/to/7'", "url_for('/to/[id]', id=7)"):
        assert href(target, "/x", "/app") == "http://localhost/app/to/7"
    for target in ("'/to/7'", "'/docs/to/7'", "url_for('/to/[id]', id=7)"):
        assert href(target, "/docs/x", config=docs) == "http://localhost/docs/to/7"
        assert href(target, "/docs/x", "/app", config=docs) == "http://localhost/app/docs/to/7"


def test_a_rewritten_request_is_mounted_where_it_was(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/x.py": handler("return rewrite('/y')", "GET", "rewrite"),
            "src/pages/y.py": handler("return rewrite('/z')", "GET", "rewrite"),
            "src/pages/z.py": handler(
                "return Response.json([context.environ['SCRIPT_NAME'], context.environ['PATH_INFO']])",
                "GET",
                "context",
            ),
        }
    )
    assert mounted(made, "/x", "/app").json() == ["/app", "/z"]


def test_a_rewritten_head_has_no_body(site: SiteMaker) -> None:
    response = rewriting(site, "Request(URL('/to/8', url))").request("HEAD", "/x")
    assert response.status == 200


# ------------------------------------------------------------------ fetch


def test_fetch_runs_a_relative_url(site: SiteMaker) -> None:
    response = site({"src/pages/[id].py": ECHO}).app.fetch("/caf\u00e9?q=1")
    assert (response.status, response.status_text) == (200, "OK")
    assert response.json()["href"] == "http://localhost/caf%C3%A9?q=1"


def test_fetch_takes_a_url_a_method_headers_and_a_body(site: SiteMaker) -> None:
    app = site({"src/pages/[id].py": ECHO}).app
    data = app.fetch(
        URL("https://example.com/x"),
        method="put",
        headers={"cookie": "c=1", "content-type": "a/b"},
        body="text",
    ).json()
    assert (data["method"], data["text"], data["cookie"]) == ("PUT", "text", "1")
    assert data["href"] == "https://example.com/x"


def test_fetch_takes_a_request(site: SiteMaker) -> None:
    request = Request("http://h/x", method="POST", body=iter([b"a", b"b"]))
    assert site({"src/pages/[id].py": ECHO}).app.fetch(request).json()["text"] == "ab"


def test_fetch_of_head_and_of_null_bodies_has_none(site: SiteMaker) -> None:
    app = site(
        {
            "src/pages/x.py": handler("return Response(iter([b'x']))"),
            "src/pages/n.py": handler("return Response(None, status=204)"),
        }
    ).app
    response = app.fetch("/x", method="HEAD")
    assert (response.status, response.body) == (200, None)
    assert app.fetch("/n").body is None


def test_fetch_streams(site: SiteMaker) -> None:
    app = site(
        {
            "src/pages/x.py": START + "LOG = []\n"
            "def chunks():\n"
            "    for number in range(3):\n"
            "        LOG.append(number)\n"
            "        yield str(number)\n"
            "def GET(): return Response(chunks())\n"
            "def POST(): return Response.json(LOG)\n"
        }
    ).app
    response = app.fetch("/x")
    assert app.fetch("/x", method="POST").json() == []
    assert response.body is not None
    assert response.body.read(1) == b"0"
    assert app.fetch("/x", method="POST").json() == [0]
    assert response.body.read() == b"12"


def test_fetch_keeps_each_cookie_of_its_own(site: SiteMaker) -> None:
    app = site(
        {
            "src/pages/x.py": handler(
                "cookies.set('a', 1)\ncookies.set('b', 2)\nreturn Response()", "GET", "cookies"
            )
        }
    ).app
    assert len(app.fetch("/x").headers.get_set_cookie()) == 2


def test_fetch_within_a_handler_is_a_request_of_its_own(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/x.py": OK,
            "src/pages/y.py": handler("return locals.app.fetch('/x')", "GET", "locals"),
        }
    )
    assert made.get("/y", environ={"framework.locals": {"app": made.app}}).text() == "ok"


# ------------------------------------------------------------------ fallback


class Fallback:
    """Another WSGI application, which answers in its own way and counts its ends."""

    def __init__(self, *, late: bool = False, write: bool = False) -> None:
        self.late, self.write, self.closed = late, write, 0
        self.environ: dict[str, Any] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.environ = environ
        if not self.late:
            write = start_response("201 Made", [("content-type", "text/plain")])
            if self.write:
                write(b"written ")
        return _Chunks(self, start_response)


class _Chunks:
    def __init__(self, owner: Fallback, start_response: Any) -> None:
        self.owner, self.start_response = owner, start_response
        self.chunks = iter([b"fall", b"back"])

    def __iter__(self) -> "_Chunks":
        return self

    def __next__(self) -> bytes:
        if self.owner.late:
            self.owner.late = False
            self.start_response("201 Made", [("content-type", "text/plain")])
        return next(self.chunks)

    def close(self) -> None:
        self.owner.closed += 1


def test_a_fallback_handles_what_no_route_matches(site: SiteMaker) -> None:
    other = Fallback()
    made = site({"src/pages/x.py": OK, "public/a.txt": "file"}, fallback=other)
    assert made.get("/x").text() == "ok"
    assert made.get("/a.txt").text() == "file"
    response = made.get("/other?q", headers={"x-a": "1"})
    assert (response.status, response.text(), other.closed) == (201, "fallback", 1)
    assert (other.environ["PATH_INFO"], other.environ["HTTP_X_A"]) == ("/other", "1")


def test_a_fallback_does_not_replace_the_error_of_a_route(site: SiteMaker) -> None:
    made = site({"src/pages/x.py": handler("raise NotFound")}, fallback=Fallback())
    assert made.get("/x").status == 404
    assert made.post("/x").status == 405
    assert made.get("/../other").status == 400


@pytest.mark.parametrize(
    ("options", "text"),
    [({}, "fallback"), ({"late": True}, "fallback"), ({"write": True}, "written fallback")],
)
def test_fetch_reaches_a_fallback_of_any_manner(site: SiteMaker, options: Any, text: str) -> None:
    other = Fallback(**options)
    response = site(fallback=other).app.fetch("/other")
    assert (response.status, response.status_text, response.text()) == (201, "Made", text)
    assert other.closed == 1


def test_fetch_of_head_closes_a_fallbacks_body(site: SiteMaker) -> None:
    other = Fallback()
    assert site(fallback=other).app.fetch("/other", method="HEAD").body is None
    assert other.closed == 1


def test_fetch_takes_a_fallback_that_returns_a_list(site: SiteMaker) -> None:
    def late(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])(b"a")
        return [b"b"]

    assert site(fallback=late).app.fetch("/other").text() == "ab"


# ------------------------------------------------------------------ the application itself


def test_an_application_takes_its_folder_as_text(site: SiteMaker) -> None:
    made = site()
    app = App(str(made.root))
    try:
        assert call(app, make_environ("GET", "/", {})).text() == "ok"
        assert app.config == Config()
    finally:
        app.close()


def test_a_closed_application_still_answers(site: SiteMaker) -> None:
    made = site()
    made.app.close()
    assert made.get("/").text() == "ok"


def test_nothing_is_logged_about_a_request_that_is_fine(site: SiteMaker, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    site().get("/")
    assert caplog.records == []


def test_an_application_explains_which_file_would_answer(site: SiteMaker) -> None:
    app = site({"src/pages/p/[id].py": OK, "src/pages/x.py": OK}).app
    assert "src/pages/p/[id].py" in app.explain("GET", "/p/7?q")
    for target in ("p/7", "/../x", "/%FF", "/p\\x"):
        with pytest.raises(ValueError, match="path"):
            app.explain("GET", target)


def test_a_developer_sees_why_nothing_answered(site: SiteMaker) -> None:
    files = {"src/pages/products/[id].py": OK}
    assert "src/pages/products/[id].py" in site(files, mode="dev").get("/products").text()
    assert "src/pages" not in site(files).get("/products").text()
