"""Files of a site as modules: names, relative imports, and the errors in them."""

import builtins
import importlib
import json
import pickle
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from framework.errors import Mistake
from framework.site.modules import LoadError, SiteModules

PYTHON_IMPORT = builtins.__import__


@pytest.fixture(autouse=True)
def no_other_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the sites that other tests of this process keep open."""
    monkeypatch.setattr("framework.site.modules._open_sources", {})
    monkeypatch.setattr("framework.site.modules._is_import_replaced", False)
    monkeypatch.setattr(builtins, "__import__", PYTHON_IMPORT)


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


LATE = """
def get():
    import lib.who
    from lib import who
    from lib.who import NAME
    return [lib.who.NAME, who.NAME, NAME]
"""


@pytest.fixture
def pair(make: ModulesMaker) -> tuple[SiteModules, SiteModules]:
    """Two open sites, each with modules of the same names."""
    one, two = (
        make(
            {
                "framework.config.py": "from lib.who import NAME\n",
                "src/lib/who.py": f"NAME = {name!r}\nfrom lib.deep.more import MORE\n",
                "src/lib/deep/more.py": f"MORE = {name!r}\n{LATE}",
                "src/lib/models.py": "from __future__ import annotations\n"
                "from dataclasses import dataclass\n"
                f"class Inner: name = {name!r}\n"
                "@dataclass\nclass Outer:\n    inner: Inner\n",
                "src/single.py": f"NAME = {name!r}\n",
                "src/pages/_near.py": f"NAME = {name!r}\n",
                "src/pages/a.py": f"import single\nfrom pages._near import NAME\n{LATE}",
                "src/pages/b.py": "import json, lib.models as models, lib.deep.more\n"
                "from lib import *\nfrom ._near import NAME\n",
            },
            name,
        )
        for name in ("one", "two")
    )
    return one, two


def test_each_of_two_sites_imports_its_own_modules(
    pair: tuple[SiteModules, SiteModules],
) -> None:
    pages = [modules.load(modules.root / "src/pages/a.py") for modules in pair]
    for _ in range(2):
        assert [page.get() for page in pages] == [["one"] * 3, ["two"] * 3]
    assert [page.NAME for page in pages] == ["one", "two"]
    assert [page.single.NAME for page in pages] == ["one", "two"]
    for modules in reversed(pair):
        page = modules.load(modules.root / "src/pages/b.py")
        name = modules.root.name
        assert (page.NAME, page.lib.deep.more.MORE, page.json) == (name, name, json)
        assert page.lib.deep.more.get() == [name] * 3
        assert name == modules.load(modules.root / "framework.config.py").NAME
        namespace = modules.namespace(modules.root / "src/pages/x.jinja")
        exec(LATE, namespace)
        assert namespace["get"]() == [name] * 3


def test_types_of_two_sites_are_found_by_name(pair: tuple[SiteModules, SiteModules]) -> None:
    for modules in pair:
        models = modules.load(modules.root / "src/pages/b.py").models
        hints = typing.get_type_hints(models.Outer)
        assert hints["inner"].name == modules.root.name
        value = models.Outer(1)
        assert pickle.loads(pickle.dumps(value)) == value


def test_code_outside_of_sites_imports_from_the_last_opened(
    pair: tuple[SiteModules, SiteModules], make: ModulesMaker
) -> None:
    for modules in pair:
        modules.load(modules.root / "src/pages/a.py")
    namespace = {"__name__": "a_test", "__file__": __file__}
    exec(LATE, namespace)
    get = namespace["get"]
    assert get() == ["two"] * 3
    again = make({}, "one")
    assert get() == ["one"] * 3
    again.close()
    pair[1].close()
    assert get() == ["one"] * 3


def test_a_site_works_on_after_the_other_is_closed(pair: tuple[SiteModules, SiteModules]) -> None:
    one, two = pair
    page = two.load(two.root / "src/pages/a.py")
    one.close()
    assert page.get() == ["two"] * 3
    two.close()
    assert builtins.__import__ is PYTHON_IMPORT


def test_the_first_site_works_on_after_the_second_is_closed(
    pair: tuple[SiteModules, SiteModules],
) -> None:
    one, two = pair
    page = one.load(one.root / "src/pages/a.py")
    two.close()
    assert builtins.__import__ is PYTHON_IMPORT
    assert page.get() == ["one"] * 3


def test_a_third_site_and_a_second_start_find_their_own_modules(
    pair: tuple[SiteModules, SiteModules], make: ModulesMaker
) -> None:
    third = make({"src/lib/who.py": "NAME = 'third'\n", "src/pages/a.py": LATE}, "third")
    assert third.load(third.root / "src/pages/a.py").get() == ["third"] * 3
    pair[0].close()
    again = make({}, "one")
    for modules in (third, pair[1], again):
        assert modules.load(modules.root / "src/pages/a.py").get()[0] == modules.root.name


def test_another_tools_import_function_is_kept(make: ModulesMaker) -> None:
    def start_both() -> list[SiteModules]:
        files = {"src/lib/x.py": "", "src/pages/a.py": "import lib.x as x"}
        return [make(files, name) for name in ("one", "two")]

    both = start_both()
    ours = builtins.__import__
    try:
        builtins.__import__ = theirs = lambda *args: ours(*args)
        for modules in both:
            modules.close()
        assert builtins.__import__ is theirs
        for modules in start_both():
            page = modules.load(modules.root / "src/pages/a.py")
            assert page.x.__file__ == str(modules.root / "src/lib/x.py")
            modules.close()
        assert builtins.__import__ is theirs
    finally:
        builtins.__import__ = ours
    for modules in start_both():
        modules.close()
    assert builtins.__import__ is PYTHON_IMPORT


def test_sites_without_common_names_are_both_on_sys_path(make: ModulesMaker) -> None:
    one = make({"src/of_one/x.py": "NAME = 1", "src/pages/a.py": "import of_one.x as x"}, "one")
    two = make({"src/of_two/x.py": "NAME = 2", "src/pages/a.py": "import of_two.x as x"}, "two")
    assert {str(modules.root / "src") for modules in (one, two)} <= {*sys.path}
    assert builtins.__import__ is PYTHON_IMPORT
    loaded = [modules.load(modules.root / "src/pages/a.py") for modules in (one, two)]
    assert [page.x.NAME for page in loaded] == [1, 2]


def test_a_missing_module_of_the_second_site_has_its_usual_name(make: ModulesMaker) -> None:
    make({"src/lib/__init__.py": ""}, "one")
    two = make({"src/lib/__init__.py": "", "src/pages/a.py": "import lib.missing_one\n"}, "two")
    assert mistake_in(two, "src/pages/a.py") == (
        "src/pages/a.py:1: ModuleNotFoundError during import: "
        "No module named 'lib.missing_one'\n"
        "    Install it, or add a module lib.missing_one to src/."
    )


def test_a_second_start_of_a_folder_shares_the_modules(make: ModulesMaker) -> None:
    files = {"src/lib/state.py": "SEEN = []\n", "src/pages/a.py": "from lib.state import SEEN\n"}
    first = make(files)
    page = first.load(first.root / "src/pages/a.py")
    page.SEEN.append(1)
    second = make({})
    assert second.load(second.root / "src/pages/a.py") is page
    first.close()
    first.close()
    assert str(second.root / "src") in sys.path
    import lib.state  # type: ignore[import-not-found]

    assert lib.state.SEEN == [1]
    second.close()
    assert "lib.state" not in sys.modules
    assert make({}).load(first.root / "src/pages/a.py").SEEN == []


def test_modules_that_a_test_imported_before_stay(
    make: ModulesMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = make({"src/lib_before/x.py": "", "src/pages/a.py": "import lib_before.x as x"})
    closed.close()
    monkeypatch.syspath_prepend(str(closed.root / "src"))
    before = importlib.import_module("lib_before.x")
    modules = make({})
    assert modules.load(modules.root / "src/pages/a.py").x is before
    modules.close()
    assert sys.modules["lib_before.x"] is before
    del sys.modules["lib_before.x"], sys.modules["lib_before"]


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
