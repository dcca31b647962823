"""Sites that are built again and again."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.build.maker import Made
from framework.build.progress import Progress
from framework.build.run import Report, build


class Reasons(Progress):
    """Why each path was rendered; `None`: it was kept."""

    def __init__(self) -> None:
        self.of: dict[str, str | None] = {}

    def made(self, made: Made) -> None:
        self.of[made.path] = made.reason


class Rebuilt:
    """A static site in a folder of its own. `text` goes into its `Config(...)`."""

    def __init__(self, root: Path, text: str) -> None:
        self.root = root
        self.configure(text)
        self.report: Report

    def configure(self, text: str, before: str = "") -> None:
        self.write(
            {
                "framework.config.py": f"from framework import *\n{before}\n"
                f"config = Config(output='static', {text})\n"
            }
        )

    def write(self, files: dict[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def remove(self, name: str) -> None:
        path = self.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def build(self, **options: Any) -> dict[str, str | None]:
        """Build it; why each path was rendered."""
        reasons = Reasons()
        self.report = build(self.root, progress=reasons, **options)
        return reasons.of

    def read(self, file: str) -> str:
        return (self.root / "dist" / file).read_text()

    def files(self) -> dict[str, bytes]:
        """The content of every file of the build."""
        dist = self.root / "dist"
        return {
            path.relative_to(dist).as_posix(): path.read_bytes()
            for path in sorted(dist.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rebuilt]:
    """`rebuilt({"src/pages/a.py": "..."}, "site='https://shop.example'")`, not built yet."""
    # A module that is written twice in a second, with one size, is found in __pycache__ as it was.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    count = iter(range(99))

    def make(files: dict[str, str | bytes], text: str = "") -> Rebuilt:
        made = Rebuilt(tmp_path / f"site{next(count)}", text)
        made.write(files)
        return made

    return make
