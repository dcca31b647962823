"""Frontmatter: the Python between the two `---` lines of a page."""

import asyncio
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.site.frontmatter import (
    Frontmatter,
    Variables,
    compile_frontmatter,
    split_frontmatter,
)
from framework.site.modules import LoadError

OFFERED = frozenset({"params", "url", "locals", "response", "session"})


def compiled(code: str, **globals: Any) -> Frontmatter:
    return compile_frontmatter(code, "/site/page.jinja", "page.jinja", OFFERED, globals)


def mistake_in(code: str) -> str:
    with pytest.raises(LoadError) as caught:
        compiled(code)
    return str(caught.value)


def test_a_page_without_frontmatter_is_a_template() -> None:
    assert split_frontmatter("<p>\n---\nx\n---\n", "p") == ("", "<p>\n---\nx\n---\n")


def test_the_template_keeps_its_line_numbers() -> None:
    code, template = split_frontmatter("---\na = 1\nb = 2\n---\n<p>\n</p>\n", "p")
    assert code == "\na = 1\nb = 2\n"
    assert template == "{#\n\n\n\n#}<p>\n</p>\n"


def test_a_byte_order_mark_and_spaces_after_a_fence_are_ignored() -> None:
    assert split_frontmatter("\ufeff--- \nx = 1\n---\t\ny", "p") == ("\nx = 1\n", "{#\n\n\n#}y")
    assert split_frontmatter("\ufeff<p>", "p") == ("", "<p>")


def test_blank_lines_above_the_frontmatter_are_ignored() -> None:
    code, template = split_frontmatter("\ufeff \r\n\n---\nx = 1\n---\n<p>", "a.jinja")
    assert code == "\n\n\nx = 1\n"
    assert template == "{#\n\n\n\n\n#}<p>"
    with pytest.raises(LoadError, match=r"a\.jinja:2: the frontmatter has no end"):
        split_frontmatter("\n---\nx = 1\n", "a.jinja")


@pytest.mark.parametrize(
    "source", [" ---\n---\n", "----\n---\n", "x\n---\n---\n", "\n --- \n---\n"]
)
def test_other_lines_are_not_frontmatter(source: str) -> None:
    assert split_frontmatter(source, "a.jinja") == ("", source)


def test_frontmatter_may_be_empty() -> None:
    assert split_frontmatter("---\n---\nx", "p") == ("\n", "{#\n\n#}x")


def test_frontmatter_without_an_end_is_a_mistake() -> None:
    with pytest.raises(LoadError) as caught:
        split_frontmatter("---\nx = 1\n", "src/pages/a.jinja")
    assert str(caught.value) == (
        "src/pages/a.jinja:1: the frontmatter has no end\n    Add a line --- below it."
    )


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"])), max_size=5
    ),
    st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])),
)
def test_splitting_keeps_every_line_number(code: list[str], template: str) -> None:
    code = [line for line in code if line.rstrip() != "---"]
    source = "\n".join(["---", *code, "---", template])
    python, html = split_frontmatter(source, "p")
    assert python.split("\n")[1:-1] == code
    assert html == "{#" + "\n" * (len(code) + 2) + "#}" + template


def test_local_names_are_the_variables() -> None:
    variables = compiled("x = 1\ny = [x, 2]\n").run()
    assert type(variables) is Variables
    assert variables == {"x": 1, "y": [1, 2]}


def test_the_function_takes_the_names_that_it_uses() -> None:
    front = compiled("path = url + params['id']\n")
    assert front.names == ("params", "url")
    assert front.run({"id": "7"}, "/p/") == {
        "params": {"id": "7"},
        "url": "/p/",
        "path": "/p/7",
    }


def test_locals_is_that_of_the_context() -> None:
    front = compiled("user = locals['user']\n")
    assert front.run({"user": "ada"})["user"] == "ada"


def test_an_assignment_replaces_a_name_of_the_context() -> None:
    assert compiled("url = 'mine'\n").run() == {"url": "mine"}


@pytest.mark.parametrize(
    "code",
    [
        "session = 1",
        "session: int = 1",
        "if (session := 1): x = session",
        "global session\nsession = 1\nx = session",
        "def f():\n    global session\n    session = 1",
        "for session in [1]: x = session",
        "import json as session",
        "from json import loads as session",
        "def session(): return session",
        "class session: pass",
        "def f(session): return session",
        "f = lambda session: session",
        "x = [session for session in [1]]",
        "x = {a: session for a, session in [(1, 2)]}",
        "x = list(session for session in [1])",
        "with memoryview(b'') as session: pass",
        "try: 1 / 0\nexcept ZeroDivisionError as session: pass",
        "match 1:\n    case session: pass",
        "match {}:\n    case {**session}: pass",
        "session = 1\ndef f(): return session",
        "def f():\n    session = 1\n    return lambda: session",
        "x = y.session if (y := None) else {'session': 1}",
        "x = dict(session=1)",
        "text = '''\nsession\n'''",
    ],
)
def test_a_name_that_the_frontmatter_binds_is_its_own(code: str) -> None:
    front = compiled(f"{code}\n")
    assert front.names == ()
    front.run()


