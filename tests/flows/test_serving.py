"""Sites served by real processes: `framework dev`, `framework start` and plain gunicorn."""

import errno
import http.client
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest

from tests.servers import Program, write
from tests.waiting import PATIENCE, wait_until

Files = dict[str, str]

# Settings: replace workers without a pause; log requests.
AT_ONCE = {"gunicorn": "", "granian": ", respawn_interval=0"}
LOG = {
    "gunicorn": "accesslog='-', access_log_format='\"%(r)s\" %(s)s %({http.route}e)s'",
    "granian": "log_access=True, log_access_format='\"%(method)s %(path)s %(protocol)s\" '"
    "'%(status)d %(route)s'",
}

HELLO = "from framework import Response\n\n\ndef GET():\n    return Response({text!r})\n"
PID = """
import os
from framework import Response

def GET():
    return Response(str(os.getpid()))
"""


class RunProgram(Protocol):
    """The type of the fixture `run`."""

    def __call__(self, files: Files, module: str, *arguments: str) -> Program:
        """Write the files to a folder and run the module in it."""


class RunCommand(Protocol):
    """The type of the fixtures `dev` and `start`."""

    def __call__(self, files: Files, *options: str) -> Program:
        """Write the files to a folder and run the command `framework dev` or `start` in it."""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunProgram]:
    programs = []

    def run(files: Files, module: str, *arguments: str) -> Program:
        write(tmp_path, files)
        programs.append(Program(tmp_path, module, *arguments))
        return programs[-1]

    yield run
    for program in programs:
        program.stop()


@pytest.fixture
def dev(run: RunProgram) -> RunCommand:
    return lambda files, *options: run(files, "framework", "dev", "--port", "0", *options)


@pytest.fixture(params=["gunicorn", "granian"])
def server_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def start(run: RunProgram, server_name: str) -> RunCommand:
    # gunicorn ends at once only if all of its workers have started: one worker that has answered.
    one = {"framework.config.py": config(f"{server_name}(workers=1{AT_ONCE[server_name]})")}
    return lambda files, *options: run(one | files, "framework", "start", "--port", "0", *options)


def hello(text: str) -> str:
    return HELLO.format(text=text)


def config(adapter: str) -> str:
    return (
        "from framework import Config\nfrom framework.adapters import granian, gunicorn\n"
        f"config = Config(adapter={adapter})\n"
    )


# -------------------------------------------------------------------------- dev


def test_dev_says_where_it_serves_and_what_it_answered(dev: RunCommand, tmp_path: Path) -> None:
    files = {"src/pages/index.py": hello("ok"), "framework.config.py": "import framework\n"}
    files["framework.config.py"] += "config = framework.Config(base='/docs')\n"
    server = dev(files)
    server.says(r"framework \S+: http://127.0.0.1:\d+/docs/\n")
    server.says(f"Watching {re.escape(str(tmp_path))} and what the site reads. ")
    server.says("Serving 1 route.\n")
    assert server.ask("/docs/") == (200, "ok")
    assert server.ask("/none%1b[31m?q=1")[0] == 400
    server.says(r"\d\d:\d\d:\d\d GET /docs/ 200 \d+ ms\n")
    server.says(r"GET /none%1b\[31m\?q=1 400 \d+ ms\n")
    assert "\x1b" not in server.output


@pytest.mark.slow
def test_dev_sees_every_change_and_no_request_fails_meanwhile(
    dev: RunCommand, tmp_path: Path
) -> None:
    server = dev({"src/pages/index.py": hello("one")})
    assert server.ask() == (200, "one")
    write(tmp_path, {"src/pages/index.py": hello("two")})  # as long as before, in the same second
    server.answers("/", 200, "two")
    page = "{% include 'components/c.jinja' %}"
    write(tmp_path, {"src/components/c.jinja": "c1", "src/pages/page.jinja": page})
    server.answers("/page", 200, "c1")
    write(tmp_path, {"src/components/c.jinja": "c2"})
    server.answers("/page", 200, "c2")
    write(tmp_path, {"public/new/file.txt": "f1"})
    server.answers("/new/file.txt", 200, "f1")
    write(tmp_path, {"public/new/file.txt": "f2"})
    server.answers("/new/file.txt", 200, "f2")
    write(tmp_path, {"framework.config.py": "import framework\nconfig = framework.Config()\n"})
    server.says("Changed: framework.config.py")
    (tmp_path / "src/pages/page.jinja").unlink()
    wait_until(lambda: server.ask("/page")[0] == 404, "the page to be gone")


