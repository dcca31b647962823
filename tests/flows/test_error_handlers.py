"""`_error.py`: the functions `on_error` of folders, and what they make of every kind of error."""

from typing import Any

import pytest

from framework import Config, Security, Sessions
from framework.errors import BuildError, SessionError
from tests.conftest import HANDLER, SiteMaker

NAMED = """
from framework import Response
from werkzeug.exceptions import HTTPException

def on_error(context, error):
    if context.url.search_params.has("pass"):
        return None
    status = error.code if isinstance(error, HTTPException) else 500
    return Response.json(
        ["NAME", type(error).__name__, dict(context.params)],
        status=status,
        headers={"x-path": context.url.pathname},
    )
"""


def named(name: str) -> str:
    return NAMED.replace("NAME", name)


def handler(body: str, method: str = "GET") -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return (
        "from framework import Response\nfrom werkzeug.exceptions import *\n\n\n"
        f"def {method}(context):\n{lines}"
    )


SHOP = {
    "src/pages/index.py": handler("1 / 0"),
    "src/pages/404.jinja": "the site's 404",
    "src/pages/500.jinja": "the site's 500",
    "src/pages/api/_error.py": named("api"),
    "src/pages/api/crash.py": handler("1 / 0"),
    "src/pages/api/gone.py": handler("raise NotFound('secret')"),
    "src/pages/api/v2/_error.py": named("v2").replace('"pass"', '"inner"'),
    "src/pages/api/v2/crash.py": handler("1 / 0"),
    "src/pages/api/v2/[id=int]/gone.py": handler("raise NotFound"),
    "src/pages/[lang]/docs/_error.py": named("docs"),
    "src/pages/wiki/[...path]/_error.py": named("wiki"),
}


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/api/crash", ["api", "ZeroDivisionError", {}]),
        ("/api/gone", ["api", "NotFound", {}]),
        ("/api", ["api", "NotFound", {}]),
        ("/api/", ["api", "NotFound", {}]),
        ("/api/nothing/at/all", ["api", "NotFound", {}]),
        ("/api/v2/crash", ["v2", "ZeroDivisionError", {}]),
        ("/api/v2/crash?inner", ["api", "ZeroDivisionError", {}]),
        ("/api/v2/7/gone", ["v2", "NotFound", {"id": 7}]),
        ("/api/v2/x/gone", ["v2", "NotFound", {}]),
        ("/de/docs/nothing", ["docs", "NotFound", {"lang": "de"}]),
        ("/api/docs/nothing", ["api", "NotFound", {}]),
        ("/wiki/a/b", ["wiki", "NotFound", {"path": "a/b"}]),
        ("/wiki", ["wiki", "NotFound", {"path": None}]),
    ],
)
@pytest.mark.parametrize("base", ["/", "/docs"])
@pytest.mark.parametrize("mount", ["", "/app"])
@pytest.mark.parametrize("trailing_slash", ["ignore", "never"])
def test_the_nearest_handler_responds(
    site: SiteMaker, path: str, sent: Any, base: str, mount: str, trailing_slash: Any
) -> None:
    made = site(SHOP, config=Config(base=base, trailing_slash=trailing_slash))
    path = base.rstrip("/") + path
    response = made.get(path, environ={"SCRIPT_NAME": mount}, headers={"accept": "text/html"})
    assert response.json() == sent
    assert response.status == (500 if "Zero" in sent[1] else 404)
    assert response.headers["x-path"] == mount + path.partition("?")[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/", "the site's 500"),
        ("/nothing", "the site's 404"),
        ("/apiary", "the site's 404"),
        ("/api/crash?pass", "the site's 500"),
        ("/api/v2/crash?pass&inner", "the site's 500"),
        ("/api/nothing?pass", "the site's 404"),
    ],
)
def test_other_errors_get_the_error_pages(site: SiteMaker, path: str, text: str) -> None:
    assert site(SHOP).get(path, headers={"accept": "text/html"}).text() == text


def test_a_path_outside_base_belongs_to_the_top(site: SiteMaker) -> None:
    made = site(
        {"src/pages/_error.py": named("top"), "src/pages/x/_error.py": named("x")},
        config=Config(base="/docs"),
    )
    assert made.get("/docs/x/y").json()[0] == "x"
    for path in ("/docsx/y", "/docs-old", "/x", "/"):
        assert made.get(path).json() == ["top", "NotFound", {}]


