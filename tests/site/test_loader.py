"""What is read from a site's folder, and the whole text of what is wrong with it."""

import sys
from pathlib import Path
from typing import Any

import pytest
from werkzeug.routing import BaseConverter, Rule

from framework import App, Config, SiteError
from framework.site.loader import load_site
from tests.conftest import SiteMaker

OK = "from framework import Response\n\n\ndef GET():\n    return Response('ok')\n"
CONFIG = "from framework import Build, Config, Security\n\n\n"


def test_a_folder_without_pages_is_not_a_site(tmp_path: Path) -> None:
    with pytest.raises(SiteError) as caught:
        App(tmp_path)
    assert str(caught.value) == (
        f"The site has a mistake:\n{tmp_path}: has no folder src/pages\n"
        "    Make the folder src/pages, or name the site's folder with --root."
    )


def test_all_mistakes_are_reported_at_once(site: SiteMaker) -> None:
    made = site(
        {
            "framework.config.py": CONFIG
            + "config = Config(site='example.com', trailing_slash='maybe')\n",
            "src/middleware.py": "def onrequest(context, next): ...\n",
            "src/layouts/base.jinja": "{% block %}",
            "src/pages/[id.json.py": OK,
            "src/pages/cart.py": "def GET(requets): ...\n",
            "src/pages/broken.py": "def GET(:\n",
            "src/pages/missing.py": "import lib.missing_one\n",
            "src/pages/page.jinja": "---\nx = (\n---\n",
            "src/pages/flag.py": "prerender = 'yes'\n" + OK,
            "src/pages/p/[id].py": OK,
            "src/pages/p/[slug].py": OK,
            "src/pages/shop/_middleware.py": "1 / 0\n",
            "src/pages/t/[id=sku].py": OK,
        }
    )
    assert made.errors() == (
        "The site has 12 mistakes:\n"
        "src/pages/p/[id].py and src/pages/p/[slug].py match the same URLs.\n"
        "    Keep one, or rename one.\n"
        "framework.config.py:4: Config(site='example.com'): "
        'site must be a URL such as "https://example.com".\n'
        "framework.config.py:4: Config(trailing_slash='maybe'): "
        'trailing_slash must be "ignore", "always" or "never".\n'
        "src/layouts/base.jinja:1: expected token 'name', got 'end of statement block'\n"
        "src/middleware.py: does not define a function on_request\n"
        "    Rename onrequest to on_request.\n"
        'src/pages/[id.json.py: "[" is never closed in "[id.json"\n'
        "    Write [id].json.\n"
        "src/pages/broken.py:1: invalid syntax\n"
        "    Fix this line: def GET(:\n"
        'src/pages/cart.py:1: GET has a parameter "requets", which the context does not have\n'
        "    Did you mean request? "
        "A parameter is one of client_address, cookies, generator, is_prerendered, locals, markdown, "
        "origin_pathname, params, props, redirect, render, request, rewrite, route_pattern, session, site, state, url, "
        "url_for, or context for the whole context.\n"
        "src/pages/flag.py: prerender is 'yes'\n"
        "    Write prerender = True or False.\n"
        "src/pages/missing.py:1: ModuleNotFoundError during import: "
        "No module named 'lib'\n"
        "    Install it, or add a module lib to src/.\n"
        "src/pages/page.jinja:2: '(' was never closed\n"
        "    Fix this line: x = (\n"
        "src/pages/shop/_middleware.py:1: ZeroDivisionError during import: "
        "division by zero\n"
        "    Fix this line."
    )


def test_a_site_that_fails_leaves_nothing_behind(site: SiteMaker) -> None:
    made = site({"src/lib_left/x.py": "", "src/pages/a.py": "import lib_left.x\n1 / 0\n"})
    before = list(sys.path)
    made.errors()
    assert sys.path == before
    assert "lib_left" not in sys.modules


def test_a_start_that_is_interrupted_leaves_nothing_behind(site: SiteMaker) -> None:
    made = site({"src/pages/a.py": "raise KeyboardInterrupt\n"})
    before = list(sys.path)
    with pytest.raises(KeyboardInterrupt):
        made.app  # noqa: B018 - the start is what is tested
    assert sys.path == before


