"""`src/lifespan.py`: when it runs, what requests see of it, and its mistakes."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from framework import SiteError
from framework.context import State
from framework.testing import Client
from tests.conftest import SiteMaker, TestSite

SHOWS_STATE = (
    "from framework import Response\n\n\n"
    "def GET(state):\n    return Response(str({name: state[name] for name in state}))\n"
)
PLAIN = (
    "EVENTS = []\n\n\n"
    "def lifespan(app):\n"
    "    EVENTS.append('start')\n"
    "    yield {'number': len(EVENTS), 'app': type(app).__name__}\n"
    "    EVENTS.append('stop')\n"
)
ASYNC = PLAIN.replace("def lifespan", "async def lifespan")


def names_of(one: TestSite) -> dict[str, Any]:
    """The names of the module that the application has loaded from `src/lifespan.py`."""
    path = str(one.root / "src/lifespan.py")
    return next(vars(m) for m in [*sys.modules.values()] if getattr(m, "__file__", "") == path)


@pytest.mark.parametrize("code", [PLAIN, ASYNC])
def test_it_runs_once_before_the_first_request_and_ends_with_the_application(
    site: SiteMaker, code: str
) -> None:
    one = site({"src/lifespan.py": code, "src/pages/index.py": SHOWS_STATE})
    one.app  # noqa: B018 - loading the site does not start it
    events = names_of(one)["EVENTS"]
    assert events == []
    for _ in range(2):
        assert one.get("/").text() == "{'number': 1, 'app': 'App'}"
    assert events == ["start"]
    one.app.start()
    assert events == ["start"]
    one.app.close()
    one.app.close()
    assert events == ["start", "stop"]


def test_it_can_run_again(site: SiteMaker) -> None:
    one = site({"src/lifespan.py": PLAIN, "src/pages/index.py": SHOWS_STATE})
    for number in (1, 3):
        with Client(one.app) as client:
            assert client.get("/").text().startswith(f"{{'number': {number}")
    assert names_of(one)["EVENTS"] == ["start", "stop", "start", "stop"]


def test_a_client_of_another_application_starts_nothing() -> None:
    def application(environ, start_response):  # type: ignore[no-untyped-def]
        start_response("200 OK", [("content-type", "text/plain")])
        return [b"other"]

    with Client(application) as client:
        assert client.get("/").text() == "other"


def test_it_may_yield_nothing(site: SiteMaker) -> None:
    one = site(
        {"src/lifespan.py": "def lifespan(app):\n    yield\n", "src/pages/index.py": SHOWS_STATE}
    )
    assert one.get("/").text() == "{}"


def test_a_site_without_it_has_an_empty_state(site: SiteMaker) -> None:
    one = site({"src/pages/index.py": SHOWS_STATE})
    one.app.start()
    assert one.get("/").text() == "{}"


def test_an_async_lifespan_is_one_task_on_the_loop_of_the_requests(site: SiteMaker) -> None:
    lifespan = """
import asyncio

ENDED_IN_ITS_TASK = []


async def lifespan(app):
    task = asyncio.current_task()
    async with asyncio.TaskGroup() as group:
        worker = group.create_task(asyncio.Event().wait())
        yield {"loop": asyncio.get_running_loop(), "worker": worker}
        worker.cancel()
    ENDED_IN_ITS_TASK.append(asyncio.current_task() is task)
"""
    page = """
import asyncio
from framework import Response


async def GET(state):
    same = state.loop is asyncio.get_running_loop()
    return Response(f"{same} {state.worker.done()}")
"""
    one = site({"src/lifespan.py": lifespan, "src/pages/index.py": page})
    assert one.get("/").text() == "True False"
    names = names_of(one)
    one.app.stop()
    assert names["ENDED_IN_ITS_TASK"] == [True]


def test_pages_and_middleware_see_the_state(site: SiteMaker) -> None:
    one = site(
        {
            "src/lifespan.py": "def lifespan(app):\n    yield {'name': 'shop'}\n",
            "src/middleware.py": (
                "def on_request(context, next):\n"
                "    response = next()\n"
                "    response.headers['x-name'] = context.state.name\n"
                "    return response\n"
            ),
            "src/pages/index.jinja": "{{ state.name }}",
        }
    )
    response = one.get("/")
    assert (response.text(), response.headers["x-name"]) == ("shop", "shop")


def test_a_build_runs_it(site: SiteMaker) -> None:
    for jobs in (1, 2):
        one = site(
            {
                "framework.config.py": "from framework import Config\n\nconfig = Config(output='static')\n",
                "src/lifespan.py": (
                    "import os\n\n\n"
                    "def lifespan(app):\n"
                    "    yield {'pid': os.getpid()}\n"
                    "    (app.site.root / f'ended-{os.getpid()}').touch()\n"
                ),
                "src/pages/[id].txt.py": (
                    "from framework import Response\n\n\n"
                    "def get_static_paths():\n"
                    "    return [{'params': {'id': n}} for n in range(200)]\n\n\n"
                    "def GET(state):\n    return Response(str(state.pid))\n"
                ),
            }
        )
        one.build(jobs=jobs)
        processes = {path.read_text() for path in (one.root / "dist").glob("*.txt")}
        ended = {path.name.removeprefix("ended-") for path in one.root.glob("ended-*")}
        assert processes <= ended
        assert str(os.getpid()) in ended


def test_a_forked_process_has_its_own(site: SiteMaker) -> None:
    code = """
import os
from pathlib import Path
from typing import Any


def lifespan(app):
    try:
        yield {"process": os.getpid()}
    finally:
        with open(app.site.root / "ended", "a") as file:
            file.write(f"{os.getpid()}\\n")
