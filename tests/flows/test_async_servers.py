"""Async handlers and bodies under real servers: many at once, restarts, and the end of a worker."""

import asyncio
import importlib.metadata
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from framework.web import loop
from tests.servers import Program, write
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.slow

SITE = {
    "wsgi.py": """
from pathlib import Path
from framework import App

application = App(Path(__file__).parent)
""",
    # It responds when 40 requests wait at once.
    "src/pages/meet.py": """
import asyncio
from framework import Response

barrier = asyncio.Barrier(40)

async def GET():
    return Response(str(await barrier.wait()))
""",
    "src/pages/shared.py": """
import httpx
from framework import Response

clients = []

async def GET(url):
    if not clients:
        limits = httpx.Limits(max_keepalive_connections=100, keepalive_expiry=None)
        clients.append(httpx.AsyncClient(limits=limits, timeout=60))
    response = await clients[0].get(url.search_params.get("from"))
    return Response(response.text)
""",
    "src/lib/streams.py": "streams = []\n",
    "src/pages/open.py": """
from framework import Response
from lib.streams import streams

def GET():
    return Response(str(len(streams)))
""",
    "src/pages/events.py": """
import asyncio
from framework import Response
from lib.streams import streams

async def GET():
    async def body():
        streams.append("open")
        try:
            while True:
                yield "data: tick\\n\\n"
                await asyncio.sleep(0.1)
        finally:
            streams.remove("open")

    return Response(body(), headers={"content-type": "text/event-stream"})
""",
    "src/pages/plain.py": """
import os
from framework import Response

def GET():
    return Response(str(os.getpid()))
""",
    "src/pages/loop.py": """
import asyncio, os
from framework import Response

async def GET():
    return Response(f"{type(asyncio.get_running_loop()).__module__} {os.getpid()}")
""",
    # It responds when the file "go" is there. It leaves a task behind.
    "src/pages/slow.py": """
import asyncio
from pathlib import Path
from framework import Response

tasks = []

async def forever():
    try:
        await asyncio.sleep(3600)
    finally:
        print("The task ended.", flush=True)

async def GET():
    tasks.append(asyncio.create_task(forever()))
    print("The request began.", flush=True)
    while not Path("go").exists():
        await asyncio.sleep(0.01)
    print("The request ended.", flush=True)
    return Response("slow")
""",
}
WITHOUT_UVLOOP = {"wsgi.py": f"import sys\nsys.modules['uvloop'] = None\n{SITE['wsgi.py']}"}


def require_package(name: str) -> None:
    """Skip the test without the package, except in CI, where it fails."""
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        missing = f"{name} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)


Serve = Callable[..., Program]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """`serve("gthread", threads=40)` serves the site with one worker."""
    programs = []

    def serve(server: str, *options: str, threads: int = 40, files: object = ()) -> Program:
        write(tmp_path, SITE | dict(files))  # type: ignore[call-overload]
        if server == "granian":
            require_package("granian")
            options += ("--interface=wsgi", "--workers=1", f"--blocking-threads={threads}")
            options += (f"--port={free_port()}", "--no-ws", "wsgi:application")
            program, ready = Program(tmp_path, "granian", *options), "Started worker-1"
        elif server == "waitress":
            require_package("waitress")
            options += (f"--threads={threads}", "--listen=127.0.0.1:0", "wsgi:application")
            program, ready = Program(tmp_path, "waitress", *options), "Serving on"
        elif server == "start":
            options = ("start", "--port=0", *options)
            program = Program(tmp_path, "framework", *options)
            ready = "Booting worker|Started worker"
        else:
            if server == "gevent":
                require_package("gevent")
            elif server == "gthread":
                options += (f"--threads={threads}",)
            options += (f"--worker-class={server}", "--bind=127.0.0.1:0", "--no-control-socket")
            program, ready = Program(tmp_path, "gunicorn", *options, "wsgi"), "Booting worker"
        programs.append(program)
        program.says(ready)
        return program

    yield serve
    for program in programs:
        program.stop()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def ask_often(program: Program, path: str, times: int) -> list[tuple[int, str]]:
    """Send GET requests, 40 at a time."""
    with ThreadPoolExecutor(40) as pool:
        return list(pool.map(lambda _: program.ask(path), range(times)))