# ------------------------------------------------------------------ configuration


def test_a_site_needs_no_configuration(site: SiteMaker) -> None:
    assert site().app.config == Config()


def test_the_configuration_is_read_from_its_file(site: SiteMaker) -> None:
    made = site(
        {"framework.config.py": CONFIG + "config = Config(base='/docs')\n", "src/pages/a.py": OK}
    )
    assert made.get("/docs/a").text() == "ok"


def test_a_configuration_that_is_given_replaces_the_file(site: SiteMaker) -> None:
    files = {"framework.config.py": "1 / 0\n", "src/pages/a.py": OK}
    assert site(files, config=Config()).get("/a").text() == "ok"


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        (
            "conf = 1\n",
            "framework.config.py: defines no config\n    Write: config = Config(...)",
        ),
        (
            "config = {'base': '/'}\n",
            "framework.config.py: config is {'base': '/'}, not a Config\n"
            "    Write: config = Config(...)",
        ),
        (
            "1 / 0\n",
            "framework.config.py:1: ZeroDivisionError during import: division by zero\n"
            "    Fix this line.",
        ),
        (
            CONFIG + "config = Config(build=Build(format='x'))\n",
            'framework.config.py:4: Build(format=\'x\'): format must be "directory", "file" or "preserve".',
        ),
    ],
)
def test_a_wrong_configuration_is_a_mistake(site: SiteMaker, text: str, mistakes: str) -> None:
    made = site({"framework.config.py": text, "src/pages/a.py": OK})
    assert made.errors() == f"The site has a mistake:\n{mistakes}"


def test_a_broken_configuration_is_not_blamed_on_its_converters(site: SiteMaker) -> None:
    made = site({"framework.config.py": "1 / 0\n", "src/pages/[id=sku].py": OK})
    assert "sku" not in made.errors()


def test_a_converter_that_is_not_there_is_a_mistake(site: SiteMaker) -> None:
    assert site({"src/pages/[id=sku].py": OK}).errors() == (
        "The site has a mistake:\n"
        'src/pages/[id=sku].py: "[id=sku]" names an unknown converter\n'
        "    Known converters: float, int, uuid. Add your own with Config(converters={...})."
    )


# ------------------------------------------------------------------ pages and middleware


def test_other_files_among_the_pages_are_listed(site: SiteMaker) -> None:
    made = site({"src/pages/a.py": OK, "src/pages/notes.txt": "x", "src/pages/b/c.html": "x"})
    assert made.app.site.other_files == ("src/pages/notes.txt", "src/pages/b/c.html")


def test_what_a_frontmatter_raises_is_a_mistake_at_its_line(site: SiteMaker) -> None:
    assert site(
        {"src/pages/a.jinja": "---\nimport nothing_there\nprerender = True\n---\n"}
    ).errors() == (
        "The site has a mistake:\n"
        "src/pages/a.jinja:2: ModuleNotFoundError during import: "
        "No module named 'nothing_there'\n"
        "    Install it, or add a module nothing_there to src/."
    )


def test_a_frontmatter_that_exits_is_a_mistake(site: SiteMaker) -> None:
    assert site({"src/pages/a.jinja": "---\nprerender = exit()\n---\n"}).errors() == (
        "The site has a mistake:\n"
        "src/pages/a.jinja:2: exits the program during import\n    Remove the call of exit()."
    )


@pytest.mark.parametrize("kind", ["prerender", "check_origin"])
def test_a_flag_is_true_or_false(site: SiteMaker, kind: str) -> None:
    files = {
        "src/pages/a.py": f"{kind} = 1\n" + OK,
        "src/pages/b.jinja": f"---\n{kind} = None\n---\n",
    }
    assert site(files).errors() == (
        "The site has 2 mistakes:\n"
        f"src/pages/a.py: {kind} is 1\n    Write {kind} = True or False.\n"
        f"src/pages/b.jinja: {kind} is None\n    Write {kind} = True or False."
    )


