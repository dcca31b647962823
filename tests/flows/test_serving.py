"""Sites served by real processes: `framework dev`, `framework start` and plain gunicorn."""

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from framework.cli.server import listen

PATIENCE = 15.0  # seconds; only a failing test waits so long

Files = dict[str, str]

HELLO = "from framework import Response\n\n\ndef GET():\n    return Response({text!r})\n"
PID = """
import os
from framework import Response

def GET():
    return Response(str(os.getpid()))
"""


def wait_until(check: Callable[[], Any], what: str) -> Any:
    """What `check` returns as soon as it is true."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE} s for {what}")


class Program:
    """A program in a process of its own, which serves a site."""

    def __init__(self, folder: Path, *command: str) -> None:
        self._log = folder / "output.txt"
        environ = os.environ | {"PYTHONUNBUFFERED": "1"}
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A shell starts what runs in its background with Ctrl+C ignored.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def says(self, text: str) -> str:
        """Wait until the program has written something that matches; the match."""

        def look() -> re.Match[str] | None:
            return re.search(text, self.output)

        try:
            found: re.Match[str] = wait_until(look, repr(text))
        except AssertionError as error:
            raise AssertionError(f"{error}; the output is:\n{self.output}") from None
        return found[0]

    @property
    def port(self) -> int:
        return int(self.says(r"http://[^ ]+:\d+").rpartition(":")[2])

    def ask(self, path: str = "/", **headers: str) -> tuple[int, str]:
        """(status, body)"""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=names)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def answers(self, path: str, status: int, body: str) -> None:
        """Wait until the path is answered so. No request may fail meanwhile."""
        wait_until(lambda: self.ask(path) == (status, body), f"{path} to answer {status} {body!r}")

    def is_gone(self) -> bool:
        try:
            self.ask()
        except OSError:
            return True
        return False

    def end(self, signal_number: int = signal.SIGTERM) -> int:
        """The exit status after the signal."""
        self.process.send_signal(signal_number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """`run(files, "framework", "dev", ...)`: the program, run in a folder with these files."""
    programs = []

    def start(files: Files, *command: str) -> Program:
        write(tmp_path, files)
        programs.append(Program(tmp_path, *command))
        return programs[-1]

    yield start
    for program in programs:
        if program.process.poll() is None:
            program.process.terminate()
            try:
                program.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                program.process.kill()
                program.process.wait()


@pytest.fixture
def dev(run: Callable[..., Program]) -> Callable[..., Program]:
    def start(files: Files, *options: str) -> Program:
        return run(files, "framework", "dev", "--port", "0", *options)

    return start


@pytest.fixture
def start(run: Callable[..., Program]) -> Callable[..., Program]:
    def start(files: Files, *options: str) -> Program:
        return run(files, "framework", "start", "--port", "0", *options)

    return start


def write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def hello(text: str) -> str:
    return HELLO.format(text=text)


# -------------------------------------------------------------------------- dev


def test_dev_says_where_it_serves_and_what_it_answered(
    dev: Callable[..., Program], tmp_path: Path
) -> None:
    files = {"src/pages/index.py": hello("ok"), "framework.config.py": "import framework\n"}
    files["framework.config.py"] += "config = framework.Config(base='/docs')\n"
    server = dev(files)
    server.says(r"framework \S+: http://127.0.0.1:\d+/docs/\n")
    server.says("Watching src, public and framework.config.py in " + re.escape(str(tmp_path)))
    server.says("Serving 1 route.\n")
    assert server.ask("/docs/") == (200, "ok")
    assert server.ask("/none%1b[31m?q=1")[0] == 400
    server.says(r"\d\d:\d\d:\d\d GET /docs/ 200 \d+ ms\n")
    server.says(r"GET /none%1b\[31m\?q=1 400 \d+ ms\n")
    assert "\x1b" not in server.output


def test_dev_sees_every_change_and_no_request_fails_meanwhile(
    dev: Callable[..., Program], tmp_path: Path
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


def test_dev_reads_a_library_again(dev: Callable[..., Program], tmp_path: Path) -> None:
    page = "from framework import Response\nfrom lib.words import WORD\n"
    page += "def GET():\n    return Response(WORD)\n"
    server = dev({"src/pages/index.py": page, "src/lib/words.py": "WORD = 'one'\n"})
    assert server.ask() == (200, "one")
    write(tmp_path, {"src/lib/words.py": "WORD = 'two'\n"})
    server.answers("/", 200, "two")


def test_dev_shows_a_mistake_on_every_url_and_recovers(
    dev: Callable[..., Program], tmp_path: Path
) -> None:
    server = dev({"src/pages/index.py": hello("fine")})
    assert server.ask() == (200, "fine")
    write(tmp_path, {"src/pages/index.py": "<script>alert(1)</script>\n"})
    wait_until(lambda: server.ask("/any/url")[0] == 500, "the mistake to show")
    status, page = server.ask("/any/url", accept="text/html")
    assert status == 500
    assert "src/pages/index.py:1: invalid syntax" in page
    assert "<script" not in page
    assert "src/pages/index.py:1: invalid syntax" in server.output
    write(tmp_path, {"src/pages/index.py": hello("mended")})
    server.answers("/", 200, "mended")
    assert "Traceback" not in server.output


def test_dev_starts_with_a_mistake_in_the_configuration(
    run: Callable[..., Program], tmp_path: Path
) -> None:
    files = {"src/pages/index.py": hello("ok"), "framework.config.py": "config = Conf()\n"}
    server = run(files, "framework", "--root", ".", "dev", "--port", "0", "--host", "localhost")
    server.says("framework.config.py:1: NameError")
    assert server.ask()[0] == 500
    write(tmp_path, {"framework.config.py": "from framework import Config\nconfig = Config()\n"})
    server.answers("/", 200, "ok")


def test_dev_does_not_reload_for_caches_and_databases(
    dev: Callable[..., Program], tmp_path: Path
) -> None:
    server = dev({"src/pages/index.py": hello("one")})
    assert server.ask() == (200, "one")
    write(tmp_path, {"src/pages/__pycache__/x.pyc": "", "src/.index.py.swp": "", "shop.db": ""})
    write(tmp_path, {"src/shop.db-wal": "", "dist/index.html": "", "node_modules/x/x.js": ""})
    write(tmp_path, {"src/pages/index.py": hello("last")})
    server.answers("/", 200, "last")
    assert re.findall("Changed: .*", server.output) == ["Changed: src/pages/index.py"]


def test_dev_lets_a_running_request_end_before_it_reloads(
    dev: Callable[..., Program], tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    # It runs until the process waits for it, to end.
    slow = f"""
