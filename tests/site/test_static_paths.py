"""`get_static_paths()` and `paginate`: what they list, what props get, and every mistake."""

import html
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from framework import App, Config
from framework.build.run import build
from framework.errors import BuildError, StaticPathsError
from framework.site import static_paths
from framework.site.static_paths import Listing, StaticPath
from tests.conftest import SiteMaker

PLACE = "src/pages/[id].txt.py"
GET = "\n\ndef GET(params, props):\n    return Response(f'{params} {props}')\n"


def made(site: SiteMaker, paths: str, name: str = PLACE, **options: Any) -> Any:
    code = f"from framework import Response\n{paths}{GET}"
    return site({name: code}, config=Config(output="static", **options))


def listing(items: str) -> str:
    return f"def get_static_paths():\n    return {items}\n"


def build_of(made: Any) -> dict[str, str]:
    """What a build of it writes for its pages."""
    configure(made)
    build(made.root)
    files = (made.root / "dist").glob("*.txt")
    return {path.name: path.read_text() for path in files}


def configure(made: Any) -> None:
    config = made.root / "framework.config.py"
    config.write_text("from framework import Config\n\nconfig = Config(output='static')\n")


def wrong(made: Any, **options: Any) -> str:
    configure(made)
    with pytest.raises(BuildError) as caught:
        build(made.root, **options)
    return str(caught.value).removeprefix("The site can't be built:\n")


# ------------------------------------------------------------------------ paths


@pytest.mark.parametrize("value", ["'a b'", "7", "'7'", "'cafe\\u0301'", "'你好'"])
def test_a_param_is_text_or_a_number(site: SiteMaker, value: str) -> None:
    one = made(site, listing(f"[{{'params': {{'id': {value}}}, 'props': {{'x': 1}}}}]"))
    path = one.app.site.routes.url_for("/[id].txt", {"id": eval(value)})
    response = one.get(path)
    assert response.status == 200
    assert response.text().endswith("{'x': 1}")


def test_what_is_not_listed_is_404(site: SiteMaker) -> None:
    one = made(site, listing("[{'params': {'id': 'a'}}]"))
    assert [one.request(m, "/b.txt").status for m in ("GET", "HEAD")] == [404, 404]
    assert one.get("/a.txt").text() == "{'id': 'a'} {}"


READ_BACK = (
    "A value must not be empty or contain a slash or the text that separates two parameters."
)


@pytest.mark.parametrize(
    ("name", "params", "reason", "remedy"),
    [
        (
            "[slug]-[id].py",
            {"slug": "my-first-blog", "id": 1},
            "/[slug]-[id] would not read slug='my-first-blog', id=1 back from its own path.",
            READ_BACK,
        ),
        *(
            (
                name,
                {"slug": value},
                f"/{name[:-3]} would not read slug={value!r} back from its own path.",
                READ_BACK,
            )
            for name, value in [
                *(("[slug].py", value) for value in ("/2021/a", "", "a//b", "a/b", ".", "..")),
                *(("[...slug].py", value) for value in ("/2021/a", "", "a//b", "a/../b", "a/")),
                *(("[slug=int].py", value) for value in ("x", -1, "07")),
            ]
        ),
        ("[slug].py", {"slug": ".bashrc"}, "'.bashrc' begins with a dot", "without"),
        ("[...slug].py", {"slug": "a/.git/b"}, "'.git' begins with a dot", "without"),
        ("x-[...slug].py", {"slug": "a/.b"}, "'.b' begins with a dot", "without"),
        ("[slug].[id].py", {"slug": ".a", "id": "b"}, "'.a.b' begins with a dot", "without"),
    ],
)
def test_a_path_that_no_request_reaches_is_a_mistake_everywhere(
    site: SiteMaker, name: str, params: dict[str, Any], reason: str, remedy: str
) -> None:
    one = made(site, listing(f"[{{'params': {params!r}}}]"), name=f"src/pages/{name}")
    target = "/x-7" if name.startswith("x") else "/a-b.c" if "id" in params else "/7"
    with pytest.raises(StaticPathsError) as caught:
        App(one.root, one.options["config"], mode="build").fetch(target)
    text = str(caught.value)
    assert text.startswith(f"src/pages/{name}: item 0 of get_static_paths(): {reason}")
    assert remedy in text
    assert wrong(one) == text
    developed = App(one.root, one.options["config"], mode="dev").fetch(target)
    assert developed.status == 500
    assert text.partition(chr(10))[0] in html.unescape(developed.text())


