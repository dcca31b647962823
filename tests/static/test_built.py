"""An application and its build: which files it serves, how, and what it runs instead."""

import gzip
import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import pytest
from werkzeug.http import http_date

from framework import Config, Response
from framework.static.built import find_built
from framework.static.files import StaticFile, make_headers
from tests.conftest import SiteMaker, TestSite

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


class BuiltMaker(Protocol):
    """The type of the fixture `make`."""

    def __call__(
        self, text: str = "", files: dict[str, str] | None = None, **options: Any
    ) -> TestSite:
        """Build a site; `text` goes into its configuration, `options` to its `App`."""


@pytest.fixture
def make(site: SiteMaker) -> BuiltMaker:
    def made(text: str = "", files: dict[str, str] | None = None, **options: Any) -> TestSite:
        one = site({**FILES, "framework.config.py": config(text), **(files or {})}, **options)
        one.build()
        return one

    return made


def mark(one: TestSite) -> None:
    """Change each built file, so that its content tells that it was not run anew."""
    for path in (one.root / "dist").rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            path.write_text(f"file {path.read_text()}")


def test_prerendered_routes_are_files_past_middleware(make: BuiltMaker) -> None:
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


def test_head_range_and_conditions_are_those_of_a_file(make: BuiltMaker) -> None:
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
def test_a_validator_of_the_routes_own_counts(make: BuiltMaker, etag: str, status: int) -> None:
    more = f"MORE = {{'etag': '{etag}', 'last-modified': '{OLD}'}}\n"
    one = make(files={"src/pages/ten.txt.py": more + HEADERS})

    def get(**headers: str) -> Any:
        return one.get("/ten.txt", headers={k.replace("_", "-"): v for k, v in headers.items()})

    assert (get().headers["etag"], get().headers["last-modified"]) == (etag, OLD)
    assert get(if_none_match=etag).status == 304
    assert get(if_modified_since=OLD).status == 304
    assert get(range="bytes=0-1", if_range=etag).status == status  # only a strong one
    assert get(range="bytes=0-1", if_range='"other"').status == 200


def test_what_is_not_listed_is_the_sites_404_and_not_run(make: BuiltMaker) -> None:
    one = make(files={"src/pages/p/[id].py": LISTED})
    (one.root / "dist/p/b").write_text("put there by hand")
    response = one.get("/p/b", headers={"accept": "text/html"})
    assert (response.status, response.text()) == (404, "lost")
    assert one.request("HEAD", "/p/b").status == 404
    assert one.get("/.framework.json").status == 404


def test_error_pages_keep_their_status(make: BuiltMaker) -> None:
    one = make()
    for path in ("/404", "/404.html", "/nowhere"):
        assert one.get(path, headers={"accept": "text/html"}).status == 404


def test_configured_redirects_stay_redirects(make: BuiltMaker) -> None:
    one = make("redirects={'/old': '/about'}")
    assert (one.root / "dist/old/index.html").exists()
    response = one.get("/old")
    assert (response.status, response.headers["location"]) == (301, "/about")


def test_a_static_site_has_no_other_methods(make: BuiltMaker) -> None:
    response = make().post("/about", headers={"origin": "http://localhost"})
    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")


def test_in_a_server_site_other_methods_are_live(make: BuiltMaker) -> None:
    page = "from framework import Response\n\nprerender = True\n\n\ndef ALL(request):\n"
    page += "    return Response(request.method)\n"
    one = make(files={"framework.config.py": config(output="server"), "src/pages/ten.txt.py": page})
    mark(one)
    assert one.get("/ten.txt").text() == "file GET"
    assert one.post("/ten.txt", headers={"origin": "http://localhost"}).text() == "POST"


def test_a_rewrite_leads_to_a_prerendered_route(make: BuiltMaker) -> None:
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
    make: BuiltMaker, slash: str, plain: int, with_slash: int, base: str, mount: str
) -> None:
    live = {"src/pages/p/[id].py": f"prerender = False\n{LISTED}"}
    one = make(f"trailing_slash={slash!r}, base={base or '/'!r}", live)
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


def test_names_with_any_letters_are_served(make: BuiltMaker) -> None:
    page = LISTED.replace("'a'", "'cafe\\u0301 100%'")
    one = make(files={"src/pages/p/[id].py": page})
    mark(one)
    for path in ("/p/caf%C3%A9%20100%25", "/p/cafe%CC%81%20100%25"):
        assert one.get(path).text().startswith("file ")