def test_dev_reads_a_library_again(dev: RunCommand, tmp_path: Path) -> None:
    page = "from framework import Response\nfrom lib.words import WORD\n"
    page += "def GET():\n    return Response(WORD)\n"
    server = dev({"src/pages/index.py": page, "src/lib/words.py": "WORD = 'one'\n"})
    assert server.ask() == (200, "one")
    write(tmp_path, {"src/lib/words.py": "WORD = 'two'\n"})
    server.answers("/", 200, "two")


@pytest.mark.slow
def test_dev_shows_a_mistake_at_its_route_and_recovers(dev: RunCommand, tmp_path: Path) -> None:
    server = dev({"src/pages/index.py": hello("fine"), "src/pages/other.py": hello("other")})
    assert server.ask() == (200, "fine")
    write(tmp_path, {"src/pages/index.py": "<script>alert(1)</script>\n"})
    wait_until(lambda: server.ask()[0] == 500, "the mistake to show")
    status, page = server.ask("/", accept="text/html")
    assert status == 500
    assert "src/pages/index.py:1: invalid syntax" in page
    assert "<script" not in page
    assert server.ask("/other") == (200, "other")
    assert "src/pages/index.py:1: invalid syntax" in server.output
    write(tmp_path, {"src/pages/index.py": hello("mended")})
    server.answers("/", 200, "mended")
    assert "Traceback" not in server.output


@pytest.mark.slow
def test_dev_starts_with_a_mistake_in_the_configuration(run: RunProgram, tmp_path: Path) -> None:
    files = {"src/pages/index.py": hello("ok"), "framework.config.py": "config = Conf()\n"}
    server = run(files, "framework", "--root", ".", "dev", "--port", "0", "--host", "localhost")
    server.says("framework.config.py:1: NameError")
    assert server.ask()[0] == 500
    write(tmp_path, {"framework.config.py": "from framework import Config\nconfig = Config()\n"})
    server.answers("/", 200, "ok")


READS = """
from pathlib import Path
from framework import Response

TEXT = ",".join(path.read_text() for path in sorted(Path("content").glob("*.md")))

def GET():
    return Response(TEXT)
"""


@pytest.mark.slow
def test_dev_sees_changes_of_what_the_site_reads_outside_of_its_source(
    dev: RunCommand, tmp_path: Path
) -> None:
    (tmp_path / "src" / "pages").mkdir(parents=True)
    (tmp_path / "src" / "pages" / "linked.py").symlink_to("../../elsewhere.py")
    files = {"src/pages/index.py": READS, "content/a.md": "a1", "elsewhere.py": hello("one")}
    server = dev(files)
    assert server.ask() == (200, "a1")
    write(tmp_path, {"content/a.md": "a2"})
    server.answers("/", 200, "a2")
    write(tmp_path, {"content/b.md": "b"})
    server.answers("/", 200, "a2,b")
    (tmp_path / "content" / "a.md").unlink()
    server.answers("/", 200, "b")
    write(tmp_path, {"elsewhere.py": hello("two")})
    server.answers("/linked", 200, "two")
    for name in ("data.sqlite", "game.swf", "x.bak", "new/folder/y"):
        write(tmp_path, {f"public/{name}": "new"})
        server.answers(f"/{name}", 200, "new")
    (tmp_path / "public" / "x.bak").rename(tmp_path / "public" / "z.bak")
    server.answers("/z.bak", 200, "new")
    assert server.ask("/x.bak")[0] == 404