@pytest.mark.parametrize(
    ("name", "value"),
    [("[slug].py", "a.b"), ("x-[slug].py", ".5"), ("[...slug].py", ".well-known/x")],
)
def test_other_values_with_dots_are_listed(site: SiteMaker, name: str, value: str) -> None:
    one = made(site, listing(f"[{{'params': {{'slug': {value!r}}}}}]"), name=f"src/pages/{name}")
    assert (
        one.get("/" + name[:-3].replace("[...slug]", value).replace("[slug]", value)).status == 200
    )


def test_an_empty_rest_is_none(site: SiteMaker) -> None:
    paths = listing("[{'params': {'path': None}}, {'params': {'path': 'a/b'}}, {'params': {}}][:2]")
    one = made(site, paths, "src/pages/docs/[...path].py")
    assert one.get("/docs").text() == "{'path': None} {}"
    assert one.get("/docs/a/b").text() == "{'path': 'a/b'} {}"
    assert one.get("/docs/a").status == 404


def test_a_number_may_be_given_for_a_converter(site: SiteMaker) -> None:
    one = made(site, listing("[{'params': {'id': 7}}]"), "src/pages/[id=int].py")
    assert one.get("/7").text() == "{'id': 7} {}"
    assert one.get("/8").status == 404


def test_the_paths_may_come_from_a_coroutine(site: SiteMaker) -> None:
    paths = "async def get_static_paths():\n    return [{'params': {'id': 'a'}}]\n"
    assert made(site, paths).get("/a.txt").status == 200


def test_the_paths_are_listed_once(site: SiteMaker) -> None:
    paths = (
        "CALLS = []\n\n"
        "def get_static_paths():\n"
        "    CALLS.append(1)\n"
        "    return ({'params': {'id': x}, 'props': {'calls': CALLS}} for x in 'ab')\n"
    ).replace("return (", "return tuple(")
    one = made(site, paths)
    assert one.get("/a.txt").text() == one.get("/a.txt").text() == "{'id': 'a'} {'calls': [1]}"


YIELDED = (
    "{0}def get_static_paths():\n    for x in 'ab':\n"
    "        yield {{'params': {{'id': x}}, 'props': {{'x': x}}}}\n{1}"
)


FETCHES = """
from framework import Response
import src_app

{word} get_static_paths():
    text = src_app.fetch("{path}").text()
    {end} [{{"params": {{"id": "a"}}}}]
"""


@pytest.mark.parametrize("word", ["def", "async def"])
@pytest.mark.parametrize("path", ["/a.txt", "/other/a"])
def test_paths_that_need_their_own_route_are_a_mistake(
    site: SiteMaker, caplog: Any, monkeypatch: pytest.MonkeyPatch, word: str, path: str
) -> None:
    holder = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "src_app", holder)
    code = FETCHES.format(word=word, path=path, end="return") + GET
    other = FETCHES.format(word="def", path="/a.txt", end="return") + GET
    one = site({PLACE: code, "src/pages/other/[id].py": other}, config=Config(output="static"))
    holder.fetch = one.app.fetch
    message = (
        f"{PLACE}: get_static_paths() sends a request to a route that needs its result.\n"
        "    Read the data without a request to this route."
    )
    for _ in range(2):
        assert one.get("/a.txt").status == 500
        assert str(caplog.records[-1].exc_info[1]) == message
    with pytest.raises(StaticPathsError, match="route that needs its result"):
        one.app.site.static_paths["src/pages/other/[id].py"].find({"id": "a"})