def test_files_of_routes_that_are_live_now_are_left_out(make: BuiltMaker, caplog: Any) -> None:
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


def test_the_home_page_may_be_live_now(make: BuiltMaker, caplog: Any) -> None:
    one = make()
    one.write({"src/pages/index.jinja": "---\nprerender = False\n---\nlive"})
    assert one.get("/").text() == "live"
    assert "any more at /. Run:" in caplog.text


def test_pages_that_the_build_lacks_are_warned_of(make: BuiltMaker, caplog: Any) -> None:
    one = make()
    new = {f"src/pages/n/{number}.jinja": "x" for number in range(4)}
    one.write({**new, "src/pages/n/[id].py": LISTED, "src/pages/n/404.jinja": "lost here"})
    assert [one.get(path).status for path in ("/n/0", "/n/a", "/about")] == [404, 404, 200]
    assert caplog.messages == [
        "The build in dist is older than the site: it has no file for src/pages/n/0.jinja, "
        "src/pages/n/1.jinja, src/pages/n/2.jinja (and 1 more). Run: framework build"
    ]


def test_a_build_for_another_base_is_warned_of(make: BuiltMaker, caplog: Any) -> None:
    one = make()
    one.write({"framework.config.py": config("base='/docs'")})
    assert one.get("/docs/about").text() == "about"
    assert caplog.messages == [
        "The build in dist is for the base '/', not '/docs', so links in it may be wrong. "
        "Run: framework build"
    ]


@pytest.mark.parametrize("replace", [Path.unlink, lambda path: (path.unlink(), path.mkdir())])
def test_a_built_file_that_is_gone_is_404_and_logged(
    make: BuiltMaker, caplog: Any, replace: Any
) -> None:
    one = make()
    path = one.root / "dist/about/index.html"
    replace(path)
    response = one.get("/about", headers={"accept": "text/html"})
    assert (response.status, response.text()) == (404, "lost")
    assert caplog.messages == [f"{path}, a file of the build, is gone. Run: framework build"]


def test_a_manifest_that_cannot_be_read_is_a_mistake(make: BuiltMaker) -> None:
    one = make()
    path = one.root / "dist/.framework.json"
    path.unlink()
    path.mkdir()
    assert one.errors() == (
        f"The site has a mistake:\n{path}: can't be read: Is a directory\n    Run: framework build"
    )
    one.build()
    assert path.is_file()


def test_a_build_of_nothing_is_a_build(site: SiteMaker) -> None:
    one = site({**FILES, "framework.config.py": config()})
    (one.root / "dist").mkdir()
    (one.root / "dist/.framework.json").write_text('{"version": 3, "files": {}}')
    assert one.get("/about").status == 404


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "\xff",
        '{"version": 3}',
        '{"version": 3, "files": []}',
        '{"version": 3, "files": {"a": {}}}',
        '{"version": 2, "files": {"a": {"path": "/a", "route": "a.py", "headers": {}}}}',
        '{"version": 4, "files": {}}',
        '{"version": 3, "files": {"a": {"path": "/a", "route": "a.py", "etag": "7", "headers": {"x": 1}}}}',
        '{"version": 3, "files": {"a": {"path": "/a", "route": "a.py", "etag": "7", "headers": {"x": "\\n"}}}}',
        '{"version": 3, "files": {"a": {"path": "/a", "route": "a.py", "etag": "7", "headers": {" ": "1"}}}}',
        '{"version": 3, "files": {}, "public": {"a": {"etag": "7", "encodings": ["zip"]}}}',
    ],
)
def test_an_invalid_manifest_is_a_mistake(site: SiteMaker, text: str) -> None:
    one = site({**FILES, "framework.config.py": config()})
    one.write({"dist/.framework.json": text})
    before = list(sys.path)
    assert one.errors() == (
        "The site has a mistake:\n"
        f"{one.root}/dist/.framework.json: is not a manifest of this version of the framework\n"
        "    Run: framework build"
    )
    assert sys.path == before


def test_a_file_is_not_a_build(site: SiteMaker) -> None:
    assert site({**FILES, "framework.config.py": config(), "dist": ""}).get("/").text() == "home"


