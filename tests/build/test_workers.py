"""`framework build --jobs N`: the same build, made by several processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import framework.build.workers as module
from framework.build.run import build
from framework.errors import BuildError
from tests.conftest import SiteMaker

MANY = (
    "import os\nfrom framework import Response\n\n\ndef get_static_paths():\n"
    "    return [{'params': {'id': x}, 'props': {'n': x}} for x in range(300)]\n\n\n"
    "def GET(params, request):\n    return Response(str(params['id']) * 400)\n"
)
CONFIG = (
    "from framework import *\n\n"
    "config = Config(output='static', build=Build(compress=True), redirects={'/old': '/'})\n"
)


@pytest.fixture
def many(site: SiteMaker) -> Callable[..., Path]:
    def make(files: dict[str, str] | None = None) -> Path:
        everything = {"src/pages/p/[id].txt.py": MANY, "src/pages/index.jinja": "home"}
        return Path(site({**everything, "framework.config.py": CONFIG, **(files or {})}).root)

    return make


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def children_of(pid: int) -> set[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for path in lists for child in path.read_text().split()}


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(done: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not (reached := done()) and time.monotonic() < end:
        time.sleep(0.02)
    return reached


def test_several_processes_make_the_same_build(many: Any) -> None:
    root = many()
    report = build(root)
    alone = tree(root / "dist")
    together = build(root, jobs=3, force=True)
    assert tree(root / "dist") == alone
    assert (together.rendered, together.size) == (report.rendered, report.size)
    assert build(root, jobs=2).kept == report.rendered
    assert tree(root / "dist") == alone


def test_several_processes_tell_the_same_mistakes(many: Any) -> None:
    root = many(
        {
            "src/pages/p/[id].txt.py": MANY.replace("300)]", "300)] + [{'params': {'id': '7'}}]")
            .replace("import os\n", "import os\nfrom werkzeug.exceptions import NotFound\n")
            .replace(
                "def GET(params, request):\n",
                "def GET(params):\n    if params['id'] == '250':\n        raise NotFound\n",
            ),
            "src/pages/x/[id].py": MANY.replace("'params'", "'param'"),
        }
    )
    texts = []
    for jobs in (1, 3):
        with pytest.raises(BuildError) as caught:
            build(root, jobs=jobs)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
    assert "item 300 of get_static_paths() has the path of item 7, /p/7.txt." in texts[0]
    assert "/p/250.txt answered 404" in texts[0]
    assert "src/pages/x/[id].py: item 0" in texts[0]


def test_each_warning_comes_once(many: Any) -> None:
    root = many(
        {
            "src/pages/p/[id].txt.py": MANY.replace(
                "return Response(", "request.headers\n    return Response("
            )
        }
    )
    assert [text.partition(",")[0] for text in build(root, jobs=3).warnings] == [
        "src/pages/p/[id].txt.py: request.headers was read"
    ]


def test_a_process_that_is_killed_fails_the_build_and_leaves_the_last_one(many: Any) -> None:
    root = many()
    build(root)
    last = tree(root / "dist")
    page = MANY.replace(
        "    return Response(",
        "    if params['id'] == '99':\n        os.kill(os.getpid(), 9)\n    return Response(",
    )
    (root / "src/pages/p/[id].txt.py").write_text(page)
    before = children_of(os.getpid())
    with pytest.raises(BuildError) as caught:
        build(root, jobs=2)
    assert str(caught.value) == (
        "A process of the build ended with status -9.\n"
        "    Build without --jobs to see at which path."
    )
    assert tree(root / "dist") == last
    assert children_of(os.getpid()) == before


def test_a_process_that_is_gone_can_be_told_nothing(monkeypatch: Any) -> None:
    def end(*_: object) -> None:
        os._exit(3)

    monkeypatch.setattr(module, "_work", end)
    worker = module._Worker(None, [], None, [], [])  # type: ignore[arg-type] # it ends at once
    worker._process.join()
    with pytest.raises(BuildError, match="ended with status 3"):
        worker.give(module._Part(0, 0, 1))
    worker.end()


def test_processes_end_with_the_first_one(many: Any) -> None:
    page = MANY.replace(
        "    return Response(", "    import time\n    time.sleep(0.05)\n    return Response("
    )
    root = many({"src/pages/p/[id].txt.py": page})
    command = [sys.executable, "-m", "framework", "build", "--jobs", "3", "--root", str(root)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: len(children_of(process.pid)) == 3)
        workers = children_of(process.pid)
    finally:
        process.kill()
        process.wait()
    assert wait_until(lambda: not any(map(is_running, workers)))
    (root / "src/pages/p/[id].txt.py").write_text(MANY)
    assert build(root, jobs=2).rendered == 302


def test_interrupting_ends_all_of_them(many: Any) -> None:
    page = MANY.replace(
        "    return Response(", "    import time\n    time.sleep(0.05)\n    return Response("
    )
    root = many({"src/pages/p/[id].txt.py": page})
    command = [sys.executable, "-m", "framework", "build", "--jobs", "2", "--root", str(root)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert wait_until(lambda: len(children_of(process.pid)) == 2)
    workers = children_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl+C does
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert err == "Interrupted. The last build is unchanged.\n"
    assert not any(map(is_running, workers))
    assert sorted(os.listdir(root)) == ["framework.config.py", "src"]