KINDS = {
    "src/pages/_error.py": named("top"),
    "src/pages/index.py": handler("context.request.json(list[int])\nreturn Response('x')", "POST"),
    "src/pages/form.py": handler("context.request.form_data()", "POST"),
    "src/pages/page.jinja": "---\nreturn Response(None, status=404)\n---\n",
    "src/pages/own.py": handler("return Response(None, status=404)"),
    "src/pages/abort.py": handler("from werkzeug import Response as R\nabort(R('own', 418))"),
    "src/pages/slow.py": handler("raise TooManyRequests(retry_after=5)"),
    "src/pages/exit.py": handler("raise SystemExit(3)"),
    "src/pages/loop.py": handler("return context.rewrite('/loop')"),
    "src/pages/away.py": handler("return context.rewrite('/form')"),
    "src/middleware.py": (
        "from framework import Response\nfrom werkzeug.exceptions import Forbidden\n\n\n"
        "def on_request(context, next):\n"
        "    match context.url.search_params.get('m'):\n"
        "        case 'raise': raise Forbidden\n"
        "        case 'crash': 1 / 0\n"
        "        case 'null': return Response(None, status=500)\n"
        "    return next()\n"
    ),
}
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("request_line", "headers", "body", "status", "error"),
    [
        ("POST /", JSON, "[", 400, "BadBodyError"),
        ("POST /", JSON, "[1, 'x']", 400, "BadBodyError"),
        ("POST /", JSON, '["x"]', 422, "InvalidDataError"),
        ("POST /", JSON, "[" + "1," * 100 + "1]", 413, "RequestEntityTooLarge"),
        ("POST /form", JSON, "[]", 415, "FormTypeError"),
        ("POST /form", FORM | {"origin": "https://evil.example"}, "a=b", 403, "Forbidden"),
        ("DELETE /", JSON, "", 405, "MethodNotAllowed"),
        ("GET /page", {}, "", 404, "NotFound"),
        ("GET /slow", {}, "", 429, "TooManyRequests"),
        ("GET /exit", {}, "", 500, "SystemExit"),
        ("GET /loop", {}, "", 500, "RewriteLoopError"),
        ("GET /away", {}, "", 405, "MethodNotAllowed"),
        ("GET /page?m=raise", {}, "", 403, "Forbidden"),
        ("GET /page?m=crash", {}, "", 500, "ZeroDivisionError"),
        ("GET /page?m=null", {}, "", 500, "InternalServerError"),
        ("GET /nothing?m=crash", {}, "", 500, "ZeroDivisionError"),
        ("GET /a/../b", {}, "", 400, "BadPathError"),
        ("GET /%ff", {}, "", 400, "BadPathError"),
        ("GET /page", {"host": "a b"}, "", 400, "BadRequest"),
        ("GET /page", {"host": "["}, "", 400, "BadRequest"),
        ("GET /page", {"script-name": "/x"}, "", 400, "BadRequest"),
    ],
)
def test_every_kind_of_error_is_handled(
    site: SiteMaker, request_line: str, headers: Any, body: str, status: int, error: str
) -> None:
    made = site(KINDS, config=Config(security=Security(max_body_size=100)))
    method, path = request_line.split()
    response = made.request(method, path, headers=headers, body=body)
    assert response.json()[:2] == ["top", error]
    assert response.status == status


def test_the_headers_of_an_error_are_kept(site: SiteMaker) -> None:
    made = site(KINDS)
    assert made.request("DELETE", "/", headers=JSON).headers["allow"] == "POST, OPTIONS"
    assert made.get("/slow").headers["retry-after"] == "5"
    own = named("top").replace("headers={", 'headers={"allow": "none", ')
    made = site(KINDS | {"src/pages/_error.py": own})
    assert made.request("DELETE", "/", headers=JSON).headers["allow"] == "none"
    made = site(KINDS | {"src/pages/_error.py": named("top").replace("error.code", "400")})
    response = made.request("DELETE", "/", headers=JSON)
    assert response.status == 400
    assert "allow" not in response.headers


