"""What only looks wrong in a site."""

from typing import Any

import pytest

from framework import Config
from framework.site.checks import LOCK, find_warnings, lock_text

HANDLER = "from framework import Response\n\n\ndef GET():\n    return Response('ok')\n"
LAYER = "def on_request(context, next):\n    return next()\n"


def warnings(site: Any, files: dict[str, str | bytes], **options: Any) -> list[str]:
    return [str(one) for one in find_warnings(site(files, **options).app.site)]


def test_a_good_site_has_none(site: Any) -> None:
    files = {
        "src/pages/index.py": HANDLER,
        "src/pages/[id].json.py": "from framework import Response\n\n\n"
        "def GET(context, params):\n"
        "    names = params['id'], params.get('id'), context.params['id'], params[context.url.href]\n"
        "    headers = {'content-type': 'application/ld+json', 'x': 1, **{}}\n"
        "    return Response.json(names, headers=headers)\n\n\ndef helper():\n    return {}.get('x')\n",
        "src/pages/p/[slug].jinja": "---\nname = params['slug']\n---\n"
        "{{ params.slug }}{{ params['slug'] }}{{ params.get('slug') }}{{ params[name] }}{{ url.x }}",
        "src/pages/live/_middleware.py": LAYER,
        "src/pages/live/x.py": f"prerender = False\n{HANDLER}",
        "src/pages/still.py": f"prerender = True\n{HANDLER}",
        "src/pages/p/[name]/about.md": "---\nprerender: false\n---\n{{ params.nope }} {% x",
        "public/other.txt": "x",
    }
    options = {"config": Config(redirects={"/old": "/"})}
    assert warnings(site, files, **options) == []


GOLDEN: list[tuple[dict[str, str | bytes], str]] = [
    (
        {"src/pages/data.csv": "a"},
        "src/pages/data.csv: is no route: only .py, .jinja and .md files are\n"
        "    Move it to public/ if it is to be served, else out of src/pages.",
    ),
    (
        {"src/pages/x.py": f"{HANDLER}\n\ndef post():\n    return 1\n"},
        "src/pages/x.py:8: post is no handler: methods are written in capitals\n"
        "    Rename it to POST, or to something that is no method.",
    ),
    (
        {"src/pages/x.py": f"{HANDLER}\n\nasync def All():\n    return 1\n"},
        "src/pages/x.py:8: All is no handler: methods are written in capitals\n"
        "    Rename it to ALL, or to something that is no method.",
    ),
    (
        {"src/pages/x.py": "VALUE = 1\n"},
        "src/pages/x.py: has no handler\n    Define GET, or begin its name with _.",
    ),
    (
        {
            "src/pages/[id].py": HANDLER.replace("GET()", "GET(params)").replace(
                "'ok'", "params['ID']"
            )
        },
        'src/pages/[id].py:5: asks for the parameter "ID", which the path does not have\n'
        "    /[id] has id.",
    ),
    (
        {"src/pages/x.jinja": "---\nn = params.get('n')\n---\n{{ n }}"},
        'src/pages/x.jinja:2: asks for the parameter "n", which the path does not have\n'
        "    /x has none.",
    ),
    (
        {"src/pages/[a]/[b].jinja": "<p>\n{{ params.c }}</p>"},
        'src/pages/[a]/[b].jinja:2: asks for the parameter "c", which the path does not have\n'
        "    /[a]/[b] has a, b.",
    ),
    (
        {"src/pages/x.jinja": "{{ params['c'] }}"},
        'src/pages/x.jinja:1: asks for the parameter "c", which the path does not have\n'
        "    /x has none.",
    ),
    (
        {
            "src/pages/x.json.py": "from framework import Response\n\n\ndef GET():\n"
            "    return Response('{}', headers={'Content-Type': 'text/plain'})\n"
        },
        "src/pages/x.json.py:5: sets the content type 'text/plain', and its name says .json\n"
        "    Return Response.json(...), or rename the file.",
    ),
    (
        {"src/pages/robots.txt.py": HANDLER, "public/robots.txt": "x"},
        "src/pages/robots.txt.py: public/robots.txt is served in its place\n    Keep one of them.",
    ),
    (
        {
            "src/pages/admin/x.py": f"prerender = True\n{HANDLER}",
            "src/pages/admin/_middleware.py": LAYER,
        },
        "src/pages/admin/x.py: is prerendered below a _middleware.py, "
        "which runs only when the site is built\n"
        "    Set prerender = False, or move the check to the client's side.",
    ),
    (
        {"src/pages/new.py": HANDLER, LOCK: "# a comment\n/old\n\n/new\n"},
        "routes.lock:2: /old has vanished: links to it are broken\n"
        '    Add Config(redirects={"/old": "..."}), or run: framework routes --lock',
    ),
]


@pytest.mark.parametrize(("files", "text"), GOLDEN, ids=[text[:40] for _, text in GOLDEN])
def test_the_text_of_a_warning(site: Any, files: dict[str, str | bytes], text: str) -> None:
    assert warnings(site, files) == [text]


def test_a_public_file_below_base_shadows_a_page(site: Any) -> None:
    files: dict[str, str | bytes] = {"src/pages/a.py": HANDLER, "public/a": "x"}
    assert len(warnings(site, files, config=Config(base="/docs"))) == 1


def test_a_redirect_from_the_old_path_satisfies_the_lock(site: Any) -> None:
    files: dict[str, str | bytes] = {"src/pages/new.py": HANDLER, LOCK: "/old\n"}
    assert warnings(site, files, config=Config(redirects={"/old": "/new"})) == []


def test_the_lock_lists_every_pattern_but_the_error_pages(site: Any) -> None:
    made = site({"src/pages/b.py": HANDLER, "src/pages/[a].jinja": "x", "src/pages/404.jinja": "-"})
    text = lock_text(made.app.site)
    assert text.splitlines()[1:] == ["/[a]", "/b"]
    made.write({LOCK: text})
    assert find_warnings(made.app.site) == []