@pytest.mark.slow
def test_dev_does_not_reload_for_what_the_site_writes_itself(
    dev: RunCommand, tmp_path: Path
) -> None:
    writes = """
import atexit, logging, os, sqlite3
from pathlib import Path
from framework import Response

os.makedirs("data", exist_ok=True)
Path("src/generated.txt").write_text("at start")
Path("src/count.txt").touch()
names = os.listdir("data")
logging.getLogger().addHandler(logging.FileHandler("src/site.log"))
logging.getLogger("site").warning("start")
atexit.register(lambda: Path("src/end.txt").write_text("at the end"))

def GET(session):
    count = Path("src/count.txt").read_text()
    Path("src/count.txt").write_text(count + "x")
    with sqlite3.connect("data/shop.dat") as database:
        database.execute("CREATE TABLE IF NOT EXISTS visit(id)")
        database.execute("INSERT INTO visit VALUES (1)")
    Path("data/part").write_text("upload")
    os.replace("data/part", f"data/upload-{len(count)}")
    logging.getLogger("site").warning("visit")
    session.set("count", count)
    return Response(count)
"""
    sessions = "import framework\nconfig = framework.Config(session=framework.Sessions())\n"
    files = {"src/pages/index.py": hello("one"), "src/pages/write.py": writes}
    server = dev(files | {"framework.config.py": sessions})
    assert [server.ask("/write")[1] for _ in range(3)] == ["", "x", "xx"]
    write(tmp_path, {"src/pages/index.py": hello("two")})
    server.answers("/", 200, "two")
    assert server.ask("/write")[1] == "xxx"
    write(tmp_path, {"src/pages/index.py": hello("three")})
    server.answers("/", 200, "three")
    assert re.findall("Changed: .*", server.output) == ["Changed: src/pages/index.py"] * 2


@pytest.mark.slow
def test_dev_recovers_when_the_source_is_gone_for_a_while(dev: RunCommand, tmp_path: Path) -> None:
    server = dev({"src/pages/index.py": hello("one")})
    assert server.ask() == (200, "one")
    (tmp_path / "src").rename(tmp_path / "away")
    wait_until(lambda: server.ask()[0] == 500, "the source to be gone")
    (tmp_path / "away").rename(tmp_path / "src")
    server.answers("/", 200, "one")
    write(tmp_path, {"src/pages/index.py": hello("two")})
    server.answers("/", 200, "two")


@pytest.mark.slow
def test_dev_recovers_from_files_of_editors(dev: RunCommand, tmp_path: Path) -> None:
    server = dev({"src/pages/index.py": hello("one")})
    pages, layouts = tmp_path / "src" / "pages", tmp_path / "src" / "layouts"
    for folder in (pages / "a.jinja", layouts / "b.jinja"):
        folder.mkdir(parents=True)
    for link in (pages / ".#index.py", layouts / ".#base.jinja", layouts / "base.jinja"):
        link.symlink_to("user@host.4711")
    write(tmp_path, {"src/pages/4913": "", "src/pages/index.py~": ""})
    server.says("src/layouts/base.jinja: can't be read")
    assert server.ask() == (200, "one")
    (layouts / "base.jinja").unlink()
    write(tmp_path, {"src/pages/index.py": hello("three"), "src/pages/index.py.swp": ""})
    write(tmp_path, {"src/pages/index.py": hello("two")})
    server.answers("/", 200, "two")
    assert "Traceback" not in server.output


@pytest.mark.slow
def test_dev_does_not_reload_for_caches_and_databases(dev: RunCommand, tmp_path: Path) -> None:
    server = dev({"src/pages/index.py": hello("one")})
    assert server.ask() == (200, "one")
    write(tmp_path, {"src/pages/__pycache__/x.pyc": "", "src/.index.py.swp": "", "shop.db": ""})
    write(tmp_path, {"src/shop.db-wal": "", "dist/index.html": "", "node_modules/x/x.js": ""})
    write(tmp_path, {"src/pages/index.py": hello("last")})
    server.answers("/", 200, "last")
    assert re.findall("Changed: .*", server.output) == ["Changed: src/pages/index.py"]


