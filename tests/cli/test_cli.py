import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from framework import __version__
from framework.cli import dev, main, preview
from tests.conftest import HANDLER, SiteMaker

FILES = {
    "src/pages/index.jinja": "<h1>Hi</h1>",
    "src/pages/products/[id].json.py": HANDLER + "\n\ndef DELETE(params):\n    ...\n",
    "src/pages/[...path].py": "prerender = True\n\n\ndef get_static_paths():\n"
    "    return []\n\n\n" + HANDLER.replace("GET", "ALL"),
    "framework.config.py": "from framework import Config\n"
    "config = Config(redirects={'/old': '/products/1.json'})\n",
}
BROKEN = {"src/pages/index.py": "def GET(:\n", "src/pages/[x.py": HANDLER}


def run(*arguments: str | Path) -> int:
    """Run the command and return its exit status."""
    try:
        return main([*map(str, arguments)])
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1


@pytest.fixture
def root(site: SiteMaker) -> Path:
    path: Path = site(FILES).root
    return path


@pytest.fixture
def broken(site: SiteMaker) -> Path:
    path: Path = site(BROKEN).root
    return path


# ------------------------------------------------------------------------ usage


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"framework {__version__}\n"


def test_help_names_every_command_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    text = capsys.readouterr().out
    for word in (
        "new",
        "dev",
        "start",
        "preview",
        "routes",
        "check",
        "--root DIR",
        "--version",
        "Exit status",
    ):
        assert word in text
    assert run("preview", "--help") == 0
    text = capsys.readouterr().out
    assert "Serve the build. For a static site it behaves like a static host." in text
    for word in ("--root DIR", "--host HOST", "--port PORT"):
        assert word in text
    assert run("dev", "--help") == 0
    text = capsys.readouterr().out
    assert "Serve the site while you work on it. It reloads when you save." in text
    for word in ("--root DIR", "--host HOST", "--port PORT"):
        assert word in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["serve"], "invalid choice: 'serve'"),
        (["check", "--all"], "unrecognized arguments: --all"),
        (["dev", "--port", "http"], "argument --port: 'http' is not a port number (0-65535)"),
        (["start", "--port", "65536"], "argument --port: '65536' is not a port number (0-65535)"),
        (["preview", "--port", "-1"], "argument --port: '-1' is not a port number (0-65535)"),
        (["build", "--jobs", "0"], "argument --jobs: '0' is not a number of processes (1-1024)"),
        (["check", "--root", "no/such"], "--root: folder not found: no/such"),
    ],
)
def test_wrong_usage_exits_with_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    assert run(*arguments) == 2
    assert text in capsys.readouterr().err


def test_the_root_option_may_come_before_or_after_the_command(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (("--root", root, "check"), ("check", "--root", root)):
        assert run(*arguments) == 0
        assert capsys.readouterr().out == "4 routes, no mistakes\n"


def test_the_root_is_the_current_folder_by_default(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    assert run("check") == 0
    assert capsys.readouterr().out == "4 routes, no mistakes\n"


def test_it_runs_as_a_module(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "framework", "check"], cwd=root, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "4 routes, no mistakes\n", "")


def test_a_closed_pipe_is_not_an_error(root: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "framework", "routes", "--root", str(root)]
    environ = os.environ | {"PYTHONUNBUFFERED": "1"}
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, env=environ)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


# ----------------------------------------------------------------------- routes


