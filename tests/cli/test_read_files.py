"""Which changes of files that a process has read are noticed."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from framework.cli.read_files import ReadFiles

Start = Callable[..., ReadFiles]


class _Hook:
    """A hook of this process. Hooks cannot be removed, so there is one for all tests."""

    __cantrace__ = True  # for the coverage

    def __init__(self) -> None:
        self.files: ReadFiles | None = None
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.files is not None:
            self.files.audit(event, arguments)


@pytest.fixture(scope="module")
def hook() -> _Hook:
    return _Hook()


@pytest.fixture
def start(tmp_path: Path, hook: _Hook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Watch what this process reads from now on, in the site `root`, the current folder."""
    monkeypatch.chdir(tmp_path)

    def start(
        root: Path = tmp_path, on_write: Callable[[str], None] = lambda path: None
    ) -> ReadFiles:
        hook.files = ReadFiles(root, on_write)
        return hook.files

    yield start
    hook.files = None


def write_later(path: Path, text: str) -> None:
    """Write a file as another process would, with another time than before."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    os.system(f"printf %s '{text}' > '{path}'")
    times = path.stat()
    os.system(f"touch -d @{max(times.st_mtime_ns, before + 1_000_000) / 1e9:.9f} '{path}'")


def test_a_file_that_was_read_is_noticed_and_any_other_is_not(start: Start, tmp_path: Path) -> None:
    for name in ("read.txt", "other.txt"):
        (tmp_path / name).write_text("1")
    files = start()
    assert files.find_changes() == []
    Path("read.txt").read_text()
    assert files.find_changes() == []
    write_later(tmp_path / "read.txt", "2")
    write_later(tmp_path / "other.txt", "2")
    assert files.find_changes() == ["read.txt"]


def test_a_replaced_file_of_the_same_size_and_time_is_noticed(start: Start, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("1")
        os.utime(tmp_path / name, (1, 1))
    files = start()
    Path("a").read_text()
    os.system("mv b a")
    assert files.find_changes() == ["a"]


def test_a_file_that_appears_or_vanishes_is_noticed(start: Start, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("1")
    files = start()
    Path("there").read_text()
    with pytest.raises(FileNotFoundError):
        Path("missing").read_text()
    os.system("rm there; touch missing")
    assert files.find_changes() == ["missing", "there"]


def test_a_file_outside_of_the_site_is_named_by_its_whole_path(
    start: Start, tmp_path: Path
) -> None:
    outside = tmp_path / "content.md"
    outside.write_text("1")
    files = start(tmp_path / "site")
    outside.read_bytes()
    write_later(outside, "2")
    assert files.find_changes() == [str(outside)]


def test_new_names_in_a_folder_that_was_listed_are_noticed(start: Start, tmp_path: Path) -> None:
    (tmp_path / "content" / "deep").mkdir(parents=True)
    files = start()
    assert list(Path("content").rglob("*.md")) == []
    os.system("touch content/a.md content/deep/b.md content/.hidden content/a.md~ content/x.db-wal")
    assert files.find_changes() == ["content/a.md", "content/deep/b.md"]
    assert files.find_changes() == []
    os.system("rm content/a.md")
    assert files.find_changes() == ["content/a.md"]
    os.system("rm -r content")
    assert "content/deep" in files.find_changes()


def test_a_folder_that_appears_is_noticed(start: Start) -> None:
    files = start()
    assert list(os.walk("public")) == []
    os.system("mkdir public; touch public/x.bak")
    assert files.find_changes() == ["public/x.bak"]


def test_the_source_is_left_to_others_except_links(start: Start, tmp_path: Path) -> None:
    pages = tmp_path / "src" / "pages"
    pages.mkdir(parents=True)
    for path in (pages / "own.py", tmp_path / "target.py", tmp_path / "src" / ".env"):
        path.write_text("1")
    (pages / "link.py").symlink_to("../../target.py")
    files = start()
    for path in (pages / "own.py", pages / "link.py", tmp_path / "src" / ".env"):
        path.read_text()
    os.listdir(pages)
    write_later(pages / "own.py", "2")
    write_later(pages / "new.py", "2")
    assert files.find_changes() == []
    write_later(tmp_path / "target.py", "2")
    write_later(tmp_path / "src" / ".env", "2")
    assert files.find_changes() == ["src/.env", "src/pages/link.py"]


@pytest.mark.parametrize("folder", [".git", ".venv/lib", "node_modules/x", "lib/__pycache__"])
def test_folders_of_tools_do_not_count(start: Start, tmp_path: Path, folder: str) -> None:
    file = tmp_path / folder / "file"
    file.parent.mkdir(parents=True)
    file.write_text("1")
    files = start()
    file.read_text()
    os.listdir(file.parent)
    write_later(file, "2")
    write_later(file.parent / "new", "2")
    assert files.find_changes() == []


def test_libraries_and_temporary_files_do_not_count(start: Start, tmp_path: Path) -> None:
    files = start(Path("/site"))
    with tempfile.NamedTemporaryFile() as file:
        os.listdir(os.path.dirname(file.name))
        Path(file.name).read_text()
        write_later(Path(file.name), "2")
        assert files.find_changes() == []


def test_a_compiled_module_stands_for_its_source(start: Start, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "words.py").write_text("")
    compiled = tmp_path / "lib" / "__pycache__" / f"words.{sys.implementation.cache_tag}.pyc"
    files = start()
    with pytest.raises(FileNotFoundError):
        compiled.read_bytes()
    with pytest.raises(FileNotFoundError):
        Path("alone.pyc").read_bytes()
    write_later(tmp_path / "lib" / "words.py", "1")
    assert files.find_changes() == ["lib/words.py"]


IMPORT = """
import os, sys
from pathlib import Path
from framework.cli.read_files import ReadFiles