CROWDS = pytest.mark.parametrize("server", ["gthread", "gevent", "granian", "waitress"])


@CROWDS
def test_forty_async_requests_wait_at_once(serve: Serve, server: str) -> None:
    program = serve(server)
    found = ask_often(program, "/meet", 200)
    assert {status for status, _ in found} == {200}
    assert sorted(int(body) for _, body in found) == sorted([*range(40)] * 5)


class Upstream(ThreadingHTTPServer):
    """A server that keeps its connections open, and counts them."""

    request_queue_size = 100
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), UpstreamHandler)
        self.connections = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()

    def process_request(self, *request: Any) -> None:
        self.connections += 1
        super().process_request(*request)


class UpstreamHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "8")
        self.end_headers()
        self.wfile.write(b"upstream")

    def log_message(self, format: str, *args: object) -> None:
        pass


@CROWDS
def test_a_client_is_shared_by_all_requests(serve: Serve, server: str) -> None:
    require_package("httpx")
    program = serve(server)
    with Upstream() as upstream:
        path = f"/shared?from=http://127.0.0.1:{upstream.server_port}/"
        assert set(ask_often(program, path, 200)) == {(200, "upstream")}
    assert upstream.connections <= 40


@CROWDS
def test_open_streams_hold_nothing_up_and_are_closed(serve: Serve, server: str) -> None:
    # Each open stream has a thread.
    program = serve(server, threads=90)
    address = ("127.0.0.1", program.port)
    streams = [socket.create_connection(address, PATIENCE) for _ in range(40)]
    for stream in streams:
        stream.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for stream in streams:
        received = b""
        while received.count(b"data: tick") < 2:
            received += stream.recv(4096)
    assert {status for status, _ in ask_often(program, "/plain", 40)} == {200}
    assert program.ask("/open") == (200, "40")
    for stream in streams:
        stream.close()
    program.answers("/open", 200, "0")


# ------------------------------------------------------------ one worker, from start to end


LIFESPAN = """
import asyncio

async def lifespan(app):
    yield
    await asyncio.sleep(0)
    print("The lifespan ended.", flush=True)
"""
GUNICORN = pytest.mark.parametrize("worker", ["sync", "gthread", "gevent"])


@pytest.mark.parametrize("server", ["sync", "gthread", "granian", "waitress"])
def test_uvloop_is_used_if_it_is_installed(serve: Serve, server: str) -> None:
    require_package("uvloop")
    assert serve(server).ask("/loop")[1].startswith("uvloop ")


@pytest.mark.parametrize("server", ["sync", "gthread", "granian", "waitress"])
def test_without_uvloop_the_loop_is_that_of_asyncio(serve: Serve, server: str) -> None:
    program = serve(server, files=WITHOUT_UVLOOP)
    assert program.ask("/loop")[1].startswith("asyncio.")
    found = ask_often(program, "/plain", 40) + ask_often(program, "/loop", 40)
    assert {status for status, _ in found} == {200}


def test_gevent_runs_the_loop_of_asyncio(serve: Serve) -> None:
    require_package("uvloop")
    assert serve("gevent").ask("/loop")[1].startswith("asyncio.")


@GUNICORN
def test_a_coroutine_may_run_before_the_fork(serve: Serve, worker: str) -> None:
    early = "print('Before the fork:', application.fetch('/loop').text(), flush=True)\n"
    program = serve(worker, "--preload", files={"wsgi.py": SITE["wsgi.py"] + early})
    before = program.says(r"Before the fork: \S+ (\d+)")[1]
    found = {program.ask("/loop") for _ in range(10)}
    assert {status for status, _ in found} == {200}
    assert before not in {body.split()[1] for _, body in found}


