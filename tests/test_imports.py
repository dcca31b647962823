"""The public names, and the modules that a command or a site imports."""

import ast
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import framework
from tests.conftest import HANDLER, SiteMaker
from tests.waiting import PATIENCE

PACKAGE = Path(framework.__file__).parent
UNUSED = {
    *("framework.adapters", "framework.build", "framework.testing", "framework.cli.server"),
    *("gunicorn", "watchfiles", "tqdm", "uvloop", "brotli", "backports"),
}
PRINT_MODULES = """
import sys
before = set(sys.modules)
try:
    {code}
except SystemExit:
    pass
print(*sorted(set(sys.modules) - before))
"""


def list_modules(code: str) -> set[str]:
    """Return the modules that a fresh interpreter imports for this code."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT_MODULES.format(code=code)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def own(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] == "framework"}


def libraries(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules} - {"framework", *sys.stdlib_module_names}


# ------------------------------------------------------------------ the public names


def test_the_types_name_the_same_objects_as_the_package() -> None:
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    typed = {alias.name: f"framework.{node.module}" for node in imports for alias in node.names}
    for name, module in typed.items():
        assert getattr(framework, name) is getattr(import_module(module), name)
    assigned = next(node.value for node in tree.body if isinstance(node, ast.Assign))
    assert sorted(ast.literal_eval(assigned)) == sorted(typed) == sorted(framework.__all__)


def test_every_public_name_is_listed_and_can_be_imported_with_a_star() -> None:
    assert set(framework.__all__) <= set(dir(framework))
    names: dict[str, object] = {}
    exec("from framework import *", names)
    assert set(framework.__all__) <= set(names)
    assert names["Response"] is framework.Response


def test_a_missing_name_is_the_usual_error() -> None:
    with pytest.raises(AttributeError, match="'framework' has no attribute 'Respnse'"):
        framework.Respnse  # type: ignore[attr-defined] # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Respnse' from 'framework'"):
        exec("from framework import Respnse")


def test_public_classes_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(framework.Response)) is framework.Response


# --------------------------------------------------------------- what is imported


@pytest.mark.parametrize("argument", ["--version", "--help", "--nonsense"])
def test_the_command_line_alone_imports_no_library(argument: str) -> None:
    code = f"from framework.cli import main; main([{argument!r}])"
    modules = list_modules(code)
    assert own(modules) == {f"framework{name}" for name in ("", ".cli", ".errors", ".version")}
    assert libraries(modules) == set()


def test_a_new_site_is_written_without_a_library(tmp_path: Path) -> None:
    code = f"from framework.cli import main; main(['new', {str(tmp_path / 'new')!r}])"
    modules = list_modules(code)
    assert "framework.cli.new" in modules
    assert libraries(modules) == set()


@pytest.mark.parametrize("command", ["routes", "check"])
def test_a_command_imports_only_what_it_needs(site: SiteMaker, command: str) -> None:
    root = site({"src/pages/index.py": HANDLER}).root
    code = f"from framework.cli import main; main(['--root', {str(root)!r}, {command!r}])"
    modules = list_modules(code)
    assert f"framework.cli.{command}" in modules
    assert modules & UNUSED == set()


def test_a_site_imports_no_server_and_no_optional_library(site: SiteMaker) -> None:
    root = site({"src/pages/index.py": HANDLER}).root
    modules = list_modules(f"import framework; framework.App({str(root)!r}).start()")
    assert "framework.app" in modules
    assert modules & UNUSED == set()


def test_the_package_imports_a_module_with_its_first_name() -> None:
    assert own(list_modules("import framework")) == {"framework", "framework.version"}
    assert "framework.app" not in list_modules("from framework import Response")