def test_every_page_is_prerendered_in_a_static_site_unless_it_says_no(site: SiteMaker) -> None:
    files = {"src/pages/a.py": OK, "src/pages/b.py": "prerender = False\n" + OK}

    def prerendered(output: Any) -> list[str]:
        loaded = load_site(site(files).root, Config(output=output), lambda route: route)
        loaded.modules.close()
        return [route.file for route in loaded.routes.all if route.prerender]

    assert prerendered("static") == ["src/pages/a.py"]
    assert prerendered("server") == []


LAYER = (
    "def on_request(context, next):\n"
    "    response = next()\n"
    "    response.headers.append('x-layers', '{}')\n"
    "    return response\n"
)


def test_middleware_stands_around_the_files_below_it(site: SiteMaker) -> None:
    made = site(
        {
            "src/middleware.py": LAYER.format("site"),
            "src/pages/_middleware.py": LAYER.format("pages"),
            "src/pages/shop/_middleware.py": LAYER.format("shop"),
            "src/pages/shop/[id]/_middleware.py": LAYER.format("id"),
            "src/pages/index.py": OK,
            "src/pages/shopping.py": OK,
            "src/pages/shop/[id]/x.py": OK,
            "src/pages/shop.py": OK,
        }
    )

    def layers(path: str) -> list[str]:
        return made.get(path).headers["x-layers"].split(", ")

    assert layers("/") == layers("/shopping") == layers("/shop") == ["pages", "site"]
    assert layers("/shop/7/x") == ["id", "shop", "pages", "site"]
    assert layers("/nothing") == ["site"]


def test_middleware_must_be_a_function(site: SiteMaker) -> None:
    made = site({"src/pages/a.py": OK, "src/pages/_middleware.py": "on_request = None\n"})
    assert made.errors() == (
        "The site has a mistake:\n"
        "src/pages/_middleware.py: does not define a function on_request\n"
        "    Write: def on_request(context, next): return next()"
    )


@pytest.mark.parametrize("parameters", ["context", "next, context", "context, next, more", ""])
def test_middleware_takes_context_and_next(site: SiteMaker, parameters: str) -> None:
    code = f"\ndef on_request({parameters}):\n    return next()\n"
    assert site({"src/pages/a.py": OK, "src/middleware.py": code}).errors() == (
        "The site has a mistake:\n"
        "src/middleware.py:2: on_request does not take context and next, in this order\n"
        "    Write: def on_request(context, next): return next()"
    )


@pytest.mark.parametrize("parameters", ["c, n", "context, next, more=1", "*args", "context, *rest"])
def test_the_parameters_of_middleware_may_have_other_names(
    site: SiteMaker, parameters: str
) -> None:
    code = (
        f"from framework import Response\n\ndef on_request({parameters}): return Response('mw')\n"
    )
    assert site({"src/pages/a.py": OK, "src/middleware.py": code}).get("/a").text() == "mw"


# ------------------------------------------------------------------ error pages


@pytest.mark.parametrize("name", ["404.py", "404/index.py"])
def test_an_error_page_always_has_its_status(site: SiteMaker, name: str) -> None:
    made = site({f"src/pages/{name}": OK})
    for path in ("/404", "/nothing"):
        response = made.get(path)
        assert (response.status, response.text()) == (404, "ok")


def test_a_redirect_is_not_an_error_page(site: SiteMaker) -> None:
    made = site({"src/pages/a.py": OK}, config=Config(redirects={"/404": "/a"}))
    assert made.get("/404").status == 301
    assert made.get("/nothing").status == 404


