"""The framework. The examples of README.md are read from README.md."""

import atexit
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from framework import App

_README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
_FENCE = re.compile(r'^```python title="(src/pages/[^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_DOCUMENTED = dict(_FENCE.findall(_README))
# With the standard library's JSON, as in the other applications.
_TOP = """import json
from framework import Response

JSON = {"content-type": "application/json"}


"""
_MIDDLEWARE = """
def on_request(context, next):
    context.locals.user = "ann"
    return next()
"""
VIEWS = {
    "health": "def GET():\n    return Response(json.dumps({'status': 'ok'}), headers=JSON)\n",
    "item": """
def GET(params):
    return Response(json.dumps({"id": params["id"]}), headers=JSON)
""",
    "product": """
PRODUCTS = {"1": "Keyboard", "2": "Mouse"}


def GET(params):
    if params["id"] not in PRODUCTS:
        return Response("Not found", status=404)
    data = {"id": params["id"], "name": PRODUCTS[params["id"]]}
    return Response(json.dumps(data), headers=JSON)
""",
    "echo": """
def POST(request, url):
    data = {"received": json.loads(request.bytes()), "path": url.pathname}
    return Response(json.dumps(data), headers=JSON)
""",
    "headers": """
def GET():
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Frame-Options": "DENY",
    }
    return Response("{}", headers=headers)
""",
    "set-cookie": """
def GET(cookies):
    cookies.set("theme", "dark")
    return Response("{}", headers=JSON)
""",
} | {
    name: f"def GET({parameter}):\n    return Response({text}, headers=JSON)\n"
    for name, parameter, text in (
        ("pathname", "url", "url.pathname"),
        ("query", "url", "url.search_params.get('q')"),
        ("header", "request", "request.headers.get('accept')"),
        ("cookie", "cookies", "cookies.get('theme').value"),
        ("strings", "", "('x' * 20 for _ in range(1000))"),
        ("bytes", "", "(b'x' * 20 for _ in range(1000))"),
        ("user", "locals", "locals.user"),
    )
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


def write_pages(pages: dict[str, str], **more: str) -> Path:
    """Write a site of pages and other files to a new temporary folder."""
    tops = {name: _TOP if name.endswith(".py") else "" for name in pages}
    return write_files({f"src/pages/{name}": tops[name] + pages[name] for name in pages} | more)


def make(routes: dict[str, str], *, sets_user: bool = False) -> Any:
    if "documented echo" in routes.values():
        return App(write_files(_DOCUMENTED))
    names = [path[1:].replace("{id:path}", "{...id}") for path in routes]
    pages = {
        name.replace("{", "[").replace("}", "]") + ".py": VIEWS[view]
        for name, view in zip(names, routes.values(), strict=True)
    }
    return App(write_pages(pages, **{"src/middleware.py": _MIDDLEWARE} if sets_user else {}))
