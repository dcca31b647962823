import functools
import inspect
import logging

import pytest

from framework import Config, Sessions
from framework.site.endpoints import METHODS, make_handlers, read_parameters, sort_methods

# The validator knows few methods, and warns of others.
pytestmark = pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")

IMPORTS = "from framework import APIContext, Response\n\n\n"
EVERY = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
NAMES = (
    "client_address, cookies, generator, is_prerendered, locals, markdown, origin_pathname, params, props, "
    "redirect, render, request, rewrite, route_pattern, session, site, state, url, url_for"
)
PLAIN_DECORATOR = (
    "def bare(function):\n    def inner():\n        return function()\n    return inner\n"
)


@pytest.fixture
def endpoint(site):
    """A site of one endpoint, `/x`, and `src/lib` beside it."""

    def make(text, lib="", **options):
        files = {
            "src/pages/x.py": IMPORTS + text,
            "src/lib/__init__.py": "",
            "src/lib/deco.py": lib,
        }
        return site(files, **options)

    return make


def define(*names):
    return "\n".join(f"def {name}():\n    return Response('{name}')\n" for name in names)


def failure(site, caplog, method="GET"):
    """The text of the error that answering `/x` logged."""
    with caplog.at_level(logging.ERROR, "framework"):
        response = site.request(method, "/x")
    assert response.status == 500
    assert "src/pages" not in response.text()
    (record,) = caplog.records
    assert record.exc_info is not None
    return f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"


# ------------------------------------------------------------ methods


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"])
def test_a_function_handles_the_method_in_its_name(endpoint, method):
    response = endpoint(define(method)).request(method, "/x")
    assert (response.status, response.text()) == (200, method)


def test_a_method_of_ones_own_may_have_digits_and_underscores(endpoint):
    files = endpoint(define("M_2"))
    assert files.app.site.routes.exact["/x"].route.handlers.methods == ("OPTIONS", "M_2")


def test_methods_are_case_sensitive(endpoint):
    one = endpoint(f"def get():\n    return Response('x')\n\n\n{define('POST')}")
    assert one.request("get", "/x").status == 405
    assert one.request("GET", "/x").status == 405


def test_head_uses_get(endpoint):
    one = endpoint("def GET():\n    return Response('four', headers={'x-a': '1'})\n")
    response = one.request("HEAD", "/x")
    assert response.status == 200
    assert response.headers.get("content-length") == "4"
    assert response.headers.get("x-a") == "1"


def test_head_uses_its_own_handler_first(endpoint):
    one = endpoint(
        define("GET") + "\ndef HEAD():\n    return Response(None, headers={'x-own': 'yes'})\n"
    )
    assert one.request("HEAD", "/x").headers.get("x-own") == "yes"


def test_head_uses_get_before_all(endpoint):
    one = endpoint(define("GET") + "\ndef ALL():\n    return Response('all all all')\n")
    assert one.request("HEAD", "/x").headers.get("content-length") == "3"


def test_head_uses_all_where_there_is_no_get(endpoint):
    one = endpoint("def ALL():\n    return Response('all all all')\n")
    assert one.request("HEAD", "/x").headers.get("content-length") == "11"


def test_all_handles_methods_without_a_function(endpoint):
    one = endpoint(define("ALL", "POST"))
    answers = {method: one.request(method, "/x").text() for method in ("GET", "POST", "OPTIONS")}
    assert answers == {"GET": "ALL", "POST": "POST", "OPTIONS": "ALL"}
    assert one.request("BREW", "/x").text() == "ALL"


def test_options_without_a_handler_says_what_there_is(endpoint):
    response = endpoint(define("PURGE", "POST", "GET")).request("OPTIONS", "/x")
    assert response.status == 204
    assert response.headers.get("allow") == "GET, HEAD, POST, OPTIONS, PURGE"


@pytest.mark.parametrize(
    ("names", "method", "allow"),
    [
        (("GET",), "POST", "GET, HEAD, OPTIONS"),
        (("POST",), "GET", "POST, OPTIONS"),
        (("POST",), "HEAD", "POST, OPTIONS"),
        (("DELETE", "PROPFIND", "BIND"), "GET", "DELETE, OPTIONS, BIND, PROPFIND"),
    ],
)
def test_any_other_method_is_405_with_allow(endpoint, names, method, allow):
    response = endpoint(define(*names)).request(method, "/x")
    assert response.status == 405
    assert response.headers.get("allow") == allow


def test_a_rewrite_leads_to_the_handler_of_its_method(site):
    one = site(
        {
            "src/pages/x.py": IMPORTS + "def ALL(rewrite):\n    return rewrite('/y')\n",
            "src/pages/y.py": IMPORTS + define("GET", "POST"),
        }
    )
    assert (one.get("/x").text(), one.post("/x").text()) == ("GET", "POST")
    assert one.request("PUT", "/x").headers.get("allow") == "GET, HEAD, POST, OPTIONS"


