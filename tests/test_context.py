import copy
import inspect
import io
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import RequestEntityTooLarge

from framework import Config, Request, __version__
from framework.context import CONTEXT_NAMES, APIContext, Locals, Services
from framework.routing.paths import BadPathError, decode_path, quote_path
from framework.web.requeststream import BodyLimits

HEAD = "from framework import Response\n\n\n"


def never(*args):
    raise NotImplementedError


def make_services(**given):
    known = {"generator": "framework v0", "limits": BodyLimits(100, 100), "site": None}
    known["url_for"] = lambda pattern, params: pattern
    return Services(**{field.name: never for field in fields(Services)} | known | given)


def make_context(path="/", services=None, **environ):
    context = APIContext(
        services or make_services(),
        {
            "REQUEST_METHOD": "GET",
            "HTTP_HOST": "example.com",
            "SERVER_NAME": "server",
            "SERVER_PORT": "8000",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
        }
        | {name.replace("wsgi_", "wsgi."): value for name, value in environ.items()},
    )
    context.path = path
    return context


def test_a_context_is_shown_with_its_method_and_path():
    assert repr(make_context("/a/b")) == "<APIContext GET /a/b>"


# ------------------------------------------------------------ locals


def test_a_local_is_an_attribute_and_an_item():
    data = Locals()
    data.user = "Ann"
    data["cart"] = [1]
    assert (data["user"], data.cart) == ("Ann", [1])
    assert (list(data), len(data)) == (["user", "cart"], 2)
    assert "user" in data
    assert "x" not in data
    assert (data.get("user"), data.get("x"), data.get("x", 1)) == ("Ann", None, 1)
    assert repr(data) == "Locals({'user': 'Ann', 'cart': [1]})"
    del data.user
    del data["cart"]
    assert len(data) == 0


def test_a_local_that_is_not_there_says_what_is():
    data = Locals()
    with pytest.raises(AttributeError) as caught:
        _ = data.user
    assert str(caught.value) == "locals has no 'user'; it has: nothing yet"
    data.a = data.b = 1
    with pytest.raises(AttributeError) as caught:
        _ = data.user
    assert str(caught.value) == "locals has no 'user'; it has: a, b"
    with pytest.raises(KeyError):
        data["user"]
    with pytest.raises(KeyError):
        del data["user"]
    with pytest.raises(AttributeError):
        del data.user
    assert getattr(data, "user", "nobody") == "nobody"


def test_locals_can_be_copied():
    data = Locals()
    data.a = [1]
    other = copy.deepcopy(data)
    other.a.append(2)
    assert (data.a, other.a) == ([1], [1, 2])


def test_a_host_application_hands_in_locals():
    values = {"user": "Ann"}
    context = make_context(**{"framework.locals": values})
    context.locals.x = 1
    assert context.locals["user"] == "Ann"
    assert values == {"user": "Ann"}


def test_locals_are_never_shared_between_requests(site):
    one = site(
        {
            "src/pages/x.py": HEAD + "def GET(locals):\n    before = list(locals)\n"
            "    locals.user = 'Ann'\n    return Response.json(before)\n"
        }
    )
    assert [one.get("/x").json() for _ in range(3)] == [[], [], []]


def test_locals_themselves_can_not_be_replaced():
    context = make_context()
    with pytest.raises(AttributeError):
        context.locals = {}
    assert context.locals is context.locals


# ------------------------------------------------------------ url and request


