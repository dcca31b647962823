import io
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from framework import Config, Response, Server
from framework.cli import dev
from framework.cli.changes import is_source, watch_source
from framework.cli.dev import ServerProcess, load_application, serve
from framework.cli.hosts import HostGuard, url_of
from framework.cli.server import DevServer, RequestHandler, listen, load_config
from framework.cli.terminal import colored
from framework.errors import CommandError
from framework.site.checks import find_static_warnings, find_warnings
from tests.conftest import HANDLER, SiteMaker, call, make_environ
from tests.waiting import PATIENCE


def application(environ: dict[str, Any], start_response: Any) -> Any:
    return Response("inside").send(start_response)


# ------------------------------------------------------------------------- guard


def guard(host: str = "127.0.0.1", method: str = "GET", **headers: str) -> Response:
    """Return the response to a request with these headers; the server listens on `host`."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return call(HostGuard(application, host), make_environ(method, "/", names))


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:4321", "LOCALHOST", "shop.localhost:1", "127.0.0.1:9", "[::1]:4321"],
)
def test_the_guard_accepts_the_names_of_this_machine(host: str) -> None:
    assert guard(Host=host).text() == "inside"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evillocalhost", "127.0.0.1.nip.io", "192.168.1.5"],
)
def test_the_guard_refuses_other_names(host: str) -> None:
    response = guard(Host=host)
    assert response.status == 403
    assert response.text() == (
        f"403 Forbidden\nThe development server accepts requests for localhost, not for {host}.\n"
    )


def test_the_guard_accepts_the_host_of_the_server() -> None:
    assert guard("dev.example", Host="Dev.example:80").text() == "inside"
    assert guard("fe80::1", Host="[fe80::1]:80").text() == "inside"


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_server_on_every_address_accepts_any_ip_address(host: str) -> None:
    assert guard(host, Host="192.168.1.5:4321").text() == "inside"
    assert guard(host, Host="[2001:db8::1]:4321").text() == "inside"
    assert guard(host, Host="evil.example").status == 403


def test_a_request_without_a_host_reaches_the_application() -> None:
    request = make_environ("GET", "/")
    del request["HTTP_HOST"]
    assert call(HostGuard(application, "127.0.0.1"), request).text() == "inside"


@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket", ""])
def test_the_guard_refuses_the_pages_of_other_sites(mode: str) -> None:
    response = guard(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode=mode)
    assert response.status == 403
    assert guard(method="HEAD", Sec_Fetch_Site="cross-site").status == 403


def test_the_guard_accepts_links_on_other_sites() -> None:
    assert guard(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate").text() == "inside"
    assert guard(Sec_Fetch_Site="same-site", Sec_Fetch_Mode="cors").text() == "inside"


# -------------------------------------------------------------------------- load


def test_a_mistake_in_the_configuration_is_shown_at_every_url(
    site: SiteMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = load_application(site({"framework.config.py": "config = <b>\n"}).root)
    mistake = "framework.config.py:1: invalid syntax\n    Fix this line: config = <b>"
    assert mistake in capsys.readouterr().err
    html = call(broken, make_environ("GET", "/any", {"accept": "text/html"}))
    assert (html.status, html.headers["content-type"]) == (500, "text/html;charset=UTF-8")
    assert "Fix this line: config = &lt;b&gt;" in html.text()
    text = call(broken, make_environ("POST", "/other"))
    assert text.status == 500
    assert mistake in text.text()
    assert call(broken, make_environ("HEAD", "/")).status == 500


def test_the_mistakes_of_routes_are_printed_together(
    site: SiteMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"src/pages/a.py": "def GET(:\n", "src/pages/404.jinja": "{% if %}"}
    app: Any = load_application(site({**files, "src/pages/b.py": HANDLER}).root)
    printed = capsys.readouterr()
    assert printed.err == (
        "The site has 2 mistakes:\n"
        "src/pages/404.jinja:1: Expected an expression, got 'end of statement block'\n"
        "src/pages/a.py:1: invalid syntax\n    Fix this line: def GET(:\n"
    )
    assert printed.out == "Serving 2 routes.\n"
    assert call(app, make_environ("GET", "/b")).text() == "ok"
    app.close()


@pytest.mark.parametrize(("count", "printed"), [(1, "1 route"), (2, "2 routes")])
def test_a_valid_site_is_loaded_for_development(
    site: SiteMaker,
    capsys: pytest.CaptureFixture[str],
    count: int,
    printed: str,
) -> None:
    source = "def GET():\n    raise ValueError('inside')\n"
    app: Any = load_application(site({f"src/pages/{n}.py": source for n in range(count)}).root)
    assert capsys.readouterr().out == f"Serving {printed}.\n"
    assert "ValueError: inside" in call(app, make_environ("GET", "/0")).text()
    app.close()


def test_warnings_are_printed(site: SiteMaker, capsys: pytest.CaptureFixture[str]) -> None:
    middleware = "def on_request(context, next):\n    return next()\n"
    page = "prerender = True\n\n\ndef GET():\n    pass\n\n\ndef post():\n    pass\n"
    files = {"src/pages/a/x.py": page, "src/pages/a/_middleware.py": middleware}
    made = site({**files, "src/pages/notes.txt": ""})
    app: Any = load_application(made.root)
    warnings = find_warnings(app.site)
    assert len(warnings) == 3
    printed = [f"Warning: {warning}\n" for warning in warnings]
    assert capsys.readouterr().out == "".join([*printed, "Serving 1 route.\n"])
    app.close()
    made.write({"src/pages/broken.py": "def GET(:\n"})
    app = load_application(made.root)
    [warning] = find_static_warnings(app.site)
    assert capsys.readouterr().out == f"Warning: {warning}\nServing 2 routes.\n"
    app.close()


# ----------------------------------------------------------------- configuration


def test_the_configuration_of_the_site_is_loaded(site: SiteMaker) -> None:
    source = "from framework import *\nconfig = Config(server=Server(port=9))\n"
    assert load_config(site({"framework.config.py": source}).root).server == Server(port=9)


@pytest.mark.parametrize(
    "files", [{}, {"framework.config.py": "config = 1\n"}, {"framework.config.py": "1 +\n"}]
)
def test_without_a_valid_configuration_the_defaults_are_used(
    site: SiteMaker, files: dict[str, str]
) -> None:
    assert load_config(site(files).root) == Config()


# -------------------------------------------------------------------------- port


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_port_0_is_any_free_port(host: str) -> None:
    with listen(host, 0) as first, listen(host, 0) as second:
        assert first.getsockname()[1] != second.getsockname()[1]


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError) as caught:
            listen("127.0.0.1", port)
    assert str(caught.value) == (
        f"Port {port} is in use by another program.\n"
        f"    Stop it, or choose another port: --port {port + 1}"
    )


def test_the_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CommandError) as caught:
        listen("192.0.2.1", 8000)
    assert str(caught.value) == (
        "Can't listen on 192.0.2.1, port 8000: Cannot assign requested address.\n"
        "    Use an address of this machine with --host, or another --port."
    )


def test_it_does_not_run_inside_gunicorn(site: SiteMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_SOFTWARE", "gunicorn/27.0.1")
    with pytest.raises(CommandError, match="doesn't run inside gunicorn"):
        dev.run(site().root)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://localhost:80"),
        ("::1", "http://[::1]:80"),
        ("dev.example", "http://dev.example:80"),
    ],
)
def test_the_url_is_one_that_a_browser_can_open(host: str, url: str) -> None:
    assert url_of(host, 80) == url


# ----------------------------------------------------------------------- changes


@pytest.mark.parametrize(
    "path",
    [
        "framework.config.py",
        "src",
        "src/pages/index.py",
        "src/pages/[id].json.py",
        "src/layouts/base.jinja",
        "src/lib/words.txt",
        "src/pages/.well-known/security.txt.py",
        "src/dist/app.js",
        "src/pages/4913/index.py",
        "src/research-journal",
    ],
)
def test_the_source_is_watched(path: str) -> None:
    assert is_source(path)


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "shop.db",
        "dist/index.html",
        "srcs/x.py",
        "public/style.css",
        ".git/index",
        "src/.git",
        "src/pages/__pycache__/index.cpython-311.pyc",
        "src/pages/index.pyc",
        "src/node_modules/x/index.js",
        "src/.mypy_cache/x",
        "src/pages/.index.py.swp",
        "src/pages/index.py~",
        "src/pages/#index.py#",
        "src/pages/.#index.py",
        "src/pages/4913",
        "src/pages/index.py.tmp",
        "src/shop.db",
        "src/shop.db-wal",
        "src/shop.sqlite3-journal",
        "src/.DS_Store",
        "src/.env",
        "src/pages/.index.py.k3Fq9z",
    ],
)
def test_caches_databases_and_files_of_editors_do_not_count(path: str) -> None:
    assert not is_source(path)


def wait_for_change(changes: Iterator[list[str]], path: str) -> None:
    """Wait until the watcher yields this path."""
    end = time.monotonic() + PATIENCE
    for paths in changes:
        if path in paths:
            return
        assert time.monotonic() < end, f"no change of {path} in {PATIENCE:g} s"


def test_created_changed_and_deleted_files_are_found(tmp_path: Path) -> None:
    pages = tmp_path / "src" / "pages"
    pages.mkdir(parents=True)
    (pages / "changed.py").touch()
    (pages / "deleted.py").touch()
    changes = watch_source(tmp_path)
    assert next(changes) == []
    (pages / "changed.py").write_text("1")
    wait_for_change(changes, "src/pages/changed.py")
    (pages / "deleted.py").unlink()
    wait_for_change(changes, "src/pages/deleted.py")
    (pages / "created.py").touch()
    wait_for_change(changes, "src/pages/created.py")
    (tmp_path / "framework.config.py").touch()
    wait_for_change(changes, "framework.config.py")


def test_a_folder_that_is_created_later_is_watched(tmp_path: Path) -> None:
    changes = watch_source(tmp_path)
    assert next(changes) == []
    (tmp_path / "src").mkdir()
    wait_for_change(changes, "src")
    (tmp_path / "src" / "new.py").touch()
    wait_for_change(changes, "src/new.py")


def test_the_folders_of_links_are_watched(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "content").mkdir()
    (tmp_path / "src" / "blog").symlink_to("../content")
    (tmp_path / "src" / "circle").symlink_to(".")
    (tmp_path / "src" / "nowhere").symlink_to("nothing")
    changes = watch_source(tmp_path)
    assert next(changes) == []
    (tmp_path / "content" / "a.md").touch()
    wait_for_change(changes, "src/blog/a.md")


def test_a_folder_that_vanishes_while_watching_begins_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fail_first(*paths: Path, recursive: bool, **options: Any) -> Iterator[Any]:
        calls.append(paths)
        if recursive and len(calls) == 2:
            raise FileNotFoundError
        yield from watchfiles.watch(*paths, recursive=recursive, **options)

    monkeypatch.setattr("framework.cli.changes.watch", fail_first)
    (tmp_path / "src").mkdir()
    changes = watch_source(tmp_path)
    assert next(changes) == []
    assert next(changes) == []
    (tmp_path / "src" / "a.py").touch()
    wait_for_change(changes, "src/a.py")
    assert len(calls) == 3


# ---------------------------------------------------------------- last requests


@contextmanager
def serving(application: Any) -> Iterator[DevServer]:
    with DevServer("127.0.0.1", 0, application, RequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        thread.join()


def test_the_server_finishes_the_requests_that_have_arrived() -> None:
    begun = threading.Event()
    may_end = threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> Any:
        begun.set()
        assert may_end.wait(PATIENCE)
        return application(environ, start_response)

    with serving(slow) as server, socket.create_connection(server.server_address) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert begun.wait(PATIENCE)
        server.shutdown()
        threading.Timer(0.01, may_end.set).start()
        server.finish_requests()
        assert client.makefile("rb").read().endswith(b"inside")


def test_the_server_does_not_wait_for_connections_without_a_request() -> None:
    with serving(application) as server:
        address = server.server_address
        with socket.create_connection(address), socket.create_connection(address) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            client.makefile("rb").read()  # so the connection before this one is open, too
            server.shutdown()
            server.finish_requests()


def test_the_server_waits_for_the_request_of_a_new_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("framework.cli.server._FIRST_BYTE", PATIENCE)
    with serving(application) as server:
        address = server.server_address
        with socket.create_connection(address) as new, socket.create_connection(address) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            client.makefile("rb").read()  # so the connection before this one is open, too
            server.shutdown()
            threading.Timer(0.01, new.sendall, [b"GET / HTTP/1.0\r\n\r\n"]).start()
            server.finish_requests()
            new.setblocking(False)
            assert new.makefile("rb").read().endswith(b"inside")


def test_a_connection_that_the_client_resets_is_closed() -> None:
    with serving(application) as server:
        with socket.create_connection(server.server_address) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with socket.create_connection(server.server_address) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert client.makefile("rb").read().endswith(b"inside")
        server.shutdown()
        server.finish_requests()


# ---------------------------------------------------------------------- terminal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_a_terminal_that_shows_colors_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colored("x", "31", Terminal()) == "\x1b[31mx\x1b[0m"
    assert colored("x", "31", io.StringIO()) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert colored("x", "31", Terminal()) == "x"


def test_a_child_that_was_killed_while_it_loads_the_site_has_not_served(site: SiteMaker) -> None:
    root = site({"src/pages/index.py": "import time\n\ntime.sleep(600)\n"}).root
    with listen("127.0.0.1", 0) as listener:
        child = ServerProcess(root, "127.0.0.1", listener)
        child.begin()
        child.process.kill()
        child.process.wait()
        child.receive()
        assert not child.has_served
        child.stop()
        assert not child.has_served
        with socket.create_connection(listener.getsockname()):  # the port is still open
            pass


def test_a_process_whose_parent_ends_before_the_site_is_needed_does_not_load_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parent, child = socket.socketpair()
    parent.close()
    serve(str(tmp_path), "127.0.0.1", -1, child.detach())
    assert capsys.readouterr() == ("", "")
