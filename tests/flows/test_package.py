"""A wheel built from the tree, installed in an empty environment, serves a site."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
from framework import App
response = App("site").fetch("/hello")
assert (response.status, response.text()) == (200, "hello"), response
print("served")
"""


def run(*command: str | Path, cwd: Path) -> str:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COVERAGE"))}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        timeout=10 * PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # In the project itself, the modules of an earlier build would get into the wheel.
    source = shutil.copytree(ROOT / "framework", folder / "source" / "framework").parent
    for name in ("LICENSE", "README.md", "pyproject.toml", "setup.cfg"):
        shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", folder, source, cwd=folder)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    source = {
        p.relative_to(ROOT).as_posix()
        for p in (ROOT / "framework").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == source
    assert "framework/py.typed" in source


def test_the_wheel_serves_a_site_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    pages = tmp_path / "site" / "src" / "pages"
    pages.mkdir(parents=True)
    (pages / "hello.py").write_text(
        "from framework import Response\n\n\ndef GET():\n    return Response('hello')\n"
    )
    run(sys.executable, "-m", "venv", "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)
    assert run(python, "-c", PROGRAM, cwd=tmp_path) == "served\n"
    framework = tmp_path / "env" / "bin" / "framework"
    assert "/hello" in run(framework, "routes", "--root", "site", cwd=tmp_path)
    run(framework, "new", "fresh", cwd=tmp_path)
    assert "no mistakes" in run(framework, "--root", "fresh", "check", "--strict", cwd=tmp_path)
