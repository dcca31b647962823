"""`framework build` and `--jobs N`: the same build, written by several processes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from framework.build.workers import choose_jobs
from framework.errors import BuildError
from framework.site.static_paths import Listing, StaticPath
from tests.build.conftest import StaticSite, StaticSiteMaker
from tests.servers import accept_interrupts
from tests.waiting import PATIENCE, wait_until

PAGE = (
    "import os, time\nfrom framework import Response\n\n\ndef get_static_paths():\n"
    "    return [{'params': {'id': x}} for x in range(300)]\n\n\n"
    "def GET(params, request):\n    return Response(str(params['id']) * 400)\n"
)
CONFIG = "build=Build(compress=True), redirects={'/old': '/'}"
WAITING = PAGE.replace("    return Response(", "    time.sleep(600)\n    return Response(")


class ManyMaker(Protocol):
    """The type of the fixture `many`."""

    def __call__(self, page: str = PAGE, files: dict[str, str] | None = None) -> StaticSite:
        """A site of 302 paths; `page` is the code of 300 of them."""


@pytest.fixture
def many(static_site: StaticSiteMaker) -> ManyMaker:

    def make(page: str = PAGE, files: dict[str, str] | None = None) -> StaticSite:
        pages = {"src/pages/p/[id].txt.py": page, "src/pages/index.jinja": "home"}
        return static_site({**pages, **(files or {})}, CONFIG)

    return make


def test_several_processes_write_the_same_build(many: ManyMaker) -> None:
    one = many()
    report = one.build()
    alone = one.files()
    other = many(PAGE.replace("    return [", "    yield from ["))
    together = other.build(jobs=3)
    assert other.files() == alone
    assert (together.rendered, together.size) == (report.rendered, report.size)
    assert {file: count for file, (count, _) in together.routes.items()} == {
        file: count for file, (count, _) in report.routes.items()
    }


# ------------------------------------------------------------- without a number of processes


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three cores, and no threads of the test runner."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.main_thread()])


PIDS = PAGE.replace("300", "600").replace("str(params['id']) * 400", "str(os.getpid())")


def pids(one: StaticSite, folder: str) -> set[int]:
    return {int(path.read_text()) for path in (one.dist / folder).iterdir()}


@pytest.mark.usefixtures("cores")
@pytest.mark.parametrize(
    ("sizes", "jobs"), [([], 1), ([499], 1), ([250, 250], 2), ([700], 2), ([10_000], 3)]
)
def test_there_are_as_many_processes_as_gain(sizes: list[int], jobs: int) -> None:
    plan: Any = [(None, Listing(range(size), StaticPath)) for size in sizes]  # type: ignore[arg-type]
    assert choose_jobs(plan) == jobs


def test_a_site_that_started_threads_is_built_in_one_process(
    monkeypatch: pytest.MonkeyPatch, cores: None
) -> None:
    threads = [threading.main_thread(), threading.Thread(name="pool")]
    monkeypatch.setattr(threading, "enumerate", lambda: threads)
    plan: Any = [(None, Listing(range(10_000), StaticPath))]  # type: ignore[arg-type]
    assert choose_jobs(plan) == 1


@pytest.mark.usefixtures("cores")
def test_many_paths_are_written_by_several_processes(many: ManyMaker) -> None:
    one = many(PIDS)
    one.build()
    assert os.getpid() not in pids(one, "p")


@pytest.mark.usefixtures("cores")
def test_what_a_generator_yields_is_written_while_it_runs(many: ManyMaker) -> None:
    generator = (
        "import os\nfrom framework import Response\n\nrendered = []\n\n\n"
        "def get_static_paths():\n    for number in range(600):\n"
        "        assert len(rendered) == number\n        yield {'params': {'id': number}}\n\n\n"
        "def GET(params):\n    rendered.append(params['id'])\n"
        "    return Response(str(os.getpid()))\n"
    )
    one = many(PIDS, {"src/pages/g/[id].txt.py": generator})
    report = one.build()
    assert pids(one, "g") == {os.getpid()}
    assert os.getpid() not in pids(one, "p")
    assert report.rendered == 1202


# ----------------------------------------------------------------------- mistakes, warnings


def test_several_processes_report_the_same_mistakes(many: ManyMaker) -> None:
    page = PAGE.replace("300)]", "300)] + [{'params': {'id': '7'}}]").replace(
        "    return Response(",
        "    if params['id'] == '250':\n        return Response(status=404)\n    return Response(",
    )
    wrong = PAGE.replace("'params'", "'param'").replace("300", "2")
    one = many(page, {"src/pages/x/[id].py": wrong})
    text = one.mistakes()
    assert one.mistakes(jobs=3) == text
    assert "item 300 of get_static_paths() has the path of item 7, /p/7.txt." in text
    assert "/p/250.txt responded with status 404" in text
    assert "src/pages/x/[id].py: item 0" in text


def test_each_warning_is_reported_once(many: ManyMaker) -> None:
    page = PAGE.replace("return Response(", "request.headers\n    return Response(")
    [warning] = many(page).build(jobs=3).warnings
    assert warning.startswith("src/pages/p/[id].txt.py: reads request.headers")


def test_a_process_that_dies_fails_the_build(many: ManyMaker) -> None:
    one = many()
    one.build()
    last = one.files()
    page = PAGE.replace(
        "    return Response(",
        "    if params['id'] == '99':\n        os.kill(os.getpid(), 9)\n    return Response(",
    )
    one.write({"src/pages/p/[id].txt.py": page})
    before = children_of(os.getpid())
    with pytest.raises(BuildError) as caught:
        one.build(jobs=2)
    assert str(caught.value) == (
        "A process of the build ended unexpectedly.\n    Build with --jobs 1 to see at which path."
    )
    assert one.files() == last
    assert children_of(os.getpid()) == before


# ------------------------------------------------------- the command, killed or interrupted


def children_of(pid: int) -> set[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for path in lists for child in path.read_text().split()}


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@contextmanager
def building(one: StaticSite) -> Iterator[tuple[subprocess.Popen[str], set[int]]]:
    """A build of a site whose two worker processes are within a handler, and their ids."""
    command = [sys.executable, "-m", "framework", "build", "--jobs", "2", "--root", str(one.root)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=accept_interrupts,
    ) as process:
        try:
            wait_until(lambda: len(children_of(process.pid)) == 2, "two workers")
            wait_until((one.root / "in-handler").exists, "a worker to be in the handler")
            yield process, children_of(process.pid)
        finally:
            process.kill()


MARKED = WAITING.replace("    time.sleep", "    open('{root}/in-handler', 'w')\n    time.sleep")


def test_the_processes_end_when_the_main_process_is_killed(
    many: ManyMaker,
) -> None:
    one = many()
    one.write({"src/pages/p/[id].txt.py": MARKED.replace("{root}", str(one.root))})
    with building(one) as (process, workers):
        process.kill()
        process.wait()
        wait_until(lambda: not any(map(is_running, workers)), "the workers to end")
    one.write({"src/pages/p/[id].txt.py": PAGE})
    assert one.build(jobs=2).rendered == 302


def test_interrupting_ends_all_processes(many: ManyMaker) -> None:
    one = many()
    one.write({"src/pages/p/[id].txt.py": MARKED.replace("{root}", str(one.root))})
    with building(one) as (process, workers):
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl+C does
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert err == "Interrupted. The last build is unchanged.\n"
    assert not any(map(is_running, workers))
    assert sorted(os.listdir(one.root)) == ["framework.config.py", "in-handler", "src"]
