"""Files of a site as modules: names, relative imports, and the errors in them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from framework.errors import Mistake
from framework.site.modules import LoadError, SiteModules


class ModulesMaker(Protocol):
    """Writes the files to a folder and returns its modules."""

    def __call__(self, files: dict[str, str], name: str = "site") -> SiteModules: ...


@pytest.fixture
def make(tmp_path: Path) -> Iterator[ModulesMaker]:
    made: list[SiteModules] = []

    def make(files: dict[str, str], name: str = "site") -> SiteModules:
        root = tmp_path / name
        (root / "src/pages").mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            path = root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        made.append(SiteModules(root))
        return made[-1]

    yield make
    for modules in made:
        modules.close()


def mistake_in(modules: SiteModules, file: str) -> str:
    with pytest.raises(LoadError) as caught:
        modules.load(modules.root / file)
    return str(caught.value)


def test_a_file_is_a_module_with_its_own_names(make: ModulesMaker) -> None:
    modules = make({"src/pages/products/[id].json.py": "VALUE = 7\n"})
    path = modules.root / "src/pages/products/[id].json.py"
    module = modules.load(path)
    assert module.VALUE == 7
    assert module.__file__ == str(path)
    assert sys.modules[module.__name__] is module


def test_a_file_is_loaded_once(make: ModulesMaker) -> None:
    modules = make({"src/pages/a.py": "VALUE = object()\n"})
    path = modules.root / "src/pages/a.py"
    assert modules.load(path) is modules.load(path)


def test_files_whose_names_differ_in_punctuation_are_different_modules(
    make: ModulesMaker,
) -> None:
    names = ("a.b", "a_b", "a%2Eb", "a.b_c", "a_b.c")
    modules = make({f"src/pages/{name}.py": f"NAME = {name!r}\n" for name in names})
    loaded = [modules.load(modules.root / f"src/pages/{name}.py").NAME for name in names]
    assert loaded == list(names)


def test_a_file_and_a_folder_may_have_the_same_name(
    make: ModulesMaker,
) -> None:
    modules = make(
        {
            "src/pages/products.py": "KIND = 'file'\n",
            "src/pages/products/_shared.py": "KIND = 'neighbour'\n",
            "src/pages/products/[id].py": "from ._shared import KIND\n",
        }
    )
    assert modules.load(modules.root / "src/pages/products.py").KIND == "file"
    assert modules.load(modules.root / "src/pages/products/[id].py").KIND == "neighbour"


def test_relative_imports_find_neighbours_and_parents(make: ModulesMaker) -> None:
    modules = make(
        {
            "src/pages/_top.py": "TOP = 1\n",
            "src/pages/v1.0/_near.py": "NEAR = 2\n",
            "src/pages/v1.0/x.py": "from .._top import TOP\nfrom ._near import NEAR\n",
            "src/pages/v1_0/_near.py": "NEAR = 3\n",
            "src/pages/v1_0/x.py": "from ._near import NEAR\n",
        }
    )
    first = modules.load(modules.root / "src/pages/v1.0/x.py")
    second = modules.load(modules.root / "src/pages/v1_0/x.py")
    assert (first.TOP, first.NEAR, second.NEAR) == (1, 2, 3)


def test_a_folder_with_an_init_file_is_that_package(make: ModulesMaker) -> None:
    modules = make(
        {
            "src/pages/shop/__init__.py": "from . import _prices\nNAME = 'shop'\n",
            "src/pages/shop/_prices.py": "VAT = 19\n",
            "src/pages/shop/x.py": "from . import NAME, _prices\n",
        }
    )
    module = modules.load(modules.root / "src/pages/shop/x.py")
    assert (module.NAME, module._prices.VAT) == ("shop", 19)


def test_the_configuration_beside_src_can_be_loaded(make: ModulesMaker) -> None:
    modules = make(
        {"framework.config.py": "from lib.x import config\n", "src/lib/x.py": "config = 1"}
    )
    assert modules.load(modules.root / "framework.config.py").config == 1


def test_a_namespace_makes_relative_imports_work(make: ModulesMaker) -> None:
    modules = make({"src/pages/shop/_shared.py": "VALUE = 5\n"})
    path = modules.root / "src/pages/shop/page.jinja"
    namespace = modules.namespace(path)
    exec("from ._shared import VALUE", namespace)
    assert namespace["VALUE"] == 5
    assert namespace["__file__"] == str(path)


def test_src_is_on_sys_path_until_close(make: ModulesMaker) -> None:
    modules = make(
        {"src/lib_for_this_test/x.py": "", "src/pages/a.py": "import lib_for_this_test.x"}
    )
    source = str(modules.root / "src")
    module = modules.load(modules.root / "src/pages/a.py")
    assert sys.path[0] == source
    assert "lib_for_this_test.x" in sys.modules
    modules.close()
    modules.close()
    assert source not in sys.path
    assert "lib_for_this_test.x" not in sys.modules
    assert module.__name__ not in sys.modules


def test_two_sites_may_have_libraries_of_the_same_name(make: ModulesMaker) -> None:
    page = "from lib.who import NAME\n"
    one = make({"src/lib/who.py": "NAME = 'one'\n", "src/pages/a.py": page}, "one")
    first = one.load(one.root / "src/pages/a.py")
    two = make({"src/lib/who.py": "NAME = 'two'\n", "src/pages/a.py": page}, "two")
    second = two.load(two.root / "src/pages/a.py")
    assert (first.NAME, second.NAME) == ("one", "two")


def test_close_keeps_modules_from_other_folders(make: ModulesMaker) -> None:
    modules = make({"src/json.py": "", "src/pages/a.py": ""})
    modules.close()
    assert sys.modules["json"] is json


def test_a_syntax_error_names_its_line(make: ModulesMaker) -> None:
    modules = make({"src/pages/a.py": "x = 1\ndef GET(:\n"})
    assert mistake_in(modules, "src/pages/a.py") == (
        "src/pages/a.py:2: invalid syntax\n    Fix this line: def GET(:"
    )


def test_a_syntax_error_in_an_imported_module_names_that_file(
    make: ModulesMaker,
) -> None:
    modules = make({"src/lib/bad.py": "\n\n1 +\n", "src/pages/a.py": "import lib.bad\n"})
    assert mistake_in(modules, "src/pages/a.py") == (
        "src/lib/bad.py:3: invalid syntax\n    Fix this line: 1 +"
    )


def test_a_syntax_error_without_text_has_no_remedy(make: ModulesMaker) -> None:
    modules = make({"src/pages/a.py": ""})
    path = modules.root / "src/pages/a.py"
    error = SyntaxError("odd", (str(path), 4, 1, None))
    assert modules.explain(error, path) == Mistake("src/pages/a.py:4", "odd")


def test_a_syntax_error_in_compiled_text_names_the_call(
    make: ModulesMaker,
) -> None:
    modules = make({"src/pages/a.py": "\ncompile('1 +', '<made>', 'eval')\n"})
    assert mistake_in(modules, "src/pages/a.py") == (
        "src/pages/a.py:2: SyntaxError during import: invalid syntax (<made>, line 1)\n"
        "    Fix this line."
    )


def test_an_error_names_its_line(make: ModulesMaker) -> None:
    modules = make({"src/pages/a.py": "x = 1\n\ny = x / 0\n"})
    assert mistake_in(modules, "src/pages/a.py") == (
        "src/pages/a.py:3: ZeroDivisionError during import: division by zero\n    Fix this line."
    )
    names = {getattr(module, "__file__", None) for module in sys.modules.values()}
    assert str(modules.root / "src/pages/a.py") not in names


def test_an_error_in_an_imported_module_names_that_file(make: ModulesMaker) -> None:
    modules = make({"src/lib/sums.py": "\n1 / 0\n", "src/pages/a.py": "import lib.sums\n"})
    assert mistake_in(modules, "src/pages/a.py").startswith("src/lib/sums.py:2: ZeroDivisionError")


def test_an_error_in_another_library_names_the_call(
    make: ModulesMaker,
) -> None:
    modules = make({"src/pages/a.py": "import json\n\njson.loads('{')\n"})
    assert mistake_in(modules, "src/pages/a.py").startswith("src/pages/a.py:3: JSONDecodeError")


def test_an_error_without_a_traceback_names_the_file(make: ModulesMaker) -> None:
    modules = make({"src/pages/a.py": ""})
    assert modules.explain(OSError("gone"), modules.root / "src/pages/a.py").location == (
        "src/pages/a.py"
    )


def test_a_missing_module_is_named_in_the_remedy(make: ModulesMaker) -> None:
    modules = make({"src/pages/a.py": "import lib.missing_one\n", "src/lib/__init__.py": ""})
    assert mistake_in(modules, "src/pages/a.py") == (
        "src/pages/a.py:1: ModuleNotFoundError during import: "
        "No module named 'lib.missing_one'\n"
        "    Install it, or add a module lib.missing_one to src/."
    )


def test_a_missing_module_without_a_name_has_the_usual_remedy(make: ModulesMaker) -> None:
    modules = make({"src/pages/a.py": "raise ModuleNotFoundError('no driver')\n"})
    assert mistake_in(modules, "src/pages/a.py") == (
        "src/pages/a.py:1: ModuleNotFoundError during import: no driver\n    Fix this line."
    )


def test_a_module_that_exits_is_a_mistake(make: ModulesMaker) -> None:
    modules = make({"src/pages/a.py": "import sys\nsys.exit(3)\n"})
    assert mistake_in(modules, "src/pages/a.py") == (
        "src/pages/a.py:2: exits the program during import\n    Remove the call of exit()."
    )


def test_a_keyboard_interrupt_passes_through(make: ModulesMaker) -> None:
    modules = make({"src/pages/a.py": "raise KeyboardInterrupt\n"})
    with pytest.raises(KeyboardInterrupt):
        modules.load(modules.root / "src/pages/a.py")


def test_a_path_outside_the_site_stays_absolute(make: ModulesMaker) -> None:
    assert make({}).relative("/elsewhere/x.py") == "/elsewhere/x.py"
