"""`framework preview`: serve the build of a site on the developer's machine."""

import logging
import signal
import threading
from collections.abc import Iterable
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from ..app import App
from ..build.folder import find_target, restore
from ..build.hosting import HEADERS, REDIRECTS
from ..config import Config
from ..errors import BuildError, CommandError
from ..routing.paths import decode_path
from ..static.built import MANIFEST, find_built
from ..static.files import StaticFile, find_static_files, path_of_file
from ..version import __version__
from ..web.headers import Headers
from ..web.response import Response
from ..web.wsgi import Environ, StartResponse, WSGIApplication
from .hosts import HostGuard, url_of
from .server import DevServer, RequestHandler, listen, load_config
from .terminal import colored, print_line


def run(root: Path, *, host: str | None = None, port: int | None = None) -> None:
    """Serve the build of the site in `root` until Ctrl+C or SIGTERM.

    `StaticHost` serves a static site. The application serves a site with live routes, as in
    production, except that `allowed_hosts` are those of this machine. `host` and `port` override
    the site's configuration.

    Raises `CommandError` without a build or if the port can't be used, and `SiteError`.
    """
    root = root.resolve()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        config = load_config(root)
        with suppress(BuildError):  # another build is running, or the folder is not a build's
            restore(find_target(root, config))
        if config.output == "static":
            served = f"{config.build.out_dir} as a static host"
            application: WSGIApplication = StaticHost(root / config.build.out_dir, config.prefix)
        else:
            served = f"the site in {root} and its build"
            application = stack.enter_context(closing(_load_app(root, config)))
        host, port = host or config.server.host, config.server.port if port is None else port
        listener = stack.enter_context(listen(host, port))
        url = f"{url_of(host, listener.getsockname()[1])}{config.prefix}/"
        print_line(f"framework {__version__}: {colored(url, '1')}")
        print_line(f"Serving {served}. Press Ctrl+C to stop.")
        guard = HostGuard(application, host)
        DevServer(host, 0, guard, RequestHandler, fd=listener.fileno()).serve_forever()


def _load_app(root: Path, config: Config) -> App:
    security = config.security
    if not security.allowed_hosts:
        return App(root)
    return App(root, replace(config, security=replace(security, allowed_hosts=())))


class StaticHost:
    """Serves a build as a static host does, with the headers in its manifest (PEP 3333).

    After another build it serves the new files. `prefix` is `Config.prefix`. Raises `CommandError`
    without a build, and `SiteError` if the manifest can't be read.
    """

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self._folder = folder
        self._prefix = prefix
        self._lock = threading.Lock()
        self._listed: tuple[int, int] | None = None
        self._files: dict[str, StaticFile] = {}
        self._list_files()
        if self._listed is None:
            raise CommandError(f"No build found in {folder.name}.\n    Run: framework build")

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        try:
            response = self._respond(environ)
        except HTTPException as error:
            headers = Headers(error.get_headers(environ))
            headers.delete("content-type")
            status = error.code or 500
            response = Response(f"{status} {error.name}\n", status=status, headers=headers)
        return response.send(start_response, head=environ["REQUEST_METHOD"] == "HEAD")

    def _respond(self, environ: Environ) -> Response:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            raise MethodNotAllowed(["GET", "HEAD"])
        files = self._list_files()
        path = decode_path(environ.get("PATH_INFO", ""))
        stem = path.rstrip("/")
        for name in (path, f"{stem}/index.html", f"{stem}.html"):
            if name in files:
                return files[name].respond(environ)
        while path:
            path = path.rpartition("/")[0]
            page = files.get(f"{path}/404.html")
            if page is not None:
                # Without the conditions and ranges of the request, which are for another file.
                return page.respond({"REQUEST_METHOD": "GET"}).with_status(404)
        raise NotFound

    def _list_files(self) -> dict[str, StaticFile]:
        """Return the files by URL path."""
        with self._lock, suppress(OSError):
            manifest = (self._folder / MANIFEST).stat()
            state = manifest.st_ino, manifest.st_mtime_ns
            if state != self._listed and (built := find_built(self._folder)):
                rendered = {file.path: file for file in built.files.values()}
                files = find_static_files(self._folder, self._prefix)
                for name in (HEADERS, REDIRECTS):
                    files.pop(path_of_file(name, self._prefix), None)
                self._files = {key: rendered.get(f.path, f) for key, f in files.items()}
                self._listed = state
        return self._files