def test_methods_are_in_the_usual_order():
    assert sort_methods({"PURGE", "OPTIONS", "GET", "BIND"}) == ("GET", "OPTIONS", "BIND", "PURGE")
    assert ", ".join(sort_methods(set(METHODS))) == EVERY


@pytest.mark.parametrize("status", [404, 500])
def test_the_status_of_an_endpoint_is_sent_as_it_is(site, status):
    one = site(
        {
            "src/pages/x.py": IMPORTS
            + f"def GET():\n    return Response('own', status={status})\n",
            "src/pages/404.py": IMPORTS + define("GET"),
            "src/pages/500.py": IMPORTS + define("GET"),
        }
    )
    response = one.get("/x", headers={"accept": "text/html"})
    assert (response.status, response.text()) == (status, "own")


# ------------------------------------------------------------ what is a handler


@pytest.mark.parametrize(
    "text",
    [
        "GET = 'GET'\nPUT = 1\n",
        "class GET:\n    pass\n\n\nclass PURGE(Response):\n    pass\n",
        "from lib.deco import GET, PUT\n",
        "from lib.deco import *\n",
        "from lib.deco import handler as GET\n",
        "import lib.deco as GET\n",
        "from lib.deco import Handler\n\nPURGE = Handler()\n",
        "from lib.deco import made as GET\n",
        "def _HIDDEN():\n    return Response('x')\n\n\ndef ÉTÉ():\n    return Response('x')\n",
        "def helper():\n    GET = helper\n    return GET\n",
        "def GET():\n    return Response('x')\n\n\ndel GET\n",
    ],
)
def test_constants_classes_and_imports_are_not_handlers(endpoint, text):
    lib = (
        "def handler():\n    raise AssertionError\n\n\nGET = PUT = handler\n\n\n"
        "class Handler:\n    def __call__(self):\n        raise AssertionError\n\n\n"
        f"made = Handler()\n{PLAIN_DECORATOR}"
    )
    one = endpoint(f"{text}\n\n{define('PATCH')}", lib)
    assert one.request("GET", "/x").status == 405
    assert one.request("OPTIONS", "/x").headers.get("allow") == "PATCH, OPTIONS"
    mistakes = "src/pages/x.py: defines no handler\n"
    assert mistakes in endpoint(text, lib).errors()


@pytest.mark.parametrize(
    "text",
    [
        "@bare\ndef GET():\n    return Response('x')\n",
        "GET = bare(lambda: Response('x'))\n",
        "GET: object = bare(lambda: Response('x'))\n",
        "GET, POST = bare(lambda: Response('x')), bare(lambda: Response('y'))\n",
        "GET = POST = bare(lambda: Response('x'))\n",
        "if True:\n    GET = bare(lambda: Response('x'))\n",
        "try:\n    import nothing_of_that_name\nexcept ImportError:\n"
        "    @bare\n    def GET():\n        return Response('x')\n",
        "@wrapped\ndef GET(request):\n    return Response('x' if request.method else '')\n",
        "@wrapped\nasync def GET(*, url):\n    return Response('x' if url.pathname == '/x' else '')\n",
        "GET = lambda: Response('x')\n",
        "GET = partial(bare(lambda text: Response(text)), 'x')\n".replace("bare(", "("),
        "class View:\n    def __call__(self, url):\n        return Response('x')\n\n\nGET = View()\n",
    ],
)
def test_a_handler_is_what_the_file_itself_defines_however(endpoint, text):
    lib = (
        "import functools\n\n\n"
        f"{PLAIN_DECORATOR}\n\n"
        "def wrapped(function):\n    @functools.wraps(function)\n"
        "    def inner(*args, **kwargs):\n        return function(*args, **kwargs)\n    return inner\n"
    )
    one = endpoint(
        f"from functools import partial\nfrom lib.deco import bare, wrapped\n\n\n{text}", lib
    )
    assert one.get("/x").text() == "x"


# ------------------------------------------------------------ parameters


def test_each_parameter_is_one_property_of_the_context(site):
    one = site(
        {
            "src/pages/[id].py": IMPORTS
            + f"def GET({NAMES}):\n"
            + "    assert redirect('/y').status == 302\n"
            + "    assert callable(rewrite) and site is None and props == {}\n"
            + "    assert cookies.get('a').value == 'b' and not is_prerendered\n"
            + "    locals.x = url_for('/[id]', id='1')\n"
            + "    return Response.json([client_address, generator.split()[0], origin_pathname,\n"
            + "        params, request.method, route_pattern, url.pathname, locals.x])\n"
        },
        config=Config(session=Sessions()),
    )
    response = one.get("/7", headers={"cookie": "a=b"})
    assert response.json() == [
        *("127.0.0.1", "framework", "/7", {"id": "7"}, "GET", "/[id]", "/7", "/1"),
    ]


