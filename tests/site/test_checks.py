"""Warnings about a site, and the file `routes.lock`."""

from typing import Any

import pytest

from framework import Config
from framework.site.checks import LOCK, find_warnings, lock_text
from tests.conftest import HANDLER, SiteMaker

MIDDLEWARE = "def on_request(context, next):\n    return next()\n"


def warnings(site: SiteMaker, files: dict[str, str | bytes], **options: Any) -> list[str]:
    return [str(one) for one in find_warnings(site(files, **options).app.site)]


def test_a_good_site_has_no_warnings(site: SiteMaker) -> None:
    files = {
        "src/pages/index.py": HANDLER,
        "src/pages/[id].json.py": "from framework import Response\n\n\n"
        "def GET(context, params):\n"
        "    names = params['id'], params.get('id'), context.params['id'], params[context.url.href]\n"
        "    headers = {'content-type': 'application/ld+json', 'x': 1, **{}}\n"
        "    return Response.json(names, headers=headers)\n\n\ndef helper():\n    return {}.get('x')\n",
        "src/pages/p/[slug].jinja": "---\nname = params['slug']\n---\n"
        "{{ params.slug }}{{ params['slug'] }}{{ params.get('slug') }}{{ params[name] }}{{ url.x }}",
        "src/pages/live/_middleware.py": MIDDLEWARE,
        "src/pages/live/x.py": f"prerender = False\n{HANDLER}",
        "src/pages/still.py": f"prerender = True\n{HANDLER}",
        "src/pages/p/[name]/about.md": "---\nprerender: false\n---\n{{ params.nope }} {% x",
        "public/other.txt": "x",
    }
    options = {"config": Config(redirects={"/old": "/"})}
    assert warnings(site, files, **options) == []


def test_a_link_to_a_folder_that_is_not_followed(site: SiteMaker) -> None:
    made = site()
    (made.root / "src/pages/up").symlink_to("../..")
    assert [str(warning) for warning in find_warnings(made.app.site)] == [
        "src/pages/up: is a link to a folder outside of the site, or to one that contains the link\n"
        "    Move the folder into the site, or remove the link."
    ]


GOLDEN: list[tuple[dict[str, str | bytes], str]] = [
    (
        {"src/pages/data.csv": "a"},
        "src/pages/data.csv: is not a route: the suffix is not .py, .jinja or .md\n"
        "    Move it to public/ to serve it as it is, or out of src/pages.",
    ),
    (
        {"src/pages/x.py": f"{HANDLER}\n\ndef post():\n    return 1\n"},
        "src/pages/x.py:8: post is not a handler, because it is not in capitals\n"
        "    Rename it to POST, or to a name that is not an HTTP method.",
    ),
    (
        {"src/pages/x.py": f"{HANDLER}\n\nasync def All():\n    return 1\n"},
        "src/pages/x.py:8: All is not a handler, because it is not in capitals\n"
        "    Rename it to ALL, or to a name that is not an HTTP method.",
    ),
    (
        {
            "src/pages/[id].py": HANDLER.replace("GET()", "GET(params)").replace(
                "'ok'", "params['ID']"
            )
        },
        'src/pages/[id].py:5: the path has no parameter "ID"\n    /[id] has id.',
    ),
    (
        {"src/pages/x.jinja": "---\nn = params.get('n')\n---\n{{ n }}"},
        'src/pages/x.jinja:2: the path has no parameter "n"\n    /x has none.',
    ),
    (
        {"src/pages/[a]/[b].jinja": "<p>\n{{ params.c }}</p>"},
        'src/pages/[a]/[b].jinja:2: the path has no parameter "c"\n    /[a]/[b] has a, b.',
    ),
    (
        {"src/pages/x.jinja": "{{ params['c'] }}"},
        'src/pages/x.jinja:1: the path has no parameter "c"\n    /x has none.',
    ),
    (
        {
            "src/pages/x.json.py": "from framework import Response\n\n\ndef GET():\n"
            "    return Response('{}', headers={'Content-Type': 'text/plain'})\n"
        },
        "src/pages/x.json.py:5: the content type is 'text/plain', but the file's name says .json\n"
        "    Return Response.json(...), or rename the file.",
    ),
    (
        {"src/pages/robots.txt.py": HANDLER, "public/robots.txt": "x"},
        "src/pages/robots.txt.py: the server sends public/robots.txt instead\n"
        "    Remove one of the two files.",
    ),
    (
        {
            "src/pages/admin/x.py": f"prerender = True\n{HANDLER}",
            "src/pages/admin/_middleware.py": MIDDLEWARE,
        },
        "src/pages/admin/x.py: is prerendered, so its _middleware.py runs only when "
        "the site is built\n    Set prerender = False, or do without the middleware.",
    ),
    (
        {"src/pages/new.py": HANDLER, LOCK: "# a comment\n/old\n\n/new\n"},
        "routes.lock:2: the site has no route /old any more, so links to it are broken\n"
        '    Add Config(redirects={"/old": "..."}), or run: framework routes --lock',
    ),
]