@pytest.mark.parametrize(
    "code",
    [
        "x = session",
        "x = f'{session}'",
        "def f(): return session",
        "f = lambda: [session for x in [1]]",
        "x = [session for session in session]",
        "def f():\n    session = 1\nx = session",
        "class A:\n    x = session",
        "async with session: pass",
    ],
)
def test_a_name_that_the_frontmatter_only_reads_is_that_of_the_context(code: str) -> None:
    assert compiled(f"{code}\n").names == ("session",)


@pytest.mark.parametrize(
    "code",
    [
        "session = dict(session)",
        "session: dict = session or {}",
        "session += 1",
        "x = session\nsession = 1",
        "for session in session: pass",
        "if (session := session): pass",
        "x = [a for a in session]\nsession = 1",
        "with session as session: pass",
    ],
)
def test_a_name_that_is_read_before_it_is_bound_begins_as_that_of_the_context(code: str) -> None:
    assert compiled(f"{code}\n").names == ("session",)


@pytest.mark.parametrize(
    "code",
    [
        "import session\nx = session",
        "import a.b as session\nx = session",
        "def session(): pass\nx = session()",
        "f = lambda: 1\nsession = f\nx = session",
        "try: pass\nexcept ValueError as session: x = session",
        "match []:\n    case [*session]: x = session",
        "match {}:\n    case {**session}: x = session",
        "match 1:\n    case session: x = session",
    ],
)
def test_a_name_that_is_bound_before_it_is_read_is_the_pages_own(code: str) -> None:
    assert compiled(f"{code}\n").names == ()


def test_return_ends_the_frontmatter() -> None:
    front = compiled("if params:\n    return 'early'\nx = 1\n")
    assert front.run({"id": 1}) == "early"
    assert front.run({})["x"] == 1


def test_await_makes_the_function_a_coroutine() -> None:
    front = compiled("import asyncio\nx = await asyncio.sleep(0, 'slept')\n")
    assert front.is_async
    assert asyncio.run(front.run())["x"] == "slept"


@pytest.mark.parametrize(
    "code",
    [
        "async with url: pass",
        "async for x in url: pass",
        "xs = [x async for x in url]",
        "if params:\n    while True:\n        await url",
    ],
)
def test_async_statements_make_the_function_a_coroutine(code: str) -> None:
    assert compiled(code).is_async


@pytest.mark.parametrize(
    "code",
    [
        "async def later():\n    await url",
        "def now():\n    return 1",
        "f = lambda: [x for x in url]",
        "class A:\n    async def f(self):\n        await url",
        "",
    ],
)
def test_await_in_a_nested_function_does_not(code: str) -> None:
    assert not compiled(code).is_async


def test_names_of_the_file_are_not_variables() -> None:
    front = compiled(
        "prerender = True\n"
        "check_origin: bool = False\n"
        "from math import floor\n"
        "def get_static_paths():\n"
        "    return [{'params': {'id': str(floor(1.5))}}]\n"
        "x = floor(2.5)\n"
    )
    assert front.run() == {"floor": __import__("math").floor, "x": 2}
    paths = front.file_names.pop("get_static_paths")
    assert paths() == [{"params": {"id": "1"}}]
    assert front.file_names == {"prerender": True, "check_origin": False}


def test_get_static_paths_may_be_async() -> None:
    front = compiled("async def get_static_paths():\n    return []\n")
    assert asyncio.run(front.file_names["get_static_paths"]()) == []
    assert not front.is_async


@pytest.mark.parametrize(
    "code", ["prerender = x = True", "a.b = 1", "title: str = 'x'", "x, y = 1, 2"]
)
def test_other_assignments_run_per_request(code: str) -> None:
    assert compiled(code).file_names == {}


def test_imports_run_at_start_up_only_if_the_file_has_names_of_its_own() -> None:
    compiled("import a_module_that_is_not_there\n")
    with pytest.raises(ModuleNotFoundError):
        compiled("import a_module_that_is_not_there\nprerender = True\n")


def test_each_run_has_its_own_variables() -> None:
    front = compiled("try:\n    n += 1\nexcept UnboundLocalError:\n    n = 1\n")
    assert (front.run(), front.run()) == ({"n": 1}, {"n": 1})


def test_a_traceback_shows_the_line_of_the_page() -> None:
    code, _ = split_frontmatter("---\nx = 1\n\nx / 0\n---\n", "page.jinja")
    with pytest.raises(ZeroDivisionError) as caught:
        compiled(code).run()
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.filename, last.lineno) == ("/site/page.jinja", 4)


def test_a_syntax_error_names_its_line() -> None:
    assert mistake_in("\nx = 1\ny = = 2\n") == (
        "page.jinja:3: invalid syntax\n    Fix this line: y = = 2"
    )


def test_an_error_from_the_compiler_names_its_line() -> None:
    assert mistake_in("\nx = 1\nbreak\n").startswith("page.jinja:3: 'break' outside loop")


def test_a_syntax_error_without_text_has_no_remedy() -> None:
    assert mistake_in("\nnonlocal x\n") == "page.jinja:2: no binding for nonlocal 'x' found"