@pytest.mark.parametrize(
    ("file", "path", "moved_to"),
    [
        ("posts/index.json.py", "/posts.json", None),
        ("posts/index.json.py", "/posts.json/", "/posts.json"),
        ("[id]/index.json.py", "/7.json", None),
        ("robots.txt.py", "/robots.txt", None),
        ("docs/v1.0.py", "/docs/v1.0", "/docs/v1.0/"),
        ("hello.world.py", "/hello.world", "/hello.world/"),
        ("a.json/index.py", "/a.json", "/a.json/"),
        ("a.json/b.py", "/a.json/b", "/a.json/b/"),
    ],
)
def test_only_a_file_with_an_extension_has_no_slash(
    site: SiteMaker, file: str, path: str, moved_to: str | None
) -> None:
    made = site({f"src/pages/{file}": OK}, config=Config(trailing_slash="always"))
    response = made.get(path)
    assert response.headers.get("location") == moved_to
    assert response.status == (301 if moved_to else 200)


# ------------------------------------------------------------------ redirects


def target(
    site: SiteMaker, source: str, to: Any, path: str, method: str = "GET"
) -> tuple[int, str]:
    made = site({"src/pages/index.py": OK}, config=Config(redirects={source: to}))
    response = made.request(method, path)
    return response.status, response.headers["location"]


@pytest.mark.parametrize(
    ("source", "to", "path", "location"),
    [
        ("/old", "/new", "/old", "/new"),
        ("/old", "/new/", "/old", "/new/"),
        ("/old", "/", "/old/", "/"),
        ("/old", "/new?a=%20b&c", "/old?x=1", "/new?a=%20b&c"),
        ("/old", "/new", "/old?x=%20&y", "/new?x=%20&y"),
        ("/old", "/new#part", "/old?x", "/new?x#part"),
        ("/old", "/new?", "/old?x", "/new?"),
        ("/old", "https://other.example", "/old?x", "https://other.example/?x"),
        ("/o/[id]", "/z?id=[id]", "/o/7?x", "/z?id=7"),
        (
            "/o/[id]",
            "/z?id=[id]&a[]=1",
            "/o/a%26b=c+d%23%3F%25é",
            "/z?id=a%26b%3Dc%2Bd%23%3F%25%C3%A9&a[]=1",
        ),
        ("/o/[id]", "/z#at-[id]", "/o/a%23b", "/z#at-a%23b"),
        ("/e/[id]", "https://e.example/u/[id]?[id]#[id]", "/e/7", "https://e.example/u/7?7#7"),
        ("/e/[...p]", "https://e.example/u/[...p]", "/e/a/b%3F", "https://e.example/u/a/b%3F"),
        ("/e/[...p]", "https://e.example/u/[...p]", "/e", "https://e.example/u"),
        ("/e/[...p]", "https://e.example/[...p]", "/e", "https://e.example/"),
        ("/e/[...p]", "/x?p=[...p]", "/e", "/x?p="),
        ("/app", "todos://auth", "/app?token=x", "todos://auth?token=x"),
        ("/app/[id]", "todos://open/[id]?id=[id]", "/app/a%3Fb", "todos://open/a%3Fb?id=a%3Fb"),
        ("/app/[id]", "mailto:[id]@e.example", "/app/bob", "mailto:bob@e.example"),
        ("/e/[...p]", "/x?p=[p=int]", "/e/a/b", "/x?p=a/b"),
        ("/[ﬁ]/x", "/z?[fi]", "/7/x", "/z?7"),
        ("/old", "/a//b/", "/old", "/a/b/"),
        ("/old", "/new#part", "/old", "/new#part"),
        ("/old", "/new?a#part?b", "/old", "/new?a#part?b"),
        ("/old", "/a%20b", "/old", "/a%20b"),
        ("/old", "/caf\u00e9", "/old", "/caf%C3%A9"),
        ("/old", "https://other.example/x?y#z", "/old", "https://other.example/x?y#z"),
        ("/old/[id]", "/new/[id].html", "/old/a%3Fb%23c%25d", "/new/a%3Fb%23c%25d.html"),
        ("/old/[id=int]", "/new/[id]", "/old/0", "/new/0"),
        ("/old/[...path]", "/new/[...path]", "/old/a/b%20c", "/new/a/b%20c"),
        ("/old/[...path]", "/new/[...path]", "/old", "/new"),
        ("/old/[...path]", "/[...path]/", "/old", "/"),
        ("/old/[...path]", "/[...path]", "/old//evil.example", "/evil.example"),
        ("/old/[a]-[b]", "/[b]/[a]", "/old/x-y", "/y/x"),
    ],
)
def test_a_redirect_leads_where_it_says(
    site: SiteMaker, source: str, to: str, path: str, location: str
) -> None:
    assert target(site, source, to, path) == (301, location)


