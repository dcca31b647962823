"""What clients may send, against a site with a guard in its middleware.

Whatever arrives: no 5xx, no way around the guard, no header that breaks a response, and the
next request is answered as ever.
"""

import json
import random
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import SiteMaker, TestSite, make_environ
from tests.servers import Program, write
from tests.waiting import PATIENCE

SECRET = "ADMIN-SECRET-7f3a"
PAGES: dict[str, str | bytes] = {
    "src/lib/log.py": "REACHED = []\nGUARDED = []\n",
    "src/middleware.py": (
        "from framework import Response\n"
        "from lib.log import GUARDED\n"
        "def on_request(context, next):\n"
        "    path = context.url.pathname\n"
        "    GUARDED.append(path)\n"
        "    if path == '/admin' or path.startswith('/admin/'):\n"
        "        return Response('Who are you?', status=401)\n"
        "    return next()\n"
    ),
    "src/pages/index.jinja": "<h1>Home {{ url.search_params.get('q', '') }}</h1>",
    "src/pages/admin/secret.py": (
        "from framework import Response\nfrom lib.log import REACHED\n"
        f"def ALL():\n    REACHED.append(1)\n    return Response('{SECRET}')\n"
    ),
    "src/pages/api/health.py": (
        "from framework import Response\ndef GET(): return Response.json({'ok': True})\n"
    ),
    "src/pages/api/echo.py": (
        "from framework import Response\ndef POST(request): return Response.json(request.json())\n"
    ),
    "src/pages/form.py": (
        "from framework import Response\n"
        "def POST(request):\n"
        "    form = request.form_data()\n"
        "    return Response.json(sorted(str(name) for name in form))\n"
    ),
    "src/pages/products/[id].json.py": (
        "from framework import Response\n"
        "def GET(params, cookies, url, request):\n"
        "    cookies.set('seen', params['id'])\n"
        "    found = cookies.get('a')\n"
        "    return Response.json({'id': params['id'], 'a': found and found.value,\n"
        "        'q': list(url.search_params.items()), 'path': url.pathname,\n"
        "        'headers': len(list(request.headers))}, headers={'x-id': url.pathname})\n"
    ),
    "src/pages/docs/[...path].py": (
        "from framework import Response\n"
        "def GET(params, url): return Response.json([params['path'], url.pathname])\n"
    ),
    "src/pages/go.py": (
        "from framework import Response\n"
        "def GET(rewrite, url):\n"
        "    try:\n"
        "        return rewrite(url.search_params.get('to') or '/')\n"
        "    except ValueError:\n"
        "        return Response('No.', status=400)\n"
    ),
    "src/pages/away.py": (
        "from framework import Response\n"
        "def GET(redirect, url):\n"
        "    try:\n"
        "        return redirect(url.search_params.get('to') or '/')\n"
        "    except ValueError:\n"
        "        return Response('No.', status=400)\n"
    ),
    "public/robots-static.txt": "static",
    "public/.git/config": "secretgit",
    "public/.env": "secretgit",
}
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+", re.IGNORECASE)
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
FINE = {200, 204, 301, 308, 302, 303, 400, 401, 403, 404, 405, 413, 415, 416, 206, 304, 412}