@pytest.mark.parametrize(
    "parameters",
    [
        "context",
        "context, /",
        "*, context",
        "c: APIContext",
        "c: 'APIContext'",
        "c: '\"APIContext\"'",
        "c: 'framework.APIContext'",
        "url, c: APIContext",
        "url, /, *, c: APIContext",
        "request, *, c: 'APIContext', url",
        "context: int",
    ],
)
def test_the_whole_context_is_asked_for_by_name_or_annotation(endpoint, parameters):
    name = "c" if "c:" in parameters else "context"
    one = endpoint(
        f"def GET({parameters}):\n    return Response({name}.url.pathname)\n"
        f"\nasync def POST({parameters}):\n    return Response({name}.request.method)\n"
    )
    assert one.get("/x").text() == "/x"
    assert one.post("/x").text() == "POST"


def test_annotations_may_be_strings_throughout(site):
    one = site(
        {
            "src/pages/x.py": "from __future__ import annotations\n"
            + IMPORTS
            + "def GET(c: APIContext, *, url: URL) -> Response:\n"
            + "    return Response(c.url.pathname + url.pathname)\n"
        }
    )
    assert one.get("/x").text() == "/x/x"


@pytest.mark.parametrize(
    ("parameters", "read"),
    [
        ("", "'/x'"),
        ("url", "url.pathname"),
        ("url, /", "url.pathname"),
        ("*, url", "url.pathname"),
        ("url, request", "url.pathname if request.method == 'GET' else ''"),
        ("request, /, *, url", "url.pathname if request.method == 'GET' else ''"),
        ("url=None, props=None", "url.pathname if props == {} else ''"),
    ],
)
@pytest.mark.parametrize("define", ["def", "async def"])
def test_parameters_of_every_shape(endpoint, define, parameters, read):
    one = endpoint(f"{define} GET({parameters}):\n    return Response({read})\n")
    assert one.get("/x").text() == "/x"


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ("id", "id"),
        ("request, limit=10", "limit"),
        ("*args", "args"),
        ("**options", "options"),
        ("*request", "request"),
        ("**context", "context"),
        ("*, db", "db"),
        ("self", "self"),
    ],
)
def test_anything_else_is_reported_at_start_up(endpoint, parameters, name):
    assert endpoint(f"def GET({parameters}):\n    pass\n").errors() == (
        "The site has a mistake:\n"
        f'src/pages/x.py:4: GET has a parameter "{name}", which the context does not have\n'
        f"    A parameter is one of {NAMES}, or context for the whole context."
    )


def test_every_parameter_of_every_handler_is_reported(endpoint):
    text = endpoint("def GET(a, b):\n    pass\n\n\ndef POST(c):\n    pass\n").errors()
    assert text.startswith("The site has 3 mistakes:\n")
    assert [line.partition(",")[0] for line in text.splitlines()[1::2]] == [
        'src/pages/x.py:4: GET has a parameter "a"',
        'src/pages/x.py:4: GET has a parameter "b"',
        'src/pages/x.py:8: POST has a parameter "c"',
    ]


def test_a_decorator_that_hides_the_parameters_is_reported(endpoint):
    text = endpoint(
        "def hide(function):\n    def inner(*args):\n        return function(*args)\n"
        "    return inner\n\n\n@hide\ndef GET(url):\n    return Response('x')\n"
    ).errors()
    assert text.startswith(
        'The site has a mistake:\nsrc/pages/x.py:5: GET has a parameter "args", which the context'
    )


def test_what_has_no_signature_is_reported(endpoint):
    assert endpoint("GET = dict.update\n").errors() == (
        "The site has a mistake:\n"
        "src/pages/x.py: GET has no readable signature: "
        "no signature found for builtin <method 'update' of 'dict' objects>\n"
        "    Use def."
    )


# ------------------------------------------------------------ results


COPY = (
    "That is a Response of Werkzeug or Flask. Copy it: return Response("
    "other.get_data(), status=other.status_code, headers=other.headers.items())"
)
WHOLE, JSON = "End it with: return Response(body)", "End it with: return Response.json(...)"