@pytest.mark.parametrize("kind", ["", "async "])
def test_the_paths_may_be_yielded(site: SiteMaker, kind: str) -> None:
    one = made(site, YIELDED.format(kind, ""))
    assert one.get("/b.txt").text() == "{'id': 'b'} {'x': 'b'}"
    assert one.get("/c.txt").status == 404
    assert build_of(one) == {"a.txt": "{'id': 'a'} {'x': 'a'}", "b.txt": "{'id': 'b'} {'x': 'b'}"}


@pytest.mark.parametrize("kind", ["", "async "])
@pytest.mark.parametrize("jobs", [1, 2])
def test_yielding_that_fails_half_way_is_named_with_its_line(
    site: SiteMaker, kind: str, jobs: int
) -> None:
    one = made(site, YIELDED.format(kind, "    raise LookupError('no more today')\n"))
    text = wrong(one, jobs=jobs)
    assert text == f"{PLACE}:5: get_static_paths() failed: LookupError: no more today"


def test_pages_may_be_yielded(site: SiteMaker) -> None:
    paths = "def get_static_paths(paginate):\n    yield from paginate('ab', page_size={})\n"
    one = made(site, paths.format(1), "src/pages/[page].txt.py")
    assert one.get("/2.txt").text().startswith("{'page': '2'}")
    text = wrong(made(site, paths.format(0), "src/pages/[page].txt.py"))
    assert text == "src/pages/[page].txt.py: page_size is 0, not 1 or more."


def test_a_path_that_is_yielded_twice_is_a_mistake(site: SiteMaker) -> None:
    one = made(site, YIELDED.format("", "    yield {'params': {'id': 'a'}}\n"))
    assert wrong(one) == (
        f"{PLACE}: item 2 of get_static_paths() has the path of item 0, /a.txt.\n"
        "    List each path once."
    )


def numbered(number: int, item: Any) -> StaticPath:
    return StaticPath(number, {"id": item}, {})


def found(listing: Listing) -> list[tuple[int, str]]:
    return [(path.number, path.params["id"]) for path in listing]


def test_a_listing_knows_its_size_unless_it_is_yielded() -> None:
    listed, yielded = Listing("abc", numbered), Listing(iter("abc"), numbered)
    assert (listed.size, yielded.size) == (3, None)
    assert found(listed) == found(listed) == [(0, "a"), (1, "b"), (2, "c")]
    assert found(yielded) == found(listed)
    assert found(yielded) == []


def test_a_part_of_a_listing_keeps_its_numbers() -> None:
    listed = Listing("abc", numbered)
    assert listed.whole() is listed
    whole = Listing(iter("abc"), numbered).whole()
    assert whole.size == 3
    for listing in (listed, whole):
        assert found(listing.part(1, 3)) == [(1, "b"), (2, "c")]
        assert listing.part(1, 2).size == 1
    assert found(Listing(iter("abc"), numbered).part(0, 3)) == []


# --------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ("{'id': '1'}", "get_static_paths() returned dict, not a list."),
        ("'ab'", "get_static_paths() returned str, not a list."),
        ("None", "get_static_paths() returned NoneType, not a list."),
        ("(x for x in [])", "get_static_paths() returned generator, not a list."),
    ],
)
def test_a_result_that_is_not_a_list_is_a_mistake(site: SiteMaker, items: str, text: str) -> None:
    remedy = '\n    Return [{"params": {...}, "props": {...}}, ...], or yield each item.'
    assert wrong(made(site, listing(items))) == f"{PLACE}: {text}{remedy}"


