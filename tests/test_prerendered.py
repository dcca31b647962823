"""An application and its build: which files it serves, how, and what it runs instead."""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.build import build

Site = Callable[..., Any]
HEADERS = (
    "from framework import Response\n\n\ndef GET():\n"
    "    return Response('0123456789', headers={'content-type': 'text/x-ten', "
    "'cache-control': 'max-age=60', 'x-own': '1', **MORE})\n"
)
LISTED = (
    "from framework import Response\n\n\n"
    "def get_static_paths():\n    return [{'params': {'id': 'a'}, 'props': {'n': 1}}]\n\n\n"
    "def GET(params, props):\n    return Response(f'{params} {props}')\n"
)
FILES = {
    "src/pages/index.jinja": "home",
    "src/pages/about.jinja": "about",
    "src/pages/404.jinja": "lost",
    "src/pages/ten.txt.py": f"MORE = {{}}\n{HEADERS}",
    "src/pages/p/[id].py": LISTED,
    "src/pages/live.py": "from framework import Response\n\nprerender = False\n\n\n"
    "def GET(context):\n    return context.rewrite(context.url.search[1:])\n",
    "src/middleware.py": "RAN = []\n\n\ndef on_request(context, next):\n"
    "    RAN.append(1)\n    response = next()\n"
    "    response.headers.set('x-runs', str(len(RAN)))\n    return response\n",
    "public/x.txt": "public",
}


def config(text: str = "", output: str = "static") -> str:
    return f"from framework import *\n\nconfig = Config(output={output!r}, {text})\n"


@pytest.fixture
def make(site: Site) -> Site:
    """A site that is built and served, with what its build said replaced for the tests."""

    def made(text: str = "", files: dict[str, str] | None = None, **options: Any) -> Any:
        one = site({**FILES, "framework.config.py": config(text), **(files or {})}, **options)
        build(one.root)
        return one

    return made


def mark(one: Any) -> None:
    """Change each built file, so that its content tells that it was not run anew."""
    for path in (one.root / "dist").rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            path.write_text(f"file {path.read_text()}")


def test_prerendered_routes_are_files_past_middleware(make: Site) -> None:
    one = make()
    mark(one)
    response = one.get("/ten.txt")
    assert response.text() == "file 0123456789"
    assert response.headers["content-type"] == "text/x-ten"
    assert response.headers["cache-control"] == "max-age=60"
    assert response.headers["x-own"] == "1"
    assert response.headers["x-runs"] == one.get("/ten.txt").headers["x-runs"]
    assert one.get("/").text() == "file home"
    assert one.get("/p/a").text() == "file {'id': 'a'} {'n': 1}"
    assert one.get("/x.txt").text() == "public"


def test_head_range_and_conditions_are_those_of_a_file(make: Site) -> None:
    one = make()
    head = one.request("HEAD", "/ten.txt")
    assert (head.status, head.headers["content-length"]) == (200, "10")
    part = one.get("/ten.txt", headers={"range": "bytes=2-4"})
    assert (part.status, part.text()) == (206, "234")
    known = {"if-none-match": head.headers["etag"]}
    assert one.get("/ten.txt", headers=known).status == 304
    since = {"if-modified-since": head.headers["last-modified"]}
    assert one.get("/ten.txt", headers=since).status == 304


OLD = "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.mark.parametrize(("etag", "status"), [('"own"', 206), ('W/"own"', 200)])
def test_a_validator_of_the_routes_own_counts(make: Site, etag: str, status: int) -> None:
    more = f"MORE = {{'etag': '{etag}', 'last-modified': '{OLD}'}}\n"
    one = make(files={"src/pages/ten.txt.py": more + HEADERS})

    def get(**headers: str) -> Any:
        return one.get("/ten.txt", headers={k.replace("_", "-"): v for k, v in headers.items()})

    assert (get().headers["etag"], get().headers["last-modified"]) == (etag, OLD)
    assert get(if_none_match=etag).status == 304
    assert get(if_modified_since=OLD).status == 304
    assert get(range="bytes=0-1", if_range=etag).status == status  # only a strong one
    assert get(range="bytes=0-1", if_range='"other"').status == 200


