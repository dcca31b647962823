"""The framework. The examples of README.md are read from README.md."""

import atexit
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from framework import App

_README = Path(__file__).parents[2] / "README.md"
_FENCE = re.compile(r'^```python title="(src/pages/[^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)

# With the standard library's JSON, as in the other applications.
_TOP = """import json
from framework import Response

JSON = {"content-type": "application/json"}
"""
_ECHO = """
def POST(request, url):
    data = {"received": json.loads(request.bytes()), "path": url.pathname}
    return Response(json.dumps(data), headers=JSON)
"""
_PRODUCT = """
PRODUCTS = {"1": "Keyboard", "2": "Mouse"}


def GET(params):
    if params["id"] not in PRODUCTS:
        return Response("Not found", status=404)
    data = {"id": params["id"], "name": PRODUCTS[params["id"]]}
    return Response(json.dumps(data), headers=JSON)
"""
_HEALTH = "def GET():\n    return Response(json.dumps({'status': 'ok'}), headers=JSON)\n"
_CASES = {
    "api/health.py": _HEALTH,
    "api/echo.py": _ECHO,
    "products/[id].json.py": """
def GET(params):
    return Response(json.dumps({"id": params["id"]}), headers=JSON)
""",
    "headers.py": """
def GET():
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Frame-Options": "DENY",
    }
    return Response("{}", headers=headers)
""",
    "pathname.py": "def GET(url):\n    return Response(url.pathname, headers=JSON)\n",
    "query.py": """
def GET(url):
    return Response(url.search_params.get("q"), headers=JSON)
""",
    "header.py": """
def GET(request):
    return Response(request.headers.get("accept"), headers=JSON)
""",
    "cookie.py": """
def GET(cookies):
    return Response(cookies.get("theme").value, headers=JSON)
""",
    "set-cookie.py": """
def GET(cookies):
    cookies.set("theme", "dark")
    return Response("{}", headers=JSON)
""",
    "strings.py": """
def GET():
    return Response(("x" * 20 for _ in range(1000)), headers=JSON)
""",
    "bytes.py": """
def GET():
    return Response((b"x" * 20 for _ in range(1000)), headers=JSON)
""",
}
_USER = "def GET(locals):\n    return Response(locals.user, headers=JSON)\n"
_MIDDLEWARE = """
def on_request(context, next):
    context.locals.user = "ann"
    return next()
"""
# The file of route number N, by kind, as in `benchmarks.growth.KINDS`.
_GROWN = {
    "static": ("grown/rN.py", _HEALTH),
    "dynamic": ("grown/rN/[id].py", _CASES["products/[id].json.py"]),
    "partly dynamic": ("grown/[id]-rN.py", _CASES["products/[id].json.py"]),
    "rest": ("grown/rN/[...id].py", _CASES["products/[id].json.py"]),
}


def write_files(files: dict[str, str]) -> Path:
    """Write the files to a new temporary folder, which is deleted at exit."""
    root = Path(tempfile.mkdtemp(prefix="benchmark-site-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def write_pages(pages: dict[str, str], others: int = 0, **more: str) -> Path:
    """Write a site of pages and other static routes to a new temporary folder."""
    pages = pages | {f"other/r{number}.py": _HEALTH for number in range(others)}
    tops = {name: f"{_TOP}\n\n" if name.endswith(".py") else "" for name in pages}
    files = {f"src/pages/{name}": tops[name] + text for name, text in pages.items()}
    return write_files(files | more)


def readme(*, same_json: bool) -> Any:
    """Return the examples of README.md, word for word unless all are to use the same JSON."""
    if same_json:
        return App(write_pages({"api/echo.py": _ECHO, "products/[id].json.py": _PRODUCT}))
    return App(write_files(dict(_FENCE.findall(_README.read_text(encoding="utf-8")))))


def cases(others: int) -> Any:
    """Return the application of `benchmarks.cases.CASES`, with as many other routes."""
    return App(write_pages(_CASES, others))


def middleware(others: int) -> Any:
    """Return an application at `/user` with a middleware that sets a value for it."""
    return App(write_pages({"user.py": _USER}, others, **{"src/middleware.py": _MIDDLEWARE}))


def write_grown(kind: str, count: int) -> Path:
    """Write a site of as many routes of a kind."""
    name, text = _GROWN[kind]
    return write_pages({name.replace("N", str(number)): text for number in range(count)})


def grown(kind: str, count: int) -> Any:
    """Return an application with as many routes of a kind."""
    return App(write_grown(kind, count))