@pytest.mark.parametrize(
    ("item", "what"),
    [
        ("'x'", 'is not {"params": {...}}'),
        ("{'props': {}}", 'is not {"params": {...}}'),
        ("{'params': 'x'}", 'is not {"params": {...}}'),
        ("{'params': {'id': '1'}, 'prop': {}}", 'has "prop" beside params and props'),
        ("{'params': {'id': '1'}, 'props': []}", "has props that are not a mapping"),
        ("{'params': {'di': '1'}}", 'lacks the parameter "id"'),
        ("{'params': {'id': None}}", 'lacks the parameter "id"'),
        ("{'params': {'id': 1.5}}", 'has a float as "id", not a str or int'),
        ("{'params': {'id': True}}", 'has a bool as "id", not a str or int'),
        ("{'params': {'id': '1', 5: ''}}", 'has "5", which the path does not have'),
    ],
)
def test_a_wrong_item_is_named(site: SiteMaker, item: str, what: str) -> None:
    one = made(site, listing(f"[{{'params': {{'id': 'a'}}}}, {item}]"))
    assert wrong(one) == f"{PLACE}: item 1 of get_static_paths() {what}: {eval(item)!r}"


@pytest.mark.parametrize("items", ["7, '7'", "'caf\\u00e9', 'cafe\\u0301'"])
def test_two_spellings_of_one_path_are_a_mistake(site: SiteMaker, items: str) -> None:
    one = made(site, listing(f"[{{'params': {{'id': x}}}} for x in ({items})]"))
    text = "item 1 of get_static_paths() has the path of item 0, /"
    assert text in wrong(one)
    with pytest.raises(StaticPathsError) as caught:
        one.app.site.static_paths[PLACE].find({"id": "other"})
    assert text in str(caught.value)


def test_start_up_names_a_route_without_paths(site: SiteMaker) -> None:
    assert made(site, "").errors() == (
        "The site has a mistake:\n"
        f"{PLACE}: a prerendered route with parameters needs get_static_paths()\n"
        "    List its paths there, or set prerender = False."
    )


def test_a_function_that_fails_is_named_with_its_line(site: SiteMaker) -> None:
    one = made(site, "def get_static_paths():\n    raise LookupError('no data today')\n")
    assert wrong(one) == f"{PLACE}:3: get_static_paths() failed: LookupError: no data today"


@pytest.mark.parametrize("end", ["return []", "yield {}"])
def test_a_function_that_exits_is_named(site: SiteMaker, caplog: Any, end: str) -> None:
    one = made(site, f"def get_static_paths():\n    raise SystemExit(3)\n    {end}\n")
    assert one.get("/a.txt").status == 500
    text = f"{PLACE}:3: get_static_paths() failed: SystemExit: 3"
    assert str(caplog.records[-1].exc_info[1]) == text


def test_a_function_that_is_written_elsewhere_has_no_line(site: SiteMaker) -> None:
    one = made(site, "from lib.x import get_static_paths\n")
    one.write({"src/lib/x.py": "def get_static_paths():\n    return 1 / 0\n"})
    assert wrong(one).startswith(f"{PLACE}: get_static_paths() failed: ZeroDivisionError:")


def test_without_a_build_a_mistake_is_a_500(site: SiteMaker, caplog: Any) -> None:
    one = made(site, "def get_static_paths():\n    return 7\n")
    assert one.get("/1.txt").status == 500
    assert "get_static_paths() returned int, not a list." in caplog.text


def test_start_up_reports_what_is_not_a_function(site: SiteMaker) -> None:
    assert made(site, "get_static_paths = [1]\n").errors() == (
        "The site has a mistake:\n"
        f"{PLACE}: get_static_paths is [1]\n    Write: def get_static_paths(): ..."
    )


def test_start_up_names_what_has_no_signature(site: SiteMaker) -> None:
    assert made(site, "get_static_paths = dict\n").errors() == (
        "The site has a mistake:\n"
        f"{PLACE}: get_static_paths is <class 'dict'>\n    Write: def get_static_paths(): ..."
    )


def test_start_up_names_an_unknown_parameter(site: SiteMaker) -> None:
    assert made(site, "def get_static_paths(pages): ...\n").errors() == (
        "The site has a mistake:\n"
        f'{PLACE}: get_static_paths has a parameter "pages"\n    It may only have the parameter paginate.'
    )


# --------------------------------------------------------------------- paginate