@pytest.mark.parametrize(
    ("path", "environ", "href"),
    [
        ("/", {}, "http://example.com/"),
        ("/café/a b", {}, "http://example.com/caf%C3%A9/a%20b"),
        ("/x", {"QUERY_STRING": ""}, "http://example.com/x"),
        ("/x", {"QUERY_STRING": "a=1&b"}, "http://example.com/x?a=1&b"),
        ("/x", {"QUERY_STRING": "a=#b"}, "http://example.com/x?a="),
        ("/x", {"QUERY_STRING": "a=\xff\xc3\xa9"}, "http://example.com/x?a=%FF%C3%A9"),
        ("/x", {"QUERY_STRING": "a=' \"<"}, "http://example.com/x?a=%27%20%22%3C"),
        ("/x", {"wsgi_url_scheme": "https"}, "https://example.com/x"),
        ("/x", {"HTTP_HOST": "H.example:80"}, "http://h.example/x"),
        ("/x", {"HTTP_HOST": ""}, "http://server:8000/x"),
        ("/x", {"HTTP_HOST": "", "SERVER_PORT": "80"}, "http://server/x"),
        (
            "/x",
            {"HTTP_HOST": "", "SERVER_PORT": "443", "wsgi_url_scheme": "https"},
            "https://server/x",
        ),
        ("/x", {"HTTP_HOST": "", "SERVER_NAME": "::1"}, "http://[::1]:8000/x"),
        ("/x", {"HTTP_HOST": "", "SERVER_NAME": "/run/a.sock"}, "http://localhost/x"),
        ("/x", {"HTTP_HOST": "", "SERVER_NAME": "", "SERVER_PORT": ""}, "http://localhost/x"),
    ],
)
def test_the_url_of_a_request(path, environ, href):
    context = make_context(path, **environ)
    assert context.url.href == context.request.url == href
    assert context.url is context.url
    assert context.url.pathname == quote_path(path)


paths = st.lists(
    st.one_of(st.sampled_from("/?#%:@;[]|^{}é"), st.characters(exclude_categories=["Cs"]))
).map(lambda characters: "/" + "".join(characters))


@given(paths, st.text(st.characters(max_codepoint=255)))
def test_the_url_has_the_path_that_was_matched_whatever_the_query(text, query):
    try:
        path = decode_path(text.encode().decode("latin-1"))
    except BadPathError:
        return
    url = make_context(path, QUERY_STRING=query).url
    assert (url.origin, url.pathname, url.hash) == ("http://example.com", quote_path(path), "")


def test_the_request_is_made_once_and_its_body_is_limited():
    context = make_context(
        REQUEST_METHOD="POST", CONTENT_LENGTH="101", **{"wsgi.input": io.BytesIO(b"x" * 101)}
    )
    assert context.request is context.request
    assert context.request.method == "POST"
    with pytest.raises(RequestEntityTooLarge):
        context.request.text()


def test_the_url_of_the_request_is_not_changed_with_that_of_the_context():
    context = make_context("/x")
    context.url.pathname = "/y"
    assert context.url.pathname == "/y"
    assert context.request.url == "http://example.com/x"


def test_the_address_of_the_client():
    assert make_context(REMOTE_ADDR="10.0.0.1").client_address == "10.0.0.1"
    assert make_context().client_address == ""


def test_cookies_are_secure_where_the_request_was():
    for scheme, secure in (("http", False), ("https", True)):
        context = make_context(HTTP_COOKIE="a=b", wsgi_url_scheme=scheme)
        assert context.made_cookies is None
        assert context.cookies.get("a").value == "b"
        assert context.made_cookies.headers() == []
        context.cookies.set("c", "d")
        (header,) = context.made_cookies.headers()
        assert header.startswith("c=d; ")
        assert ("; Secure" in header) == secure


def test_the_site_is_a_url_or_nothing(site):
    page = (
        HEAD
        + "def GET(site, generator):\n    return Response(f'{site and site.host} {generator}')\n"
    )
    with_site = site({"src/pages/x.py": page}, config=Config(site="https://example.com"))
    assert with_site.get("/x").text() == f"example.com framework v{__version__}"
    assert site({"src/pages/x.py": page}).get("/x").text() == f"None framework v{__version__}"


def test_a_site_that_a_handler_changes_is_its_own():
    context = make_context(services=make_services(site="https://a.example/"))
    context.site.hostname = "b.example"
    assert context.site.href == "https://a.example/"


# ------------------------------------------------------------ redirect, rewrite, url_for


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_sends_the_path_as_it_is_given(status):
    response = make_context().redirect("/a?b#c", status)
    assert (response.status, response.headers.get("location")) == (status, "/a?b#c")


def test_a_redirect_is_302_unless_said(site):
    assert make_context().redirect("../x").status == 302
    response = site(
        {"src/pages/x.py": "def GET(redirect, url):\n    return redirect(url)\n"},
    ).get("/x?a")
    assert (response.status, response.headers.get("location")) == (302, "http://localhost/x?a")