files = ReadFiles(Path.cwd(), lambda path: None)
sys.addaudithook(files.audit)
sys.path.insert(0, os.getcwd())
import importlib.metadata, words
list(importlib.metadata.distributions())
os.system("touch new; echo WORD = 2 > words.py")
print(files.find_changes())
"""


def test_an_import_reads_a_module_and_lists_no_folder(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text("WORD = 'one'\n")
    command = [sys.executable, "-B", "-c", IMPORT]
    result = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert result.stdout == "['words.py']\n"


def test_what_the_process_writes_itself_does_not_count(start: Start, tmp_path: Path) -> None:
    for name in ("data", "old", "renamed", "removed", "touched"):
        (tmp_path / name).write_text("1")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "data").touch()
    written: list[str] = []
    files = start(on_write=written.append)
    assert len(os.listdir(".")) == 6
    for name in ("data", "renamed", "removed", "touched"):
        Path(name).read_text()
    Path("data").write_text("22")
    with open("log", "a"), open("log", "a"):
        pass
    os.rename("old", "renamed")
    os.remove("removed")
    os.utime("touched", (1, 1))
    os.symlink("data", "link")
    os.link("data", "hard")
    os.mkdir("made")
    shutil.rmtree("folder")
    with sqlite3.connect("database") as database:
        database.execute("CREATE TABLE x(y)")
    assert files.find_changes() == []
    names = [
        "data",
        "log",
        "old",
        "renamed",
        "removed",
        "touched",
        "link",
        "hard",
        "made",
        "folder",
        "database",
    ]
    assert written == [str(tmp_path / name) for name in names]
    write_later(tmp_path / "foreign", "1")
    assert files.find_changes() == ["foreign"]


def test_an_upload_into_public_counts(start: Start, tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    files = start()
    assert list(os.walk("public"))
    Path("public/photo.png").write_bytes(b"")
    assert files.find_changes() == ["public/photo.png"]
    Path("public/photo.png").write_bytes(b"other")
    assert files.find_changes() == []


def test_files_without_a_path_do_not_count(start: Start, tmp_path: Path) -> None:
    files = start()
    read, write = os.pipe()
    with open(read, "rb"), open(write, "wb"):
        pass
    folder = os.open(tmp_path, os.O_RDONLY)
    os.listdir(folder)
    os.close(folder)
    os.listdir()
    os.system("touch new")
    assert files.find_changes() == ["new"]


def test_a_deleted_current_folder_is_not_an_error(start: Start, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("1")
    os.chdir("folder")
    files = start()
    os.system(f"rmdir '{tmp_path}/folder'")
    with pytest.raises(FileNotFoundError, match="new"):
        Path("new").read_text()
    with pytest.raises(FileNotFoundError, match="new"):
        Path("new").write_text("")
    (tmp_path / "file").read_text()
    write_later(tmp_path / "file", "2")
    assert files.find_changes() == ["file"]


def test_two_changes_at_the_same_time_are_both_noticed(start: Start, tmp_path: Path) -> None:
    """The clock of the file system is not exact, so a new file is looked at a little later."""
    files = start()
    for number in range(10):
        write_later(tmp_path / "file", f"{number}")
        start()
        files = start()
        Path("file").read_text()
        os.system(f"printf {9 - number} > file")
        assert files.find_changes() == ["file"]


def test_a_listing_by_the_import_system_does_not_count(start: Start) -> None:
    files = start()
    code = "files.audit('os.listdir', ('.',))"
    exec(code, {"__name__": "importlib.metadata", "files": files})
    os.system("touch new")
    assert files.find_changes() == []
