"""Files of a build: their modification times, compressed variants and copies of public/."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.build.conftest import StaticSite, StaticSiteMaker, returning

LONG = "<p>long enough</p>" * 100
CSS = "a{}\n" * 999
COMPRESSED = "build=Build(compress=True)"


def modified(one: StaticSite, name: str) -> int:
    return (one.dist / name).stat().st_mtime_ns


def make_old(one: StaticSite) -> None:
    """Give every file of the build a time in the past."""
    for path in one.dist.rglob("*"):
        os.utime(path, ns=(5, 7))


# -------------------------------------------------------------------- modification times


def test_a_file_with_the_same_bytes_keeps_its_time(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/x.py": returning("Response('x')"), "src/pages/y.jinja": "y"})
    one.build()
    make_old(one)
    one.write({"src/pages/x.py": returning("Response('x', headers={'x-a': '1'})")})
    one.build()
    assert modified(one, "x") == modified(one, "y/index.html") == 7
    assert modified(one, ".framework.json") > 7
    entry = json.loads(one.files()[".framework.json"])["files"]["x"]
    assert entry["headers"]["x-a"] == "1"


@pytest.mark.parametrize("text", ["z", "longer"])
def test_a_file_with_other_bytes_has_a_new_time(static_site: StaticSiteMaker, text: str) -> None:
    one = static_site({"src/pages/x.py": returning("Response('x')")})
    one.build()
    make_old(one)
    one.write({"src/pages/x.py": returning(f"Response({text!r})")})
    assert one.built() == {"x": text.encode()}
    assert modified(one, "x") > 7


def remove(path: Path) -> None:
    path.unlink()


def replace_with_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def replace_with_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_with_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "change", [remove, replace_with_link, replace_with_folder, replace_with_pipe]
)
def test_a_file_that_was_changed_in_the_output_is_written(
    static_site: StaticSiteMaker, change: Callable[[Path], None]
) -> None:
    one = static_site({"src/pages/x.py": returning("Response('')"), "public/p.txt": "p"})
    one.build()
    change(one.dist / "x")
    change(one.dist / "p.txt")
    assert one.built() == {"x": b"", "p.txt": b"p"}
    assert not (one.dist / "x").is_symlink()


# ---------------------------------------------------------------------- compressed variants


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Encoders that keep half of the content."""
    found: dict[str, Any] = {
        name: lambda data, name=name: name.encode() + data[: len(data) // 2]
        for name in ("br", "gzip", "zstd")
    }
    monkeypatch.setattr("framework.build.run.find_encoders", lambda: found)
    return found


def test_variants_have_the_time_of_their_file(
    static_site: StaticSiteMaker, encoders: dict[str, Any]
) -> None:
    one = static_site({"src/pages/x.jinja": LONG, "public/p.css": CSS}, COMPRESSED)
    one.build()
    first = one.files()
    names = [f"{name}{end}" for name in ("x/index.html", "p.css") for end in (".br", ".gz", ".zst")]
    assert first.keys() >= set(names)
    for _ in range(2):
        for name in names:
            assert modified(one, name) == modified(one, name.rpartition(".")[0])
        make_old(one)
        one.build()
        assert one.files() == first
    assert modified(one, "x/index.html.br") == 7


def test_a_compressed_response_has_no_variants(
    static_site: StaticSiteMaker, encoders: dict[str, Any]
) -> None:
    headers = "{'content-encoding': 'gzip', 'content-type': 'text/plain'}"
    code = returning(f"Response(b'x' * 9999, headers={headers})")
    assert list(static_site({"src/pages/x.py": code}, COMPRESSED).built()) == ["x"]


def test_a_variant_in_public_stays_as_it_is(
    static_site: StaticSiteMaker, encoders: dict[str, Any]
) -> None:
    files = {"src/pages/x.jinja": "x", "public/p.css": CSS, "public/p.css.gz": b"mine"}
    one = static_site(files, COMPRESSED)
    one.build()
    assert one.files()["p.css.gz"] == b"mine"
    public = json.loads(one.files()[".framework.json"])["public"]
    assert public["p.css"]["encodings"] == ["br", "zstd"]


# ---------------------------------------------------------------------------- public files


def test_a_public_file_is_copied_with_its_time(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/x.jinja": "x", "public/a.txt": "old", "public/b.txt": "b"})
    os.utime(one.root / "public/a.txt", ns=(5, 7))
    one.build()
    assert modified(one, "a.txt") == 7
    one.write({"public/a.txt": "new"})
    os.utime(one.root / "public/a.txt", ns=(5, 7))
    (one.root / "public/b.txt").unlink()
    report = one.build()
    assert one.files()["a.txt"] == b"new"
    assert report.public == 1


def test_a_public_name_that_is_not_utf_8_is_a_mistake(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/x.jinja": "x", os.fsdecode(b"public/\xff.txt"): "x"})
    assert one.mistakes() == "'public/\\udcff.txt': the name is not UTF-8. Rename the file."
