"""A built site behind a real nginx: the same answers as the application gives."""

import http.client
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from tests.conftest import SiteMaker, require_program
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

HANDLER = "from framework import Response\n\n\ndef GET():\n    return Response({})\n"
FILES = {
    "src/pages/index.jinja": "home",
    "src/pages/about.jinja": "about",
    "src/pages/blog/index.jinja": "blog",
    "src/pages/blog/[slug].jinja": (
        "---\ndef get_static_paths():\n"
        "    return [{'params': {'slug': s}} for s in ('one', 'caf\u00e9', 'a b', \"q'u;o{t}e\")]\n"
        "---\n{{ params.slug }}"
    ),
    "src/pages/feed.xml.jinja": "<rss/>",
    "src/pages/api/health.py": HANDLER.format("'ok'"),
    "src/pages/api/data.json.py": HANDLER.format("'[]', headers={'content-type': 'text/x-own'}"),
    "src/pages/go.py": HANDLER.replace("Response({})", "Response.redirect('/about?a=$b', 307)"),
    "src/pages/404.jinja": "lost",
    "src/middleware.py": (
        "def on_request(context, next):\n    response = next()\n"
        '    response.headers.set("x-own", \'a "b" \\\\ c; {d}\')\n    return response\n'
    ),
    "public/x.txt": "public",
    "public/.well-known/security.txt": "contact",
}
PATHS = [
    *("/", "/about", "/about/", "/blog", "/blog/", "/blog/one", "/blog/one/", "/feed.xml"),
    *("/blog/caf%C3%A9", "/blog/a%20b", "/blog/q'u;o%7Bt%7De", "/api/health", "/api/data.json"),
    *(
        "/x.txt",
        "/.well-known/security.txt",
        "/nothing",
        "/blog/nothing",
        "/about/x",
        "/go",
        "/old",
    ),
    *("/.framework.json", "/.framework.nginx.conf", "/_headers", "/_redirects", "/404.html"),
    *(
        "/p/1",
        "/p/1/?x=1",
        "/q/a%20b?x=1&y",
        "/old?x=%20",
        "/p/a%20b%3Fc",
        "/v-2/x",
        "/files/a/b",
        "/about?x=1",
        "/%0d%0aX:%20y",
        "/a%5Cb",
    ),
]
REDIRECTS = (
    "redirects={'/old': '/about', '/p/[id]': '/about?id', '/q/[id]': 'https://e.example/[id]#[id]', '/v-[n]/x': '/n/[n]/', "
    "'/files/[...rest]': {'status': 302, 'destination': '/f/[...rest]'}}"
)


@pytest.fixture(scope="module")
def program() -> str:
    return require_program("nginx")


class ServeByNginx(Protocol):
    """The type of the fixture `serve`."""

    def __call__(self, root: Path, more: str = "") -> int:
        """Serve the build of the site, with `more` in the configuration; the port."""


@pytest.fixture
def serve(program: str) -> Iterator[ServeByNginx]:
    processes = []

    def serve(root: Path, more: str = "") -> int:
        prefix = root.parent / "nginx"
        prefix.mkdir()
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {prefix}/{kind};" for kind in kinds)
        user = "user root;" if os.getuid() == 0 else ""
        # nginx takes over the socket, so no other program can take its port before it listens.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port: int = listener.getsockname()[1]
            (prefix / "nginx.conf").write_text(
                f"daemon off; {user} worker_processes 1; pid {prefix}/pid;\n"
                "events { }\n"
                f"http {{ access_log off; {temporary} include /etc/nginx/mime.types;\n"
                f"server {{ listen 127.0.0.1:{port}; server_name localhost;\n"
                f"root {root}/dist;\ninclude {root}/dist/.framework.nginx.conf;\n{more}\n}} }}\n"
            )
            command = [program, "-p", str(prefix), "-c", str(prefix / "nginx.conf"), "-e", "stderr"]
            environ = os.environ | {"NGINX": f"{listener.fileno()};"}
            processes.append(subprocess.Popen(command, env=environ, pass_fds=[listener.fileno()]))
        return port

    yield serve
    for process in processes:
        process.terminate()
        assert process.wait(PATIENCE) == 0


