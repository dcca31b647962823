"""Smaller variants of built files: of which, in what codings, and that they are the same text."""

import gzip
import importlib
import json
from types import ModuleType

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from framework.build.encodings import encode, find_encoders, is_compressible
from tests.build.conftest import StaticSiteMaker, returning

DECODERS = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd.decompress}
SUFFIXES = {"gzip": ".gz", "br": ".br", "zstd": ".zst"}
TEXT = b"The same again. " * 100


@given(st.binary(max_size=200), st.sampled_from(["text/html", "image/svg+xml"]))
def test_a_variant_decodes_to_the_content_and_is_a_tenth_smaller(content: bytes, kind: str) -> None:
    content *= 40
    for name, data in encode(content, kind, find_encoders()).items():
        assert DECODERS[name](data) == content
        assert len(data) <= len(content) * 0.9


def test_each_installed_library_makes_a_variant() -> None:
    assert set(encode(TEXT, "text/html;charset=UTF-8", find_encoders())) == {"gzip", "br", "zstd"}


def test_without_other_libraries_there_is_only_gzip(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_only_text_of_1_kib_or_more_is_compressible(kind: str, size: int, worth: bool) -> None:
    assert is_compressible(kind, size) is worth


def test_a_variant_that_is_hardly_smaller_is_left_out() -> None:
    content = bytes(range(256)) * 4
    assert encode(content, "text/plain", {"none": lambda data: data[:922]}) == {}
    assert encode(content, "text/plain", {"some": lambda data: data[:921]}) == {
        "some": content[:921]
    }


PAGE = returning("Response('again ' * 999)")
COMPRESSED = "build=Build(compress=True)"


@pytest.mark.parametrize(
    ("config", "output", "compressed"),
    [
        ("", "server", True),
        ("", "static", False),
        (COMPRESSED, "static", True),
        ("build=Build(compress=False)", "server", False),
    ],
)
def test_variants_are_written_if_the_application_serves_them(
    static_site: StaticSiteMaker, config: str, output: str, compressed: bool
) -> None:
    source = f"prerender = True\n{PAGE}"
    one = static_site({"src/pages/a.txt.py": source, "public/x/y.css": TEXT})
    one.configure(config, output)
    files = one.built()
    variants = {f"{name}{end}" for name in ("a.txt", "x/y.css") for end in SUFFIXES.values()}
    assert variants & files.keys() == (variants if compressed else set())
    for name in ("a.txt", "x/y.css") if compressed else ():
        for coding, decode in DECODERS.items():
            assert decode(files[name + SUFFIXES[coding]]) == files[name]


def test_the_smallest_variant_is_listed_first(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/a.txt.py": PAGE, "public/y.css": TEXT}, COMPRESSED)
    one.build()
    files = one.files()
    manifest = json.loads(files[".framework.json"])
    for name, row in [*manifest["files"].items(), *manifest["public"].items()]:
        sizes = [len(files[name + SUFFIXES[coding]]) for coding in row["encodings"]]
        assert sizes == sorted(sizes)
        assert len(sizes) == 3


def test_images_and_short_texts_have_no_variants(static_site: StaticSiteMaker) -> None:
    files = {"public/a.png": TEXT, "public/b.txt": TEXT[:1000]}
    assert static_site(files, COMPRESSED).built().keys() == {"a.png", "b.txt"}
