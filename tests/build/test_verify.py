"""`framework build --verify`: what differs when every path is asked for again."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.build.run import build
from framework.build.verify import compare_all
from framework.errors import BuildError
from tests.conftest import SiteMaker

HEAD = "The build is not what the site answers:\n"
REMEDY = (
    "\n    Take out what changes from run to run (the time, random numbers, the order of a set),\n"
    "    or build with --force, if it is made of something that no build can see."
)
CONFIG = "from framework import *\n\nconfig = Config(output='static', redirects={'/old': '/'})\n"
# What is different each time, and still known to the tests: how often the site was started.
STARTS = (
    "from pathlib import Path\n\n_FILE = Path(__file__).parents[2] / 'starts'\n"
    "_FILE.write_text(_FILE.read_text() + 'x' if _FILE.exists() else 'x')\n"
    "START = len(_FILE.read_text())\n"
)
PAGE = "from framework import Response\nfrom lib.starts import START\n\n\n"
PATHS = "def get_static_paths():\n    return [{'params': {'id': x}} for x in IDS]\n\n\n"


@pytest.fixture
def make(site: SiteMaker) -> Callable[..., Path]:
    def made(files: dict[str, str]) -> Path:
        return Path(
            site({"framework.config.py": CONFIG, "src/lib/starts.py": STARTS, **files}).root
        )

    return made


def answering(code: str) -> str:
    return f"{PAGE}def GET():\n    {code}\n"


def differences(root: Path) -> str:
    """What the verification finds; nothing may have been put in the place of the last build."""
    (root / "dist").mkdir()
    (root / "dist" / "last.txt").write_text("the last build")
    with pytest.raises(BuildError) as caught:
        build(root, verify=True)
    assert os.listdir(root / "dist") == ["last.txt"]
    return str(caught.value).removeprefix(HEAD)


def test_a_site_that_answers_the_same_is_verified(make: Any) -> None:
    root = make(
        {
            "src/pages/index.jinja": "home",
            "src/pages/404.jinja": "lost",
            "src/pages/go.py": answering("return Response.redirect('/')"),
            "src/pages/[id].txt.py": f"{PAGE}IDS = ('a', 'b')\n\n\n{PATHS}"
            "def GET(params):\n    print('the site prints')\n    return Response(params['id'])\n",
        }
    )
    report = build(root, verify=True)
    assert (report.verified, report.warnings) == (6, [])
    assert (root / "starts").read_text() == "xx"


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("return Response(f'run {START}')", "from byte 4 on '1' and '2'"),
        ("return Response('run' + ' on' * (START - 1))", "from byte 3 on its end and ' on'"),
        ("return Response(bytes([255, START]))", "from byte 1 on '\\x01' and '\\x02'"),
    ],
)
def test_other_bytes_are_shown(make: Any, code: str, what: str) -> None:
    assert differences(make({"src/pages/x.txt.py": answering(code)})) == (
        f"src/pages/x.txt.py: /x.txt is not the same when asked again: {what}.{REMEDY}"
    )


def test_the_order_of_a_set_is_found(make: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    text = differences(
        make({"src/pages/x.txt.py": answering("return Response(','.join({*'abcdefghijklmnop'}))")})
    )
    assert text.startswith(
        "src/pages/x.txt.py: /x.txt is not the same when asked again: from byte "
    )


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (
            "return Response('x', headers={'content-type': f'text/{START}'})",
            "had content-type: text/1, and when asked again content-type: text/2",
        ),
        (
            "return Response('x', headers={'x-own': '1'} if START == 1 else {})",
            "had x-own: 1, and when asked again x-own: None",
        ),
        (
            "return Response('x', status=199 + START)",
            "became x.txt (status 200), and when asked again x.txt (201)",
        ),
    ],
)
def test_other_headers_and_statuses_are_named(make: Any, code: str, what: str) -> None:
    text = differences(make({"src/pages/x.txt.py": answering(code)}))
    assert text == f"src/pages/x.txt.py: /x.txt {what}.{REMEDY}"


def test_paths_that_are_listed_once_only_are_named(make: Any) -> None:
    page = f"{PAGE}IDS = ('a', 'b') if START == 1 else ('b', 'c')\n\n\n{PATHS}"
    page += "def GET(params):\n    return Response(params['id'])\n"
    assert differences(make({"src/pages/[id].txt.py": page})) == (
        f"src/pages/[id].txt.py: /a.txt was listed, and is not when asked again.{REMEDY}\n"
        f"src/pages/[id].txt.py: /c.txt was not listed, and is when asked again.{REMEDY}"
    )


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"src/pages/x.py": answering("return Response('x') if START == 1 else None")},
            "When asked again, src/pages/x.py: /x failed: HandlerError: ",
        ),
        (
            {
                "src/pages/x.py": answering(
                    "return Response('x', status=200 if START == 1 else 500)"
                )
            },
            "When asked again, src/pages/x.py: /x answered 500, so it can't be a file.",
        ),
        (
            {
                "src/pages/x.py": f"{PAGE}assert START == 1\n\n\ndef GET():\n    return Response('')\n"
            },
            "The site does not start a second time. The site has a mistake:\nsrc/pages/x.py:5: ",
        ),
        (
            {
                "src/pages/[id].py": f"{PAGE}IDS = ('a',) if START == 1 else None\n\n\n{PATHS}"
                "def GET():\n    return Response('')\n"
            },
            "src/pages/[id].py: /a was listed, and is not when asked again.",
        ),
    ],
)
def test_a_site_that_fails_the_second_time_is_told(
    make: Any, files: dict[str, str], told: str
) -> None:
    assert differences(make(files)).startswith(told)


def test_a_process_that_does_not_end_well_verifies_nothing(make: Any) -> None:
    code = "import os; START == 1 or os._exit(7); return Response('')"
    root = make({"src/pages/x.py": answering(code)})
    with pytest.raises(BuildError) as caught:
        build(root, verify=True)
    assert str(caught.value) == "The process that verifies ended with status 7."


def test_a_kept_file_that_is_stale_is_found(make: Any, monkeypatch: Any) -> None:
    page = "import os\n\nfrom framework import Response\n\n\ndef GET():\n"
    root = make({"src/pages/x.txt.py": f"{page}    return Response(os.environ['WORD'])\n"})
    monkeypatch.setenv("WORD", "old")
    build(root)
    monkeypatch.setenv("WORD", "new")
    assert build(root).kept == 2
    with pytest.raises(BuildError, match="from byte 0 on 'old' and 'new'"):
        build(root, verify=True)
    assert build(root, verify=True, force=True).verified == 2


def test_what_other_servers_would_answer_differently_is_warned_of_once_a_route(make: Any) -> None:
    root = make(
        {
            "src/pages/api/[id].py": f"{PAGE}IDS = (1, 2)\n\n\n{PATHS}"
            "def GET(request):\n    request.headers.get('x')\n    return Response.json(1)\n",
            "src/pages/feed.xml.py": answering(
                "return Response('', headers={'content-type': 'application/xml'})"
            ),
            "src/pages/made.txt.py": answering("return Response('', status=201)"),
            "src/pages/go.py": answering("return Response.redirect('/')"),
        }
    )
    assert sorted(build(root, verify=True).warnings) == [
        "src/pages/api/[id].py: request.headers was read, and the route is prerendered: they are "
        "not a visitor's. Set prerender = False, or do without them.",
        "src/pages/api/[id].py: says that it is application/json; a server that goes by the name "
        "takes it for application/octet-stream.\n    Name it for what it is, or use a server that "
        "reads _headers or the snippet for nginx.",
        "src/pages/made.txt.py: answers 201, and a file is always answered with 200.",
    ]


def test_without_a_list_of_what_was_written_nothing_can_be_compared(make: Any) -> None:
    root = make({"src/pages/index.jinja": "home"})
    with pytest.raises(FileNotFoundError):
        list(compare_all(root, root / "dist", root / "nothing"))