def ask(
    port: int, path: str, method: str = "GET", body: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request(method, path, body, headers={"host": "localhost", "accept": "text/html"})
    response = connection.getresponse()
    answer = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    connection.close()
    return answer


def told(status: int, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """What has to be the same; pages for errors are each server's own."""
    if status >= 400:
        return {"status": status, "lost": body == b"lost"}
    if status >= 300:
        return {"status": status, "location": unquote(headers["location"])}
    kind = headers["content-type"].lower().replace(" ", "")
    return {"status": status, "type": kind, "own": headers.get("x-own"), "body": body}


@pytest.mark.parametrize("form", ["directory", "file", "preserve"])
@pytest.mark.parametrize("slash", ["ignore", "always", "never"])
@pytest.mark.parametrize("base", ["/", "/caf\u00e9/a.b"])
def test_nginx_answers_as_the_application(
    site: SiteMaker, serve: ServeByNginx, form: str, slash: str, base: str
) -> None:
    config = (
        "from framework import *\n\nconfig = Config(output='static', "
        f"build=Build(format={form!r}), trailing_slash={slash!r}, base={base!r}, {REDIRECTS})\n"
    )
    files = {**FILES, "framework.config.py": config}
    if slash == "always":  # an endpoint that is not HTML can't be a file at a path with a slash
        files["src/pages/api/health.py"] = f"prerender = False\n{HANDLER}"
    one = site(files)
    one.build()
    prefix = "" if base == "/" else "/caf%C3%A9/a.b"
    # As a page that redirects, which it is for an application with files.
    different = {"/go"}
    # The application runs live routes, and adds a slash to what a route matches and doesn't list;
    # nginx adds one first where it will redirect.
    different |= (
        {"/api/health", "/blog/nothing", "/old", "/old?x=%20"} if slash == "always" else set()
    )
    port = serve(one.root)
    for path in PATHS:
        if path in different:
            continue
        response = one.get(prefix + path, headers={"accept": "text/html"})
        expected = told(response.status, dict(response.headers.items()), response.bytes())
        assert told(*ask(port, prefix + path)) == expected, path
    end = "/" if slash == "always" else ""
    status, headers, _ = ask(port, f"{prefix}/go{end}")
    assert (status, headers["location"]) == (307, "/about?a=%24b")
    status, headers, _ = ask(port, f"{prefix}/old{end}")
    assert (status, headers["location"]) == (301, f"{prefix}/about")
    assert ask(port, f"{prefix}/about{end}", "POST")[0] == 405
    if prefix:
        assert [ask(port, path)[0] for path in ("/", "/about", "/x.txt")] == [404] * 3


def test_nginx_asks_the_application_for_what_is_live(site: SiteMaker, serve: ServeByNginx) -> None:
    files = FILES | {
        "src/pages/about.jinja": "---\nprerender = True\n---\nabout",
        "src/pages/api/data.json.py": (
            "from framework import Response\n\nprerender = True\n\n\n"
            "def GET():\n    return Response.json([])\n\n\n"
            "def POST(request):\n    return Response(request.text()[::-1])\n"
        ),
        "src/pages/blog/index.jinja": "---\nprerender = True\n---\nblog",
        "src/pages/blog/[slug].jinja": "live {{ params.slug }}",
    }
    one = site({**files, "framework.config.py": "from framework import *\n\nconfig = Config()\n"})
    one.build()
    for name in ("about", "blog"):
        (one.root / f"dist/{name}/index.html").write_text(f"a file: {name}")

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    with make_server("127.0.0.1", 0, one.app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            proxy = f"proxy_pass http://127.0.0.1:{server.server_port};"
            more = f"location @site {{ {proxy} proxy_set_header Host localhost; }}"
            port = serve(one.root, more)
            answers = {path: ask(port, path) for path in ("/about", "/blog/", "/blog/caf%C3%A9")}
            posted = ask(port, "/api/data.json", "POST", "abc")
            refused = [ask(port, path, "DELETE")[0] for path in ("/about", "/about/", "/x.txt")]
            answers |= {path: ask(port, path) for path in ("/nothing", "/api/health", "/x.txt")}
        finally:
            server.shutdown()
            thread.join()
    assert {path: (status, body.decode()) for path, (status, _, body) in answers.items()} == {
        "/about": (200, "a file: about"),
        "/blog/": (200, "a file: blog"),
        "/blog/caf%C3%A9": (200, "live caf\u00e9"),
        "/nothing": (404, "lost"),
        "/api/health": (200, "ok"),
        "/x.txt": (200, "public"),
    }
    assert (posted[0], posted[2]) == (200, b"cba")
    assert refused == [
        one.request("DELETE", path).status for path in ("/about", "/about/", "/x.txt")
    ]
    assert answers["/about"][1]["x-own"] == answers["/blog/caf%C3%A9"][1]["x-own"]
    assert "x-own" not in answers["/x.txt"][1]