def test_the_list_has_no_times_and_is_sorted(make: BuiltMaker) -> None:
    text = (Path(make().root) / "dist/.framework.json").read_text()
    files = json.loads(text)["files"]
    assert list(files) == sorted(files) == ["about/index.html", "index.html", "p/a", "ten.txt"]
    assert files["ten.txt"]["path"] == "/ten.txt"


# ------------------------------------------------------------ variants, in a list by hand

BODY = b"<p>hello</p>" * 200
VARIANTS = {"br": b"as Brotli has it", "gzip": gzip.compress(BODY, mtime=0)}
HTML = "text/html;charset=UTF-8"
PAST = 1_700_000_000
ANY = {
    "framework.config.py": config(),
    "src/pages/[...path].py": LISTED.replace("id", "path"),
    "src/pages/404.jinja": "lost",
}


def digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def entry(content: bytes = BODY, *encodings: str, **more: Any) -> dict[str, Any]:
    row = {"etag": digest(content), **({"encodings": encodings} if encodings else {}), **more}
    return row | ({"route": "src/pages/[...path].py"} if "path" in more else {})


class ListedMaker(Protocol):
    """The type of the fixture `listed`."""

    def __call__(
        self,
        headers: dict[str, str] | None = None,
        public: dict[str, Any] | None = None,
        files: Mapping[str, str | bytes] | None = None,
        **options: Any,
    ) -> TestSite:
        """A site whose `dist/about/index.html` has variants and whose `dist/plain` has none."""


@pytest.fixture
def listed(site: SiteMaker) -> ListedMaker:
    def made(
        headers: dict[str, str] | None = None,
        public: dict[str, Any] | None = None,
        files: Mapping[str, str | bytes] | None = None,
        **options: Any,
    ) -> TestSite:
        said = {"content-type": HTML} if headers is None else headers
        one = site({**ANY, **(files or {})}, **options)
        manifest = {
            "version": 3,
            "files": {
                "about/index.html": entry(BODY, *VARIANTS, path="/about", headers=said),
                "plain": entry(b"plain", path="/plain", headers={}),
            },
            "public": public or {},
        }
        one.write(
            {
                "dist/about/index.html": BODY,
                "dist/about/index.html.br": VARIANTS["br"],
                "dist/about/index.html.gz": VARIANTS["gzip"],
                "dist/plain": b"plain",
                "dist/.framework.json": json.dumps(manifest),
            }
        )
        os.utime(one.root / "dist/about/index.html", (PAST, PAST))
        return one

    return made


def ask(one: TestSite, path: str = "/about", method: str = "GET", **headers: str) -> Response:
    return one.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0.5, gzip", "gzip"), ("x-gzip", "gzip")],
)
def test_a_client_gets_the_variant_that_it_likes(
    listed: ListedMaker, accept: str, encoding: str
) -> None:
    one = listed({"content-type": HTML, "x-own": "1"})
    response = ask(one, accept_encoding=accept)
    assert (response.status, response.bytes()) == (200, VARIANTS[encoding])
    assert dict(response.headers) == {
        "accept-ranges": "bytes",
        "cache-control": "public, max-age=0",
        "content-encoding": encoding,
        "content-length": str(len(VARIANTS[encoding])),
        "content-type": HTML,
        "etag": f'"{digest(BODY)}-{encoding}"',
        "last-modified": OLD,
        "vary": "accept-encoding",
        "x-content-type-options": "nosniff",
        "x-own": "1",
    }
    head = ask(one, method="HEAD", accept_encoding=accept)
    assert (head.status, dict(head.headers)) == (200, dict(response.headers))


@pytest.mark.parametrize("accept", [None, "", "zstd, deflate", "*;q=0", "identity;q=0", "identity"])
def test_any_other_client_gets_the_file_itself(listed: ListedMaker, accept: str | None) -> None:
    one = listed()
    response = ask(one, **({} if accept is None else {"accept_encoding": accept}))
    assert (response.status, response.bytes()) == (200, BODY)
    assert response.headers["etag"] == f'"{digest(BODY)}"'
    assert response.headers["content-length"] == str(len(BODY))
    assert response.headers["vary"] == "accept-encoding"
    assert "content-encoding" not in response.headers


def test_a_file_without_variants_is_the_same_for_all(listed: ListedMaker) -> None:
    response = ask(listed(), "/plain", accept_encoding="gzip")
    assert response.text() == "plain"
    assert response.headers["etag"] == f'"{digest(b"plain")}"'
    assert response.headers["content-type"] == "application/octet-stream"
    assert {"vary", "content-encoding"}.isdisjoint(response.headers)


