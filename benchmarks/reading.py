"""Count what a reader meets on the path of one request, for `tests/test_guards.py`.

A request runs under a profiler. Counted are the functions of the package that were called, the
distinct names in them that a reader has to look up, their branches, and the calls.
"""

import ast
import builtins
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from werkzeug.test import create_environ, run_wsgi_app

import framework
from benchmarks.peers.ours import write_files

Function = ast.FunctionDef | ast.AsyncFunctionDef
_RESUMABLE = 0x20 | 0x80 | 0x200  # code flags of generators and coroutines
_BRANCHES = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.IfExp, ast.ExceptHandler, ast.match_case)

FILES = {
    "src/pages/index.py": "from framework import Response\n\n\n"
    'def GET():\n    return Response.json({"status": "ok"})\n',
    "src/pages/products/[id].json.py": "from framework import Response\n\n\n"
    'def GET(params):\n    return Response.json({"id": params["id"]})\n',
    "public/style.css": "body { color: red }\n",
}
MIDDLEWARE = (
    "def on_request(context, next):\n    response = next()\n"
    '    response.headers.set("x-trail", "site")\n    return response\n'
)
DYNAMIC, FILE = "/products/7.json", "/style.css"


@dataclass(frozen=True, slots=True)
class Reading:
    """What is on the path of one request.

    `names` are the names of the functions, the attributes in them, and their variables that are
    neither local nor builtins. `calls` counts a generator or coroutine once.
    """

    functions: int
    names: int
    branches: int
    calls: int


def measure(run: Callable[[], object], folder: Path) -> Reading:
    """Measure the second call of `run`, in the Python files below `folder`."""
    run()
    calls: dict[CodeType, int] = {}
    resumed: set[FrameType] = set()

    def profile(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if event != "call" or frame in resumed or not code.co_filename.startswith(f"{folder}/"):
            return
        if code.co_flags & _RESUMABLE:
            resumed.add(frame)
        is_counted = code.co_name == "<lambda>" or not code.co_name.startswith("<")
        calls[code] = calls.get(code, 0) + is_counted

    before = sys.getprofile()
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
    functions = {function for code in calls if (function := _find_function(code)) is not None}
    return Reading(
        functions=len(functions),
        names=len({name for function in functions for name in _names(function)}),
        branches=sum(_branches(node) for function in functions for node in _walk(function)),
        calls=sum(calls.values()),
    )


@cache
def _parse_functions(path: str) -> list[Function]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def _find_function(code: CodeType) -> Function | None:
    """Find the `def` of a code object; for a lambda or comprehension the innermost around it."""
    line, best = code.co_firstlineno, None
    for node in _parse_functions(code.co_filename):
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        if code.co_name.startswith("<"):
            is_around = first <= line <= (node.end_lineno or first)
        else:
            is_around = (first, node.name) == (line, code.co_name)
        if is_around and (best is None or node.lineno > best.lineno):
            best = node
    return best


def _walk(node: ast.AST, *, top: bool = True) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without annotations, decorators and nested functions."""
    if not top:
        yield node
        if isinstance(node, Function):
            return
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _walk(child, top=False)


def _names(function: Function) -> set[str]:
    found, local = {function.name}, {"self", "cls"}
    for node in _walk(function):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                found.add(name)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                local.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                local.add(name)
    attributes = {node.attr for node in _walk(function) if isinstance(node, ast.Attribute)}
    return (found - local - set(dir(builtins))) | attributes | {function.name}


def _branches(node: ast.AST) -> int:
    match node:
        case ast.BoolOp(values=values):
            return len(values) - 1
        case ast.comprehension(ifs=ifs):
            return len(ifs)
    return int(isinstance(node, _BRANCHES))


# ------------------------------------------------------------------------- applications

Case = tuple[str, Callable[[], object], Path]


def wsgi_get(application: Any, path: str) -> Callable[[], None]:
    """Return a function that makes one GET request, as a WSGI server does."""

    def run() -> None:
        _, status, _ = run_wsgi_app(application, create_environ(path), buffered=True)
        if not status.startswith("200"):
            raise RuntimeError(f"GET {path}: {status}")

    return run


def framework_cases() -> Iterator[Case]:
    """Yield the four requests that `tests/test_guards.py` measures."""
    folder = Path(framework.__file__).parent
    plain = framework.App(write_files(FILES))
    with_middleware = framework.App(write_files(FILES | {"src/middleware.py": MIDDLEWARE}))
    yield "static", wsgi_get(plain, "/"), folder
    yield "dynamic", wsgi_get(plain, DYNAMIC), folder
    yield "dynamic, middleware", wsgi_get(with_middleware, DYNAMIC), folder
    yield "file", wsgi_get(plain, FILE), folder