@pytest.mark.parametrize(("path", "status", "text"), [("/own", 404, ""), ("/abort", 418, "own")])
def test_a_response_of_its_own_is_no_error(
    site: SiteMaker, path: str, status: int, text: str
) -> None:
    response = site(KINDS).get(path)
    assert (response.status, response.text()) == (status, text)


@pytest.mark.parametrize("word", ["def", "async def"])
def test_a_handler_may_be_async(site: SiteMaker, word: str) -> None:
    code = named("api").replace("def on_error", f"{word} on_error")
    made = site(SHOP | {"src/pages/api/_error.py": code})
    assert made.get("/api/crash").json()[:2] == ["api", "ZeroDivisionError"]
    assert made.get("/api/crash?pass", headers={"accept": "text/html"}).text() == "the site's 500"


def test_the_response_is_finished_as_any_other(site: SiteMaker, caplog: Any) -> None:
    files = {
        "src/pages/_error.py": "from framework import Response\n"
        "SHARED = Response('sorry', status=418)\n\n\n"
        "def on_error(context, error):\n"
        "    context.cookies.set('late', 'b')\n"
        "    context.session.set('errors', context.session.get('errors', 0) + 1)\n"
        "    return SHARED\n",
        "src/pages/crash.py": handler("context.cookies.set('early', 'a')\n1 / 0"),
        "src/pages/gone.py": handler("raise NotFound"),
        "src/pages/errors.py": handler("return Response.json(context.session.get('errors'))"),
        "src/middleware.py": "def on_request(context, next):\n    response = next()\n"
        "    response.headers.set('x-status', str(response.status))\n    return response\n",
    }
    made = site(files, config=Config(session=Sessions()))
    response = made.get("/crash", headers={"x-request-id": "7"})
    assert (response.status, response.text()) == (418, "sorry")
    early, late, session = response.headers.get_set_cookie()
    assert (early[:8], late[:7]) == ("early=a;", "late=b;")
    assert response.headers["x-request-id"] == "7"
    assert response.headers["vary"] == "cookie"
    assert caplog.messages == ["GET /crash failed in src/pages/crash.py, request 7"]
    cookie = {"cookie": session.partition(";")[0]}
    head = made.request("HEAD", "/gone", headers=cookie)
    assert (head.status, head.headers["content-length"]) == (418, "5")
    assert head.headers["x-status"] == "418"
    assert made.get("/errors", headers=cookie).json() == 2


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("raise KeyError('x')", "KeyError"),
        ("raise NotFound", "NotFound"),
        ("raise SystemExit", "SystemExit"),
        ("return 'sorry'", "HandlerError"),
        ("return {}, 400", "HandlerError"),
        ("return context.rewrite('/nothing')", None),
    ],
)
@pytest.mark.parametrize("word", ["def", "async def"])
@pytest.mark.parametrize("path", ["/crash", "/nothing"])
def test_a_handler_that_fails_leads_to_a_plain_500(
    site: SiteMaker, caplog: Any, body: str, failure: str | None, word: str, path: str
) -> None:
    code = (
        "from werkzeug.exceptions import NotFound\n\n\n"
        f"{word} on_error(context, error):\n    context.cookies.set('a', 'b')\n    {body}\n"
    )
    files = {
        "src/pages/_error.py": named("top"),
        "src/pages/a/_error.py": code,
        "src/pages/a/crash.py": handler("1 / 0"),
        "src/pages/500.jinja": "the site's",
    }
    response = site(files).get(f"/a{path}", headers={"accept": "text/html"})
    if failure is None:
        assert response.json() == ["top", "NotFound", {}]
        return
    assert response.status == 500
    assert "<h1>500 Internal Server Error</h1>" in response.text()
    assert response.headers.get_set_cookie()[0].startswith("a=b;")
    failures = [type(record.exc_info[1]).__name__ for record in caplog.records if record.exc_info]
    assert failures == [*(["ZeroDivisionError"] if path == "/crash" else []), failure]
    assert caplog.messages[-1] == f"GET /a{path} failed in src/pages/a/_error.py:4"