@pytest.mark.slow
def test_dev_lets_a_running_request_end_before_it_reloads(dev: RunCommand, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    # It runs until the process waits for it, to end.
    slow = f"""
import sys, threading, time, traceback
from pathlib import Path
from framework import Response

def is_awaited():
    frame = sys._current_frames()[threading.main_thread().ident]
    return any(f.name == "finish_requests" for f in traceback.extract_stack(frame))

def GET():
    Path({str(begun)!r}).touch()
    while not is_awaited():
        time.sleep(0.01)
    return Response("to its end")
"""
    server = dev({"src/pages/slow.py": slow})
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.ask, "/slow")
        wait_until(begun.exists, "the request to begin")
        write(tmp_path, {"src/pages/new.py": hello("new")})
        assert answer.result(PATIENCE) == (200, "to its end")
    server.answers("/new", 200, "new")


@pytest.mark.slow
def test_dev_does_not_wait_for_a_request_that_never_ends(dev: RunCommand, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    endless = f"""
import time
from pathlib import Path

def GET():
    Path({str(begun)!r}).touch()
    time.sleep(600)
"""
    server = dev({"src/pages/endless.py": endless})
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.ask, "/endless")
        wait_until(begun.exists, "the request to begin")
        write(tmp_path, {"src/pages/new.py": hello("new")})
        server.answers("/new", 200, "new")
        with pytest.raises(ConnectionResetError):
            answer.result(PATIENCE)


def next_process(server: Program) -> str:
    """The process that serves after the next change."""
    serving = server.ask()[1]

    def children() -> set[str]:
        listed = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid="], text=True)
        pairs = map(str.split, listed.splitlines())
        return {pid for pid, parent in pairs if parent == str(server.process.pid)}

    wait_until(lambda: len(children()) == 2, "the next process")
    (ready,) = children() - {serving}
    return ready


def test_dev_serves_a_change_with_a_process_that_was_ready_before(
    dev: RunCommand, tmp_path: Path
) -> None:
    server = dev({"src/pages/index.py": PID})
    ready = next_process(server)
    write(tmp_path, {"src/pages/index.py": f"{PID}\n"})
    server.answers("/", 200, ready)


@pytest.mark.slow
def test_dev_serves_a_change_if_the_next_process_was_killed(
    dev: RunCommand, tmp_path: Path
) -> None:
    server = dev({"src/pages/index.py": PID})
    os.kill(int(next_process(server)), signal.SIGKILL)
    write(tmp_path, {"src/pages/index.py": hello("changed")})
    server.answers("/", 200, "changed")


@pytest.mark.slow
def test_dev_starts_a_killed_server_again(dev: RunCommand) -> None:
    server = dev({"src/pages/index.py": PID})
    pid = int(server.ask()[1])
    os.kill(pid, signal.SIGKILL)
    server.says("The server ended with status -9; it starts again.")
    assert int(server.ask()[1]) != pid


@pytest.mark.slow
def test_dev_waits_for_a_save_if_reading_the_site_ends_the_process(
    dev: RunCommand, tmp_path: Path
) -> None:
    server = dev({"src/pages/index.py": "import os\nos._exit(3)\n"})
    server.says("The server ended with status 3; it starts again when you save.")
    write(tmp_path, {"src/pages/index.py": hello("better")})
    assert server.ask() == (200, "better")
    write(tmp_path, {"src/pages/index.py": "import os\nos._exit(4)\n"})
    server.says("The server ended with status 4; it starts again when you save.")
    assert server.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_dev_ends_with_its_child_and_without_a_traceback(dev: RunCommand, number: int) -> None:
    server = dev({"src/pages/index.py": PID})
    child = int(server.ask()[1])
    assert server.end(number) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert "Traceback" not in server.output


@pytest.mark.slow
def test_the_server_of_a_killed_dev_ends_by_itself(dev: RunCommand) -> None:
    server = dev({"src/pages/index.py": hello("ok")})
    assert server.ask() == (200, "ok")
    assert server.end(signal.SIGKILL) == -9
    wait_until(server.is_gone, "the port to be free")


