"""Nothing of one request is in another: threads, forks, sites beside each other."""

import asyncio
import gc
import json
import subprocess
import sys
import threading
import tracemalloc
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from framework import App
from tests.conftest import SiteMaker, make_environ
from tests.waiting import PATIENCE

THREADS = 8
REQUESTS = 30
PAGES = {
    "src/lib/current.py": """
from contextvars import ContextVar

NONCE = ContextVar("nonce", default="nobody's")
""",
    "src/middleware.py": """
from lib.current import NONCE

async def on_request(context, next):
    nonce = context.url.search_params.get("nonce")
    context.locals.nonce = nonce
    context.cookies.set("nonce", nonce)
    token = NONCE.set(nonce)
    response = await next()
    NONCE.reset(token)
    response.headers.set("x-nonce", context.locals.nonce)
    return response
""",
    "src/pages/api/_middleware.py": """
def on_request(context, next):
    response = next()
    response.headers.set("x-inner", context.locals.nonce)
    return response
""",
    "src/pages/api/[id].py": """
import asyncio
import time
from framework import Response
from lib.current import NONCE

async def GET(params, locals, cookies, url):
    await asyncio.sleep(0)
    seen = [params["id"], locals.nonce, cookies.get("nonce").value, NONCE.get()]
    time.sleep(0)
    return Response.json([*seen, url.search_params.get("nonce")])

def POST(request, locals, cookies):
    time.sleep(0)
    return Response.json([request.text(), locals.nonce, cookies.get("nonce").value, NONCE.get()])
""",
    "src/pages/page/[id].jinja": """---
import time
nonce = locals.nonce
time.sleep(0)
---
{% macro show(x) %}{{ x }}{% endmacro -%}
{{ params.id }} {{ nonce }} {{ locals.nonce }} {{ show(url.search_params.get("nonce")) }}""",
    "src/pages/moved/[id].py": """
def GET(rewrite, params, locals):
    return rewrite(f"/api/{params['id']}?nonce={locals.nonce}")
""",
}


def fetch(app: Any, nonce: str) -> list[list[str]]:
    """What each way through the site says of the nonce that was sent."""
    seen = []
    for path in (f"/api/{nonce}", f"/moved/{nonce}"):
        response = app.fetch(f"{path}?nonce={nonce}")
        seen.append([*response.json(), response.headers["x-nonce"], response.headers["x-inner"]])
        seen[-1] += [c.partition(";")[0][6:] for c in response.headers.get_set_cookie()]
    posted = app.fetch(
        f"/api/x?nonce={nonce}", method="POST", headers={"content-type": "a/b"}, body=nonce
    )
    seen.append(posted.json())
    seen.append(app.fetch(f"/page/{nonce}?nonce={nonce}").text().split())
    return seen


def test_threads_share_nothing_of_a_request(site: SiteMaker) -> None:
    app = site(PAGES).app
    expected = [len(part) for part in fetch(app, "first")]
    foreign: list[Any] = []
    barrier = threading.Barrier(THREADS)

    def hammer(name: int) -> None:
        barrier.wait()
        for number in range(REQUESTS):
            nonce = f"n{name}x{number}"
            try:
                seen = fetch(app, nonce)
            except Exception as error:  # it is counted below
                foreign.append(error)
                return
            if [len(part) for part in seen] != expected or {nonce} != {*chain(*seen)}:
                foreign.append((nonce, seen))

    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=hammer, args=(name,)) for name in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch)
    assert foreign == []


def test_a_contextvar_of_a_request_is_not_the_callers(site: SiteMaker) -> None:
    app = site(PAGES).app
    import lib.current  # type: ignore[import-not-found]

    fetch(app, "theirs")
    assert lib.current.NONCE.get() == "nobody's"


def test_a_contextvar_of_the_lifespan_is_not_that_of_later_requests(site: SiteMaker) -> None:
    lifespan = """
from lib.current import NONCE

def lifespan(app):
    NONCE.set("the lifespan's")
    yield
"""
    index = "from framework import Response\nfrom lib.current import NONCE\n\n"
    index += "def GET():\n    return Response(NONCE.get())\n"
    current = PAGES["src/lib/current.py"]
    files = {"src/lib/current.py": current, "src/lifespan.py": lifespan}
    pages = site(files | {"src/pages/index.py": index})
    pages.get("/")
    assert pages.get("/").text() == "nobody's"


def test_requests_within_one_event_loop_share_nothing(site: SiteMaker) -> None:
    app = site(PAGES).app

    async def both() -> list[Any]:
        return await asyncio.gather(
            *(asyncio.to_thread(fetch, app, nonce) for nonce in ("one", "two"))
        )

    one, two = asyncio.run(both())
    assert ({*chain(*one)}, {*chain(*two)}) == ({"one"}, {"two"})


