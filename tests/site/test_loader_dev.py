"""A site with mistakes in development: each route shows its own, and the others work."""

import json

import pytest

from framework import App, SiteError
from tests.conftest import HANDLER, SiteMaker, TestSite

MIDDLEWARE = """
def on_request(context, next):
    response = next()
    response.headers.set("x-seen", "yes")
    return response
"""
FINE = {"src/pages/fine.py": HANDLER, "src/middleware.py": MIDDLEWARE}


def get(made: TestSite, path: str, accept: str = "text/plain") -> tuple[int, str]:
    """Return the status and the text of a response."""
    response = made.get(path, headers={"accept": accept})
    return response.status, response.text()


@pytest.mark.parametrize(
    ("files", "path", "mistake"),
    [
        ({"a.py": "def GET(:\n"}, "/a", "src/pages/a.py:1: invalid syntax"),
        ({"a.py": "import missing_one\n"}, "/a", "src/pages/a.py:1: ModuleNotFoundError"),
        ({"a.py": "exit()\n"}, "/a", "src/pages/a.py:1: exits the program during import"),
        ({"a.py": ""}, "/a", "src/pages/a.py: defines no handler"),
        ({"a.py": "def GTE():\n    pass\n"}, "/a", "src/pages/a.py:1: GTE is not a standard"),
        ({"a.py": b"# \xff\n"}, "/a", "src/pages/a.py"),
        (
            {"[id].py": "def GET(prams): ...\n"},
            "/7",
            'src/pages/[id].py:1: GET has a parameter "pr',
        ),
        ({"a.py": "prerender = 1\n" + HANDLER}, "/a", "src/pages/a.py: prerender is 1"),
        (
            {"[id].py": "prerender = True\n" + HANDLER},
            "/7",
            "src/pages/[id].py: a prerendered route with parameters needs get_static_paths()",
        ),
        (
            {"a/_lib.py": "1 / 0\n", "a/b.py": "from ._lib import x\n"},
            "/a/b",
            "src/pages/a/_lib.py:1: ZeroDivisionError",
        ),
        (
            {"a/__init__.py": "1 / 0\n", "a/b.py": HANDLER},
            "/a/b",
            "src/pages/a/__init__.py:1: Zero",
        ),
        ({"a.jinja": "---\nx = (\n---\n"}, "/a", "src/pages/a.jinja:2: '(' was never closed"),
        ({"a.jinja": "{% if %}"}, "/a", "src/pages/a.jinja:1: Expected an expression"),
        (
            {"a.jinja": "\n{% extends 'layouts/bas.jinja' %}"},
            "/a",
            'src/pages/a.jinja:2: the template "layouts/bas.jinja" does not exist in src',
        ),
        ({"a.jinja": b"\xff"}, "/a", "src/pages/a.jinja: is not UTF-8"),
        (
            {"a.md": "---\nlayout: layouts/x.jinja\n---\n"},
            "/a",
            'src/pages/a.md:2: the template "la',
        ),
        ({"a.md": "---\nhtml: 7\n---\n"}, "/a", "src/pages/a.md:2: html is neither true nor false"),
    ],
)
def test_only_the_route_of_a_broken_file_fails(
    site: SiteMaker, files: dict[str, str | bytes], path: str, mistake: str
) -> None:
    broken = {f"src/pages/{name}": content for name, content in files.items()}
    made = site({**FINE, **broken}, mode="dev")
    fine = made.get("/fine")
    assert (fine.status, fine.text(), fine.headers["x-seen"]) == (200, "ok", "yes")
    assert made.get("/no/route").status == 404
    for method in ("GET", "POST", "OPTIONS"):
        response = made.request(method, path)
        assert response.status == 500
        text = response.text()
        assert mistake in text
        assert "Traceback" not in text
    assert [mistake in str(one) for one in made.app.site.mistakes] == [True]
    with pytest.raises(SiteError):
        App(made.root)