@pytest.mark.parametrize("status", [200, 300, 304, 305, 400, None])
def test_a_redirect_has_the_status_of_one(status):
    with pytest.raises(ValueError, match=str(status)):
        make_context().redirect("/x", status)


@pytest.mark.parametrize(
    ("mount", "url"),
    [("", "/x"), ("/shop", "/shop/x"), ("/shop/", "/shop/x"), ("/caf\xc3\xa9", "/caf%C3%A9/x")],
)
def test_url_for_knows_where_the_site_is_mounted(mount, url):
    assert make_context(SCRIPT_NAME=mount).url_for("/x") == url


def test_url_for_takes_parameters_of_any_name(site):
    one = site(
        {
            "src/pages/[self]/[pattern].py": HEAD
            + "def GET(url_for):\n"
            + "    return Response(url_for('/[self]/[pattern]', self='a', pattern='b'))\n"
        },
        config=Config(base="/base"),
    )
    assert one.get("/base/x/y", environ={"SCRIPT_NAME": "/m"}).text() == "/m/base/a/b"


def test_what_a_rewrite_keeps(site):
    one = site(
        {
            "src/pages/[a].py": HEAD
            + "def POST(context):\n    context.locals.x = [context.url_for('/to/[b]', b='1')]\n"
            + "    context.cookies.set('c', 'd')\n"
            + "    return context.rewrite('/to/2?q')\n",
            "src/pages/to/[b].py": HEAD
            + "def POST(context):\n    context.locals.x.append(context.request.text())\n"
            + "    context.cookies.set('e', 'f')\n"
            + "    return Response.json([context.locals.x, context.params, context.url.href,\n"
            + "        context.request.url, context.origin_pathname, context.route_pattern,\n"
            + "        context.cookies.get('c').value, context.is_prerendered])\n",
        }
    )
    response = one.post("/é?p", "the body", headers={"content-type": "application/json"})
    assert response.json() == [
        ["/to/1", "the body"],
        {"b": "2"},
        "http://localhost/to/2?q",
        "http://localhost/to/2?q",
        "/%C3%A9",
        "/to/[b]",
        "d",
        False,
    ]
    cookies = [cookie.partition(";")[0] for cookie in response.headers.get_set_cookie()]
    assert cookies == ["c=d", "e=f"]


def test_a_rewrite_while_prerendering_is_prerendered_too():
    context = make_context("/a")
    context.is_prerendered = True
    moved = context.rewritten("/b", "q", None).rewritten("/c", "", None)
    assert moved.is_prerendered
    assert (moved.path, moved.origin_pathname, moved.rewritten_from.rewritten_from) == (
        "/c",
        "/a",
        context,
    )
    assert moved.url.href == "http://example.com/c"


def test_a_rewrite_may_bring_its_own_request():
    mine = Request("http://example.com/b", method="POST", body="x")
    moved = make_context("/a", SCRIPT_NAME="/m").rewritten("/b", "", mine)
    assert moved.request is mine
    assert moved.url.href == "http://example.com/m/b"


def test_a_request_and_its_rewrites_share_their_context_variables():
    context = make_context()
    assert context.rewritten("/b", "", None).variables is context.variables
    assert make_context().variables is not context.variables


# ------------------------------------------------------------ names


def test_the_names_are_what_a_context_has():
    assert all(hasattr(APIContext, name) for name in CONTEXT_NAMES)
    public = {name for name, _ in inspect.getmembers(APIContext) if not name.startswith("_")}
    of_the_application = {"body_limits", "close", "environ", "itself", "make_request", "path"}
    of_the_application |= {"read_cookies", "rewritten", "route"}
    of_the_application |= {"made_cookies", "services", "rewritten_from", "variables"}
    assert public - of_the_application == CONTEXT_NAMES


def test_the_whole_context_stands_beside_its_parts(site):
    one = site(
        {
            "src/pages/x.py": HEAD
            + "def GET(url, context):\n    return Response.json(context.url is url)\n"
        }
    )
    assert one.get("/x").json() is True
