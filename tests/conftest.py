"""Sites made of a mapping from path to text, and requests to them."""

import io
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes
from wsgiref.validate import validator

import pytest
from hypothesis import HealthCheck, settings

from framework import App, Response, SiteError
from framework.build.run import Report, build

# Most sites have no uvloop; tests/flows/test_async_servers.py tests it.
sys.modules["uvloop"] = None  # type: ignore[assignment]

# A slow machine is not a failure.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

HANDLER = "from framework import Response\n\n\ndef GET():\n    return Response('ok')\n"


class TestSite:
    """A site in a folder of its own. Every request passes through `wsgiref.validate`."""

    __test__ = False

    def __init__(self, root: Path) -> None:
        self.root = root
        self.options: dict[str, Any] = {}
        self._app: App | None = None

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    @property
    def app(self) -> App:
        if self._app is None:
            self._app = App(self.root, **self.options)
        return self._app

    def close(self) -> None:
        if self._app is not None:
            self._app.close()

    def build(self, **options: Any) -> Report:
        """Build the site into its folder `dist`; its configuration file counts, not `options`."""
        return build(self.root, **options)

    def errors(self) -> str:
        """The text of the `SiteError` that starting the site raises."""
        with pytest.raises(SiteError) as caught:
            self.app  # noqa: B018 - the start is what is tested
        return str(caught.value)

    def get(self, path: str, **options: Any) -> Response:
        return self.request("GET", path, **options)

    def post(self, path: str, body: str | bytes = b"", **options: Any) -> Response:
        return self.request("POST", path, body=body, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: str | bytes = b"",
        environ: dict[str, Any] | None = None,
    ) -> Response:
        """One request as a server would hand it on; `path` is the raw target."""
        return call(self.app, make_environ(method, path, headers, body, environ))


def make_environ(
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: str | bytes = b"",
    extra: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The environ that a server passes on; `target` as the client sent it, with its query."""
    path, _, query = target.partition("?")
    data = body.encode() if isinstance(body, str) else body
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(data),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if data:
        environ["CONTENT_LENGTH"] = str(len(data))
    for name, value in (headers or {}).items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ | (extra or {})


def call(application: Any, environ: dict[str, Any]) -> Response:
    """The response of a WSGI application, its conduct checked by `wsgiref.validate`."""
    started: list[Any] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        started[:] = [status, headers]
        return lambda data: None

    # The validator refuses methods it doesn't know and a path that isn't there; servers don't.
    checked = application
    if environ["REQUEST_METHOD"].isalpha() and environ["PATH_INFO"].startswith("/"):
        checked = validator(application)
    chunks = checked(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    status, _, text = started[0].partition(" ")
    if environ["REQUEST_METHOD"] == "HEAD":
        assert body == b""
    null = status in ("204", "205", "304") or environ["REQUEST_METHOD"] == "HEAD"
    return Response(
        None if null else body, status=int(status), status_text=text, headers=started[1]
    )


class SiteMaker(Protocol):
    """The type of the fixture `site`."""

    def __call__(self, files: Mapping[str, str | bytes] | None = None, **options: Any) -> TestSite:
        """Write the files to a new folder; `options` go to `App(root, **options)`.

        Without files the site has one endpoint, at `/`, that answers "ok".
        """


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteMaker]:
    """`site({"src/pages/[id].json.py": "..."}, config=Config(...), fallback=...)`."""
    made: list[TestSite] = []

    def make(files: Mapping[str, str | bytes] | None = None, **options: Any) -> TestSite:
        root = tmp_path / f"site{len(made)}"
        (root / "src" / "pages").mkdir(parents=True)
        new = TestSite(root)
        new.write({"src/pages/index.py": HANDLER} if files is None else files)
        new.options = options
        made.append(new)
        return new

    yield make
    for old in made:
        old.close()


def require_program(name: str) -> str:
    """The path of a program. Without it the test is skipped, except in CI, where it fails."""
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        missing = f"{name} is not installed (Debian: apt-get install {name})"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return path