@pytest.mark.slow
def test_a_server_whose_dev_was_killed_before_it_served_ends_too(
    dev: RunCommand, tmp_path: Path
) -> None:
    begun, flag = tmp_path / "begun", tmp_path / "flag"
    slow = f"""
import time
from pathlib import Path

Path({str(begun)!r}).touch()
while not Path({str(flag)!r}).exists():
    time.sleep(0.01)
"""
    server = dev({"src/pages/index.py": slow})
    wait_until(begun.exists, "the site to be read")
    assert server.end(signal.SIGKILL) == -9
    flag.touch()
    wait_until(server.is_gone, "the port to be free")


def test_dev_refuses_other_hosts_and_other_sites(dev: RunCommand) -> None:
    server = dev({"src/pages/index.py": hello("ok")})
    assert server.ask(host="evil.example")[0] == 403
    assert server.ask(sec_fetch_site="cross-site", sec_fetch_mode="no-cors")[0] == 403
    assert server.ask(host="site.localhost:4321") == (200, "ok")


def test_dev_names_a_port_in_use(run: RunProgram) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = run({"src/pages/index.py": PID}, "framework", "dev", "--port", str(port))
        assert server.wait() == 1
    assert server.output == (
        f"Port {port} is in use by another program.\n"
        f"    Stop it, or choose another port: --port {port + 1}\n"
    )


# ------------------------------------------------------------------------ start


def is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    return True


def two_workers(server: Program) -> set[str]:
    """The bodies of two workers, as soon as both have answered."""
    found: set[str] = set()

    def look() -> bool:
        found.add(server.ask()[1])
        return len(found) == 2

    wait_until(look, "two workers to answer")
    return found


def test_start_serves_with_workers_and_ends_gracefully(start: RunCommand, server_name: str) -> None:
    adapter = config(f"{server_name}(workers=2, threads=2)")
    server = start({"src/pages/index.py": PID, "framework.config.py": adapter})
    workers = two_workers(server)
    assert server.end() == 0
    assert "Traceback" not in server.output
    assert server.is_gone()
    assert not any(map(is_running, workers))


def test_the_access_log_has_the_route(start: RunCommand, server_name: str) -> None:
    adapter = config(f"{server_name}(workers=1, {LOG[server_name]})")
    page = {"src/pages/items/[id].py": PID, "public/a.txt": "a"}
    server = start(page | {"framework.config.py": adapter})
    server.ask("/items/7")
    server.says(r'"GET /items/7 HTTP/1.1" 200 /items/\[id\]\n')
    server.ask("/missing")
    server.says('"GET /missing HTTP/1.1" 404 /404\n')
    server.ask("/a.txt")
    server.says('"GET /a.txt HTTP/1.1" 200 -\n')
    server.ask("/a%0aforged")
    server.says("(?i)/a%0aforged")


def test_start_reports_a_mistake_before_the_port_opens(start: RunCommand) -> None:
    server = start({"src/pages/index.py": "def GET(:\n"})
    assert server.wait() == 1
    assert server.output == (
        "The site has a mistake:\n"
        "src/pages/index.py:1: invalid syntax\n"
        "    Fix this line: def GET(:\n"
    )


def test_start_reports_an_unknown_setting(start: RunCommand, server_name: str) -> None:
    adapter = config(f"{server_name}(workrs=3)")
    server = start({"src/pages/index.py": PID, "framework.config.py": adapter})
    assert server.wait() == 1
    assert "framework.config.py:3" in server.output
    assert f"{server_name}(workrs=3): unknown setting. Did you mean workers?" in server.output


@pytest.mark.parametrize(
    ("server_name", "setting", "problem"),
    [
        ("gunicorn", "worker_class='no.such.Worker'", "no.such.Worker"),
        ("granian", "ssl_cert='no.pem', ssl_key='no.pem'", "No such file"),
        ("granian", "process_name='site'", "process_name"),
    ],
)
def test_start_reports_a_setting_that_only_fails_in_use(
    start: RunCommand, server_name: str, setting: str, problem: str
) -> None:
    adapter = config(f"{server_name}({setting})")
    server = start({"src/pages/index.py": PID, "framework.config.py": adapter})
    assert server.wait() == 1
    assert f"{server_name} can't start: " in server.output
    assert problem in server.output