class Target:
    """The site under attack; every answer is looked at."""

    def __init__(self, made: TestSite) -> None:
        self.app = made.app
        import lib.log  # type: ignore[import-not-found]

        self.reached, self.guarded = lib.log.REACHED, lib.log.GUARDED

    def send(self, environ: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        started: list[Any] = []
        body = self.app(environ, lambda *head: started.append(head))
        try:
            content = b"".join(body)
        finally:
            getattr(body, "close", int)()
        ((line, headers),) = started
        status = int(line[:3])
        # A site that goes where a client says may be sent away, and in a circle.
        sent = re.search("/(go|away)", environ["PATH_INFO"])
        circle = status == 508 and sent
        assert status in FINE or circle, (line, environ)
        assert re.fullmatch(r"[2-5]\d\d [\t\x20-\x7e]+", line)
        for name, value in headers:
            assert TOKEN.fullmatch(name), headers
            assert VALUE.fullmatch(value), headers
        found = dict(headers)
        if "location" in found and not sent:
            assert re.match(r"/(?![/\\])", found["location"]), found
        assert self.reached == [], environ
        assert SECRET.encode() not in content
        assert b"secretgit" not in content
        assert b"Traceback" not in content
        for path in self.guarded:
            assert "//" not in path
            assert "\\" not in path
            assert not re.search(r"(^|/)\.\.?(/|$)", path)
        self.guarded.clear()
        return status, found, content

    def get(
        self,
        target: str,
        headers: dict[str, str] | None = None,
        extra: dict[str, str] | None = None,
    ) -> int:
        return self.send(make_environ("GET", target, headers or {}, extra=extra))[0]


@pytest.fixture
def target(site: SiteMaker) -> Iterator[Target]:
    target = Target(site(PAGES))
    yield target
    # Proof of life: whatever was sent, the next request is answered as ever.
    assert target.get("/") == 200
    assert target.get("/admin/secret") == 401
    answer = target.send(make_environ("GET", "/products/7.json", {"cookie": "a=b"}))
    assert json.loads(answer[2])["a"] == "b"


# ------------------------------------------------------------------ one by one


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/%61dmin/secret", 401),
        ("/%61%64%6d%69%6e%2fsecret", 401),
        ("/%2561dmin/secret", 404),
        ("/%252561dmin/secret", 404),
        ("/%25%32%3561dmin/secret", 404),
        ("//admin/secret", 301),
        ("/admin//secret", 301),
        ("/" * 50 + "admin/secret", 301),
        ("/admin%2Fsecret", 401),
        ("/%5Cadmin/secret", 400),
        ("/admin%5csecret", 400),
        ("/\\admin/secret", 400),
        ("/docs/../admin/secret", 400),
        ("/docs/%2e%2e/admin/secret", 400),
        ("/docs/..%2fadmin/secret", 400),
        ("/./admin/secret", 400),
        ("/docs/..", 400),
        ("/products/a%00b.json", 400),
        ("/api/health%0a", 400),
        ("/api/health%0d%0aX:y", 400),
        ("/api/health%7f", 400),
        ("/%C0%AF", 400),
        ("/products/%FF.json", 400),
        ("/products/%ED%A0%80.json", 400),
        ("/products/%EF%BF%BD.json", 400),
        ("/%", 404),
        ("/%zz", 404),
        ("/products/%.json", 200),
        ("/products/.json", 404),
        ("/products/1xjson", 404),
        ("/products/a/b.json", 404),
        ("/docs//evil/", 301),
        ("/docs/" + "a/" * 1900, 200),
        ("/" + "../" * 1200, 400),
        ("/" * 3900, 301),
        ("/" + "x" * 4200, 404),
        ("/products/" + "-" * 4000 + ".json", 200),
        ("//evil.example/", 404),
        ("/%5cevil.example/", 400),
        ("/docs//evil.example/%2e%2e", 400),
        ("/.env", 404),
        ("/.git/config", 404),
        ("/.well-known/../.git/config", 400),
        ("/src/pages/index.jinja", 404),
        ("/robots-static.txt/", 404),
        ("/robots-static.txt%00", 400),
        ("/nope/<script>alert(1)</script>", 404),
        ("/nope/{{7*191}}", 404),
    ],
)
def test_a_path_is_read_in_one_way(target: Target, path: str, status: int) -> None:
    assert target.get(path) == status


@pytest.mark.parametrize("path", ["", "*", "443", "in/secret", "http://evil/admin/secret", "@evil"])
def test_a_path_begins_with_a_slash_unless_it_is_empty(target: Target, path: str) -> None:
    status = target.get("/", extra={"PATH_INFO": path})
    assert status == (200 if path == "" else 400)