@pytest.mark.parametrize(
    ("result", "name", "advice"),
    [
        ("None", "None", "Is a return missing? End it with: return Response(...)"),
        ("'text'", "str", "End it with: return Response(text)"),
        (
            "'<p>'",
            "str",
            'End it with: return Response(text, headers={"content-type": "text/html"})',
        ),
        (
            "b'x'",
            "bytes",
            'End it with: return Response(data, headers={"content-type": "image/png"})',
        ),
        ("'x', 404", "tuple", "The status is an option: return Response(body, status=404)"),
        ("b'', 201, {}", "tuple", "The status is an option: return Response(body, status=201)"),
        ("{}, 422", "tuple", "The status is an option: return Response.json(data, status=422)"),
        ("[{}, 422]", "list", JSON),
        ("['x', 404]", "list", JSON),
        ("1, 'a'", "tuple", JSON),
        ("{}", "dict", JSON),
        ("3", "int", JSON),
        (
            "(yield)",
            "generator",
            "Move the yield to a function of its own: return Response(chunks())",
        ),
        (
            "(c for c in 'ab')",
            "generator",
            "Move the yield to a function of its own: return Response(chunks())",
        ),
        ("iter(['a'])", "list_iterator", WHOLE),
        ("__import__('io').BufferedReader(__import__('io').BytesIO())", "BufferedReader", WHOLE),
        ("FormData()", "FormData", WHOLE),
        ("werkzeug.Response('x')", "Response", COPY),
        ("werkzeug.exceptions.NotFound()", "NotFound", "Raise it: raise NotFound()"),
    ],
)
def test_a_wrong_result_is_an_error_that_says_what_to_write(endpoint, caplog, result, name, advice):
    one = endpoint(
        f"def GET():\n    return {result}\n\n\nimport werkzeug\nfrom framework import FormData\n"
    )
    assert failure(one, caplog) == (
        f"HandlerError: src/pages/x.py:4: GET returned {name}, but a handler returns a Response. "
        f"{advice}"
    )


@pytest.mark.parametrize(
    ("code", "name", "advice"),
    [
        ("return 'text'", "str", "End it with: return Response(text)"),
        (
            "return asyncio.get_running_loop().create_future()",
            "Future",
            "Await it: return await ...",
        ),
        (
            "yield 'a'",
            "async_generator",
            "Move the yield to a function of its own: return Response(chunks())",
        ),
    ],
)
def test_what_a_coroutine_gives_is_held_to_the_same(endpoint, caplog, code, name, advice):
    one = endpoint(f"async def POST():\n    {code}\n\n\nimport asyncio\n")
    assert failure(one, caplog, "POST") == (
        f"HandlerError: src/pages/x.py:4: POST returned {name}, but a handler returns a Response. "
        f"{advice}"
    )


@pytest.mark.parametrize("parameters", ["", "context", "url", "url, request", "*, url"])
def test_every_shape_of_handler_is_held_to_a_response(endpoint, caplog, parameters):
    one = endpoint(f"def GET({parameters}):\n    return 1\n")
    assert "GET returned int, but a handler returns a Response." in failure(one, caplog)


def test_a_response_of_a_class_of_ones_own_is_one(endpoint):
    one = endpoint(
        "class Page(Response):\n    pass\n\n\ndef GET():\n    return Page('x')\n\n\n"
        "async def POST():\n    return Page('y')\n"
    )
    assert (one.get("/x").text(), one.post("/x").text()) == ("x", "y")


def test_any_awaitable_is_run_to_its_end(endpoint):
    one = endpoint(
        "class Later:\n    def __await__(self):\n        yield from ()\n"
        "        return Response('later')\n\n\ndef GET():\n    return Later()\n"
    )
    assert one.get("/x").text() == "later"


@pytest.mark.parametrize("define", ["def", "async def"])
def test_an_http_exception_is_its_status(endpoint, define):
    one = endpoint(
        f"from werkzeug.exceptions import Gone\n\n\n{define} GET():\n    raise Gone('Sold out.')\n"
    )
    response = one.get("/x")
    assert response.status == 410
    assert "Sold out." in response.text()


class Called:
    def __call__(self, url: str, *, params: dict) -> None: ...


def annotated(a: int, b, *, c: "str" = ""):
    for local in a:
        yield local, b, c


@functools.wraps(define)
def wrapped(*arguments): ...


def signed(one): ...


signed.__signature__ = inspect.signature(define)


@pytest.mark.parametrize(
    "function",
    [
        lambda: None,
        lambda a, /, b=1, *, c, d=2: None,
        lambda *names: None,
        lambda a, **names: None,
        lambda a, *names, b: None,
        *(
            Called(),
            Called().__call__,
            annotated,
            wrapped,
            signed,
            functools.partial(define, 1),
            len,
        ),
    ],
)
def test_the_parameters_of_a_function_are_those_of_its_signature(function):
    def list_parts(parameters):
        return [(one.name, one.kind is one.KEYWORD_ONLY, one.annotation) for one in parameters]

    expected = inspect.signature(function).parameters.values()
    assert list_parts(read_parameters(function)) == list_parts(expected)


def test_files_with_the_same_methods_share_what_follows_from_them():
    def handle(context): ...

    first, second = make_handlers({"GET": handle}), make_handlers({"GET": handle})
    assert first.other is second.other
    assert first.by_method["OPTIONS"] is second.by_method["OPTIONS"]
    assert first.methods is second.methods