def paged(
    site: SiteMaker, call: str, name: str = "src/pages/list/[page].py", **options: Any
) -> Any:
    code = (
        "from framework import Response\n\n"
        f"def get_static_paths(paginate):\n    return {call}\n\n"
        "def GET(params, props):\n"
        "    page = props['page']\n"
        "    urls = page.url\n"
        "    return Response.json({'data': page.data, 'numbers': [page.start, page.end, page.size, "
        "page.total, page.current_page, page.last_page], 'urls': [urls.current, urls.prev, "
        "urls.next, urls.first, urls.last], 'more': props.get('more'), 'params': params})\n"
    )
    return site({name: code}, config=Config(output="static", **options))


def test_pages_know_their_items_numbers_and_neighbours(site: SiteMaker) -> None:
    one = paged(site, "paginate(iter('abcde'), page_size=2, props={'more': 1})")
    assert one.get("/list/1").json() == {
        "data": ["a", "b"],
        "numbers": [0, 1, 2, 5, 1, 3],
        "urls": ["/list/1", None, "/list/2", None, "/list/3"],
        "more": 1,
        "params": {"page": "1"},
    }
    assert one.get("/list/2").json()["urls"] == [f"/list/{n}" for n in (2, 1, 3, 1, 3)]
    last = one.get("/list/3").json()
    assert last["numbers"] == [4, 4, 2, 5, 3, 3]
    assert last["urls"] == ["/list/3", "/list/2", None, "/list/1", None]
    assert one.get("/list/4").status == 404


def test_the_first_page_of_a_rest_has_no_number(site: SiteMaker) -> None:
    one = paged(site, "paginate('abc', page_size=2)", "src/pages/list/[...page].py", base="/shop")
    assert one.get("/shop/list").json()["urls"] == [
        "/shop/list",
        None,
        "/shop/list/2",
        None,
        "/shop/list/2",
    ]
    assert one.get("/shop/list/2").json()["urls"][1] == "/shop/list"
    assert one.get("/shop/list/1").status == 404


def test_no_items_are_one_empty_page(site: SiteMaker) -> None:
    page = paged(site, "paginate([])").get("/list/1").json()
    assert (page["data"], page["numbers"]) == ([], [0, -1, 10, 0, 1, 1])


def test_other_params_go_into_each_path(site: SiteMaker) -> None:
    call = "[p for tag in 'xy' for p in paginate(tag * 3, page_size=2, params={'tag': tag})]"
    one = paged(site, call, "src/pages/[tag]/[page].py")
    assert one.get("/y/2").json()["params"] == {"tag": "y", "page": "2"}
    assert one.get("/y/2").json()["urls"][1] == "/y/1"


@pytest.mark.parametrize(
    ("call", "name", "text"),
    [
        (
            "paginate([])",
            "src/pages/[n].py",
            "src/pages/[n].py: paginate() needs a parameter [page] or [...page].",
        ),
        (
            "paginate([], page_size=0)",
            "src/pages/[page].py",
            "src/pages/[page].py: page_size is 0, not 1 or more.",
        ),
        (
            "paginate([], page_size=True)",
            "src/pages/[page].py",
            "src/pages/[page].py: page_size is True, not 1 or more.",
        ),
        (
            "paginate([1])",
            "src/pages/[tag]/[page].py",
            "src/pages/[tag]/[page].py:4: get_static_paths() failed: RouteNotFoundError: "
            "/[tag]/[page] needs 'tag'.",
        ),
    ],
)
def test_a_wrong_call_is_named(site: SiteMaker, call: str, name: str, text: str) -> None:
    assert wrong(paged(site, call, name)) == text


# ----------------------------------------------------------------- as built


def test_a_static_site_has_only_get_and_head(site: SiteMaker) -> None:
    code = "from framework import Response\n\ndef ALL():\n    return Response('ok')\n"
    one = site({"src/pages/x.py": code}, config=Config(output="static"))
    assert one.get("/x").text() == "ok"
    assert one.request("HEAD", "/x").status == 200
    for method in ("POST", "OPTIONS", "DELETE"):
        response = one.request(method, "/x", headers={"origin": "http://localhost"})
        assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")