def test_a_rest_parameter_holds_no_empty_or_dotted_segment(target: Target) -> None:
    content = target.send(make_environ("GET", "/docs/a/%2561/b%20c/", {}))[2]
    assert json.loads(content) == ["a/%61/b c", "/docs/a/%2561/b%20c/"]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-middleware-subrequest": "src/middleware"},
        {"x-original-url": "/api/health"},
        {"x-rewrite-url": "/api/health"},
        {"x-forwarded-host": "evil.example", "x-forwarded-prefix": "/api"},
        {"x-http-method-override": "OPTIONS"},
        {"x-forwarded-proto": "x:admin?"},
    ],
)
def test_no_header_avoids_the_guard(target: Target, headers: dict[str, str]) -> None:
    assert target.get("/admin/secret", headers) == 401


@pytest.mark.parametrize("mount", ["/x", "/adm", "/x/"])
def test_a_header_does_not_mount_the_site(target: Target, mount: str) -> None:
    # As gunicorn hands it on: cut off the path, and still among the headers.
    extra = {"HTTP_SCRIPT_NAME": mount, "SCRIPT_NAME": mount, "PATH_INFO": "/admin/secret"}
    assert target.get("/", extra=extra) == 400


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("/admin/secret", 401),
        ("//localhost/admin/secret", 401),
        ("/%61dmin/secret", 401),
        ("admin/secret", 401),
        ("/x/../admin/secret", 401),
        ("/admin%2Fsecret", 401),
        ("/%2561dmin/secret", 404),
        ("/admin//secret", 401),
        ("\\admin\\secret", 401),
        ("/%00", 400),
        ("http://localhost/admin/secret", 401),
        ("/admin/secret?x#y", 401),
        ("/%FF", 400),
    ],
)
def test_a_rewrite_does_not_lead_around_the_guard(target: Target, to: str, status: int) -> None:
    assert target.get(f"/go?to={quote(to)}") == status


@pytest.mark.parametrize(
    "to",
    [
        "\\\\evil",
        "/\\evil",
        " //evil",
        "\t//evil",
        "//evil",
        "javascript:alert(1)",
        "https:evil",
        "/a\r\nX: y",
        "/\x00",
        "data:text/html,x",
        "HTTPS://evil",
        "/%0d%0a",
        "/café",
    ],
)
def test_a_redirect_to_what_a_client_sent_is_harmless(target: Target, to: str) -> None:
    status, headers, _ = target.send(make_environ("GET", f"/away?to={quote(to)}", {}))
    location = headers.get("location", "")
    assert (status == 302) == (location != "")
    assert location == "" or re.match(r"https://evil/|/(?![/\\])", location)


@pytest.mark.parametrize(
    ("cookie", "value"),
    [
        ("\xa0a=evil", None),
        ("=a=x", None),
        ('$Version=1; a="b; c=d"', '"b'),
        ("a=\xff", "\xff"),
        ("a=%ff", "%ff"),
        ("a=%", "%"),
        ("a=1; a=2", "1"),
        ("a\t= 1 ", "1"),
        (";" * 5000 + "a=1", "1"),
        ("__Host-a=1; A=2", None),
    ],
)
def test_cookies_are_read_without_trust(target: Target, cookie: str, value: str | None) -> None:
    content = target.send(make_environ("GET", "/products/7.json", {"cookie": cookie}))[2]
    assert json.loads(content)["a"] == value


def test_a_query_that_cannot_be_decoded_is_read_all_the_same(target: Target) -> None:
    for query in ("a=\xff", "a=%ff&b=%", "%00=%0d%0a", "&&==&", "a" * 9000, "#x"):
        environ = make_environ("GET", "/products/7.json", {}) | {"QUERY_STRING": query}
        assert target.send(environ)[0] == 200


