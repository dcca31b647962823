"""The site's error pages, and documents for errors in the form that the client accepts."""

import html
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import Config
from framework.error_pages import accepts_html, render_error
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
    "src/pages/wiki/[...path]/404.jinja": "nothing at {{ params.path }}",
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
        ("/wiki/a/b/c", "nothing at a/b/c"),
        ("/wiki", "nothing at None"),
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


@pytest.mark.parametrize("path", ["/docsx/y", "/docs-old", "/x"])
def test_a_path_outside_base_gets_the_page_at_the_top(site: SiteMaker, path: str) -> None:
    files = {
        f"src/pages/{folder}404.jinja": f"of {folder or 'the site'}"
        for folder in ("", "x/", "y/", "-old/", "docsx/", "docs-old/")
    }
    response = site(files, config=Config(base="/docs")).get(path)
    assert (response.status, response.text()) == (404, "of the site")


def test_a_redirect_of_that_name_is_not_an_error_page(site: SiteMaker) -> None:
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
        ("*", "*"),
        ("cookie, *", "cookie, *"),
    ],
)
def test_an_error_page_varies_by_what_chose_it(site: Any, own: str, sent: str) -> None:
    page = f"from framework import Response\n\n\ndef GET():\n    return Response('lost', headers={{'vary': '{own}'}} if '{own}' else None)\n"
    response = site({"src/pages/404.py": page}).get("/nowhere")
    assert (response.status, response.text()) == (404, "lost")
    assert response.headers["vary"] == sent


@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/de/nothing", "nichts de NotFound"),
        ("/de/404", "nichts de NotFound"),
        ("/to?/de/404", "nichts de NotFound"),
        ("/fr/nothing", "none fr NotFound"),
        ("/fr/404", "none fr NotFound"),
        ("/to?/fr/404", "none fr NotFound"),
    ],
)
def test_a_prerendered_error_page_has_the_props_of_its_folder(
    site: SiteMaker, built: bool, path: str, text: str
) -> None:
    made = site(
        {
            "src/pages/[lang]/404.jinja": (
                "---\nprerender = True\n\ndef get_static_paths():\n"
                "    return [{'params': {'lang': 'de'}, 'props': {'text': 'nichts'}}]\n---\n"
                "{{ props.get('text', 'none') }} {{ params.lang }} {{ props.error.__class__.__name__ }}"
            ),
            "src/pages/to.py": (
                "def GET(rewrite, url):\n    return rewrite(url.search.removeprefix('?'))\n"
            ),
        }
    )
    if built:
        made.build()
    response = made.get(path)
    assert (response.status, response.text()) == (404, text)


@pytest.mark.parametrize("output", ["server", "static"])
@pytest.mark.parametrize(
    "path", ["/404", "/404/", "/404?x", "/500", "/to/404", "/to/500", "/x/404"]
)
def test_an_error_page_that_is_requested_itself_has_an_error(
    site: SiteMaker, output: Any, path: str
) -> None:
    page = "{{ props.error.code }} {{ props.error.name }}"
    made = site(
        {
            "src/pages/404.jinja": page,
            "src/pages/500.jinja": page,
            "src/pages/x/404.jinja": page,
            "src/pages/to/[...target].py": (
                "prerender = False\n\n\ndef GET(params, rewrite):\n"
                "    return rewrite('/' + params['target'])\n"
            ),
        },
        config=Config(output=output),
    )
    response = made.get(path)
    name = "404 Not Found" if "404" in path else "500 Internal Server Error"
    assert (response.status, response.text()) == (int(name[:3]), name)


MAKES_NOTHING = """
from framework import Response

def on_request(context, next):
    match context.url.search_params.get("inner"):
        case "null":
            return Response(None, status=int(context.url.search_params.get("status")))
        case "said":
            return Response("said", status=404)
    response = next()
    response.headers.set("x-inner", str(response.status))
    return response
"""


@pytest.mark.parametrize("word", ["def", "async def"])
@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/a/b?inner=null&status=404", 404, "no a"),
        ("/a/b?inner=null&status=500", 500, "broken"),
        ("/nothing?inner=null&status=500", 500, "broken"),
        ("/a/b?inner=null&status=403", 403, ""),
        ("/a/b?inner=said", 404, "said"),
        ("/a/b", 404, ""),  # the endpoint's own
    ],
)
def test_middleware_that_makes_a_404_or_500_without_a_body(
    site: SiteMaker, word: str, path: str, status: int, text: str
) -> None:
    inner = MAKES_NOTHING.replace("def on", f"{word} on").replace(
        "= next()", "= next()" if word == "def" else "= await next()"
    )
    outer = (
        "def on_request(context, next):\n    response = next()\n"
        "    response.headers.set('x-outer', str(response.status))\n    return response\n"
    )
    made = site(
        {
            "src/middleware.py": inner.replace("def on_request", "def inner")
            + f"\n{outer.replace('on_request', 'outer')}\n"
            "from framework import sequence\non_request = sequence(outer, inner)\n",
            "src/pages/a/b.py": "from framework import Response\n\n\ndef GET():\n"
            "    return Response(None, status=404)\n",
            "src/pages/a/404.jinja": "no a",
            "src/pages/500.jinja": "broken",
        }
    )
    response = made.get(path)
    assert (response.status, response.text()) == (status, text)
    assert response.headers["x-outer"] == str(status)


def test_a_client_without_preference_for_html_gets_no_page(site: SiteMaker) -> None:
    made = site({"src/pages/404.jinja": "<h1>lost</h1>"})
    response = made.get("/api/nothing", headers={"accept": "*/*"})
    assert response.text() == "404 Not Found\n"
    assert made.get("/api/nothing", headers={"accept": "text/html, */*"}).text() == "<h1>lost</h1>"