@pytest.mark.parametrize(
    ("method", "to", "status"),
    [
        ("GET", "/new", 301),
        ("HEAD", "/new", 301),
        ("POST", "/new", 308),
        ("M-SEARCH", "/new", 308),
        ("GET", {"destination": "/new", "status": 307}, 307),
        ("POST", {"destination": "/new", "status": 303}, 303),
        ("GET", {"destination": "/new"}, 301),
    ],
)
def test_a_redirect_has_its_status(site: SiteMaker, method: str, to: Any, status: int) -> None:
    assert target(site, "/old", to, "/old", method) == (status, "/new")


def test_a_redirect_to_a_path_stays_below_base_and_mount_point(site: SiteMaker) -> None:
    redirects = {"/old": "/a", "/home": "/", "/away": "https://e.example/a"}
    made = site({"src/pages/a.py": OK}, config=Config(base="/é", redirects=redirects))
    for path, location in (("old", "/a"), ("home", "/")):
        assert made.get(f"/é/{path}").headers["location"] == f"/%C3%A9{location}"
        mounted = made.get(f"/é/{path}", environ={"SCRIPT_NAME": "/app x"})
        assert mounted.headers["location"] == f"/app%20x/%C3%A9{location}"
    assert made.get("/é/away").headers["location"] == "https://e.example/a"


def test_a_redirect_writes_a_parameter_as_its_converter_does(site: SiteMaker) -> None:
    class Hex(BaseConverter):
        def to_python(self, value: str) -> bytes:
            return bytes.fromhex(value)

        def to_url(self, value: bytes) -> str:
            return value.hex()

    config = Config(converters={"hex": Hex}, redirects={"/h/[id=hex]": "/x/[id]?[id=hex]"})
    made = site({"src/pages/a.py": OK}, config=config)
    assert made.get("/h/ff00").headers["location"] == "/x/ff00?ff00"


@pytest.mark.parametrize(
    ("redirects", "circles"),
    [
        ({"/about": "/about/"}, {"/about": "/about -> /about/"}),
        ({"/a": "/b", "/b": "/a?x#y"}, {"/a": "/a -> /b -> /a"}),
        ({"/a": "/b", "/b": "/c/", "/c": "/a", "/in": "/a"}, {"/a": "/a -> /b -> /c/ -> /a"}),
        (
            {"/x/[...p]": "/x/y/[...p]"},
            {"/x/[...p]": "/x/[...p] -> /x/y -> /x/y/y -> /x/y/y/y -> ..."},
        ),
        ({"/[n=int]": "/0[n]"}, {"/[n=int]": "/[n=int] -> /07 -> /07"}),
        ({"/[a]/[b]": "/[b]/[a]"}, {"/[a]/[b]": "/[a]/[b] -> /sample/sample -> /sample/sample"}),
        ({"/a": "https://here.example/base/a"}, {"/a": "/base/a -> /base/a"}),
    ],
)
def test_redirects_in_a_circle_are_a_mistake(
    site: SiteMaker, redirects: dict[str, str], circles: dict[str, str]
) -> None:
    is_absolute = "https:" in redirects.get("/a", "")
    base = "/base" if is_absolute else "/"
    config = Config(redirects=redirects, site="https://here.example", base=base)
    made = site({"src/pages/index.py": OK}, config=config)
    [(source, paths)] = circles.items()
    assert made.errors() == (
        "The site has a mistake:\n"
        f"framework.config.py: redirects[{source!r}]: redirects lead in a circle: {paths}\n"
        "    Change the destination of one of them."
    )


