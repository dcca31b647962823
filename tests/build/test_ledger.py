"""The list of what a build wrote: found whole or not at all; without it everything is rendered."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from framework.build.ledger import Ledger, Written, read_headers

Rebuild = Callable[..., Any]
PAGES = {"src/pages/a.jinja": "a", "public/x.txt": "x"}
NO_LEDGER = {"/a": "there is no last build to go by"}


def written(file: str, path: str | None = None, **more: Any) -> Written:
    facts = Written(file, path, "a.py", 0, 200, None, None, "e", 1, 1, "", None)
    return facts._replace(**more)


def test_it_finds_files_by_path_name_and_folder(tmp_path: Path) -> None:
    with closing(Ledger.make(tmp_path / "list")) as ledger:
        ledger.add(written("b/c", "/b/c", headers='{"x": "1"}'))
        ledger.add(written("b0"))
        ledger.add(written("a", "", location="/b/c"))
        ledger.set_inputs("read ", {"a": "1", os.fsdecode(b"\xff"): "2"})
    found = Ledger.find(tmp_path / "list")
    assert found is not None
    with closing(found):
        assert [file.file for file in found] == ["a", "b/c", "b0"]
        assert [file.file for file in found.redirects()] == ["a"]
        for file, other in [
            (found.find_path(""), "a"),
            (found.find_file("b0"), "b0"),
            (found.find_below("b"), "b/c"),
        ]:
            assert file is not None
            assert file.file == other
        assert found.find_path("/c") is found.find_file("c") is found.find_below("b/c") is None
        first, second, _ = found
        assert (read_headers(first), read_headers(second)) == (None, {"x": "1"})
        assert found.inputs("read ") == {"a": "1", os.fsdecode(b"\xff"): "2"}
        assert found.inputs("doubts ") == {}


def test_it_is_found_in_a_folder_of_any_name(tmp_path: Path) -> None:
    path = tmp_path / "50%20 #?é" / "list"
    path.parent.mkdir()
    Ledger.make(path).close()
    found = Ledger.find(path)
    assert found is not None
    found.close()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:6000] = b"\xff" * (6000 - 4096)
    path.write_bytes(content)


def of_another_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def unfinished(path: Path) -> None:
    path.unlink()
    ledger = Ledger.make(path)
    ledger.add(written("a/index.html", "/a"))
    ledger._connection.execute("COMMIT")
    ledger.close()


def closed_to_us(path: Path) -> None:
    path.unlink()
    path.symlink_to("/proc/self/mem")


@pytest.mark.parametrize(
    "harm",
    [
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no database" * 999),
        cut,
        damage,
        of_another_version,
        unfinished,
        closed_to_us,
    ],
)
def test_without_a_whole_one_all_is_rendered(
    rebuilt: Rebuild, harm: Callable[[Path], object]
) -> None:
    one = rebuilt(PAGES)
    one.build()
    assert one.build() == {"/a": None}
    before = one.files()
    harm(one.root / ".dist-inputs")
    assert one.build() == NO_LEDGER
    assert one.files() == before
    assert one.build() == {"/a": None}


def test_with_force_all_is_rendered(rebuilt: Rebuild) -> None:
    one = rebuilt(PAGES)
    one.build()
    assert one.build(force=True) == {"/a": "--force"}
    assert one.build() == {"/a": None}


def test_without_the_output_all_is_rendered(rebuilt: Rebuild) -> None:
    one = rebuilt(PAGES)
    one.build()
    one.remove("dist")
    why = "a/index.html was changed in the output, or taken out"
    assert one.build() == {"/a": why}
    assert one.read("x.txt") == "x"


def test_the_list_of_an_older_build_does_not_mislead(rebuilt: Rebuild) -> None:
    # As if the second build was killed between its two steps: its files are there, its list not.
    one = rebuilt({**PAGES, "src/pages/b.jinja": "b"})
    one.build()
    ledger = (one.root / ".dist-inputs").read_bytes()
    one.write({"src/pages/a.jinja": "c"})
    one.build()
    one.write({"src/pages/a.jinja": "a", ".dist-inputs": ledger})
    why = "a/index.html was changed in the output, or taken out"
    assert one.build() == {"/a": why, "/b": None}
    assert one.read("a/index.html") == "a"