def test_start_tries_another_server(start: RunCommand, server_name: str) -> None:
    for name in AT_ONCE:
        server = start({"src/pages/index.py": PID}, "--server", name)
        server.says(rf"{name}\(workers=2, threads=8\) serves the site instead of its {server_name}")
        assert server.ask()[0] == 200
        server.end()


def test_granian_names_a_port_in_use(start: RunCommand) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = start({"src/pages/index.py": PID}, "--server=granian", f"--port={port}")
        assert server.wait() == 1
    assert f"granian can't start: [Errno {errno.EADDRINUSE}]" in server.output
    assert str(port) in server.output


def test_start_serves_on_a_unix_socket(start: RunCommand, server_name: str, tmp_path: Path) -> None:
    setting = {"gunicorn": "bind='unix:site.sock'", "granian": "uds='site.sock'"}[server_name]
    adapter = config(f"{server_name}({setting}, workers=1)")
    page = "from framework import Response\n\n\ndef GET(url, client_address):\n"
    page += "    return Response(f'{url.href} {client_address!r}')\n"
    server = start({"src/pages/index.py": page, "framework.config.py": adapter})
    server.says("Booting worker|Started worker")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "site.sock"))
        client.sendall(b"GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: client.recv(4096), b""))
    assert received.endswith(b"http://example.com/ ''")
    assert server.end() == 0
    assert not (tmp_path / "site.sock").exists()


def test_start_shows_nothing_of_a_crash_but_logs_it(start: RunCommand) -> None:
    server = start({"src/pages/index.py": "def GET():\n    raise ValueError('a secret')\n"})
    status, body = server.ask()
    assert status == 500
    assert "secret" not in body
    server.says(r"\[ERROR\] GET / failed in src/pages/index.py\n")
    server.says("ValueError: a secret")


def test_start_believes_no_header_about_scheme_and_mount(
    start: RunCommand, server_name: str
) -> None:
    page = "from framework import Response\ndef GET(url):\n    return Response(url.href)\n"
    server = start({"src/pages/x/index.py": page})
    plain = (200, f"http://127.0.0.1:{server.port}/x")
    assert server.ask("/x", x_forwarded_proto="https") == plain
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    connection.request("GET", "/y/x", headers={"SCRIPT_NAME": "/y"})
    # gunicorn drops a name with an underscore. Granian does not, and the site refuses this one.
    assert connection.getresponse().status == {"gunicorn": 404, "granian": 400}[server_name]
    connection.close()


@pytest.mark.slow
def test_a_hang_up_reads_the_site_again_unless_it_has_a_mistake(
    start: RunCommand, tmp_path: Path
) -> None:
    server = start({"src/pages/index.py": hello("first")})
    assert server.ask() == (200, "first")
    write(tmp_path, {"src/pages/index.py": "def GET(:\n"})
    server.process.send_signal(signal.SIGHUP)
    server.says("Not reloaded: the workers keep the old site. The site has a mistake:\n.*invalid")
    assert server.ask() == (200, "first")
    write(tmp_path, {"src/pages/index.py": hello("the second")})
    server.process.send_signal(signal.SIGHUP)
    server.answers("/", 200, "the second")
    assert server.end() == 0


@pytest.mark.slow
def test_a_worker_that_crashes_after_a_hang_up_is_replaced(start: RunCommand) -> None:
    server = start({"src/pages/index.py": PID})
    first = server.ask()[1]
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.ask()[1] != first, "another worker")
    wait_until(lambda: not is_running(first), "the end of the first worker")
    second = server.ask()[1]
    os.kill(int(second), signal.SIGKILL)
    wait_until(lambda: server.ask()[1] != second, "a third worker")
    assert server.end() == 0