@pytest.mark.parametrize(
    "method",
    [
        "GET_STATIC_PATHS",
        "PRERENDER",
        "__CLASS__",
        "ALL",
        "TRACE",
        "CONNECT",
        "get",
        "PROPFIND",
        "X" * 300,
    ],
)
def test_a_method_is_a_handlers_name_or_none(target: Target, method: str) -> None:
    environ = make_environ(method, "/api/health", {"content-type": "application/json"})
    status, headers, _ = target.send(environ)
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_the_method_all_does_not_avoid_the_guard(target: Target) -> None:
    for method in ("ALL", "PURGE", "HEAD", "OPTIONS"):
        environ = make_environ(method, "/admin/secret", {"content-type": "application/json"})
        assert target.send(environ)[0] == 401


def test_errors_hold_no_markup_of_the_client(target: Target) -> None:
    environ = make_environ("GET", "/nope/<script>?<script>", {"accept": "text/html"})
    status, headers, content = target.send(environ)
    assert (status, headers["x-content-type-options"]) == (404, "nosniff")
    assert b"<script" not in content


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/api/echo", b"[" * 100_000, {}, 400),
        ("/api/echo", b"NaN", {}, 400),
        ("/api/echo", b'"\\ud800"', {}, 200),
        ("/api/echo", b"\xff", {}, 400),
        ("/api/echo", b"", {}, 400),
        ("/api/echo", b"1" * 5000, {}, 400),
        ("/api/echo", b"{}", {"content-encoding": "gzip"}, 415),
        ("/api/echo", b"{}", {"content-length": "99999999999999999999"}, 413),
        ("/api/echo", b"{}", {"content-length": "100"}, 400),
        ("/api/echo", b"{}", {"content-length": "+2"}, 400),
        ("/api/echo", b"{}", {"content-length": "2", "transfer-encoding": "chunked"}, 400),
        ("/api/echo", b"{}", {"transfer-encoding": "gzip, chunked"}, 400),
        ("/form", b"a=1", {"content-type": "multipart/form-data"}, 400),
        ("/form", b"--x\r\n", {"content-type": "multipart/form-data; boundary=x"}, 400),
        ("/form", b"a=1", {"content-type": "text/csv"}, 415),
        ("/form", b"a=1", {"content-type": "application/x-www-form-urlencoded"}, 200),
        ("/api/health", b"{}", {}, 405),
    ],
)
def test_a_body_is_what_it_says_or_refused(
    target: Target, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    kind = {"content-type": "application/json"}
    assert target.send(make_environ("POST", path, kind | headers, body))[0] == status


# ------------------------------------------------------------------ thousands at once

PIECES = [
    *("/", "//", "\\", ".", "..", "/..", "%", "%2f", "%2e", "%25", "%5c", "%00", "%0a", "%C3%A9"),
    *("%C0%AF", "%FF", "%ED%A0%80", "%EF%BF%BD", "admin", "%61dmin", "secret", "ADMIN", "a", "?"),
    *("#", ";", ":", "@", "[", "]", "{{", "<", ">", " ", "\t", "e\xcc\x81", "\xe2\x80\xa8", "docs"),
    *("products", ".json", "api", "health", "go?to=", "/admin/secret", "\xff", "~", "*", "|", "^"),
]
HEADERS = [
    *("cookie", "host", "accept", "content-type", "origin", "sec-fetch-site", "range", "if-range"),
    *("if-none-match", "if-modified-since", "x-forwarded-for", "x-forwarded-host", "user-agent"),
    *("x-forwarded-prefix", "transfer-encoding", "content-encoding", "content-length", "if-match"),
]
VALUES = [
    *("a=b", "a=%ff; b", "text/html", "application/json;q=0.5", "multipart/form-data; boundary=x"),
    *(
        "application/x-www-form-urlencoded",
        "bytes=0-1",
        "bytes=-1",
        '"x"',
        "W/*",
        "null",
        "chunked",
    ),
    *("localhost", "http://localhost", "evil.example:80", "cross-site", "same-origin", "gzip", "7"),
    *("Tue, 14 Nov 2023 22:13:20 GMT", "0", "-1", "", ",", ";", "=", "\xff", "[::1]", "*/*;q=\xe9"),
]
PATHS = [
    *("/", "/admin/secret", "/api/health", "/api/echo", "/form", "/products/7.json", "/docs/a/b"),
    *("/go?to=/admin/secret", "/robots-static.txt", "/away?to=//evil"),
]


SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))]