def test_a_handler_may_raise_the_error_again(site: SiteMaker, caplog: Any) -> None:
    files = SHOP | {"src/pages/api/v2/_error.py": "def on_error(context, error): raise error\n"}
    made = site(files)
    assert made.get("/api/v2/crash").json() == ["api", "ZeroDivisionError", {}]
    assert made.get("/api/v2/nothing").json() == ["api", "NotFound", {}]
    assert caplog.messages == ["GET /api/v2/crash failed in src/pages/api/v2/crash.py"]


def test_a_handler_that_rewrites_in_a_circle_ends(site: SiteMaker, caplog: Any) -> None:
    made = site(
        {
            "src/pages/_error.py": "def on_error(context, error):\n"
            "    return context.rewrite('/nothing')\n",
            "src/pages/index.py": HANDLER,
        }
    )
    assert made.get("/x").status == 500
    assert caplog.messages == ["GET /x failed in src/pages/_error.py:1"]


def test_a_crash_is_logged_before_a_handler_is_called(site: SiteMaker, caplog: Any) -> None:
    code = (
        "import logging\nfrom framework import Response\n\n\n"
        "def on_error(context, error):\n"
        "    logging.getLogger('framework').error('called')\n    return Response('x')\n"
    )
    made = site({"src/pages/_error.py": code, "src/pages/index.py": handler("1 / 0")})
    assert made.get("/").status == 200
    assert caplog.messages == ["GET / failed in src/pages/index.py", "called"]


def test_the_url_is_valid_whatever_host_the_client_names(site: SiteMaker) -> None:
    code = (
        "from framework import Response\n\n\n"
        "def on_error(context, error):\n"
        "    return Response(f'{context.url} {context.url_for(\"/\")}', status=error.code)\n"
    )
    made = site(
        {"src/pages/_error.py": code, "src/pages/index.py": HANDLER},
        config=Config(security=Security(allowed_hosts=("example.com",))),
    )
    for headers in ({"host": "a b"}, {"host": "evil.example"}, {"script-name": "/../x"}):
        response = made.get("/", headers=headers, environ={"SCRIPT_NAME": "/../x"})
        assert (response.status, response.text()) == (400, "http://localhost/ /"), headers


def test_a_body_that_cannot_be_sent_is_an_error_too(site: SiteMaker, caplog: Any) -> None:
    files = {
        "src/pages/_error.py": named("top"),
        "src/pages/index.py": "from framework import Response\nSTREAM = Response(iter(['a']))\n\n\n"
        "def GET(cookies):\n    cookies.set('a', 'b')\n    return STREAM\n",
    }
    made = site(files)
    assert made.get("/").text() == "a"
    response = made.get("/")
    assert response.json() == ["top", "BodyUsedError", {}]
    assert response.headers.get_set_cookie()[0].startswith("a=b;")
    assert caplog.messages == ["GET / failed in src/pages/index.py"]


@pytest.mark.parametrize("file", ["_error.py", "500.py"])
def test_a_response_to_an_error_that_cannot_be_sent_leads_to_a_plain_500(
    site: SiteMaker, caplog: Any, file: str
) -> None:
    name = "on_error(context, error)" if file == "_error.py" else "GET(cookies)"
    code = (
        "from framework import Response\nSHARED = Response(iter(['a']), status=500)\n\n\n"
        f"def {name}: return SHARED\n"
    )
    crash = handler("context.cookies.set('a', 'b')\n1 / 0")
    made = site({f"src/pages/{file}": code, "src/pages/index.py": crash})
    for text in ("a", "500 Internal Server Error\n"):
        response = made.get("/")
        assert (response.status, response.text()) == (500, text)
        assert len(response.headers.get_set_cookie()) == 1
    failures = [type(record.exc_info[1]).__name__ for record in caplog.records if record.exc_info]
    assert failures == [*["ZeroDivisionError"] * 2, *["BodyUsedError"] * 2]


def test_an_error_in_a_stream_ends_it(site: SiteMaker) -> None:
    body = "def parts():\n    yield 'a'\n    1 / 0\nreturn Response(parts())"
    made = site({"src/pages/_error.py": named("top"), "src/pages/index.py": handler(body)})
    with pytest.raises(ZeroDivisionError):
        made.get("/")


