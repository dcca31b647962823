"""Golden texts of `explain`."""

from typing import Any

import pytest

from framework import Config

HANDLER = "from framework import Response\n\n\ndef GET():\n    return Response('ok')\n"
ANY = HANDLER.replace("GET", "ALL")
LAYER = "def on_request(context, next):\n    return next()\n"
FILES = {
    "src/middleware.py": LAYER,
    "src/pages/index.py": HANDLER,
    "src/pages/about.py": HANDLER,
    "src/pages/hook.py": ANY,
    "src/pages/products/_middleware.py": LAYER,
    "src/pages/products/[id].json.py": HANDLER,
    "src/pages/products/[slug].jinja": "<p>{{ params.slug }}</p>",
    "src/pages/products/[n=int].py": HANDLER,
    "src/pages/products/[...rest].py": HANDLER,
    "src/pages/v-[x]-[y].py": HANDLER,
    "src/pages/v-[z].jinja": "---\nprerender = True\n\ndef get_static_paths():\n    return []\n---\nz",
    "src/pages/w-[z].jinja": "z",
    "src/pages/w-[x]-[y].py": HANDLER,
    "src/pages/[a].py": HANDLER,
    "src/pages/[a]/index/[...b].py": HANDLER,
    "src/pages/[a]/index/index.py": HANDLER,
    "src/pages/files/[name].py": HANDLER,
    "src/pages/files/[...path].txt.py": HANDLER,
    "public/logo.svg": "<svg/>",
}
GOLDEN = {
    ("GET", "/"): """\
GET /
  handled by    src/pages/index.py, for GET
  pattern       /
  middleware    src/middleware.py:1
  prerendered   no""",
    ("GET", "/products/7.json"): """\
GET /products/7.json
  handled by    src/pages/products/[id].json.py, for GET
  pattern       /products/[id].json
  param         id = '7'
  middleware    src/middleware.py:1
  middleware    src/pages/products/_middleware.py:1
  prerendered   no
  passed over   src/pages/products/[slug].jinja: [slug] is dynamic, \
[id].json is partly dynamic
  passed over   src/pages/products/[...rest].py: [...rest] is a rest parameter, \
[id].json is partly dynamic""",
    ("GET", "/products/7"): """\
GET /products/7
  handled by    src/pages/products/[n=int].py, for GET
  pattern       /products/[n=int]
  param         n = 7
  middleware    src/middleware.py:1
  middleware    src/pages/products/_middleware.py:1
  prerendered   no
  passed over   src/pages/products/[slug].jinja: [slug] has no converter, or one of greater weight
  passed over   src/pages/products/[...rest].py: [...rest] is a rest parameter, \
[n=int] is dynamic""",
    ("GET", "/v-1-2"): """\
GET /v-1-2
  handled by    src/pages/v-[x]-[y].py, for GET
  pattern       /v-[x]-[y]
  param         x = '1'
  param         y = '2'
  middleware    src/middleware.py:1
  prerendered   no
  passed over   src/pages/v-[z].jinja: endpoints come before pages
  passed over   src/pages/[a].py: [a] is dynamic, v-[x]-[y] is partly dynamic""",
    ("GET", "/v-q"): """\
GET /v-q
  handled by    src/pages/[a].py, for GET
  pattern       /[a]
  param         a = 'v-q'
  middleware    src/middleware.py:1
  prerendered   no
  passed over   src/pages/v-[z].jinja: get_static_paths() does not list this path""",
    ("GET", "/x/index"): """\
GET /x/index
  handled by    src/pages/[a]/index/index.py, for GET
  pattern       /[a]/index
  param         a = 'x'
  middleware    src/middleware.py:1
  prerendered   no
  passed over   src/pages/[a]/index/[...b].py: it goes on with [...b] where the first ends""",
    ("GET", "/files/a.txt"): """\
GET /files/a.txt
  handled by    src/pages/files/[name].py, for GET
  pattern       /files/[name]
  param         name = 'a.txt'
  middleware    src/middleware.py:1
  prerendered   no
  passed over   src/pages/files/[...path].txt.py: [...path].txt is partly a rest parameter, \
[name] is dynamic""",
    ("PURGE", "/hook"): """\
PURGE /hook
  handled by    src/pages/hook.py, for every method (PURGE has no function of its own)
  pattern       /hook
  middleware    src/middleware.py:1
  prerendered   no
  passed over   src/pages/[a].py: [a] is dynamic, hook is static""",
    ("DELETE", "/about"): """\
DELETE /about
  handled by    src/pages/about.py, but not DELETE: 405, Allow: GET, HEAD, OPTIONS
  pattern       /about
  middleware    src/middleware.py:1
  prerendered   no
  passed over   src/pages/[a].py: [a] is dynamic, about is static""",
    ("GET", "/logo.svg"): """\
GET /logo.svg
  handled by    a file in public/, without middleware""",
    ("GET", "//about"): """\
GET //about
  redirected to /about (301), the path's canonical spelling
  Explain that path to see what handles it. trailing_slash is "ignore".""",
    ("GET", "/abuot/us/x"): """\
GET /abuot/us/x
  handled by    no route matches: 404
  middleware    src/middleware.py:1
  near          /about (src/pages/about.py)""",
    ("GET", "/old/x?y=1"): """\
GET /old/x?y=1
  handled by    framework.config.py: redirects['/old/[name]'], a redirect
  pattern       /old/[name]
  param         name = 'x'""",
}