def hostile_path(dice: random.Random) -> str:
    if dice.random() < 0.3:
        raw = list(dice.choice(PATHS))
        for _ in range(dice.randrange(4)):
            raw.insert(dice.randrange(1, len(raw) + 1), dice.choice(PIECES))
        return "".join(raw)
    if dice.random() < 0.2:
        return "/" + "".join(chr(dice.randrange(256)) for _ in range(dice.randrange(12)))
    return "/" + "".join(dice.choice(PIECES) for _ in range(dice.randrange(8)))


def hostile_text(dice: random.Random) -> str:
    pieces = [dice.choice(VALUES) for _ in range(dice.randrange(1, 4))]
    if dice.random() < 0.3:
        pieces.append("".join(chr(dice.randrange(256)) for _ in range(dice.randrange(10))))
    return "".join(c for c in "".join(pieces) if c not in "\r\n\0")


@pytest.mark.parametrize("seed", SEEDS)
def test_no_path_breaks_the_site_or_the_guard(target: Target, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(2500):
        target.get(hostile_path(dice))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_request_breaks_the_site_or_the_guard(target: Target, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(1000):
        path = dice.choice(PATHS) if dice.random() < 0.7 else hostile_path(dice)
        method = dice.choice(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PURGE"])
        names = dice.sample(HEADERS, dice.randrange(6))
        headers = {name: hostile_text(dice) for name in names}
        body = dice.choice(
            [
                b"",
                b"{}",
                b"[1",
                b"a=1&b",
                b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1',
                dice.randbytes(30),
                b"--x\r\n\r\n--x--",
                b'"\\ud800"',
                b"1e999",
            ]
        )
        environ = make_environ(method, path, headers, body)
        if dice.random() < 0.5:
            environ["wsgi.input_terminated"] = True
        environ["QUERY_STRING"] += dice.choice(["", "", hostile_text(dice)])
        target.send(environ)


# ------------------------------------------------------------------ through a server

HEAD = b"Host: localhost\r\nConnection: close\r\n"
JSON = HEAD + b"Content-Type: application/json\r\n"
CHUNKED = b"POST /api/echo HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET /admin/secret HTTP/1.1\r\nHost: localhost\r\n\r\n"


def post(headers: bytes, body: bytes = b"{}") -> bytes:
    return b"POST /api/echo HTTP/1.1\r\n" + JSON + headers + b"\r\n" + body


@pytest.fixture(scope="module", params=["gunicorn", "granian"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("hostile")
    write(folder, {name: text for name, text in PAGES.items() if isinstance(text, str)})
    program = Program(folder, "framework", "start", "--port=0", f"--server={request.param}")
    program.says("Booting worker|Started worker")
    yield program
    program.stop()


def exchange(server: Program, raw: bytes, *, is_cut: bool = False) -> tuple[int | None, bytes]:
    """Send the bytes; return the status, or `None` if the server closes without a response."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        received = b""
        try:
            client.sendall(raw)
            if is_cut:
                client.shutdown(socket.SHUT_WR)
            while data := client.recv(65536):
                received += data
        except ConnectionError:  # closed, with unread data
            pass
    found = re.match(rb"HTTP/1\.[01] (\d{3})", received)
    return int(found[1]) if found else None, received


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        # Framing.
        (post(b"Content-Length: 2\r\n"), {200}),
        (CHUNKED + b"2\r\n{}\r\n0\r\n\r\n", {200}),
        (post(b"Content-Length: 2\r\nContent-Length: 3\r\n"), {400}),
        (post(b"Content-Length: -2\r\n"), {400}),
        (post(b"Content-Length: +2\r\n"), {400}),
        (post(b"Content-Length: 0x2\r\n"), {400}),
        (post(b"Content-Length: 99999999999999999999999\r\n"), {400, 413}),
        (post(b"Content-Length: 99999999999\r\n"), {400, 413}),
        (post(b"Transfer-Encoding: xchunked\r\n"), {400, 501}),
        (post(b"Transfer-Encoding: chunked, identity\r\n"), {400, 501}),
        (post(b"Transfer-Encoding : chunked\r\n"), {400}),
        (post(b"Content-Length: 2\r\nX: 1\r\n folded\r\n"), {400}),
        (CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n", {400}),
        (CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n", {400}),
        # One request, whatever a second length says.
        (post(b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", SMUGGLED), {400, None}),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n" + SMUGGLED, {200}),
        # Heads.
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"X\x00: 1\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"X: \x00\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n", {400, 431, None}),
        (b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n", {400, 414, 431, None}),
        (b"GET / HTTP/9.9\r\n" + HEAD + b"\r\n", {400, 505}),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"Cookie: a=\xff\r\n\r\n", {200}),
        # Paths.
        (b"GET http://evil/admin/secret HTTP/1.1\r\n" + HEAD + b"\r\n", {400, 401}),
        (b"GET /%61dmin%2fsecret HTTP/1.1\r\n" + HEAD + b"\r\n", {401}),
        (b"GET /docs/..%2fadmin/secret HTTP/1.1\r\n" + HEAD + b"\r\n", {400}),
        (b"GET //admin/secret HTTP/1.1\r\n" + HEAD + b"\r\n", {301}),
        (b"GET /api/health%0d%0aX:y HTTP/1.1\r\n" + HEAD + b"\r\n", {400}),
        (b"GET admin/secret HTTP/1.1\r\n" + HEAD + b"\r\n", {400}),
        (b"OPTIONS * HTTP/1.1\r\n" + HEAD + b"\r\n", {400}),
        (b"GET /\xff HTTP/1.1\r\n" + HEAD + b"\r\n", {400}),
        (b"GET /#x HTTP/1.1\r\n" + HEAD + b"\r\n", {200, 400}),
    ],
)
def test_a_server_passes_on_no_broken_request(
    server: Program, raw: bytes, statuses: set[int | None]
) -> None:
    status, received = exchange(server, raw)
    assert status in statuses, received
    assert SECRET.encode() not in received
    assert b"Traceback" not in received
    assert server.ask("/api/health") == (200, '{"ok":true}')


@pytest.mark.parametrize(
    "raw", [post(b"Content-Length: 9\r\n"), CHUNKED, CHUNKED[:-2], b"\x16\x03\x01\x00"]
)
def test_a_request_that_ends_early_is_refused(server: Program, raw: bytes) -> None:
    status, _ = exchange(server, raw, is_cut=True)
    assert status in (400, None)
    assert server.ask("/api/health") == (200, '{"ok":true}')


@pytest.mark.parametrize("chunk", [b"2\r\n{}XX0\r\n\r\n", b"9\r\n{}"])
def test_gunicorn_refuses_a_broken_chunk_and_granian_ends_the_body_there(
    server: Program, chunk: bytes, request: pytest.FixtureRequest
) -> None:
    """What arrives is complete JSON, so that only the framing is wrong."""
    status, _ = exchange(server, CHUNKED + chunk, is_cut=True)
    assert status == {"gunicorn": 400, "granian": 200}[request.node.callspec.params["server"]]
