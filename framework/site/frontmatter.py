"""Compile the frontmatter of a page: the Python between its two `---` lines.

The frontmatter is the body of a function, so `return` and `await` work in it, and its local
names are the template's variables. `prerender`, `check_origin`, `max_body_size` and
`get_static_paths` are different: they belong to the file, as in an endpoint, and run once.
"""

import ast
import re
import symtable
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any

from ..errors import Mistake
from .modules import LoadError
from .near_misses import find_misnamed_settings

FENCE = "---"
_OPENING = re.compile(r"\ufeff?(?P<blank>\s*\n)?---[^\S\n]*(\n|\Z)")
_FUNCTION = "frontmatter"
_FILE_NAMES = ("prerender", "check_origin", "max_body_size")


@dataclass(frozen=True, slots=True)
class Frontmatter:
    """Compiled frontmatter.

    `run` takes the values of `names`, in this order. It returns the template's `Variables`, or
    what the frontmatter returns; if `is_async`, a coroutine with this result. `file_names` are
    the names that belong to the file, and their values.
    """

    run: Callable[..., Any]
    names: tuple[str, ...]
    is_async: bool
    file_names: dict[str, Any]


class Variables(dict[str, Any]):
    """The local names of frontmatter that ends without a `return`."""


def split_frontmatter(source: str, file: str) -> tuple[str, str]:
    """Split a page into Python and template, both with the line numbers of the page.

    >>> split_frontmatter("---\\nx = 1\\n---\\n<p>{{ x }}</p>", "page.jinja")
    ('\\nx = 1\\n', '{#\\n\\n\\n#}<p>{{ x }}</p>')
    """
    header, template = split_fences(source, file)
    if header is None:
        return "", template
    return "\n".join(["", *header, ""]), "{#" + "\n" * (len(header) + 2) + "#}" + template


def has_frontmatter(source: str) -> bool:
    """Whether the first line of a file that is not blank is `---`."""
    return _OPENING.match(source) is not None


def split_fences(source: str, file: str) -> tuple[list[str] | None, str]:
    """Split a file into the lines between its two `---`, and the text below them.

    Blank lines above the first `---` count as lines below it. The lines are `None` if the file does
    not begin with `---`. Raises `LoadError` if the second `---` is missing.
    """
    opening = _OPENING.match(source)
    if opening is None:
        return None, source.removeprefix("\ufeff")
    first = (opening["blank"] or "").count("\n")
    lines = source.split("\n")
    for number, line in enumerate(lines[first + 1 :], first + 1):
        if line.rstrip() == FENCE:
            header = [""] * first + lines[first + 1 : number]
            return header, "\n".join(lines[number + 1 :])
    remedy = f"Add a line {FENCE} below it."
    raise LoadError(Mistake(f"{file}:{first + 1}", "the frontmatter has no end", remedy))


def compile_frontmatter(
    code: str, path: str, file: str, offered: frozenset[str], globals: dict[str, Any]
) -> Frontmatter:
    """Compile frontmatter, and run the statements that belong to the file.

    `path` is the file in tracebacks, `file` its name in messages. `offered` are the names that
    the function may take as parameters; it takes those that the code reads before it binds them.
    Raises `LoadError` for a syntax error, and any exception that the file's statements raise.
    """
    try:
        tree = ast.parse(code, path)
        mistakes = find_misnamed_settings(tree, file)
        if mistakes:
            raise LoadError(*mistakes)
        of_file = [node for node in tree.body if _belongs_to_file(node)]
        body = [node for node in tree.body if node not in of_file]
        imports = [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
        names = tuple(sorted((_find_globals(code, path) | _find_read_first(body)) & offered))
        is_async = _awaits(body)
        file_code = _compile([*imports, *of_file] if of_file else [], path)
        function_code = _compile([_make_function(body, names, is_async)], path)
    except SyntaxError as error:
        text = (error.text or "").strip()
        remedy = f"Fix this line: {text}" if text else ""
        raise LoadError(Mistake(f"{file}:{error.lineno}", error.msg, remedy)) from error
    # Python's `locals` needs another name: in a page, `locals` is that of the context.
    globals.update(__framework_variables__=Variables, __framework_locals__=locals)
    exec(file_code, globals)  # noqa: S102 - the site's own code, as in an import
    file_names = {
        name: globals[name] for name in (*_FILE_NAMES, "get_static_paths") if name in globals
    }
    exec(function_code, globals)  # noqa: S102
    return Frontmatter(globals.pop(_FUNCTION), names, is_async, file_names)


def _belongs_to_file(node: ast.stmt) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return node.name == "get_static_paths"
    if isinstance(node, ast.Assign):
        return all(isinstance(t, ast.Name) and t.id in _FILE_NAMES for t in node.targets)
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.target, ast.Name) and node.target.id in _FILE_NAMES
    return False


def _find_globals(code: str, path: str) -> set[str]:
    """Return the names that are global in the code if it is the body of a function.

    A name that the code itself declares as `global` is its own.
    """
    # The `def` takes the line of the `---`, so that an error has the line of the page.
    body = code.removeprefix("\n") + "\npass"
    source = f"async def {_FUNCTION}():\n{body}".replace("\n", "\n ")
    found = set()
    tables = symtable.symtable(source, path, "exec").get_children()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        found |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_global() and not symbol.is_declared_global()
        }
    return found


def _find_read_first(body: list[ast.stmt]) -> set[str]:
    """Return the names that the body itself reads before it binds them: `url = url.href`."""
    first: dict[str, bool] = {}

    def visit(node: ast.AST) -> None:
        match node:
            case ast.Name(id=name, ctx=ctx):
                first.setdefault(name, isinstance(ctx, ast.Load))
            case ast.AugAssign(target=ast.Name(id=name)):
                first.setdefault(name, True)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                first.setdefault(node.name, False)
                return
            case ast.Global(names=names):
                first.update(dict.fromkeys(names, False))
            case ast.alias(name=name, asname=asname):
                first.setdefault(asname or name.partition(".")[0], False)
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
            ):
                first.setdefault(name, False)
            case ast.Lambda():
                return
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                visit(node.generators[0].iter)
                return
        # A value is computed before it is bound.
        fields = sorted(ast.iter_fields(node), key=lambda field: field[0] not in ("value", "iter"))
        for _, value in fields:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    visit(child)

    for statement in body:
        visit(statement)
    return {name for name, is_read in first.items() if is_read}


def _awaits(body: list[ast.stmt]) -> bool:
    """Whether the body awaits anything itself, outside of the functions that it defines."""
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


def _make_function(body: list[ast.stmt], names: tuple[str, ...], is_async: bool) -> ast.stmt:
    """Make a function with this body, which returns its local names at the end."""
    keyword = "async def" if is_async else "def"
    signature = f"{keyword} {_FUNCTION}({', '.join(names)})"
    source = f"{signature}: return __framework_variables__(__framework_locals__())"
    function: Any = ast.parse(source).body[0]
    function.body = [*body, *function.body]
    return function  # type: ignore[no-any-return]


def _compile(body: list[ast.stmt], path: str) -> CodeType:
    return compile(ast.Module(body, type_ignores=[]), path, "exec")