def test_a_mistake_is_shown_in_the_form_that_the_client_accepts(site: SiteMaker) -> None:
    made = site({"src/pages/<b>.py": "def GET(:\n"}, mode="dev")
    html = made.get("/<b>", headers={"accept": "text/html"})
    assert (html.status, html.headers["content-type"]) == (500, "text/html;charset=UTF-8")
    text = html.text()
    assert "Fix the mistake, save the file and reload this page." in text
    assert "src/pages/&lt;b&gt;.py:1: invalid syntax" in text
    problem = made.get("/<b>", headers={"accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"
    assert "src/pages/<b>.py:1: invalid syntax" in json.loads(problem.text())["traceback"]
    assert made.request("HEAD", "/<b>").status == 500


def test_a_broken_guard_is_never_left_out(site: SiteMaker) -> None:
    files = {
        "src/pages/shop/_middleware.py": "1 / 0\n",
        "src/pages/shop/index.py": HANDLER,
        "src/pages/shop/deep/cart.jinja": "cart",
        "src/pages/to.py": "def GET(rewrite):\n    return rewrite('/shop/deep/cart')\n",
    }
    made = site({**FINE, **files}, mode="dev")
    assert made.get("/fine").status == 200
    for path in ("/shop", "/shop/deep/cart", "/to"):
        status, text = get(made, path)
        assert status == 500
        assert "src/pages/shop/_middleware.py:1: ZeroDivisionError" in text


@pytest.mark.parametrize(
    ("name", "content", "mistake"),
    [
        ("middleware.py", "1 / 0\n", "src/middleware.py:1: ZeroDivisionError"),
        ("middleware.py", "from lib.x import a\n", "src/lib/x.py:1: ZeroDivisionError"),
        ("middleware.py", "def onRequest(): ...\n", "Rename onRequest to on_request."),
        ("middlewares.py", MIDDLEWARE, "src/middlewares.py: is not a middleware.py"),
        ("pages/_middlewares.py", MIDDLEWARE, "is not a _middleware.py, so it never runs"),
    ],
)
def test_broken_middleware_of_the_whole_site_fails_every_route(
    site: SiteMaker, name: str, content: str, mistake: str
) -> None:
    files = {"src/pages/a/b.py": HANDLER, "src/lib/x.py": "1 / 0\n", f"src/{name}": content}
    made = site(files, mode="dev")
    status, text = get(made, "/a/b")
    assert status == 500
    assert mistake in text
    if name != "pages/_middlewares.py":
        assert mistake in made.get("/no-route").text()


def test_a_guard_that_is_a_link_to_nothing_is_not_left_out(site: SiteMaker) -> None:
    made = site(mode="dev")
    (made.root / "src" / "middleware.py").symlink_to("nowhere.py")
    assert made.get("/").status == 500
    assert "src/middleware.py: can't be read" in made.get("/").text()


def test_two_files_of_one_pattern_show_that_at_its_urls(site: SiteMaker) -> None:
    files = {f"src/pages/{name}": HANDLER for name in ("p/[id].py", "p/[slug].py", "p/[x].py")}
    made = site({**FINE, **files, "src/pages/p/q.py": HANDLER}, mode="dev")
    status, text = get(made, "/p/7")
    assert status == 500
    assert "src/pages/p/[id].py and src/pages/p/[slug].py match the same URLs." in text
    assert get(made, "/p/q") == get(made, "/fine") == (200, "ok")
    assert len(made.app.site.mistakes) == 2


def test_a_file_and_a_redirect_of_one_pattern_show_that_at_its_url(site: SiteMaker) -> None:
    source = (
        "from framework import Config\nconfig = Config(redirects={'/a': '/b', '/c': '/fine'})\n"
    )
    made = site({**FINE, "framework.config.py": source, "src/pages/a.py": HANDLER}, mode="dev")
    assert "match the same URLs" in made.get("/a").text()
    assert made.get("/c").headers["location"] == "/fine"


def test_a_file_without_a_valid_pattern_is_named_where_no_route_matches(site: SiteMaker) -> None:
    made = site({**FINE, "src/pages/[id.py": HANDLER, "src/pages/[n=sku].py": HANDLER}, mode="dev")
    assert made.get("/fine").status == 200
    status, text = get(made, "/7")
    assert status == 404
    assert 'src/pages/[id.py: "[" is never closed in "[id"' in text
    assert 'src/pages/[n=sku].py: "[n=sku]" names an unknown converter' in text


def test_a_broken_layout_fails_the_pages_that_use_it(site: SiteMaker) -> None:
    files = {
        "src/layouts/base.jinja": "{% include 'components/menu.jinja' %}{% block main %}",
        "src/components/menu.jinja": "\n{{ 1 + }}",
        "src/pages/one.jinja": "{% extends 'layouts/base.jinja' %}",
        "src/pages/two.jinja": "{% extends 'layouts/base.jinja' %}",
        "src/pages/three.jinja": "{% include 'components/menu.jinja' %}",
        "src/pages/four.md": "---\nlayout: layouts/base.jinja\n---\nText",
        "src/pages/plain.jinja": "plain",
    }
    made = site({**FINE, **files}, mode="dev")
    for path in ("/one", "/two", "/four"):
        status, text = get(made, path)
        assert status == 500
        assert "src/layouts/base.jinja:1: Unexpected end of template" in text
    assert (
        "src/components/menu.jinja:2: unexpected 'end of print statement'"
        in made.get("/three").text()
    )
    assert made.get("/plain").text() == "plain"
    assert made.get("/fine").text() == "ok"


def test_a_broken_jinja_module_fails_every_page_and_no_endpoint(site: SiteMaker) -> None:
    files = {"src/jinja.py": "filters = 7\n", "src/pages/page.jinja": "x", "src/pages/m.md": "x"}
    made = site({**FINE, **files}, mode="dev")
    for path in ("/page", "/m"):
        assert made.get(path).status == 500
        assert "src/jinja.py:1: filters is not a dict: 7" in made.get(path).text()
    assert made.get("/fine").text() == "ok"


def test_a_jinja_module_that_is_not_utf8_is_a_mistake(site: SiteMaker) -> None:
    made = site({**FINE, "src/jinja.py": b"# coding: latin-1\n# \xe9\nglobals = {}\n"})
    assert "src/jinja.py: is not UTF-8" in made.errors()


@pytest.mark.parametrize(
    "files",
    [
        {"src/pages/404.jinja": "{% if %}"},
        {"src/pages/404.py": "1 / 0\n"},
        {"src/pages/404.py": HANDLER, "src/pages/404.jinja": "lost"},
        {"src/pages/404.jinja": "{% extends 'layouts/x.jinja' %}", "src/layouts/x.jinja": "{{"},
    ],
)
def test_without_a_valid_404_page_the_framework_sends_its_own(
    site: SiteMaker, files: dict[str, str]
) -> None:
    made = site({**FINE, **files}, mode="dev")
    status, text = get(made, "/nothing", "text/html")
    assert status == 404
    assert "<h1>404 Not Found</h1>" in text
    assert made.app.site.mistakes[0].what.split("'")[0] in text
    assert made.get("/fine").text() == "ok"


@pytest.mark.parametrize(
    "source",
    [
        "1 / 0\n",
        "from framework import Config\nconfig = Config(redirects={'/[a': '/b'})\n",
        "from framework import Config\nconfig = Config(redirects={'/a': '/b', '/b': '/a'})\n",
        "from framework import Config, Sessions\nconfig = Config(session=Sessions(store='src'))\n",
    ],
)
def test_a_mistake_in_the_configuration_stops_the_site(site: SiteMaker, source: str) -> None:
    files = {**FINE, "framework.config.py": source, "src/pages/c.py": "def GET(:\n"}
    text = site(files, mode="dev").errors()
    assert "framework.config.py" in text
    assert "src/pages/c.py:1: invalid syntax" in text


@pytest.mark.parametrize("mode", ["production", "build"])
def test_only_development_serves_a_site_with_mistakes(site: SiteMaker, mode: str) -> None:
    files = {**FINE, "src/pages/a.py": "def GET(:\n", "src/pages/b.py": "1 / 0\n"}
    assert "The site has 2 mistakes" in site(files, mode=mode).errors()


def test_a_route_works_again_after_its_mistake_is_fixed(site: SiteMaker) -> None:
    made = site({"src/pages/a.py": "def GET(:\n"}, mode="dev")
    assert made.get("/a").status == 500
    made.close()
    made.write({"src/pages/a.py": HANDLER})
    again = App(made.root, mode="dev")
    assert again.fetch("/a").text() == "ok"
    assert again.site.mistakes == ()
    again.close()


def test_a_broken_file_does_not_conflict_with_a_prerendered_route(site: SiteMaker) -> None:
    listed = "prerender = True\n\n\ndef get_static_paths():\n    return []\n\n\n" + HANDLER
    files = {"src/pages/p/[id].py": "1 / 0\n", "src/pages/p/[slug].py": listed}
    made = site({**FINE, **files}, mode="dev")
    assert len(made.app.site.mistakes) == 1
    assert "src/pages/p/[id].py:1: ZeroDivisionError" in made.get("/p/7").text()


def test_a_broken_error_handler_is_left_out(site: SiteMaker) -> None:
    files = {"src/pages/_error.py": "1 / 0\n", "src/pages/a/_errors.py": "def on_error(): ...\n"}
    made = site({**FINE, **files}, mode="dev")
    assert made.get("/fine").status == 200
    status, text = get(made, "/nothing")
    assert status == 404
    assert "src/pages/_error.py:1: ZeroDivisionError" in text
    assert "src/pages/a/_errors.py: is not a _error.py, so it never runs" in text