def test_in_a_server_site_the_other_methods_stay_live(site: SiteMaker) -> None:
    code = (
        "from framework import Response\n\nprerender = True\n\n"
        "def GET(is_prerendered):\n    return Response(str(is_prerendered))\n\n"
        "def POST(is_prerendered):\n    return Response(str(is_prerendered))\n"
    )
    one = site({"src/pages/x.py": code})
    assert one.get("/x").text() == "True"
    assert one.post("/x", headers={"origin": "http://localhost"}).text() == "False"


def test_middleware_knows_that_a_route_is_prerendered(site: SiteMaker) -> None:
    middleware = (
        "def on_request(context, next):\n    response = next()\n"
        "    response.headers.set('x-pre', str(context.is_prerendered))\n    return response\n"
    )
    page = "from framework import Response\n\ndef GET():\n    return Response('x')\n"
    one = site(
        {
            "src/middleware.py": middleware,
            "src/pages/a.py": page,
            "src/pages/b.py": f"prerender = False\n{page}",
        },
        config=Config(output="static"),
    )
    assert [one.get(path).headers["x-pre"] for path in ("/a", "/b")] == ["True", "False"]


def test_error_pages_of_a_static_site_are_sent_for_other_paths(site: SiteMaker) -> None:
    one = site(
        {
            "src/pages/404.jinja": "lost: {{ props.error.code }} {{ is_prerendered }}",
            "src/pages/index.jinja": "home",
        },
        config=Config(output="static"),
    )
    html = {"accept": "text/html"}
    assert one.get("/404", headers=html).text().strip() == "lost: 404 True"
    assert one.get("/nowhere", headers=html).text().strip() == "lost: 404 False"
    assert one.get("/404").status == one.get("/nowhere", headers=html).status == 404


# ------------------------------------------------------------------------ paths that are not listed

PASSING = {
    "src/pages/[page].py": (
        "from framework import Response\n\nprerender = True\n\n\n"
        "def get_static_paths():\n    return [{'params': {'page': 'a'}}]\n\n\n"
        "def GET(params):\n    return Response('page ' + params['page'])\n\n\n"
        "def POST(params):\n    return Response('posted to page ' + params['page'])\n"
    ),
    "src/pages/[slug].jinja": (
        "---\nprerender = True\n\n\n"
        "def get_static_paths():\n    return [{'params': {'slug': s}} for s in 'ab']\n---\n"
        "slug {{ params.slug }}"
    ),
    "src/pages/[...rest].py": (
        "from framework import Response\n\n\n"
        "def ALL(params, url, rewrite):\n"
        "    if url.search:\n        return rewrite('/b')\n"
        "    return Response('rest ' + params['rest'])\n"
    ),
}


@pytest.mark.parametrize("has_build", [False, True])
@pytest.mark.parametrize("options", [{}, {"base": "/docs", "trailing_slash": "always"}])
def test_a_path_that_is_not_listed_goes_on_to_the_next_route(
    site: SiteMaker, has_build: bool, options: dict[str, Any]
) -> None:
    one = site(PASSING)
    config = ", ".join(f"{name}={value!r}" for name, value in options.items())
    one.write(
        {"framework.config.py": f"from framework import Config\n\nconfig = Config({config})\n"}
    )
    if has_build:
        assert one.build().warnings == [
            f"src/pages/[slug].jinja: {options.get('base', '')}/a{'/' if options else ''} is left "
            "out, because src/pages/[page].py comes first and answers it."
        ]
    before, after = options.get("base", ""), "/" if options else ""
    answers = {
        ("GET", "/a"): "page a",
        ("GET", "/b"): "slug b",
        ("GET", "/c"): "rest c",
        ("GET", "/c/d"): "rest c/d",
        ("POST", "/a"): "posted to page a",
        ("POST", "/c"): "rest c",
        ("GET", "/c?rewrite"): "slug b",
    }
    for (method, target), text in answers.items():
        path, *query = target.split("?")
        response = one.request(method, "?".join([f"{before}{path}{after}", *query]))
        assert (response.status, response.text()) == (200, text)
    assert one.request("HEAD", f"{before}/c{after}").status == 200
    assert one.request("POST", f"{before}/b{after}").status == 405