def test_what_is_not_listed_is_the_sites_404_and_not_run(make: Site) -> None:
    one = make(files={"src/pages/p/[id].py": LISTED})
    (one.root / "dist/p/b").write_text("put there by hand")
    response = one.get("/p/b", headers={"accept": "text/html"})
    assert (response.status, response.text()) == (404, "lost")
    assert one.request("HEAD", "/p/b").status == 404
    assert one.get("/.framework.json").status == 404


def test_error_pages_keep_their_status(make: Site) -> None:
    one = make()
    for path in ("/404", "/404.html", "/nowhere"):
        assert one.get(path, headers={"accept": "text/html"}).status == 404


def test_configured_redirects_stay_redirects(make: Site) -> None:
    one = make("redirects={'/old': '/about'}")
    assert (one.root / "dist/old/index.html").exists()
    response = one.get("/old")
    assert (response.status, response.headers["location"]) == (301, "/about")


def test_a_static_site_has_no_other_methods(make: Site) -> None:
    response = make().post("/about", headers={"origin": "http://localhost"})
    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")


def test_in_a_server_site_other_methods_are_live(make: Site) -> None:
    page = "from framework import Response\n\nprerender = True\n\n\ndef ALL(request):\n"
    page += "    return Response(request.method)\n"
    one = make(files={"framework.config.py": config(output="server"), "src/pages/ten.txt.py": page})
    mark(one)
    assert one.get("/ten.txt").text() == "file GET"
    assert one.post("/ten.txt", headers={"origin": "http://localhost"}).text() == "POST"


def test_a_rewrite_leads_to_a_prerendered_route(make: Site) -> None:
    one = make()
    mark(one)
    assert one.get("/live?/p/a").text() == "{'id': 'a'} {'n': 1}"
    assert one.get("/live?/p/b").status == 404


@pytest.mark.parametrize(
    ("slash", "plain", "with_slash"),
    [("ignore", 200, 200), ("never", 200, 301), ("always", 301, 200)],
)
@pytest.mark.parametrize("base", ["", "/docs"])
@pytest.mark.parametrize("mount", ["", "/at"])
def test_slashes_base_and_mount_are_those_of_the_route(
    make: Site, slash: str, plain: int, with_slash: int, base: str, mount: str
) -> None:
    one = make(f"trailing_slash={slash!r}, base={base or '/'!r}")
    mark(one)
    environ = {"SCRIPT_NAME": mount}

    def get(path: str) -> Any:
        return one.get(base + path, environ=environ)

    assert (get("/about").status, get("/about/").status) == (plain, with_slash)
    assert get("/about" if plain == 200 else "/about/").text() == "file about"
    assert get("" if base and slash == "never" else "/").text() == "file home"
    assert get("/ten.txt").text() == "file 0123456789"
    assert get("/ten.txt/").status == 301
    if base:
        assert one.get("/about", environ=environ).status == 404


def test_names_with_any_letters_are_served(make: Site) -> None:
    page = LISTED.replace("'a'", "'cafe\\u0301 100%'")
    one = make(files={"src/pages/p/[id].py": page})
    mark(one)
    for path in ("/p/caf%C3%A9%20100%25", "/p/cafe%CC%81%20100%25"):
        assert one.get(path).text().startswith("file ")


def test_files_of_routes_that_are_live_now_are_left_out(make: Site, caplog: Any) -> None:
    more = {f"src/pages/old{n}.jinja": "old" for n in range(3)}
    one = make(files=more)
    mark(one)
    one.write({"src/pages/about.jinja": "---\nprerender = False\n---\nlive"})
    for name in more:
        (one.root / name).unlink()
    assert one.get("/about").text() == "live"
    assert one.get("/old0").status == 404
    assert caplog.messages == [
        "The build in dist is older than the site: nothing is prerendered any more at "
        "/about, /old0, /old1 (and 1 more). Run: framework build"
    ]