@pytest.mark.parametrize(("method", "target"), GOLDEN)
def test_the_text_for_a_request(site: Any, method: str, target: str) -> None:
    shop = site(FILES, config=Config(redirects={"/old/[name]": "/[name]"}))
    assert shop.app.explain(method, target) == GOLDEN[method, target]


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/a", "yes"),
    ],
)
def test_whether_a_path_is_listed(site: Any, method: str, path: str, told: str) -> None:
    listing = "\n\ndef get_static_paths():\n    return [{'params': {'id': 'a'}}]\n"
    code = f"{HANDLER}\n\nprerender = True\n{listing}"
    shop = site({"src/pages/[id].py": code, "src/pages/x/[id].py": code.replace("'a'", "1 / 0")})
    assert f"  prerendered   {told}" in shop.app.explain(method, path).splitlines()


def test_names_decide_last(site: Any) -> None:
    shop = site({"src/pages/[a]-x.py": HANDLER, "src/pages/x-[b].py": HANDLER})
    assert shop.app.explain("GET", "/x-x").splitlines()[-1] == (
        "  passed over   src/pages/x-[b].py: patterns of equal rank match in alphabetical order"
    )


def test_outside_base(site: Any) -> None:
    shop = site({"src/pages/index.py": HANDLER}, config=Config(base="/docs"))
    assert shop.app.explain("GET", "/other") == (
        "GET /other\n  handled by    no route matches: 404\n  The path is outside base, /docs."
    )
    assert "for GET" in shop.app.explain("GET", "/docs")


def test_the_fallback(site: Any) -> None:
    shop = site({"src/pages/index.py": HANDLER}, fallback=lambda environ, start_response: [])
    assert "handled by    the fallback application: no route matches" in shop.app.explain(
        "GET", "/other"
    )


def test_a_path_begins_with_a_slash(site: Any) -> None:
    with pytest.raises(ValueError, match="A path begins with a slash: /about"):
        site(FILES).app.explain("GET", "about")


def test_the_404_of_development_explains_itself(site: Any) -> None:
    text = site(FILES, mode="dev").get("/abuot/us/x").text()
    assert text.endswith(GOLDEN["GET", "/abuot/us/x"] + "\n")
    assert "middleware" not in site(FILES).get("/abuot/us/x").text()


def test_a_longer_pattern_comes_first_behind_a_rest_parameter(site: Any) -> None:
    wiki = site({"src/pages/[...all]/edit.py": HANDLER, "src/pages/[...all]/index.py": HANDLER})
    assert wiki.app.explain("GET", "/x/edit").splitlines()[-1] == (
        "  passed over   src/pages/[...all]/index.py: it ends where the first goes on with edit"
    )