@pytest.mark.parametrize(("files", "text"), GOLDEN, ids=[text[:40] for _, text in GOLDEN])
def test_a_warning_says_what_is_wrong_and_what_to_do(
    site: SiteMaker, files: dict[str, str | bytes], text: str
) -> None:
    assert warnings(site, files) == [text]


def with_middleware(code: str = MIDDLEWARE, pages: int = 1) -> dict[str, str | bytes]:
    """A site with `src/middleware.py`, prerendered pages and a live endpoint."""
    files: dict[str, str | bytes] = {"src/middleware.py": code, "src/pages/live.py": HANDLER}
    for number in range(pages):
        files[f"src/pages/{number}.md"] = "---\nprerender: true\n---\nx"
    return files


@pytest.mark.parametrize(
    ("pages", "names"),
    [
        (1, "src/pages/0.md"),
        (3, "src/pages/0.md, src/pages/1.md, src/pages/2.md"),
        (5, "src/pages/0.md, src/pages/1.md, src/pages/2.md and 2 more"),
    ],
)
def test_middleware_that_visitors_of_built_pages_walk_around(
    site: SiteMaker, pages: int, names: str
) -> None:
    assert warnings(site, with_middleware(pages=pages)) == [
        f"src/middleware.py: does not run for visitors of the prerendered routes {names}, only for "
        "the build\n    If it checks who the visitor is, set prerender = False in these routes. "
        "Otherwise mention is_prerendered in a comment, and this warning ends."
    ]


def test_middleware_that_runs_for_every_route_or_for_none(site: SiteMaker) -> None:
    live = with_middleware(pages=0)
    built = with_middleware() | {"src/pages/live.py": f"prerender = True\n{HANDLER}"}
    known = with_middleware(f"# Does nothing if context.is_prerendered.\n{MIDDLEWARE}")
    error_page = live | {"src/pages/404.md": "---\nprerender: true\n---\nx"}
    for files in (live, built, known, error_page):
        assert warnings(site, files) == []
    static = {"config": Config(output="static", redirects={"/old": "/0"})}
    assert warnings(site, with_middleware(), **static) == []


@pytest.mark.parametrize(
    "code",
    [
        "context.cookies.get('user')",
        "context.session.get('user')",
        "context.request.headers.get('Authorization')",
    ],
)
def test_middleware_of_a_static_site_that_asks_who_the_visitor_is(
    site: SiteMaker, code: str
) -> None:
    source = MIDDLEWARE.replace("    return", f"    {code}\n    return")
    [text] = warnings(site, with_middleware(source), config=Config(output="static"))
    assert text.startswith("src/middleware.py: does not run for visitors of the prerendered ")


def test_a_static_site_has_no_file_for_a_redirect_with_parameters(site: SiteMaker) -> None:
    redirects = {"/old/[id]": "/[id]", "/old": "/"}
    assert warnings(site, {}, config=Config(output="static", redirects=redirects)) == [
        "framework.config.py: redirects['/old/[id]']: has parameters, so a build cannot write a "
        "file for it\n    Use a host that reads _redirects, or nginx with the generated snippet."
    ]
    assert warnings(site, {}, config=Config(redirects=redirects)) == []


def test_a_public_file_hides_a_route_below_base(site: SiteMaker) -> None:
    files: dict[str, str | bytes] = {"src/pages/a.py": HANDLER, "public/a": "x"}
    assert len(warnings(site, files, config=Config(base="/docs"))) == 1


def test_a_locked_path_may_be_a_redirect(site: SiteMaker) -> None:
    files: dict[str, str | bytes] = {"src/pages/new.py": HANDLER, LOCK: "/old\n"}
    assert warnings(site, files, config=Config(redirects={"/old": "/new"})) == []


def test_the_lock_has_every_pattern_except_error_pages(site: SiteMaker) -> None:
    shop = site({"src/pages/b.py": HANDLER, "src/pages/[a].jinja": "x", "src/pages/404.jinja": "-"})
    text = lock_text(shop.app.site)
    assert text.splitlines()[1:] == ["/[a]", "/b"]
    shop.write({LOCK: text})
    assert find_warnings(shop.app.site) == []