"""
    program = """
import os, sys
from framework import App

app = App(sys.argv[1])
app.start()
if os.fork() == 0:
    print(app.fetch("/").text() == f"{{'process': {os.getpid()}}}", flush=True)
    app.stop()
    os._exit(0)
os.wait()
print(app.fetch("/").text() == f"{{'process': {os.getpid()}}}", os.getpid(), flush=True)
"""
    one = site({"src/lifespan.py": code, "src/pages/index.py": SHOWS_STATE})
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, str(one.root)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stderr == ""
    in_child, in_parent, parent = done.stdout.split()
    assert (in_child, in_parent) == ("True", "True")
    ended = (one.root / "ended").read_text().split()
    assert len(ended) == 2
    assert ended[-1] == parent  # each its own, and the child not that of the parent


# ------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("code", "mistake"),
    [
        (
            "",
            "src/lifespan.py: does not define a function lifespan\n    Write: def lifespan(app): yield",
        ),
        (
            "def life_span(app): yield",
            "src/lifespan.py: does not define a function lifespan\n    Rename life_span to lifespan.",
        ),
        (
            "lifespan = 3",
            "src/lifespan.py: lifespan is not a function with a yield\n    Write: def lifespan(app): yield",
        ),
        (
            "def lifespan(app): return {}",
            "src/lifespan.py:1: lifespan is not a function with a yield\n    Write: def lifespan(app): yield",
        ),
        (
            "from contextlib import asynccontextmanager\n\n\n@asynccontextmanager\nasync def lifespan(app): yield",
            "src/lifespan.py:4: lifespan is not a function with a yield\n    Remove its decorator.",
        ),
        (
            "def lifespan(): yield",
            "src/lifespan.py:1: lifespan does not take one argument\n    Write: def lifespan(app): yield",
        ),
        (
            "1 / 0",
            "src/lifespan.py:1: ZeroDivisionError during import: division by zero\n    Fix this line.",
        ),
    ],
)
@pytest.mark.parametrize("mode", ["production", "dev"])
def test_a_mistake_in_the_file_is_named(
    site: SiteMaker, code: str, mistake: str, mode: str
) -> None:
    one = site({"src/lifespan.py": code, "src/pages/index.py": SHOWS_STATE}, mode=mode)
    assert one.errors() == f"The site has a mistake:\n{mistake}"


def test_a_misnamed_file_is_a_mistake(site: SiteMaker) -> None:
    one = site({"src/lifespans.py": PLAIN, "src/pages/index.py": SHOWS_STATE})
    assert one.errors() == (
        "The site has a mistake:\nsrc/lifespans.py: is not a lifespan.py, so it never runs\n"
        "    Rename it to lifespan.py, or choose a name that is less similar."
    )


@pytest.mark.parametrize("word", ["def", "async def"])
@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        (
            "open_all()\n    yield",
            "src/lib/data.py:2: OSError in lifespan(): no such database\n    Fix this line.",
        ),
        (
            "if app is None: yield",
            "src/lifespan.py: TypeError in lifespan(): lifespan() ends without a yield.\n    Fix this line.",
        ),
        (
            "yield 5",
            "src/lifespan.py: TypeError in lifespan(): lifespan() yields a mapping or nothing, not int.\n    Fix this line.",
        ),
        (
            "raise SystemExit(3)\n    yield",
            "src/lifespan.py:5: exits the program in lifespan()\n    Remove the call of exit().",
        ),
    ],
)
def test_an_error_at_the_start_is_named(
    site: SiteMaker, caplog: pytest.LogCaptureFixture, word: str, body: str, mistake: str
) -> None:
    files = {
        "src/lib/data.py": "def open_all():\n    raise OSError('no such database')\n",
        "src/lifespan.py": f"from lib.data import open_all\n\n\n{word} lifespan(app):\n    {body}\n",
        "src/pages/index.py": SHOWS_STATE,
    }
    one = site(files)
    with pytest.raises(SiteError) as caught:
        one.app.start()
    assert str(caught.value) == f"The site has a mistake:\n{mistake}"
    # A server that does not start it gets the error with each request.
    assert one.get("/").status == 500
    assert mistake.partition("\n")[0] in str(caplog.records[-1].exc_info[1])  # type: ignore[index]


@pytest.mark.parametrize("word", ["def", "async def"])
@pytest.mark.parametrize("end", ["1 / 0", "yield", "raise SystemExit"])
def test_an_error_at_the_end_is_logged(
    site: SiteMaker, caplog: pytest.LogCaptureFixture, word: str, end: str
) -> None:
    code = f"{word} lifespan(app):\n    yield\n    {end}\n"
    one = site({"src/lifespan.py": code, "src/pages/index.py": SHOWS_STATE})
    one.app.start()
    with caplog.at_level(logging.ERROR):
        one.app.stop()
    (record,) = caplog.records
    assert record.getMessage() == "lifespan() in src/lifespan.py failed at its end"


def test_the_state_is_read_only() -> None:
    state = State({"db": 1})
    assert (state.db, state["db"], "db" in state, list(state)) == (1, 1, True, ["db"])
    with pytest.raises(TypeError, match=r"Use locals\.x for data of one request"):
        state.x = 1
    with pytest.raises(TypeError, match="read-only"):
        state["x"] = 1
    with pytest.raises(TypeError, match="read-only"):
        del state.db
    with pytest.raises(TypeError, match="read-only"):
        del state["db"]
    with pytest.raises(AttributeError, match="state has no 'cache'; it has: db"):
        state.cache  # noqa: B018
    assert repr(state) == "State({'db': 1})"
