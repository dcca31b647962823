"""A built site answers as the same site in development, and as a static host does."""

import pytest

from framework import App, Response
from framework.cli.preview import StaticHost
from framework.web.wsgi import WSGIApplication
from tests.conftest import SiteMaker, call, make_environ

LISTED = (
    "def get_static_paths():\n    return [{'params': {'id': x}, 'props': {'n': 1}} for x in %r]\n"
)
PAGE = "---\nprerender = True\n%s---\n%s"
ENDPOINT = "from framework import Response\n\nprerender = True\n%s\n\ndef %s:\n    return %s\n"
FILES = {
    "src/pages/index.jinja": PAGE % ("", "home {{ url.host }}"),
    "src/pages/about.jinja": PAGE % ("response.headers['x-own'] = 'page'\n", "{{ url_for('/') }}"),
    "src/pages/blog/index.jinja": PAGE % ("", "blog"),
    "src/pages/blog/[id].jinja": PAGE
    % (LISTED % ["a", "v1.0", "café 100%"], "{{ params.id }} {{ props.n }}"),
    "src/pages/w/[...id].jinja": PAGE % (LISTED % [None, "x/y"], "rest {{ params.id }}"),
    "src/pages/n/[id=int].jinja": PAGE % (LISTED % [7], "number {{ params.id + 1 }}"),
    "src/pages/feed.xml.jinja": PAGE % ("", "<rss/>"),
    "src/pages/html.py": ENDPOINT
    % ("", "GET()", "Response('<p>', headers={'content-type': 'text/html'})"),
    "src/pages/d/[id].json.py": ENDPOINT
    % (LISTED % ["a", "v1.0"], "GET(params, props)", "Response.json([params, props])"),
    "src/pages/empty.txt.py": ENDPOINT % ("", "GET()", "Response('')"),
    "src/pages/unknown.bin.py": ENDPOINT % ("", "GET()", "Response(b'x')"),
    "src/pages/all.txt.py": ENDPOINT % ("", "ALL(request)", "Response(request.method)"),
    "src/pages/de.txt.py": ENDPOINT
    % ("", "GET()", "Response('x', headers={'vary': 'cookie', 'content-language': 'de'})"),
    "src/pages/404.jinja": "lost",
    "src/pages/live.py": ENDPOINT.replace("True", "False") % ("", "GET()", "Response('live')"),
    "public/x.txt": "public",
}
BUILT = [
    *("/", "/about", "/blog", "/blog/a", "/blog/v1.0", "/blog/caf%C3%A9%20100%25", "/w", "/w/x/y"),
    *("/n/7", "/feed.xml", "/html", "/d/a.json", "/d/v1.0.json", "/empty.txt", "/unknown.bin"),
    *("/all.txt", "/de.txt", "/x.txt"),
]
MISSING = ["/nowhere", "/blog/nope", "/w/zz", "/n/8", "/n/x", "/d/b.json", "/.framework.json"]
MORE = ["/live", "/old", "/404", "//about", "/feed.xml/", "/html/?x=1", "/index.html"]
NAMES = ("content-type", "content-language", "location", "x-own", "vary", "allow")


def ask(application: WSGIApplication, method: str, path: str) -> Response:
    accept = {"accept": "text/html, */*", "origin": "http://localhost"}
    return call(application, make_environ(method, path, accept))


def seen(response: Response, names: tuple[str, ...] = NAMES) -> object:
    """What must be the same for a client: status, headers and body."""
    headers = {name: response.headers.get(name) for name in names}
    headers["content-type"] = headers["content-type"] or "application/octet-stream"
    return response.status, headers, response.bytes() if response.status == 200 else b""


def configuration(output: str, slash: str = "ignore", base: str = "/") -> str:
    return (
        f"from framework import Config\n\nconfig = Config(output={output!r}, base={base!r}, "
        f"trailing_slash={slash!r}, redirects={{'/old': '/about'}})\n"
    )


@pytest.mark.parametrize("output", ["server", "static"])
@pytest.mark.parametrize("slash", ["ignore", "always", "never"])
@pytest.mark.parametrize("base", ["", "/docs"])
def test_production_answers_as_development(
    site: SiteMaker, output: str, slash: str, base: str
) -> None:
    one = site({**FILES, "framework.config.py": configuration(output, slash, base or "/")})
    one.build()
    developed, built = App(one.root, mode="dev"), App(one.root)
    for path in (*BUILT, *MISSING, *MORE, *(f"{path}/" for path in BUILT)):
        for method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE"):
            expected = seen(ask(developed, method, base + path))
            assert seen(ask(built, method, base + path)) == expected, (method, path)
    developed.close()
    built.close()


@pytest.mark.parametrize("base", ["", "/docs"])
def test_a_static_host_answers_as_production(site: SiteMaker, base: str) -> None:
    one = site({**FILES, "framework.config.py": configuration("static", base=base or "/")})
    one.build()
    host = StaticHost(one.root / "dist", base)
    names = ("content-type", "content-language", "x-own")
    for path in (*BUILT, *MISSING):
        for method in ("GET", "HEAD"):
            expected = seen(ask(one.app, method, base + path), names)
            assert seen(ask(host, method, base + path), names) == expected, (method, path)