def test_a_response_may_vary_by_more(listed: ListedMaker) -> None:
    one = listed({"vary": "cookie"})
    assert ask(one, accept_encoding="br").headers["vary"] == "cookie, accept-encoding"


def test_each_variant_is_validated_by_itself(listed: ListedMaker) -> None:
    one = listed()
    own, brotli, gzipped = (f'"{digest(BODY)}{end}"' for end in ("", "-br", "-gzip"))
    known = ask(one, accept_encoding="gzip", if_none_match=f'"x", {gzipped}')
    assert known.status == 304
    assert (known.headers["etag"], known.headers["vary"]) == (gzipped, "accept-encoding")
    assert {"content-encoding", "content-length", "content-type"}.isdisjoint(known.headers)
    assert ask(one, accept_encoding="gzip", if_none_match=f"{own}, {brotli}").status == 200
    assert ask(one, accept_encoding="br", if_none_match=brotli, method="HEAD").status == 304
    assert ask(one, accept_encoding="br", if_none_match="*").status == 304
    assert ask(one, if_none_match=own).status == 304
    assert ask(one, if_none_match=gzipped).status == 200
    assert ask(one, accept_encoding="gzip", if_modified_since=OLD).status == 304
    assert ask(one, accept_encoding="gzip", if_match=gzipped).bytes() == VARIANTS["gzip"]
    failed = ask(one, accept_encoding="gzip", if_match=own)
    assert (failed.status, failed.headers["vary"]) == (412, "accept-encoding")
    assert "content-encoding" not in failed.headers
    assert ask(one, accept_encoding="gzip", if_unmodified_since=OLD).status == 200


@pytest.mark.parametrize(
    ("etag", "encoded", "status"), [('"7"', '"7-gzip"', 200), ('W/"7"', 'W/"7-gzip"', 412)]
)
def test_a_variant_has_the_routes_own_validator(
    listed: ListedMaker, etag: str, encoded: str, status: int
) -> None:
    one = listed({"etag": etag})
    assert ask(one).headers["etag"] == etag
    assert ask(one, accept_encoding="gzip").headers["etag"] == encoded
    assert ask(one, accept_encoding="gzip", if_none_match=encoded).status == 304
    assert ask(one, accept_encoding="gzip", if_match=encoded).status == status  # only a strong one


def test_a_range_is_one_of_the_file_itself(listed: ListedMaker) -> None:
    one = listed()
    gzipped = {"accept_encoding": "gzip", "range": "bytes=0-3"}
    part = ask(one, **gzipped)
    assert (part.status, part.bytes()) == (206, BODY[:4])
    assert part.headers["content-range"] == f"bytes 0-3/{len(BODY)}"
    assert (part.headers["etag"], part.headers["vary"]) == (f'"{digest(BODY)}"', "accept-encoding")
    assert "content-encoding" not in part.headers
    assert ask(one, if_range=part.headers["etag"], **gzipped).status == 206
    whole = ask(one, if_range=f'"{digest(BODY)}-gzip"', **gzipped)
    assert (whole.status, whole.bytes()) == (200, BODY)
    head = ask(one, method="HEAD", **gzipped)  # has no ranges
    assert head.headers["content-encoding"] == "gzip"


def test_a_variant_that_is_gone_leaves_the_file_itself(listed: ListedMaker) -> None:
    one = listed()
    assert ask(one, accept_encoding="gzip").bytes() == VARIANTS["gzip"]
    for encoding in (".gz", ".br"):
        (one.root / f"dist/about/index.html{encoding}").unlink()
    (one.root / "dist/about/index.html.br").mkdir()
    for accept in ("gzip", "br"):
        response = ask(one, accept_encoding=accept)
        assert (response.status, response.bytes()) == (200, BODY)
        assert response.headers["etag"] == f'"{digest(BODY)}"'
        assert "content-encoding" not in response.headers


def test_a_variant_that_is_not_a_regular_file_is_not_sent(listed: ListedMaker) -> None:
    one = listed()
    (one.root / "dist/about/index.html.br").unlink()
    (one.root / "dist/about/index.html.br").symlink_to("/dev/null")
    assert ask(one, accept_encoding="br").bytes() == BODY


def test_a_variant_alone_is_not_found(listed: ListedMaker) -> None:
    one = listed()
    one.app  # noqa: B018 - it is started
    (one.root / "dist/about/index.html").unlink()
    assert ask(one, accept_encoding="gzip").status == 404