def test_routes_are_a_table_in_the_order_in_which_they_match(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("routes", "--root", root) == 0
    assert (
        capsys.readouterr().out
        == """\
METHODS                  PATTERN              FILE                             PRERENDER
GET HEAD DELETE OPTIONS  /products/[id].json  src/pages/products/[id].json.py  no
any                      /old                 framework.config.py              no
GET HEAD OPTIONS         /                    src/pages/index.jinja            no
any                      /[...path]           src/pages/[...path].py           yes
"""
    )


def test_routes_as_json(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("routes", "--json", "--root", root) == 0
    rows = json.loads(capsys.readouterr().out)
    every = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    assert rows == [
        {
            "pattern": "/products/[id].json",
            "file": "src/pages/products/[id].json.py",
            "type": "endpoint",
            "prerender": False,
            "methods": ["GET", "HEAD", "DELETE", "OPTIONS"],
            "params": ["id"],
        },
        {
            "pattern": "/old",
            "file": "framework.config.py",
            "type": "redirect",
            "prerender": False,
            "methods": every,
            "params": [],
        },
        {
            "pattern": "/",
            "file": "src/pages/index.jinja",
            "type": "page",
            "prerender": False,
            "methods": ["GET", "HEAD", "OPTIONS"],
            "params": [],
        },
        {
            "pattern": "/[...path]",
            "file": "src/pages/[...path].py",
            "type": "endpoint",
            "prerender": True,
            "methods": every,
            "params": ["path"],
        },
    ]


# ------------------------------------------------------------------------ check


def test_check_prints_every_mistake(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "--root", broken) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("The site has 2 mistakes:\nsrc/pages/[x.py: ")
    assert "\nsrc/pages/index.py:1: invalid syntax\n" in captured.err


@pytest.mark.parametrize("command", ["routes", "start", "preview"])
def test_other_commands_print_them_too(
    broken: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(command, "--root", broken) == 1
    assert capsys.readouterr().err.startswith("The site has 2 mistakes:\n")


def test_check_warns_of_files_that_are_not_routes(
    site: SiteMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"src/pages/index.py": HANDLER, "src/pages/a.css": "", "src/pages/b.txt": ""}
    assert run("check", "--root", site(files).root) == 0
    assert (
        capsys.readouterr().out
        == """\
Warning: src/pages/a.css: is not a route: the suffix is not .py, .jinja or .md
    Move it to public/ to serve it as it is, or out of src/pages.
Warning: src/pages/b.txt: is not a route: the suffix is not .py, .jinja or .md
    Move it to public/ to serve it as it is, or out of src/pages.
1 route, no mistakes, 2 warnings
"""
    )


# ------------------------------------------------------- dev, preview and start


@pytest.mark.parametrize(("command", "module"), [("dev", dev), ("preview", preview)])
def test_a_command_passes_host_and_port_on(
    root: Path, monkeypatch: pytest.MonkeyPatch, command: str, module: Any
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(module, "run", lambda **options: calls.append(options))
    assert run(command, "--root", root, "--host", "::1", "--port", "0") == 0
    assert run("--root", root, command) == 0
    assert calls == [
        {"root": root, "host": "::1", "port": 0},
        {"root": root, "host": None, "port": None},
    ]


@pytest.mark.parametrize("command", ["dev", "preview"])
def test_a_server_that_cannot_listen_exits_with_1(
    root: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(command, "--root", root, "--host", "192.0.2.1") == 1
    assert capsys.readouterr().err.startswith("Can't listen on 192.0.2.1, port 4321: ")


def test_a_preview_without_a_build_exits_with_1(
    site: SiteMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    config = "from framework import Config\nconfig = Config(output='static')\n"
    root = site({"src/pages/index.py": HANDLER, "framework.config.py": config}).root
    assert run("preview", "--root", root) == 1
    assert capsys.readouterr().err == "No build found in dist.\n    Run: framework build\n"


ADAPTER = """
from framework import Config, Server

class Adapter:
    def serve(self, make_application, *, host, port):
        app = make_application()
        print(host, port, app.fetch("/").text())
        app.close()

config = Config(adapter=Adapter(), server=Server(host="0.0.0.0", port=8000))
"""


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ([], "0.0.0.0 8000"),
        (["--port", "0"], "0.0.0.0 0"),
        (["--host", "::1", "--port", "9"], "::1 9"),
    ],
)
def test_start_serves_through_the_sites_adapter(
    site: SiteMaker,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    address: str,
) -> None:
    files = {"src/pages/index.py": HANDLER, "framework.config.py": ADAPTER}
    assert run("start", "--root", site(files).root, *options) == 0
    assert capsys.readouterr().out == f"{address} ok\n"
    assert logging.getLogger().handlers


def test_start_needs_the_library_of_the_server(
    site: SiteMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(module: str, package: str) -> NoReturn:
        raise ModuleNotFoundError("No module named 'granian'", name="granian")

    monkeypatch.setattr("framework.adapters.import_module", fail)
    root = site({"src/pages/index.py": HANDLER}).root
    assert run("start", "--root", root, "--server", "granian") == 1
    assert capsys.readouterr().err == (
        'granian() needs granian. Install it: pip install "framework-wsgi[granian]"\n'
    )


# -------------------------------------------------------- check, lock and explain


def test_strict_makes_warnings_mistakes(site: SiteMaker) -> None:
    root = site({"src/pages/index.py": HANDLER, "src/pages/a.css": ""}).root
    assert run("check", "--root", root) == 0
    assert run("check", "--strict", "--root", root) == 1
    assert run("check", "--strict", "--root", site({"src/pages/index.py": HANDLER}).root) == 0


def test_check_as_json(site: SiteMaker, broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = site({"src/pages/index.py": HANDLER, "src/pages/a.css": ""}).root
    assert run("check", "--json", "--root", root) == 0
    assert json.loads(capsys.readouterr().out) == {
        "mistakes": [],
        "warnings": [
            {
                "location": "src/pages/a.css",
                "what": "is not a route: the suffix is not .py, .jinja or .md",
                "remedy": "Move it to public/ to serve it as it is, or out of src/pages.",
            }
        ],
    }
    assert run("check", "--json", "--root", broken) == 1
    assert len(json.loads(capsys.readouterr().out)["mistakes"]) == 2


def test_the_lock_is_written_and_read(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("routes", "--lock", "--root", root) == 0
    assert capsys.readouterr().out == f"Wrote {root / 'routes.lock'}: 4 routes.\n"
    assert run("check", "--strict", "--root", root) == 0
    (root / "src/pages/index.jinja").unlink()
    capsys.readouterr()
    assert run("check", "--strict", "--root", root) == 1
    assert "the site has no route / any more" in capsys.readouterr().out


def test_explain(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "DELETE", "/products/7.json", "--root", root) == 0
    assert capsys.readouterr().out.startswith(
        "DELETE /products/7.json\n  handled by    src/pages/products/[id].json.py, for DELETE\n"
    )
    assert run("explain", "GET", "/a/../b", "--root", root) == 0
    assert capsys.readouterr().out == (
        "GET /a/../b gets status 400: The path contains a . or .. segment, a backslash "
        "or a control character.\n"
    )
