"""Forms, cookies and streams between a real browser and a real server."""

import hashlib
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.servers import Program, serve_by_gunicorn, write

pytestmark = pytest.mark.slow

MEGABYTE = 1024 * 1024

CONFIG = """\
from framework import Config, Security

config = Config(security=Security(max_body_size=60 * 1024 * 1024))
"""

LIB = """\
import threading

results = {}
go_on = threading.Event()
"""

FORM = """\
from framework import Response

HTML = '''<!doctype html><meta charset="utf-8"><title>Upload</title>
<form method="post" action="/upload" enctype="multipart/form-data">
<input name="title"><input type="file" name="a"><input type="file" name='b "1"'>
<input type="file" name="größe"><input type="file" name="none"><button>Send</button>
</form>'''

def GET():
    return Response(HTML, headers={"content-type": "text/html"})
"""

UPLOAD = """\
import hashlib

from lib.state import results

def told(value):
    if isinstance(value, str):
        return value
    digest = hashlib.file_digest(value.stream(), "sha256").hexdigest()
    return [value.name, value.type, value.size, digest]

def POST(request, redirect):
    form = request.form_data()
    results["form"] = [[name, told(value)] for name, value in form.items()]
    return redirect("/result.json", 303)
"""

RESULT = """\
from framework import Response
from lib.state import results

def GET():
    return Response.json(results["form"])
"""

COOKIES = """\
from framework import Response

def GET(cookies):
    return Response.json({name: cookies.get(name).value for name in ("n0", "n1", "n2", "n3", "n4")})

def POST(request, cookies):
    for number, value in enumerate(request.json()):
        cookies.set(f"n{number}", value, http_only=False)
    return Response(status=204)
"""

STREAM = """\
from framework import Response
from lib.state import go_on

def pieces():
    yield "first"
    yield "second" if go_on.wait(600) else "nobody asked"

def GET():
    go_on.clear()
    return Response(pieces())

def POST():
    go_on.set()
    return Response(status=204)
"""

FILES = {
    "framework.config.py": CONFIG,
    "wsgi.py": "from pathlib import Path\n\nfrom framework import App\n\n"
    "application = App(Path(__file__).parent)\n",
    "public/favicon.ico": "",
    "src/lib/state.py": LIB,
    "src/pages/index.py": FORM,
    "src/pages/upload.py": UPLOAD,
    "src/pages/result.json.py": RESULT,
    "src/pages/cookies.py": COOKIES,
    "src/pages/stream.py": STREAM,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    root = tmp_path_factory.mktemp("site")
    write(root, FILES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(root))
        with serve_by_gunicorn(root, "--threads=4") as server:
            yield server


def peak_memory(server: Program) -> int:
    """The most bytes of memory that the server's worker ever had."""
    worker = server.says(r"Booting worker with pid: (\d+)")[1]
    status = Path(f"/proc/{worker}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


def send(page: Page, server: Program, files: dict[str, Path], title: str) -> object:
    """What the server says that it got, after the redirect that follows the form."""
    page.goto(server.url)
    page.fill("input[name=title]", title)
    for name, path in files.items():
        page.locator(f"input[name={json.dumps(name, ensure_ascii=False)}]").set_input_files(path)
    page.click("button")
    page.wait_for_url(f"{server.url}/result.json")
    return json.loads(page.inner_text("pre"))


def told(name: str, path: Path, kind: str) -> list[object]:
    data = path.read_bytes()
    return [name, [path.name, kind, len(data), hashlib.sha256(data).hexdigest()]]


def test_a_form_with_files_arrives_as_it_was_sent(
    page: Page, server: Program, tmp_path: Path
) -> None:
    empty, small, large = tmp_path / "empty.txt", tmp_path / 'é "1".png', tmp_path / "large.bin"
    empty.write_bytes(b"")
    small.write_bytes(b"\n")
    large.write_bytes(random.Random(50).randbytes(50 * MEGABYTE))

    send(page, server, {"a": empty}, "so that everything is loaded")
    before = peak_memory(server)
    got = send(page, server, {"a": empty, 'b "1"': small, "größe": large}, "Größe & Co.")

    assert got == [
        ["title", "Größe & Co."],
        told("a", empty, "text/plain"),
        told('b "1"', small, "image/png"),
        told("größe", large, "application/octet-stream"),
        ["none", ["", "application/octet-stream", 0, hashlib.sha256(b"").hexdigest()]],
    ]
    assert peak_memory(server) - before < 20 * MEGABYTE


VALUES = ["plain", "a b;c,d", 'é€😀"\\', "100%25", "!#$&'()*+-./:<=>?@[]^_`{|}~"]


def test_the_browser_reads_cookies_as_they_were_set_and_sends_them_back(
    page: Page, server: Program
) -> None:
    page.goto(server.url)
    read = page.evaluate(
        """async values => {
            await fetch("/cookies", {method: "POST", body: JSON.stringify(values),
                headers: {"content-type": "application/json"}})
            return document.cookie.split("; ").map(cookie => cookie.split("="))
                .map(([name, ...rest]) => [name, decodeURIComponent(rest.join("="))])
        }""",
        VALUES,
    )
    expected = {f"n{number}": value for number, value in enumerate(VALUES)}
    assert dict(read) == expected
    assert page.evaluate("fetch('/cookies').then(r => r.json())") == expected


def test_a_stream_arrives_piece_by_piece(page: Page, server: Program) -> None:
    """The second piece is made only after the browser has told that it has the first."""
    page.goto(server.url)
    pieces = page.evaluate(
        """async () => {
            const reader = (await fetch("/stream")).body.getReader()
            const pieces = []
            for (;;) {
                const {done, value} = await reader.read()
                if (done) return pieces
                pieces.push(new TextDecoder().decode(value))
                await fetch("/stream", {method: "POST"})
            }
        }"""
    )
    assert pieces == ["first", "second"]