# ------------------------------------------------------------ documents

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def kind_of(accept: str | None = None, content_type: str = "", *, path: str = "") -> str:
    environ = {"CONTENT_TYPE": content_type}
    if accept is not None:
        environ["HTTP_ACCEPT"] = accept
    response = render_error(environ, 404, "Not here.", path=path)
    kind = response.headers["content-type"].partition(";")[0]
    return {"application/problem+json": "json", "text/html": "html", "text/plain": "text"}[kind]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text"),
        ("", "text"),
        ("*/*", "text"),
        (BROWSER, "html"),
        ("TEXT/HTML", "html"),
        ("application/xhtml+xml", "html"),
        ("text/html;level=1", "html"),
        ("application/json", "json"),
        ("application/problem+json", "json"),
        ("application/vnd.api+json", "json"),
        ("application/json, text/plain, */*", "json"),
        ("text/html, application/json", "json"),
        ("text/html, application/json;q=0.9", "html"),
        ("text/html;q=0.5, application/json;q=0.9", "json"),
        ("text/plain, application/json;q=0.5", "text"),
        ("text/plain, text/html;q=0.5", "text"),
        ("text/html;q=0, text/plain", "text"),
        ("application/json;q=0", "text"),
        ("image/png", "text"),
        ("\x00;;q=,=", "text"),
        ("text/html" + " " * 9000 + ",text/html", "text"),  # too long to be read
    ],
)
def test_the_client_says_which_form_it_takes(accept: str | None, kind: str) -> None:
    assert kind_of(accept) == kind


@pytest.mark.parametrize("accept", [None, "*/*", "text/plain"])
def test_a_client_that_sent_or_requested_json_gets_json(accept: str | None) -> None:
    assert kind_of(accept, "application/json; charset=utf-8") == "json"
    assert kind_of(accept, "Application/LD+JSON") == "json"
    assert kind_of(accept, path="/x.json") == "json"
    assert kind_of(accept, "text/csv") == "text"


def test_a_browser_gets_html_whatever_it_sent() -> None:
    assert kind_of(BROWSER, "application/json") == "html"
    assert kind_of(BROWSER, path="/x.json") == "html"


def test_a_problem_document_is_whole() -> None:
    response = render_error({"HTTP_ACCEPT": "application/json"}, 413, "Too large.")
    assert response.status == 413
    assert response.text() == (
        '{"type":"about:blank","title":"Content Too Large","status":413,"detail":"Too large."}'
    )
    assert dict(response.headers) == {
        "content-type": "application/problem+json",
        "vary": "accept",
        "x-content-type-options": "nosniff",
    }


def test_a_problem_without_detail_has_none() -> None:
    response = render_error({"HTTP_ACCEPT": "application/json"}, 500)
    assert response.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
    }


def test_plain_text_is_whole() -> None:
    response = render_error({}, 404, "Not here.")
    assert response.text() == "404 Not Found\nNot here.\n"
    assert dict(response.headers) == {
        "content-type": "text/plain;charset=UTF-8",
        "vary": "accept",
        "x-content-type-options": "nosniff",
    }
    assert render_error({}, 500).text() == "500 Internal Server Error\n"


def test_an_html_page_is_whole_and_escaped() -> None:
    response = render_error({"HTTP_ACCEPT": "text/html"}, 400, "<script>{{ 7*191 }}</script>")
    text = response.text()
    assert response.status == 400
    assert response.headers["content-type"] == "text/html;charset=UTF-8"
    assert response.headers["vary"] == "accept"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert text.startswith('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n')
    assert "<title>400 Bad Request</title>" in text
    assert text.endswith(
        "<main>\n<h1>400 Bad Request</h1>\n"
        "<p>&lt;script&gt;{{ 7*191 }}&lt;/script&gt;</p>\n"
        "</main>\n</body>\n</html>"
    )


def test_the_inside_is_shown_where_it_is_given() -> None:
    inside = "Traceback\n  <b> & co\n"
    page = render_error({"HTTP_ACCEPT": "text/html"}, 500, inside=inside).text()
    assert f"<pre>{html.escape(inside)}</pre>" in page
    problem = render_error({"HTTP_ACCEPT": "application/json"}, 500, inside=inside).json()
    assert problem["traceback"] == inside
    assert render_error({}, 500, inside=inside).text() == (f"500 Internal Server Error\n{inside}\n")


@pytest.mark.parametrize(
    ("status", "title"), [(404, "Not Found"), (418, "I'm a Teapot"), (599, "Error")]
)
def test_a_title_is_the_status_in_words(status: int, title: str) -> None:
    assert render_error({}, status).text() == f"{status} {title}\n"


@pytest.mark.parametrize(
    ("accept", "takes"),
    [
        (None, True),
        ("", True),
        ("*/*", False),
        ("image/png, */*;q=0.8", False),
        ("text/*", True),
        ("TEXT/HTML;level=1;q=0.1, */*", True),
        ("application/xhtml+xml", True),
        ("text/html;q=0, text/*", False),
        (BROWSER, True),
        ("application/json", False),
        ("text/html;q=0", False),
        ("text/html;q=0, text/html", True),
        ("text/html," * 1000, False),  # too long to be read
    ],
)
def test_a_client_that_accepts_html_can_get_the_sites_page(accept: str | None, takes: bool) -> None:
    environ: dict[str, Any] = {} if accept is None else {"HTTP_ACCEPT": accept}
    assert accepts_html(environ) is takes


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
def test_no_header_of_a_client_breaks_the_response(accept: str, content_type: str) -> None:
    environ = {"HTTP_ACCEPT": accept, "CONTENT_TYPE": content_type}
    assert render_error(environ, 404).status == 404
    accepts_html(environ)
