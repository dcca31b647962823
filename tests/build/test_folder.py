"""The output folder: which one a build may replace, and that the last build stays whole."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from framework.build.folder import restore
from framework.errors import BuildError
from framework.static.built import new_digest
from tests.build.conftest import PREFIX, StaticSite, StaticSiteMaker, listed, returning, tree
from tests.conftest import HANDLER
from tests.waiting import PATIENCE

# ------------------------------------------------------------------------- which folder


@pytest.mark.parametrize(
    ("folder", "what"),
    [
        ("..", "outside the site"),
        ("../other", "outside the site"),
        ("/tmp", "outside the site"),
        (".", "outside the site"),
        ("src/out", "among the site's files"),
        ("public", "among the site's files"),
        ("link", "a symbolic link, or below one"),
        ("link/dist", "a symbolic link, or below one"),
        ("file", "a file"),
        ("real", "a folder with files that no build wrote"),
    ],
)
def test_an_output_folder_that_a_build_must_not_replace_is_refused(
    static_site: StaticSiteMaker, folder: str, what: str
) -> None:
    files = {"src/pages/a.py": HANDLER, "file": "x", "real/x": "x"}
    one = static_site(files, f"build=Build(out_dir={folder!r})")
    (one.root / "link").symlink_to("real")
    assert one.mistakes() == (
        f"framework.config.py: build.out_dir is {folder!r}, {what}.\n"
        "    A build replaces the whole folder: use a new or empty one in the site."
    )


def test_a_folder_that_is_empty_or_of_a_build_is_replaced(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/a.py": HANDLER}, "build=Build(out_dir='real')")
    (one.root / "real").mkdir()
    one.build()
    one.build()
    assert (one.root / "real/a").read_bytes() == b"ok"


def test_a_deeper_folder_is_made(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/a.py": HANDLER}, "build=Build(out_dir='out/www')")
    one.build()
    assert (one.root / "out/www/a").read_bytes() == b"ok"


def test_other_files_in_the_folder_are_deleted(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/a.py": HANDLER, "dist/mine": "mine"})
    assert one.built() == {"a": b"ok"}


def test_a_link_in_the_last_build_is_not_followed(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/a/x.py": HANDLER, "keep/x": "mine"})
    one.dist.mkdir()
    (one.dist / "a").symlink_to(one.root / "keep")
    assert one.built() == {"a/x": b"ok"}
    assert tree(one.root / "keep") == {"x": b"mine"}


# ----------------------------------------------------------- failed and interrupted builds


def test_a_build_that_fails_leaves_the_last_one(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/a.py": HANDLER})
    one.build()
    last = one.files()
    one.write({"src/pages/b.py": returning("Response('', status=500)")})
    assert "src/pages/b.py" in one.mistakes()
    assert one.files() == last


def test_one_build_runs_at_a_time(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/a.py": HANDLER, ".dist-building/new/x": "of the other"})
    other = os.open(one.root, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        for action in (one.build, lambda: restore(one.dist)):
            with pytest.raises(BuildError) as caught:
                action()
            assert str(caught.value) == (
                f"Another build to {one.dist} is running. Wait until it has finished."
            )
    finally:
        os.close(other)
    assert tree(one.root / ".dist-building") == {"new/x": b"of the other"}


def test_a_build_that_cannot_be_renamed_is_undone(
    static_site: StaticSiteMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = static_site({"src/pages/a.py": HANDLER, "dist/last.txt": "last"})
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise PermissionError(errno.EPERM, "No")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    assert one.mistakes() == f"{PREFIX.strip()} [Errno 1] No"
    assert one.files() == {"last.txt": b"last"}


# ------------------------------------------------------------------------- killed builds

BUILD = """
import os, signal, sys

def kill(event, args):
    path = str(args[0]) if args else ""
    if {point}:
        os.kill(os.getpid(), signal.SIGKILL)

sys.dont_write_bytecode = True
sys.path[:] = {path!r}
from framework.cli import main
sys.addaudithook(kill)
main(["build", "--root", {root!r}])
"""
POINTS = {
    "while routes are rendered": "event == 'open' and path.endswith('/.dist-building/new/7.txt')",
    "before the manifest": "event == 'open' and path.endswith('.framework.json') and args[1] == 'w'",
    "before the last build is moved": "event == 'os.rename' and path.endswith('/dist')",
    "between the two renames": "event == 'os.rename' and path.endswith('/new')",
    "before the end": "event == 'shutil.rmtree'",
}


def kill_build(one: StaticSite, point: str) -> None:
    """Build the site in a process that is killed at the point."""
    code = BUILD.format(point=POINTS[point], path=sys.path, root=str(one.root))
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL, process.stderr


def versions(one: StaticSite) -> set[bytes]:
    """The contents of the files of a build, which must be whole."""
    files = one.files()
    manifest = json.loads(files[".framework.json"])["files"]
    pages = {name: content for name, content in files.items() if name.endswith(".txt")}
    assert len(pages) == 20
    etags = {name: new_digest(content).hexdigest() for name, content in pages.items()}
    assert {name: row["etag"] for name, row in manifest.items()} == etags
    return set(pages.values())


@pytest.fixture
def twenty(static_site: StaticSiteMaker) -> StaticSite:
    """A site of 20 files whose content is the value of VERSION in src/data.py."""
    page = listed("range(20)").replace("str(params['id'])", "VERSION")
    page = f"from data import VERSION\n{page}"
    return static_site({"src/pages/[id].txt.py": page, "src/data.py": "VERSION = 'old'\n"})


@pytest.mark.parametrize(
    ("point", "left", "restored"),
    [
        ("while routes are rendered", b"old", b"old"),
        ("before the manifest", b"old", b"old"),
        ("before the last build is moved", b"old", b"old"),
        ("between the two renames", None, b"old"),
        ("before the end", b"new", b"new"),
    ],
)
def test_a_killed_build_leaves_a_whole_one(
    twenty: StaticSite, point: str, left: bytes | None, restored: bytes
) -> None:
    twenty.build()
    twenty.write({"src/data.py": "VERSION = 'new'\n"})
    kill_build(twenty, point)
    assert (twenty.root / ".dist-building").exists()
    if left is None:
        assert not twenty.dist.exists()
    else:
        assert versions(twenty) == {left}
    restore(twenty.dist)
    assert versions(twenty) == {restored}
    twenty.write({"src/data.py": "VERSION = 'next'\n"})
    twenty.build()
    assert versions(twenty) == {b"next"}
    assert sorted(os.listdir(twenty.root)) == ["dist", "framework.config.py", "src"]


@pytest.mark.parametrize(
    "point", ["while routes are rendered", "before the manifest", "between the two renames"]
)
def test_a_killed_first_build_leaves_no_folder(twenty: StaticSite, point: str) -> None:
    kill_build(twenty, point)
    restore(twenty.dist)
    assert not twenty.dist.exists()
    twenty.build()
    assert versions(twenty) == {b"old"}
    assert sorted(os.listdir(twenty.root)) == ["dist", "framework.config.py", "src"]


def test_the_next_build_restores_the_last_one_even_if_it_fails(twenty: StaticSite) -> None:
    twenty.build()
    kill_build(twenty, "between the two renames")
    twenty.write({"src/pages/x.py": returning("Response('', status=404)")})
    with pytest.raises(BuildError):
        twenty.build()
    assert versions(twenty) == {b"old"}
