"""Smaller variants of built files: of which, in what codings, and that they are the same text."""

import gzip
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from framework.build.encodings import encode, find_encoders, may_encode
from framework.build.run import build
from tests.conftest import SiteMaker

DECODERS = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd.decompress}
SUFFIXES = {"gzip": ".gz", "br": ".br", "zstd": ".zst"}
TEXT = b"The same again. " * 100
PAGE = "from framework import Response\n\n\ndef GET():\n    return Response('again ' * 999, {})\n"


@given(st.binary(max_size=200), st.sampled_from(["text/html", "image/svg+xml"]))
def test_a_variant_is_the_content_and_a_tenth_smaller(content: bytes, kind: str) -> None:
    content *= 40
    for name, data in encode(content, kind, find_encoders()).items():
        assert DECODERS[name](data) == content
        assert len(data) <= len(content) * 0.9


def test_every_coding_is_made_where_its_library_is() -> None:
    assert set(encode(TEXT, "text/html;charset=UTF-8", find_encoders())) == {"gzip", "br", "zstd"}


def test_without_libraries_there_is_gzip(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> ModuleType:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", find)
    assert list(find_encoders()) == ["gzip"]


def test_the_same_content_has_the_same_variants() -> None:
    encoders = find_encoders()
    assert encode(TEXT, "text/css", encoders) == encode(TEXT, "text/css", encoders)
    assert encoders["gzip"](TEXT)[4:8] == bytes(4)  # no time


@pytest.mark.parametrize(
    ("kind", "size", "worth"),
    [
        ("text/html;charset=UTF-8", 1024, True),
        ("text/html", 1023, False),
        *((kind, 9999, True) for kind in ("application/json", "application/ld+json")),
        *((kind, 9999, True) for kind in ("image/svg+xml", "text/x-own", "application/wasm")),
        *((kind, 9999, False) for kind in ("image/png", "video/mp4", "", "application/jsonx")),
    ],
)
def test_only_text_of_some_size_is_tried(kind: str, size: int, worth: bool) -> None:
    assert may_encode(kind, size) is worth


def test_what_gets_hardly_smaller_stays_alone() -> None:
    content = bytes(range(256)) * 4
    assert encode(content, "text/plain", {"none": lambda data: data[:922]}) == {}
    assert encode(content, "text/plain", {"some": lambda data: data[:921]}) == {
        "some": content[:921]
    }


@pytest.fixture
def files(site: SiteMaker) -> Callable[..., dict[str, bytes]]:
    """The files of a build, by name."""

    def made(config: str, sources: dict[str, str | bytes]) -> dict[str, bytes]:
        text = f"from framework import *\n\nconfig = Config({config})\n"
        root = site({"framework.config.py": text, **sources}).root
        build(root)
        dist = Path(root) / "dist"
        paths = (path for path in dist.rglob("*") if path.is_file())
        return {path.relative_to(dist).as_posix(): path.read_bytes() for path in paths}

    return made


STATIC = "output='static', build=Build(compress=True)"
SOURCE = f"prerender = True\n{PAGE}"


@pytest.mark.parametrize(
    ("config", "compressed"),
    [
        ("", True),
        ("output='static'", False),
        (STATIC, True),
        ("build=Build(compress=False)", False),
    ],
)
def test_variants_are_made_where_the_application_serves(
    files: Any, config: str, compressed: bool
) -> None:
    source = SOURCE.replace(", {}", "")
    written = files(config, {"src/pages/a.txt.py": source, "public/x/y.css": TEXT})
    variants = {f"{name}{end}" for name in ("a.txt", "x/y.css") for end in SUFFIXES.values()}
    assert variants & written.keys() == (variants if compressed else set())
    for name in ("a.txt", "x/y.css") if compressed else ():
        for coding, decode in DECODERS.items():
            assert decode(written[name + SUFFIXES[coding]]) == written[name]


def test_the_smallest_is_named_first(files: Any) -> None:
    written = files(
        STATIC, {"src/pages/a.txt.py": SOURCE.replace(", {}", ""), "public/y.css": TEXT}
    )
    manifest = json.loads(written[".framework.json"])
    for name, row in [*manifest["files"].items(), *manifest["public"].items()]:
        sizes = [len(written[name + SUFFIXES[coding]]) for coding in row["encodings"]]
        assert sizes == sorted(sizes)
        assert len(sizes) == 3


def test_what_is_encoded_already_is_left_so(files: Any) -> None:
    source = SOURCE.replace("{}", "headers={'content-encoding': 'identity'}")
    assert not {"a.txt.gz", "a.txt.br"} & files(STATIC, {"src/pages/a.txt.py": source}).keys()


def test_pictures_and_short_texts_are_left_alone(files: Any) -> None:
    written = files(STATIC, {"public/a.png": TEXT, "public/b.txt": TEXT[:1000]})
    assert written.keys() >= {"a.png", "b.txt"}
    assert not [name for name in written if name.endswith((".gz", ".br", ".zst"))]