def test_what_another_build_wrote_meanwhile_has_no_validator_of_the_last(
    listed: ListedMaker,
) -> None:
    one = listed({"etag": '"own"', "last-modified": OLD})
    first = ask(one, accept_encoding="gzip")
    assert (first.headers["etag"], first.headers["last-modified"]) == ('"own-gzip"', OLD)
    later = time.time() + 60
    one.write({"dist/about/index.html": "new"})
    os.utime(one.root / "dist/about/index.html", (later, later))
    for known in ('"own"', '"own-gzip"'):
        second = ask(one, accept_encoding="gzip", if_none_match=known)
        assert (second.status, second.text()) == (200, "new")
        assert second.headers["last-modified"] == http_date(int(later))
        assert second.headers["etag"].endswith('-3"')
        assert second.headers["vary"] == "accept-encoding"


def test_a_clock_that_was_ahead_does_no_harm(listed: ListedMaker) -> None:
    one = listed()
    later = time.time() + 3600
    for name in ("about/index.html", ".framework.json"):
        os.utime(one.root / "dist" / name, (later, later))
    assert ask(one, accept_encoding="gzip").bytes() == VARIANTS["gzip"]


def test_it_does_no_harm_that_the_list_was_copied_before_the_files(listed: ListedMaker) -> None:
    one = listed()
    os.utime(one.root / "dist/.framework.json", (PAST - 1, PAST - 1))
    assert ask(one, accept_encoding="gzip").bytes() == VARIANTS["gzip"]


def test_slashes_and_base_are_those_of_any_file(listed: ListedMaker) -> None:
    one = listed(config=Config(output="static", base="/docs", trailing_slash="always"))
    assert ask(one, "/docs/about/", accept_encoding="gzip").bytes() == VARIANTS["gzip"]
    assert ask(one, "/docs/about", accept_encoding="gzip").status == 301


def test_whole_responses_keep_their_validators_beside_those_of_the_site(
    listed: ListedMaker,
) -> None:
    one = listed(config=Config(output="static", etag=True))
    assert ask(one, accept_encoding="gzip").headers["etag"] == f'"{digest(BODY)}-gzip"'


def test_equal_headers_are_kept_once(site: SiteMaker) -> None:
    one = site(ANY)
    said = {"content-type": HTML, "x-own": "1"}
    files = {
        "a": entry(path="/a", headers=said),
        "b": entry(path="/b", headers={**said, "etag": '"b"'}),
        "c": entry(BODY, "gzip", path="/c", headers=said),
        "d": entry(BODY, "gzip", path="/d", headers=said),
    }
    one.write({"dist/.framework.json": json.dumps({"version": 3, "files": files})})
    built = find_built(one.root / "dist")
    assert built is not None
    a, b, c, d = (built.files[f"/{name}"] for name in "abcd")
    assert a.headers is b.headers
    assert c.headers is d.headers
    assert a.headers is not c.headers
    assert c.encodings is d.encodings
    assert (a.etag, b.etag, a.content_type) == (f'"{digest(BODY)}"', '"b"', HTML)


# ------------------------------------------------------------ variants of public files


CSS = b"a { color: red }\n" * 100
STYLE = {"public/style.css": CSS, "dist/style.css.gz": gzip.compress(CSS, mtime=0)}


def test_a_public_file_has_the_variants_that_the_build_made(listed: ListedMaker) -> None:
    one = listed(public={"style.css": entry(CSS, "gzip")}, files=STYLE)
    os.utime(one.root / "public/style.css", (PAST, PAST))
    response = ask(one, "/style.css", accept_encoding="br, gzip")
    assert (response.status, response.bytes()) == (200, STYLE["dist/style.css.gz"])
    assert response.headers["content-type"] == "text/css;charset=UTF-8"
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["etag"] == f'"{digest(CSS)}-gzip"'
    assert response.headers["last-modified"] == OLD
    plain = ask(one, "/style.css")
    assert (plain.bytes(), plain.headers["etag"]) == (CSS, f'"{digest(CSS)}"')
    assert plain.headers["vary"] == response.headers["vary"] == "accept-encoding"