def test_two_sites_in_one_process(site: SiteMaker) -> None:
    def page(name: str) -> dict[str, str]:
        return {
            "src/lib/name.py": f"NAME = {name!r}\n",
            "src/lib/late.py": f"LATE = {name!r}\n",
            "src/pages/_near.py": f"NEAR = {name!r}\n",
            "src/pages/page.jinja": "---\nfrom lib.late import LATE\n---\n{{ LATE }}",
            "src/pages/index.py": "from framework import Response\nfrom lib.name import NAME\n"
            "from ._near import NEAR\n"
            "def GET(cookies):\n"
            "    import lib.late\n"
            "    cookies.set(NAME, NEAR)\n"
            "    return Response(NAME + NEAR + lib.late.LATE)\n",
        }

    one, two = site(page("one")), site(page("two"))
    for made in (one, two):
        made.app  # noqa: B018 - both are started before either answers
    answers = [made.get("/") for made in (one, two, one)]
    assert [answer.text() for answer in answers] == ["one" * 3, "two" * 3, "one" * 3]
    assert [len(answer.headers.get_set_cookie()) for answer in answers] == [1, 1, 1]
    assert [made.get("/page").text() for made in (two, one)] == ["two", "one"]


def test_two_applications_of_one_site_share_its_modules(site: SiteMaker) -> None:
    count = (
        "from framework import Response\nfrom lib.state import SEEN\n"
        "def GET():\n"
        "    from lib import state\n"
        "    SEEN.append(1)\n"
        "    return Response.json(len(state.SEEN))\n"
    )
    made = site({"src/lib/state.py": "SEEN = []\n", "src/pages/index.py": count})
    assert made.get("/").json() == 1
    second = App(made.root)
    assert [app.fetch("/").json() for app in (second, made.app)] == [2, 3]
    second.close()
    second.close()
    assert made.get("/").json() == 4
    made.close()
    fresh = App(made.root)
    assert fresh.fetch("/").json() == 1
    fresh.close()


FORK = """
import json, os, sys, warnings
from pathlib import Path
from framework import App

app = App(Path(sys.argv[1]))

def ask(nonce):
    response = app.fetch(f"/api/{nonce}?nonce={nonce}")
    page = app.fetch(f"/page/{nonce}?nonce={nonce}")
    return [response.json(), page.text().split()]

before = ask("before") if sys.argv[2] == "warm" else None
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.write(write, json.dumps(ask("child")).encode())
    os._exit(0)
parent = ask("parent")
os.close(write)
with os.fdopen(read) as pipe:
    answer = json.load(pipe)
_, status = os.waitpid(child, 0)
print(json.dumps([status, parent, answer]))
"""


@pytest.mark.parametrize("how", ["cold", "warm"])
def test_an_application_made_before_a_fork_works_in_both_processes(
    site: SiteMaker, tmp_path: Path, how: str
) -> None:
    script = tmp_path / "fork.py"
    script.write_text(FORK)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(site(PAGES).root), how],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    status, parent, child = json.loads(done.stdout)
    assert status == 0
    assert ({*chain(*parent)}, {*chain(*child)}) == ({"parent"}, {"child"})


IMPORT = """
import sys
from pathlib import Path

def audit(event, arguments):
    if event in ("socket.__new__", "subprocess.Popen", "os.fork", "_thread.start_new_thread"):
        happened.append(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        happened.append(arguments[:2])

happened = []
sys.dont_write_bytecode = True
from framework import App
sys.addaudithook(audit)
App(Path(sys.argv[1]))
print(happened)
"""


def test_the_start_opens_no_socket_thread_or_file_to_write(site: SiteMaker, tmp_path: Path) -> None:
    script = tmp_path / "start.py"
    script.write_text(IMPORT)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(site(PAGES).root)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_servers_environ_is_left_as_it_is(site: SiteMaker) -> None:
    app = site(PAGES).app
    environ = make_environ("GET", "/moved/x", {}) | {"QUERY_STRING": "nonce=x"}
    before = dict(environ)
    body = app(environ, lambda *_: None)
    assert list(body)
    assert environ == before | {"http.route": "/moved/[id]"}  # for instrumentation


def test_what_clients_send_does_not_pile_up(site: SiteMaker) -> None:
    app = site(
        {
            "src/pages/[id].py": "from framework import Response\n"
            "def GET(params, cookies, url):\n"
            "    cookies.set(params['id'], url.search)\n"
            "    return Response(params['id'], headers={'x-' + params['id']: '1'})\n",
            "src/pages/404.jinja": "{{ url.href }}",
        }
    ).app

    def ask(number: int) -> None:
        name = f"n{number}"
        headers = {"host": f"{name}.example", "cookie": f"{name}=1", "accept": f"a/{name}, */*"}
        app.fetch(f"/{name}?{name}={name}", headers=headers).text()
        app.fetch(f"/nothing/{name}?{name}={name}", headers=headers).text()

    for number in range(600):  # what is bounded fills up
        ask(number)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(600, 1600):
            ask(number)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert grown < 120_000  # bytes, for two thousand requests that all differ