@GUNICORN
def test_workers_are_replaced_after_some_async_requests(serve: Serve, worker: str) -> None:
    program = serve(worker, "--max-requests=5")
    found = set()

    def ask() -> int:
        found.add(program.ask("/loop"))  # with the number of the process
        return len(found) - 1

    wait_until(ask, "another worker")
    assert {status for status, _ in found} == {200}


@pytest.mark.parametrize("server", ["gthread", "gevent", "granian"])
def test_requests_finish_before_the_server_ends(serve: Serve, server: str, tmp_path: Path) -> None:
    program = serve(server, files={"src/lifespan.py": LIFESPAN})
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(program.ask, "/slow")
        program.says("The request began")
        program.process.send_signal(signal.SIGTERM)
        program.says("Handling signal: term|Shutting down granian")
        (tmp_path / "go").touch()
        assert request.result(PATIENCE) == (200, "slow")
    assert program.wait() == 0
    found = re.findall("The (request|lifespan|task) ended", program.output)
    assert found == ["request", "lifespan", "task"]


@pytest.mark.parametrize("worker", ["gthread", "gevent", "granian"])
def test_a_reload_lets_requests_finish(serve: Serve, worker: str, tmp_path: Path) -> None:
    if worker == "granian":
        program = serve("start", files={"framework.config.py": CONFIG.format(GRANIAN)})
    else:
        program = serve(worker)
    old = program.ask("/loop")
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(program.ask, "/slow")
        program.says("The request began")
        program.process.send_signal(signal.SIGHUP)
        wait_until(lambda: program.ask("/loop") != old, "another worker")
        (tmp_path / "go").touch()
        assert request.result(PATIENCE) == (200, "slow")
    program.says("The task ended")
    assert program.ask("/loop")[0] == 200


CONFIG = """
from framework import Config
from framework.adapters import granian, gunicorn

config = Config(adapter={})
"""
GRANIAN = "granian(workers=1, threads=40, respawn_interval=0)"
GUNICORN_WORKER = "gunicorn(workers=1, threads=40, worker_class={!r})"


@pytest.mark.parametrize(
    "adapter", [GUNICORN_WORKER.format("gthread"), GUNICORN_WORKER.format("gevent"), GRANIAN]
)
def test_framework_start_runs_each_kind_of_worker(serve: Serve, adapter: str) -> None:
    """Gevent then replaces locks and queues after the framework is imported."""
    program = serve("start", files={"framework.config.py": CONFIG.format(adapter)})
    found = ask_often(program, "/meet", 80)
    assert {status for status, _ in found} == {200}


def test_gevent_says_how_a_coroutine_calls_another_through_plain_code(serve: Serve) -> None:
    files = {
        "src/pages/plain-call.py": "async def GET(rewrite):\n    return rewrite('/loop')\n",
        "src/pages/in-thread.py": (
            "import asyncio\n\n"
            "async def GET(rewrite):\n    return await asyncio.to_thread(rewrite, '/loop')\n"
        ),
    }
    program = serve("gevent", files=files)
    assert program.ask("/plain-call")[0] == 500
    program.says(r"await asyncio\.to_thread\(function, \.\.\.\)")
    assert program.ask("/in-thread")[0] == 200
    assert program.ask("/loop")[0] == 200


FORK = """
import asyncio, ctypes, os
from framework import App
from framework.web.loop import run

run(asyncio.sleep(0))
child = ctypes.PyDLL(None).fork()
if child == 0:
    run(asyncio.sleep(0))
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
run(asyncio.sleep(0))
"""


def test_a_fork_is_noticed_that_python_is_not_told_of(tmp_path: Path) -> None:
    """UWSGI forks so."""
    write(tmp_path, {"fork.py": FORK})
    program = Program(tmp_path, "fork")
    try:
        program.says("^7\n$")
        assert program.wait() == 0
    finally:
        program.stop()


def test_a_loop_without_a_thread_fails_and_the_next_coroutine_starts_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    loop.run(asyncio.sleep(0))
    loop.choose_loop().stop()
    with monkeypatch.context() as patches:
        patches.setattr(threading.Thread, "start", fail)
        coroutine = asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            loop.run(coroutine)
        coroutine.close()
    loop.run(asyncio.sleep(0))
