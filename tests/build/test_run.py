"""A whole build: its report, warnings and mistakes, and the output of the command."""

import errno
import os
import re

import pytest

from framework import SiteError
from framework.cli import main
from framework.errors import BuildError
from tests.build.conftest import StaticSiteMaker, listed, returning, tree
from tests.conftest import HANDLER

COOKIE = (
    "from framework import Response\n\n\ndef GET(cookies):\n    cookies.set('n', '1')\n"
    "    return Response('four')\n"
)


def test_the_report_counts_files_and_bytes(static_site: StaticSiteMaker) -> None:
    report = static_site({"src/pages/a.py": HANDLER, "public/x.txt": "four"}).build()
    assert (report.rendered, report.public) == (1, 1)
    assert (report.size, report.folder.name) == (6, "dist")
    assert report.warnings == []


def test_two_builds_are_the_same_to_the_byte(static_site: StaticSiteMaker) -> None:
    pages = {"src/pages/b.jinja": "b", "src/pages/a.py": HANDLER, "public/x.txt": "x"}
    one = static_site(pages, "build=Build(compress=True)")
    one.build()
    first = one.files()
    os.utime(one.root / "public/x.txt", (0, 0))
    one.build()
    assert one.files() == first


# ----------------------------------------------------------------------------- mistakes


def test_all_mistakes_are_reported_at_once(static_site: StaticSiteMaker) -> None:
    files = {
        "src/pages/[id].py": f"{HANDLER}\n\ndef get_static_paths():\n    return 7\n",
        "src/pages/x.py": returning("Response('x', status=404)"),
    }
    text = static_site(files).mistakes()
    assert "src/pages/[id].py: get_static_paths() returned int, not a list." in text
    assert "src/pages/x.py: /x responded with status 404" in text


@pytest.mark.parametrize("statement", ["return", "yield from"])
def test_items_after_a_wrong_one_are_checked_too(
    static_site: StaticSiteMaker, statement: str
) -> None:
    code = listed("['a', None, 'b', None]").replace("return [", f"{statement} [", 1)
    text = static_site({"src/pages/[id].py": code}).mistakes()
    for number in (1, 3):
        assert f'item {number} of get_static_paths() lacks the parameter "id"' in text


def test_only_the_first_50_mistakes_are_shown(static_site: StaticSiteMaker) -> None:
    page = listed("range(70)").replace("Response(str(params['id']))", "Response('', status=404)")
    text = static_site({"src/pages/[id].py": page}).mistakes()
    lines = [line for line in text.splitlines() if not line.startswith("    ")]
    assert len(lines) == 51
    assert lines[-1] == "And 20 more."