def test_two_prerendered_files_without_parameters_may_have_one_path(site: SiteMaker) -> None:
    page = "---\nprerender = True\n---\npage"
    code = "from framework import Response\n\nprerender = True\n\n\ndef GET():\n    return Response('e')\n"
    one = site({"src/pages/a.py": code, "src/pages/a.jinja": page})
    assert one.get("/a").text() == "e"
    assert one.build().warnings == [
        "src/pages/a.jinja: /a is left out, because src/pages/a.py comes first and answers it."
    ]


def test_a_live_file_beside_a_prerendered_one_of_the_same_shape_is_a_mistake(
    site: SiteMaker,
) -> None:
    files = PASSING | {"src/pages/[live].md": "text"}
    assert "src/pages/[live].md and src/pages/[page].py match the same URLs" in site(files).errors()


def test_a_listing_that_fails_is_named_once_by_a_build_and_by_explain(site: SiteMaker) -> None:
    files = PASSING | {
        "src/pages/[page].py": PASSING["src/pages/[page].py"].replace("'a'}", "1 / 0}")
    }
    one = site(files)
    message = (
        "src/pages/[page].py:7: get_static_paths() failed: ZeroDivisionError: division by zero"
    )
    with pytest.raises(BuildError) as caught:
        one.build()
    assert str(caught.value) == f"The site can't be built:\n{message}"
    with pytest.raises(StaticPathsError) as failed:
        one.app.explain("GET", "/b")
    assert str(failed.value) == message
    assert one.get("/b").status == 500
    assert one.get("/b/c").text() == "rest b/c"


def test_paths_are_not_listed_at_start_up(site: SiteMaker) -> None:
    files = PASSING | {
        "src/pages/[page].py": PASSING["src/pages/[page].py"].replace("'a'}", "1 / 0}")
    }
    one = site(files, config=Config(redirects={"/old/[x]": "/[x]"}))
    assert one.get("/old/x").headers["location"] == "/x"


def test_a_yielded_list_is_read_again_for_a_route_behind_it(site: SiteMaker) -> None:
    code = PASSING["src/pages/[page].py"].replace(
        "return [{'params': {'page': 'a'}}]", "yield {'params': {'page': 'a'}}"
    )
    one = site(PASSING | {"src/pages/[page].py": code})
    assert [warning.partition(" is ")[0] for warning in one.build().warnings] == [
        "src/pages/[slug].jinja: /a"
    ]
    assert (one.root / "dist" / "b" / "index.html").read_text() == "slug b"


WAITING = """\
from framework import Response
from lib.two import app, barrier

prerender = True


def get_static_paths():
    barrier.wait()  # the other route is making its list, too
    app[0].fetch("/{other}-1")
    return [{{"params": {{"id": "1"}}}}]


def GET():
    return Response("x")
"""


def test_two_listings_that_wait_for_each_other_in_two_threads_end(
    site: SiteMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_paths, "MAX_WAIT", 0.1)
    module = "from threading import Barrier\n\napp = []\nbarrier = Barrier(2, timeout=60)\n"
    one = site(
        {
            "src/lib/two.py": module,
            "src/pages/a-[id].py": WAITING.format(other="b"),
            "src/pages/b-[id].py": WAITING.format(other="a"),
        }
    )
    one.app.site.modules.load(one.root / "src/pages/a-[id].py").app.append(one.app)
    with ThreadPoolExecutor(2) as threads:
        statuses = list(threads.map(lambda path: one.app.fetch(path).status, ["/a-1", "/b-1"]))
    assert statuses == [200, 200]
