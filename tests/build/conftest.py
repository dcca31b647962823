"""Static sites that are built, perhaps more than once."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from framework.build.hosting import HEADERS, REDIRECTS
from framework.build.nginx import NGINX
from framework.build.run import Report, build
from framework.errors import BuildError
from framework.static.built import MANIFEST
from tests.conftest import TestSite

PREFIX = "The site can't be built:\n"
LISTED = (
    "from framework import Response\n\n\n"
    "def get_static_paths():\n    return [{'params': {'id': x}} for x in ITEMS]\n\n\n"
    "def GET(params):\n    return Response(str(params['id']))\n"
)


def listed(items: str) -> str:
    """An endpoint with a parameter `id`; `items` is the expression of its values."""
    return f"ITEMS = {items}\n{LISTED}"


def returning(expression: str, before: str = "") -> str:
    """An endpoint whose GET returns the expression."""
    return f"from framework import Response\n{before}\n\ndef GET():\n    return {expression}\n"


class StaticSite(TestSite):
    """A static site and its build."""

    def configure(self, config: str, output: str = "static") -> None:
        """Write the configuration; `config` are arguments of `Config`."""
        text = f"from framework import *\n\nconfig = Config(output={output!r}, {config})\n"
        self.write({"framework.config.py": text})

    @property
    def dist(self) -> Path:
        return self.root / "dist"

    def build(self, **options: Any) -> Report:
        return build(self.root, **options)

    def files(self) -> dict[str, bytes]:
        """The content of every file of the build."""
        return tree(self.dist)

    def built(self, **options: Any) -> dict[str, bytes]:
        """Build the site; the content of its files, without those for servers."""
        self.build(**options)
        files = self.files()
        return {name: files[name] for name in files.keys() - {MANIFEST, NGINX, HEADERS, REDIRECTS}}

    def mistakes(self, **options: Any) -> str:
        """The message of a build that fails and changes nothing."""
        before = tree(self.root.parent)
        with pytest.raises(BuildError) as caught:
            self.build(**options)
        assert tree(self.root.parent) == before
        assert not (self.root / ".dist-building").exists()
        return str(caught.value).removeprefix(PREFIX)


def tree(folder: Path) -> dict[str, bytes]:
    """The content of every file below a folder, without bytecode."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


class StaticSiteMaker(Protocol):
    """The type of the fixture `static_site`."""

    def __call__(self, files: Mapping[str, str | bytes], config: str = "") -> StaticSite:
        """Write the files to a new folder; `config` are arguments of `Config`."""


@pytest.fixture
def static_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StaticSiteMaker:
    """`static_site({"src/pages/a.py": "..."}, "site='https://shop.example'")`, not built yet."""
    # Python takes the old bytecode of a module that is saved twice in a second at the same size.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    numbers = iter(range(99))

    def make(files: Mapping[str, str | bytes], config: str = "") -> StaticSite:
        new = StaticSite(tmp_path / f"site{next(numbers)}")
        (new.root / "src" / "pages").mkdir(parents=True)
        new.configure(config)
        new.write(files)
        return new

    return make
