"""What does the Python between a page's two `---` lines do?

It is the body of a function: `return` and `await` work in it, its names are the template's.
`prerender`, `check_origin` and `get_static_paths` belong to the file, as in an endpoint.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from ..errors import Mistake

FENCE = "---"
_FUNCTION = "frontmatter"
_FILE_NAMES = {"prerender", "check_origin"}


class FrontmatterError(Exception):
    """Frontmatter that can't be read; `mistake` says where and why."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(str(mistake))
        self.mistake = mistake


@dataclass(frozen=True, slots=True)
class Frontmatter:
    """A page's frontmatter, compiled.

    `run(*values)` takes the values of `names`, in that order, and gives the template's
    variables (a `dict`), or what the frontmatter returned; a coroutine of it where
    `is_async`. `file_names` holds what belongs to the file.
    """

    run: Callable[..., Any]
    names: tuple[str, ...]
    is_async: bool
    file_names: dict[str, Any] = field(default_factory=dict)


class Variables(dict[str, Any]):
    """The names a frontmatter made: what it gives when it returns nothing of its own."""


def split_frontmatter(source: str, file: str) -> tuple[str, str]:
    """(Python, template) of a page; the template keeps its line numbers, and gains no line.

    >>> split_frontmatter("---\\nx = 1\\n---\\n<p>{{ x }}</p>", "page.jinja")
    ('\\nx = 1\\n', '{#\\n\\n\\n#}<p>{{ x }}</p>')
    """
    header, template = split_fences(source, file)
    if header is None:
        return "", template
    return "\n".join(["", *header, ""]), "{#" + "\n" * (len(header) + 2) + "#}" + template


def split_fences(source: str, file: str) -> tuple[list[str] | None, str]:
    """The lines between a file's two `---`, from its second line on, and what is below.

    `None` where the file doesn't begin with one. Raises `FrontmatterError` where it never ends.
    """
    source = source.removeprefix("\ufeff")
    lines = source.split("\n")
    if lines[0].rstrip() != FENCE:
        return None, source
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == FENCE:
            return lines[1:number], "\n".join(lines[number + 1 :])
    raise FrontmatterError(
        Mistake(f"{file}:1", "the frontmatter never ends", f"Close it with a line {FENCE}.")
    )


def compile_frontmatter(
    code: str, path: str, file: str, offered: frozenset[str], globals: dict[str, Any]
) -> Frontmatter:
    """Compile a frontmatter and run what belongs to the file.

    `path` is the file that tracebacks show, `file` its name for people; `offered` are the
    names of the context, of which the code gets those that it uses.
    """
    try:
        tree = ast.parse(code, path)
        file_level = [node for node in tree.body if _belongs_to_file(node)]
        body = [node for node in tree.body if node not in file_level]
        imports = [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names = tuple(sorted(used & offered))
        is_async = _awaits(body)
        function = _function(body, names, is_async)
        compiled = _compile([*imports, *file_level] if file_level else [], path)
        compiled_function = _compile([function], path)
    except SyntaxError as error:
        where = f"{file}:{error.lineno}"
        text = (error.text or "").strip()
        remedy = f"This can't be read: {text}" if text else ""
        raise FrontmatterError(Mistake(where, error.msg, remedy)) from error
    # By another name, since `locals` in a page is the context's.
    globals.update(__framework_variables__=Variables, __framework_locals__=locals)
    exec(compiled, globals)  # noqa: S102 - the site's own code, as importing a module would
    file_names = {
        name: globals[name] for name in (*_FILE_NAMES, "get_static_paths") if name in globals
    }
    exec(compiled_function, globals)  # noqa: S102
    return Frontmatter(globals.pop(_FUNCTION), names, is_async, file_names)


def _belongs_to_file(node: ast.stmt) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return node.name == "get_static_paths"
    if isinstance(node, ast.Assign):
        return all(isinstance(t, ast.Name) and t.id in _FILE_NAMES for t in node.targets)
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.target, ast.Name) and node.target.id in _FILE_NAMES
    return False


def _awaits(body: list[ast.stmt]) -> bool:
    """Whether the function itself awaits, functions inside it aside."""
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            return True
        if isinstance(node, ast.comprehension) and node.is_async:
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            todo.extend(ast.iter_child_nodes(node))
    return False


def _function(body: list[ast.stmt], names: tuple[str, ...], is_async: bool) -> ast.stmt:
    keyword = "async def" if is_async else "def"
    shell = ast.parse(
        f"{keyword} {_FUNCTION}({', '.join(names)}):\n"
        " return __framework_variables__(__framework_locals__())"
    ).body[0]
    last = shell.body[0]  # type: ignore[attr-defined]
    line = body[-1].end_lineno if body else 1
    for node in ast.walk(shell):
        if hasattr(node, "lineno"):
            node.lineno = node.end_lineno = line if node is not shell else 1  # type: ignore[attr-defined]
    shell.body = [*body, last]  # type: ignore[attr-defined]
    return shell


def _compile(body: list[ast.stmt], path: str) -> CodeType:
    module = ast.Module(body=body, type_ignores=[])
    return compile(ast.fix_missing_locations(module), path, "exec")