def test_a_site_that_does_not_start_is_not_built(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/bad[.py": HANDLER, "dist/last.txt": "last"})
    with pytest.raises(SiteError):
        one.build()
    assert one.files() == {"last.txt": b"last"}


def test_an_error_of_the_disk_is_a_build_error(
    static_site: StaticSiteMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = static_site({"src/pages/[id].py": listed("['x' * 300]"), "public/x.txt": "x"})

    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", fail)
    assert one.mistakes() == (
        "public/x.txt: x.txt can't be written: No space left on device.\n"
        f"src/pages/[id].py: {'x' * 300} can't be written: File name too long."
    )
    (one.root / "dist").touch()
    one.configure("build=Build(out_dir='dist/deeper')")
    with pytest.raises(BuildError, match=r"The site can't be built: \[Errno 17\] File exists"):
        one.build()


@pytest.mark.parametrize(
    ("raised", "error"), [("KeyboardInterrupt", KeyboardInterrupt), ("SystemExit", BuildError)]
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_build_leaves_the_last_one(
    static_site: StaticSiteMaker, raised: str, error: type[BaseException], jobs: int
) -> None:
    one = static_site({"src/pages/a.py": HANDLER})
    one.build()
    one.write({"src/pages/b.py": f"def GET():\n    raise {raised}\n"})
    before = tree(one.root)
    with pytest.raises(error):
        one.build(jobs=jobs)
    assert tree(one.root) == before


# ----------------------------------------------------------------------------- warnings


@pytest.mark.parametrize(("output", "count"), [("server", 1), ("static", 0)])
def test_a_server_site_without_a_prerendered_route_is_warned_of(
    static_site: StaticSiteMaker, output: str, count: int
) -> None:
    live = f"{returning('Response()')}\nprerender = False\n"
    one = static_site({"public/a.txt": "a", "src/pages/a.py": live})
    one.configure("", output)
    warnings = one.build().warnings
    assert [text.partition(".")[0] for text in warnings] == ["No route is prerendered"] * count
    assert "a.txt" in one.files()


def test_cookies_are_left_out_with_one_warning_for_each_route(
    static_site: StaticSiteMaker,
) -> None:
    code = listed("['a', 'b']").replace("def GET(params):", "def GET(params, cookies):")
    code = code.replace("    return Response(", "    cookies.set('n', '1')\n    return Response(")
    one = static_site({"src/pages/[id].py": code})
    [warning] = one.build().warnings
    assert warning.startswith("src/pages/[id].py: sets a cookie")
    assert b"cookie" not in one.files()[".framework.json"]


def test_reading_headers_warns_once_for_each_route(static_site: StaticSiteMaker) -> None:
    reads = "from framework import Response\n\n\ndef GET(request):\n"
    files = {
        "src/pages/[id].py": listed("['x', 'y']").replace(
            "def GET(params):", "def GET(params, request):\n    request.clone().headers.get('a')"
        ),
        "src/pages/a.py": f"{reads}    return Response(request.headers.get('accept', 'none'))\n",
        "src/pages/b.py": f"{reads}    return Response(request.url + request.method)\n",
    }
    warnings = sorted(static_site(files).build().warnings)
    assert [text.partition(",")[0] for text in warnings] == [
        "src/pages/[id].py: reads request.headers",
        "src/pages/a.py: reads request.headers",
    ]


@pytest.mark.parametrize(
    "code", ["cookies.get('a')", "'a' in cookies", "session.get('a')", "session.keys()"]
)
def test_reading_cookies_or_the_session_warns(static_site: StaticSiteMaker, code: str) -> None:
    head = "from framework import Response\n\n\ndef GET(cookies, session):\n"
    files = {
        "src/pages/a.py": f"{head}    return Response(str({code}))\n",
        "src/pages/b.py": f"{head}    return Response('b')\n",
    }
    [warning] = static_site(files, "session=Sessions()").build().warnings
    assert warning.startswith("src/pages/a.py: reads cookies or the session")


# -------------------------------------------------------------------------- the command


def test_the_command_prints_warnings_and_a_summary(
    static_site: StaticSiteMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    root = static_site({"src/pages/a.py": COOKIE}).root
    assert main(["--root", str(root), "build"]) == 0
    assert re.sub(r"\d\.\d+", "0.0", capsys.readouterr().out) == (
        "Warning: src/pages/a.py: sets a cookie, which a file can't. It is left out.\n"
        "   0.0 s          1 path  src/pages/a.py\n"
        f"Wrote 1 file (1 rendered, 0 public), 4 bytes, to {root}/dist in 0.0 s\n"
    )


def test_the_command_fails_with_the_mistakes(
    static_site: StaticSiteMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    root = static_site({"src/pages/a.py": returning("Response('', status=404)")}).root
    assert main(["build", "--root", str(root)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("The site can't be built:\nsrc/pages/a.py: /a responded with")


@pytest.mark.parametrize("jobs", ["0", "-1", "x", "1.5", "2000"])
def test_a_wrong_number_of_processes_is_wrong_usage(
    static_site: StaticSiteMaker, capsys: pytest.CaptureFixture[str], jobs: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["build", "--jobs", jobs, "--root", str(static_site({}).root)])
    assert caught.value.code == 2
    assert f"{jobs!r} is" in capsys.readouterr().err