def test_redirects_that_end_are_fine(site: SiteMaker) -> None:
    class Word(BaseConverter):
        regex = "word"

    redirects = {
        "/a": "/b",
        "/b": "/c",
        "/old/[...p]": "/[...p]",
        "/[lang]/old": "/page",
        "/public": "/x.txt",
        "/x.[ext]": "/x.txt",
        "/w/[x=word]": "/w/[x]",
        "/n/[x=float]": "/n/x[x]",
        "/dots": "/%2e%2e/dots",
        "/elsewhere": "https://e.example/elsewhere",
    }
    config = Config(redirects=redirects, converters={"word": Word})
    made = site({"src/pages/page.py": OK, "public/x.txt": "x"}, config=config)
    assert made.get("/a").headers["location"] == "/b"
    assert made.get("/x.txt").text() == "x"


def test_redirects_come_before_the_origin_check(site: SiteMaker) -> None:
    made = site(
        {"src/pages/index.py": OK, "src/middleware.py": "def on_request(context, next): 1 / 0\n"},
        config=Config(redirects={"/old": "/"}),
    )
    assert made.post("/old", headers={"Origin": "http://evil"}).status == 308


def test_a_redirect_and_a_file_of_one_pattern_are_a_mistake(site: SiteMaker) -> None:
    made = site({"src/pages/[id].py": OK}, config=Config(redirects={"/[slug]": "/x"}))
    assert made.errors() == (
        "The site has a mistake:\n"
        "src/pages/[id].py and framework.config.py: redirects['/[slug]'] match the same URLs.\n"
        "    Keep one, or rename one."
    )


def test_a_redirect_with_a_converter_that_is_not_there_is_a_mistake(site: SiteMaker) -> None:
    made = site({"src/pages/a.py": OK}, config=Config(redirects={"/x/[id=sku]": "/a"}))
    assert made.errors() == (
        "The site has a mistake:\n"
        "framework.config.py: redirects['/x/[id=sku]']: "
        '"[id=sku]" names an unknown converter\n'
        "    Known converters: float, int, uuid. Add your own with Config(converters={...})."
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("regex = '['", "unterminated character set at position 0"),
        ("def __init__(self, map, size): ...", "NeedsSize.__init__() missing 1 required"),
    ],
)
def test_a_converter_that_cant_be_made_is_a_mistake(site: Any, body: str, why: str) -> None:
    text = site(
        {
            "framework.config.py": "from werkzeug.routing import BaseConverter\n"
            "from framework import Config\n\n"
            f"class NeedsSize(BaseConverter):\n    {body}\n\n"
            "config = Config(converters={'size': NeedsSize})\n",
            "src/pages/[x=size].py": OK,
        }
    ).errors()
    assert text.startswith(
        'The site has a mistake:\nsrc/pages/[x=size].py: the converter "size" can\'t be created: '
    )
    assert why in text
    assert text.endswith("\n    Fix its class.")


@pytest.mark.parametrize(
    "name", ["r{}.json.py", "f{}/[id].py", "f/[id]-{}.py", "f/[a]-[b].{}.py", "f{}/[...path].py"]
)
def test_the_cost_of_a_start_grows_with_the_number_of_routes(site: SiteMaker, name: str) -> None:
    def count_calls(routes: int) -> int:
        made = site({f"src/pages/{name.format(number)}": OK for number in range(routes)})
        made.app.close()
        calls = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            App(made.root)
        finally:
            sys.setprofile(None)
        return calls

    few, many = count_calls(20), count_calls(200)
    assert few < many < 11 * few


def test_no_rule_is_compiled_before_the_first_url_for(
    site: SiteMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = []
    bind = Rule.bind
    monkeypatch.setattr(Rule, "bind", lambda rule, map: bound.append(rule) or bind(rule, map))
    made = site(
        {
            "src/pages/[id].py": OK,
            "src/pages/link.py": "from framework import Response\n\n\ndef GET(url_for):\n"
            "    return Response(url_for('/[id]', id=1))\n",
        }
    )
    assert made.get("/7").text() == "ok"
    assert bound == []
    assert made.get("/link").text() == "/1"
    assert len(bound) == 1