def test_a_public_file_that_the_build_did_not_see_has_none(listed: ListedMaker) -> None:
    one = listed(public={"style.css": entry(CSS, "gzip")}, files=STYLE)
    one.write({"public/style.css": CSS.upper()})
    response = ask(one, "/style.css", accept_encoding="gzip")
    assert response.bytes() == CSS.upper()
    assert {"vary", "content-encoding"}.isdisjoint(response.headers)


def test_a_public_file_that_changes_has_none_any_more(listed: ListedMaker) -> None:
    one = listed(public={"style.css": entry(CSS, "gzip")}, files=STYLE)
    os.utime(one.root / "public/style.css", (PAST, PAST))
    known = ask(one, "/style.css").headers["etag"]
    one.write({"public/style.css": CSS.upper()})
    os.utime(one.root / "public/style.css", (PAST - 1, PAST - 1))  # as a copy may have it
    response = ask(one, "/style.css", accept_encoding="gzip", if_none_match=known)
    assert (response.status, response.bytes()) == (200, CSS.upper())
    assert response.headers["etag"] != known


def test_a_public_file_that_is_gone_has_no_variants(listed: ListedMaker) -> None:
    one = listed(public={"style.css": entry(CSS, "gzip")})
    assert ask(one, "/style.css", accept_encoding="gzip").status == 404
    built = find_built(one.root / "dist")
    assert built is not None
    files = {"/style.css": StaticFile(str(one.root / "public/style.css"), make_headers("text/css"))}
    assert built.add_variants(files, "") == files  # deleted while the site was read


def test_a_public_files_variants_are_found_by_its_name(listed: ListedMaker) -> None:
    files = {"public/caf\u00e9.css": CSS, "dist/caf\u00e9.css.br": b"Brotli"}
    one = listed(
        public={"caf\u00e9.css": entry(CSS, "br")},
        files=files,
        config=Config(output="static", base="/docs"),
    )
    assert ask(one, "/docs/caf%C3%A9.css", accept_encoding="br").bytes() == b"Brotli"


def test_a_public_file_comes_before_a_built_one(listed: ListedMaker) -> None:
    one = listed(files={"public/about": "public"})
    assert ask(one, accept_encoding="gzip").text() == "public"


def test_development_has_no_variants(listed: ListedMaker) -> None:
    one = listed(public={"style.css": entry(CSS, "gzip")}, files=STYLE, mode="dev")
    assert ask(one, "/style.css", accept_encoding="gzip").bytes() == CSS


# ---------------------------------------------------------------- without one


def test_without_a_build_routes_run_and_the_log_says_so_once(site: SiteMaker, caplog: Any) -> None:
    one = site({**FILES, "framework.config.py": config()})
    assert one.get("/live?/p/a").status == 200
    assert caplog.messages == []
    assert [one.get("/p/a").status, one.get("/").status, one.get("/p/b").status] == [200, 200, 404]
    runs = [int(one.get("/p/a").headers["x-runs"]) for _ in "ab"]
    assert runs[1] == runs[0] + 1
    assert caplog.messages == [
        "No build found in dist: prerendered routes run for each request. Run: framework build"
    ]


def test_development_does_as_the_build_would(make: BuiltMaker, caplog: Any) -> None:
    one = make(mode="dev")
    mark(one)
    with caplog.at_level(logging.WARNING, "framework"):
        assert one.get("/about").text() == "about"
        assert one.get("/p/b").status == 404
        assert one.post("/about", headers={"origin": "http://localhost"}).status == 405
    assert caplog.messages == []


def test_development_warns_of_headers_as_the_build_does(site: SiteMaker, caplog: Any) -> None:
    page = "from framework import Response\n\n\ndef GET(request):\n"
    page += "    return Response(request.headers.get('x-a', 'none'))\n"
    files = {"src/pages/h.py": page, "framework.config.py": config()}
    one = site(files, mode="dev")
    assert [one.get("/h", headers={"x-a": "1"}).text() for _ in "ab"] == ["1", "1"]
    assert [text.partition(",")[0] for text in caplog.messages] == [
        "src/pages/h.py: reads request.headers"
    ]


def test_no_headers_are_warned_of_where_there_is_a_build(make: BuiltMaker, caplog: Any) -> None:
    middleware = "def on_request(context, next):\n    context.request.headers.get('x')\n"
    one = make(files={"src/middleware.py": f"{middleware}    return next()\n"})
    caplog.clear()
    assert one.get("/p/b").status == 404
    assert one.get("/live?/about").status == 200
    assert caplog.messages == []