def test_the_home_page_may_be_live_now(make: Site, caplog: Any) -> None:
    one = make()
    one.write({"src/pages/index.jinja": "---\nprerender = False\n---\nlive"})
    assert one.get("/").text() == "live"
    assert "any more at /. Run:" in caplog.text


def test_a_build_of_nothing_is_a_build(site: Site) -> None:
    one = site({**FILES, "framework.config.py": config()})
    (one.root / "dist").mkdir()
    (one.root / "dist/.framework.json").write_text('{"version": 1, "files": {}}')
    assert one.get("/about").status == 404


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": {"a": {}}}', '{"files": []}', "\xff"])
def test_a_list_of_files_that_no_build_wrote_is_a_mistake(site: Site, text: str) -> None:
    one = site({**FILES, "framework.config.py": config()})
    one.write({"dist/.framework.json": text})
    before = list(sys.path)
    assert one.errors() == (
        "The site has a mistake:\n"
        f"{one.root}/dist/.framework.json: is not what framework build wrote\n"
        "    Run: framework build"
    )
    assert sys.path == before


def test_a_file_is_no_build(site: Site) -> None:
    assert site({**FILES, "framework.config.py": config(), "dist": ""}).get("/").text() == "home"


def test_the_list_has_no_times_and_is_sorted(make: Site) -> None:
    text = (Path(make().root) / "dist/.framework.json").read_text()
    files = json.loads(text)["files"]
    assert list(files) == sorted(files) == ["about/index.html", "index.html", "p/a", "ten.txt"]
    assert files["ten.txt"]["path"] == "/ten.txt"


# ---------------------------------------------------------------- without one


def test_without_a_build_routes_run_and_the_log_says_so_once(site: Site, caplog: Any) -> None:
    one = site({**FILES, "framework.config.py": config()})
    assert one.get("/live?/p/a").status == 200
    assert caplog.messages == []
    assert [one.get("/p/a").status, one.get("/").status, one.get("/p/b").status] == [200, 200, 404]
    runs = [int(one.get("/p/a").headers["x-runs"]) for _ in "ab"]
    assert runs[1] == runs[0] + 1
    assert caplog.messages == [
        "There is no build in dist: prerendered routes run for each request. Run: framework build"
    ]


def test_development_does_as_the_build_would(make: Site, caplog: Any) -> None:
    one = make(dev=True)
    mark(one)
    with caplog.at_level(logging.WARNING, "framework"):
        assert one.get("/about").text() == "about"
        assert one.get("/p/b").status == 404
        assert one.post("/about", headers={"origin": "http://localhost"}).status == 405
    assert caplog.messages == []


def test_development_warns_of_headers_as_the_build_does(site: Site, caplog: Any) -> None:
    page = "from framework import Response\n\n\ndef GET(request):\n"
    page += "    return Response(request.headers.get('x-a', 'none'))\n"
    files = {"src/pages/h.py": page, "framework.config.py": config()}
    one = site(files, dev=True)
    assert [one.get("/h", headers={"x-a": "1"}).text() for _ in "ab"] == ["1", "1"]
    assert [text.partition(",")[0] for text in caplog.messages] == [
        "src/pages/h.py: request.headers was read"
    ]


def test_no_headers_are_warned_of_where_there_is_a_build(make: Site, caplog: Any) -> None:
    middleware = "def on_request(context, next):\n    context.request.headers.get('x')\n"
    one = make(files={"src/middleware.py": f"{middleware}    return next()\n"})
    caplog.clear()
    assert one.get("/p/b").status == 404
    assert one.get("/live?/about").status == 200
    assert caplog.messages == []