@pytest.mark.slow
def test_a_worker_that_can_not_start_does_not_end_the_others(
    start: RunCommand, server_name: str, tmp_path: Path
) -> None:
    adapter = config(f"{server_name}(workers=2)")
    server = start({"src/pages/index.py": PID, "framework.config.py": adapter})
    gone, other = two_workers(server)
    write(tmp_path, {"src/pages/index.py": "def GET(:\n"})
    os.kill(int(gone), signal.SIGKILL)
    server.says("A worker can't start and tries again. The site has a mistake:\n.*invalid")
    assert server.ask() == (200, other)
    write(tmp_path, {"src/pages/index.py": PID})
    assert gone not in two_workers(server)
    assert server.end() == 0


LIFESPAN = """
from pathlib import Path

def lifespan(app):
    if Path("locked").exists():
        raise OSError("no database")
    yield
    print("The lifespan ended.", flush=True)
"""


def test_a_lifespan_that_fails_at_the_start_ends_the_server(
    start: RunCommand, server_name: str
) -> None:
    adapter = config(f"{server_name}(workers=2)")
    files = {"src/pages/index.py": PID, "src/lifespan.py": LIFESPAN, "locked": ""}
    server = start(files | {"framework.config.py": adapter})
    assert server.wait() != 0
    assert (
        "A worker can't start. The site has a mistake:\nsrc/lifespan.py:6: OSErr" in server.output
    )
    assert "Traceback" not in server.output


@pytest.mark.slow
def test_a_lifespan_that_fails_later_is_tried_again(start: RunCommand, tmp_path: Path) -> None:
    server = start({"src/pages/index.py": PID, "src/lifespan.py": LIFESPAN})
    first = server.ask()[1]
    write(tmp_path, {"locked": ""})
    os.kill(int(first), signal.SIGKILL)
    server.says("A worker can't start and tries again. The site has a mistake:\n.*no database")
    (tmp_path / "locked").unlink()
    assert server.ask()[1] != first
    assert server.end() == 0
    assert "The lifespan ended." in server.output


@pytest.mark.slow
def test_the_end_of_the_server_does_not_wait_for_a_worker_that_can_not_start(
    start: RunCommand, tmp_path: Path
) -> None:
    server = start({"src/pages/index.py": PID})
    first = server.ask()[1]
    write(tmp_path, {"src/pages/index.py": "def GET(:\n"})
    os.kill(int(first), signal.SIGKILL)
    server.says("A worker can't start and tries again")
    assert server.end() == 0
    assert "Traceback" not in server.output


@pytest.mark.slow
def test_the_workers_of_a_killed_server_end_by_themselves(
    start: RunCommand, server_name: str
) -> None:
    adapter = config(f"{server_name}(workers=2)")
    server = start({"src/pages/index.py": PID, "framework.config.py": adapter})
    two_workers(server)
    assert server.end(signal.SIGKILL) == -9
    wait_until(server.is_gone, "the port to be free")


def test_no_environment_variable_passes_for_a_header(
    start: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_X_ROLE", "admin")
    page = "from framework import Response\n\n\ndef GET(request):\n"
    page += "    return Response(request.headers.get('x-role', 'nobody'))\n"
    server = start({"src/pages/index.py": page})
    assert server.ask() == (200, "nobody")
    assert server.ask(x_role="guest") == (200, "guest")


@pytest.mark.slow
@pytest.mark.parametrize("server_name", ["gunicorn"])
def test_a_hang_up_of_a_preloaded_site_starts_new_workers(
    start: RunCommand, server_name: str
) -> None:
    adapter = config("gunicorn(workers=1, preload_app=True)")
    server = start({"src/pages/index.py": PID, "framework.config.py": adapter})
    first = server.ask()[1]
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.ask()[1] != first, "another worker")
    assert server.end() == 0


def test_plain_gunicorn_serves_the_application_of_a_wsgi_file(run: RunProgram) -> None:
    wsgi = "from pathlib import Path\nfrom framework import App\n"
    wsgi += "application = App(Path(__file__).parent)\n"
    files = {"src/pages/index.py": hello("plain"), "wsgi.py": wsgi}
    server = run(files, "gunicorn", "--bind", "127.0.0.1:0", "--no-control-socket", "wsgi")
    assert server.ask() == (200, "plain")
    assert server.end() == 0