def test_in_development_a_handler_responds_as_in_production(site: SiteMaker, caplog: Any) -> None:
    made = site(SHOP, mode="dev")
    assert made.get("/api/crash").json() == ["api", "ZeroDivisionError", {}]
    assert "Traceback" in made.get("/api/crash?pass").text()
    assert caplog.messages == ["GET /api/crash failed in src/pages/api/crash.py"] * 2
    made = site({"src/pages/_error.py": "def on_error(context, error): {}['key']\n"}, mode="dev")
    assert "KeyError: 'key'" in made.get("/x").text()


def test_a_crash_still_ends_a_build(site: SiteMaker) -> None:
    files = {
        "framework.config.py": "from framework import Config\nconfig = Config(output='static')\n",
        "src/pages/_error.py": "from framework import Response\n\n\n"
        "def on_error(context, error): return Response('fine', status=200)\n",
        "src/pages/index.py": handler("1 / 0"),
    }
    with pytest.raises(BuildError, match="ZeroDivisionError"):
        site(files).build()


@pytest.mark.parametrize(
    ("code", "mistake"),
    [
        ("x = 1\n", ": does not define a function on_error"),
        ("def onError(context, error): ...\n", ": does not define a function on_error"),
        ("def on_error(context): ...\n", ":1: on_error does not take context and error"),
        ("def on_error(error, context): ...\n", ":1: on_error does not take context and error"),
        ("def on_error(a, b, c): ...\n", ":1: on_error does not take context and error"),
        ("def on_error(*, context, error): ...\n", ":1: on_error does not take context and error"),
        ("import nothing_here\n", ":1: ModuleNotFoundError"),
    ],
)
def test_a_wrong_handler_is_a_mistake(site: SiteMaker, code: str, mistake: str) -> None:
    text = site({"src/pages/index.py": HANDLER, "src/pages/a/_error.py": code}).errors()
    assert text.startswith("The site has a mistake:\nsrc/pages/a/_error.py" + mistake)
    if "onError" in code:
        assert text.endswith("Rename onError to on_error.")
    elif "nothing_here" not in code:
        assert text.endswith("Write: def on_error(context, error): ...")


def test_the_folder_of_a_handler_is_checked(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/index.py": HANDLER,
            "src/pages/[id/_error.py": named("x"),
            "src/pages/[a=nope]/_error.py": named("x"),
            "src/pages/[...a]/[...b]/_error.py": named("x"),
        }
    )
    text = made.errors()
    assert 'src/pages/[id/_error.py: "[" is never closed in "[id"' in text
    assert 'src/pages/[a=nope]/_error.py: "[a=nope]" names an unknown converter' in text
    assert "src/pages/[...a]/[...b]/_error.py: the pattern has two rest parameters" in text


@pytest.mark.parametrize(
    "code", ["def on_error(*args): return None\n", "on_error = print\n", "on_error = max\n"]
)
def test_other_functions_of_two_arguments_are_fine(site: SiteMaker, code: str) -> None:
    assert site({"src/pages/index.py": HANDLER, "src/pages/_error.py": code}).get("/").status == 200


def test_explain_names_the_handlers(site: SiteMaker) -> None:
    made = site(SHOP)
    own = (
        "  on_error      src/pages/api/v2/_error.py:5\n  on_error      src/pages/api/_error.py:5\n"
    )
    assert own in made.app.explain("GET", "/api/v2/crash")
    assert own in made.app.explain("GET", "/api/v2/nothing")
    assert "on_error" not in made.app.explain("GET", "/")


def test_a_handler_after_the_session_is_saved_cannot_use_it(site: SiteMaker, caplog: Any) -> None:
    files = {
        "src/pages/_error.py": "from framework import Response\n\n\ndef on_error(context, error):\n"
        "    return Response(str(context.session.get('a')))\n",
        "src/pages/index.py": "from framework import Response\nSTREAM = Response(iter(['a']))\n\n\n"
        "def GET(): return STREAM\n",
    }
    made = site(files, config=Config(session=Sessions()))
    assert made.get("/").text() == "a"
    assert made.get("/").status == 500
    assert isinstance(caplog.records[-1].exc_info[1], SessionError)