import sys, threading, time, traceback
from pathlib import Path
from framework import Response

def is_awaited():
    frame = sys._current_frames()[threading.main_thread().ident]
    return any(f.name == "join" for f in traceback.extract_stack(frame))

def GET():
    Path({str(begun)!r}).touch()
    while not is_awaited():
        time.sleep(0.01)
    return Response("to its end")
"""
    server = dev({"src/pages/slow.py": slow})
    answers: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: answers.append(server.ask("/slow")))
    thread.start()
    wait_until(begun.exists, "the request to begin")
    write(tmp_path, {"src/pages/new.py": hello("new")})
    thread.join(PATIENCE)
    assert answers == [(200, "to its end")]
    server.answers("/new", 200, "new")


def test_dev_does_not_wait_for_a_request_that_never_ends(
    dev: Callable[..., Program], tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    endless = f"""
import time
from pathlib import Path

def GET():
    Path({str(begun)!r}).touch()
    time.sleep(600)
"""
    server = dev({"src/pages/endless.py": endless})

    def give_up() -> None:
        with suppress(OSError, http.client.HTTPException):
            server.ask("/endless")

    thread = threading.Thread(target=give_up)
    thread.start()
    wait_until(begun.exists, "the request to begin")
    write(tmp_path, {"src/pages/new.py": hello("new")})
    server.answers("/new", 200, "new")
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_dev_starts_a_killed_server_again(dev: Callable[..., Program]) -> None:
    server = dev({"src/pages/index.py": PID})
    pid = int(server.ask()[1])
    os.kill(pid, signal.SIGKILL)
    server.says("The server ended with status -9; it starts again.")
    assert int(server.ask()[1]) != pid


def test_dev_waits_for_a_save_if_reading_the_site_ends_the_process(
    dev: Callable[..., Program], tmp_path: Path
) -> None:
    server = dev({"src/pages/index.py": "import os\nos._exit(3)\n"})
    server.says("The server ended with status 3; it starts again when you save.")
    write(tmp_path, {"src/pages/index.py": hello("better")})
    assert server.ask() == (200, "better")
    write(tmp_path, {"src/pages/index.py": "import os\nos._exit(4)\n"})
    server.says("The server ended with status 4; it starts again when you save.")
    assert server.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_dev_ends_with_its_child_and_without_a_traceback(
    dev: Callable[..., Program], number: int
) -> None:
    server = dev({"src/pages/index.py": PID})
    child = int(server.ask()[1])
    assert server.end(number) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert "Traceback" not in server.output


def test_the_server_of_a_killed_dev_ends_by_itself(dev: Callable[..., Program]) -> None:
    server = dev({"src/pages/index.py": hello("ok")})
    assert server.ask() == (200, "ok")
    assert server.end(signal.SIGKILL) == -9
    wait_until(server.is_gone, "the port to be free")


def test_a_server_whose_dev_was_killed_before_it_served_ends_too(
    dev: Callable[..., Program], tmp_path: Path
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


def test_dev_refuses_other_hosts_and_other_sites(dev: Callable[..., Program]) -> None:
    server = dev({"src/pages/index.py": hello("ok")})
    assert server.ask(host="evil.example")[0] == 403
    assert server.ask(sec_fetch_site="cross-site", sec_fetch_mode="no-cors")[0] == 403
    assert server.ask(host="site.localhost:4321") == (200, "ok")


def test_dev_names_a_port_in_use(run: Callable[..., Program]) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        server = run({"src/pages/index.py": PID}, "framework", "dev", "--port", str(port))
        assert server.process.wait(PATIENCE) == 1
    assert server.output == (
        f"Port {port} is in use by another program.\n"
        f"    Stop it, or choose another port: --port {port + 1}\n"
    )


# ------------------------------------------------------------------------ start


def config(adapter: str) -> str:
    return (
        "from framework import Config\nfrom framework.adapters import gunicorn\n"
        f"config = Config(adapter={adapter})\n"
    )


def test_start_serves_with_workers_and_ends_gracefully(start: Callable[..., Program]) -> None:
    adapter = config("gunicorn(workers=2, threads=2, accesslog='-')")
    server = start({"src/pages/index.py": PID, "framework.config.py": adapter})
    wait_until(lambda: server.output.count("Booting worker") == 2, "two workers")
    workers = set()
    wait_until(lambda: workers.add(server.ask()[1]) or len(workers) == 2, "both to answer")
    server.says('"GET / HTTP/1.1" 200')
    assert server.end() == 0
    assert "Traceback" not in server.output
    assert server.is_gone()


def test_start_reports_a_mistake_before_the_port_opens(start: Callable[..., Program]) -> None:
    server = start({"src/pages/index.py": "def GET(:\n"})
    assert server.process.wait(PATIENCE) == 1
    assert server.output == (
        "The site has a mistake:\n"
        "src/pages/index.py:1: invalid syntax\n"
        "    Fix this line: def GET(:\n"
    )


def test_start_reports_a_setting_that_gunicorn_does_not_have(start: Callable[..., Program]) -> None:
    adapter = config("gunicorn(timout=3)")
    server = start({"src/pages/index.py": PID, "framework.config.py": adapter})
    assert server.process.wait(PATIENCE) == 1
    assert "framework.config.py:3" in server.output
    assert "gunicorn(timout=3): unknown setting. Did you mean timeout?" in server.output


def test_start_reports_a_setting_that_only_fails_in_use(start: Callable[..., Program]) -> None:
    adapter = config("gunicorn(worker_class='no.such.Worker')")
    server = start({"src/pages/index.py": PID, "framework.config.py": adapter})
    assert server.process.wait(PATIENCE) == 1
    assert server.output.startswith("gunicorn can't start: ")
    assert "no.such.Worker" in server.output


def test_start_shows_nothing_of_a_crash_but_logs_it(start: Callable[..., Program]) -> None:
    server = start({"src/pages/index.py": "def GET():\n    raise ValueError('a secret')\n"})
    status, body = server.ask()
    assert status == 500
    assert "secret" not in body
    server.says(r"\[ERROR\] GET / failed in src/pages/index.py\n")
    server.says("ValueError: a secret")


def test_start_believes_no_header_about_scheme_and_mount(start: Callable[..., Program]) -> None:
    page = "from framework import Response\ndef GET(url):\n    return Response(url.href)\n"
    server = start({"src/pages/x/index.py": page})
    plain = (200, f"http://127.0.0.1:{server.port}/x")
    assert server.ask("/x", x_forwarded_proto="https") == plain
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    connection.request("GET", "/y/x", headers={"SCRIPT_NAME": "/y"})
    assert connection.getresponse().status in (400, 404)
    connection.close()


def test_a_hang_up_reads_the_site_again_unless_it_has_a_mistake(
    start: Callable[..., Program], tmp_path: Path
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


def test_a_worker_that_can_not_start_does_not_end_the_others(
    start: Callable[..., Program], tmp_path: Path
) -> None:
    server = start({"src/pages/index.py": PID})
    pids = set()
    wait_until(lambda: pids.add(server.ask()[1]) or len(pids) == 2, "both workers to answer")
    gone, other = pids
    write(tmp_path, {"src/pages/index.py": "def GET(:\n"})
    os.kill(int(gone), signal.SIGKILL)
    server.says("A worker can't start and tries again. The site has a mistake:\n.*invalid")
    assert server.ask() == (200, other)
    write(tmp_path, {"src/pages/index.py": PID})
    pids.clear()
    wait_until(lambda: pids.add(server.ask()[1]) or len(pids) == 2, "two workers to answer")
    assert gone not in pids
    assert server.end() == 0


def test_a_hang_up_of_a_preloaded_site_starts_new_workers(start: Callable[..., Program]) -> None:
    adapter = config("gunicorn(workers=1, preload_app=True)")
    server = start({"src/pages/index.py": PID, "framework.config.py": adapter})
    first = server.ask()[1]
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.ask()[1] != first, "another worker")
    assert server.end() == 0


def test_plain_gunicorn_serves_the_application_of_a_wsgi_file(run: Callable[..., Program]) -> None:
    wsgi = "from pathlib import Path\nfrom framework import App\n"
    wsgi += "application = App(Path(__file__).parent)\n"
    files = {"src/pages/index.py": hello("plain"), "wsgi.py": wsgi}
    server = run(files, "gunicorn", "--bind", "127.0.0.1:0", "--no-control-socket", "wsgi")
    assert server.ask() == (200, "plain")
    assert server.end() == 0
