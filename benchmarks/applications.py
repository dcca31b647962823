"""The same three routes in each framework, and as a bare WSGI callable.

    GET  /api/health           a static path, small JSON
    GET  /products/<id>.json   a dynamic path over thousands of distinct values
    POST /api/echo             JSON in, JSON out

Each application is written as in the documentation of its framework, without middleware.
"""

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILES = {
    "src/pages/api/health.py": """
from framework import Response


def GET():
    return Response.json({"status": "ok"})
""",
    "src/pages/products/[id].json.py": """
from framework import Response


def GET(params):
    return Response.json({"id": params["id"]})
""",
    "src/pages/api/echo.py": """
from framework import Response


def POST(request):
    return Response.json(request.json())
""",
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


def make_bare() -> Any:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        path = environ["PATH_INFO"]
        if path == "/api/health":
            data: Any = {"status": "ok"}
        elif path == "/api/echo":
            data = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        elif path.startswith("/products/") and path.endswith(".json"):
            data = {"id": path[10:-5]}
        else:
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        body = json.dumps(data).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("200 OK", headers)
        return [body]

    return application


def make_framework() -> Any:
    from framework import App

    return App(write_files(FILES))


def make_falcon() -> Any:
    import falcon

    class Health:
        def on_get(self, req: Any, resp: Any) -> None:
            resp.media = {"status": "ok"}

    class Product:
        def on_get(self, req: Any, resp: Any, id: str) -> None:
            resp.media = {"id": id}

    class Echo:
        def on_post(self, req: Any, resp: Any) -> None:
            resp.media = req.get_media()

    app = falcon.App()
    app.add_route("/api/health", Health())
    app.add_route("/products/{id}.json", Product())
    app.add_route("/api/echo", Echo())
    return app


def make_bottle() -> Any:
    import bottle

    app = bottle.Bottle()
    app.route("/api/health", "GET", lambda: {"status": "ok"})
    app.route("/products/<id>.json", "GET", lambda id: {"id": id})
    app.route("/api/echo", "POST", lambda: bottle.request.json)
    return app


def make_flask() -> Any:
    import flask

    app = flask.Flask("benchmark")
    app.add_url_rule("/api/health", "health", lambda: {"status": "ok"})
    app.add_url_rule("/products/<id>.json", "product", lambda id: {"id": id})
    app.add_url_rule("/api/echo", "echo", lambda: flask.request.get_json(), methods=["POST"])
    return app


MAKERS: dict[str, Callable[[], Any]] = {
    "bare WSGI": make_bare,
    "framework": make_framework,
    "Falcon": make_falcon,
    "Bottle": make_bottle,
    "Flask": make_flask,
}
