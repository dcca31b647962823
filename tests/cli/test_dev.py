import io
import itertools
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from framework import Config, Response, Server
from framework.cli import dev as devserver
from framework.cli.dev import (
    DevServerError,
    Guard,
    find_changes,
    is_of_site,
    listen,
    load,
    paint,
    read_config,
)
from tests.conftest import SiteMaker, call

LOOKS = 100  # of a fifth of a second; only a failing test looks so often


def application(environ: dict[str, Any], start_response: Any) -> Any:
    return Response("inside").send(start_response)


# ------------------------------------------------------------------------- guard


@pytest.fixture
def guard(environ: Callable[..., dict[str, Any]]) -> Callable[..., Response]:
    """The answer to a request with these headers of a server that listens on `host`."""

    def ask(host: str = "127.0.0.1", method: str = "GET", **headers: str) -> Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return call(Guard(application, host), environ(method, "/", names))

    return ask


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:4321", "LOCALHOST", "shop.localhost:1", "127.0.0.1:9", "[::1]:4321"],
)
def test_the_guard_lets_this_machine_in(guard: Callable[..., Response], host: str) -> None:
    assert guard(Host=host).text() == "inside"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evillocalhost", "127.0.0.1.nip.io", "192.168.1.5"],
)
def test_the_guard_refuses_other_names(guard: Callable[..., Response], host: str) -> None:
    response = guard(Host=host)
    assert response.status == 403
    assert response.text() == (
        f"403 Forbidden\nThe development server answers for localhost, not for {host}.\n"
    )


def test_the_guard_takes_the_name_that_the_server_was_given(guard: Callable[..., Response]) -> None:
    assert guard("dev.example", Host="Dev.example:80").text() == "inside"
    assert guard("fe80::1", Host="[fe80::1]:80").text() == "inside"


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_on_every_address_any_ip_address_is_a_name_but_no_other(
    guard: Callable[..., Response], host: str
) -> None:
    assert guard(host, Host="192.168.1.5:4321").text() == "inside"
    assert guard(host, Host="[2001:db8::1]:4321").text() == "inside"
    assert guard(host, Host="evil.example").status == 403


def test_a_request_without_a_host_is_the_applications_to_judge(
    environ: Callable[..., dict[str, Any]],
) -> None:
    request = environ("GET", "/")
    del request["HTTP_HOST"]
    assert call(Guard(application, "127.0.0.1"), request).text() == "inside"


def test_the_guard_measures_unless_told_not_to(environ: Callable[..., dict[str, Any]]) -> None:
    measured = call(Guard(application, "127.0.0.1"), environ("GET", "/"))
    assert measured.headers["server-timing"].startswith("app;dur=")
    plain = call(Guard(application, "127.0.0.1", measures=False), environ("GET", "/"))
    assert plain.text() == "inside"
    assert "server-timing" not in plain.headers


@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket", ""])
def test_other_sites_pages_get_nothing(guard: Callable[..., Response], mode: str) -> None:
    response = guard(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode=mode)
    assert response.status == 403
    assert guard(method="HEAD", Sec_Fetch_Site="cross-site").status == 403


def test_a_link_on_another_site_leads_here(guard: Callable[..., Response]) -> None:
    assert guard(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate").text() == "inside"
    assert guard(Sec_Fetch_Site="same-site", Sec_Fetch_Mode="cors").text() == "inside"


# -------------------------------------------------------------------------- load


def test_a_site_with_mistakes_answers_every_url_with_them(
    site: SiteMaker,
    environ: Callable[..., dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = site({"src/pages/<b>.py": "def GET(:\n"}).root
    broken = load(root)
    mistake = "src/pages/<b>.py:1: invalid syntax"
    assert mistake in capsys.readouterr().err
    html = call(broken, environ("GET", "/any", {"accept": "text/html"}))
    assert (html.status, html.headers["content-type"]) == (500, "text/html;charset=UTF-8")
    assert "src/pages/&lt;b&gt;.py:1: invalid syntax" in html.text()
    text = call(broken, environ("POST", "/other"))
    assert text.status == 500
    assert mistake in text.text()
    assert call(broken, environ("HEAD", "/")).status == 500


@pytest.mark.parametrize(("count", "said"), [(1, "1 route"), (2, "2 routes")])
def test_a_good_site_is_loaded_for_development(
    site: SiteMaker,
    environ: Callable[..., dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    count: int,
    said: str,
) -> None:
    source = "def GET():\n    raise ValueError('inside')\n"
    app: Any = load(site({f"src/pages/{n}.py": source for n in range(count)}).root)
    assert capsys.readouterr().out == f"Serving {said}.\n"
    assert "ValueError: inside" in call(app, environ("GET", "/0")).text()
    app.close()


def test_what_a_build_would_warn_of_is_told_while_developing(
    site: SiteMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = "def on_request(context, next):\n    return next()\n"
    page = "prerender = True\n\n\ndef GET():\n    pass\n"
    app: Any = load(site({"src/pages/a/x.py": page, "src/pages/a/_middleware.py": layer}).root)
    assert capsys.readouterr().out == (
        "Warning: src/pages/a/x.py: is prerendered, so its _middleware.py runs only when "
        "the site is built\n    Set prerender = False, or do without the middleware.\n"
        "Serving 1 route.\n"
    )
    app.close()


# ----------------------------------------------------------------- configuration


def test_the_configuration_says_where_to_listen(site: SiteMaker) -> None:
    source = "from framework import *\nconfig = Config(server=Server(port=9))\n"
    assert read_config(site({"framework.config.py": source}).root).server == Server(port=9)


@pytest.mark.parametrize(
    "files", [{}, {"framework.config.py": "config = 1\n"}, {"framework.config.py": "1 +\n"}]
)
def test_without_a_good_configuration_the_defaults_count(
    site: SiteMaker, files: dict[str, str]
) -> None:
    assert read_config(site(files).root) == Config()


# -------------------------------------------------------------------------- port


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_port_0_is_any_free_one(host: str) -> None:
    with listen(host, 0) as first, listen(host, 0) as second:
        assert first.getsockname()[1] != second.getsockname()[1]


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DevServerError) as caught:
            listen("127.0.0.1", port)
    assert str(caught.value) == (
        f"Port {port} is in use by another program.\n"
        f"    Stop it, or take another port: --port {port + 1}"
    )


def test_a_host_that_is_not_this_machines_is_refused() -> None:
    with pytest.raises(DevServerError) as caught:
        listen("192.0.2.1", 8000)
    assert str(caught.value) == (
        "Can't listen on 192.0.2.1, port 8000: Cannot assign requested address.\n"
        "    Give an address of this machine with --host, or another --port."
    )


def test_it_does_not_run_inside_gunicorn(site: SiteMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_SOFTWARE", "gunicorn/27.0.1")
    with pytest.raises(DevServerError, match="doesn't run inside gunicorn"):
        devserver.run(site().root)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://localhost:80"),
        ("::1", "http://[::1]:80"),
        ("dev.example", "http://dev.example:80"),
    ],
)
def test_the_address_is_one_that_a_browser_takes(host: str, address: str) -> None:
    assert devserver.address_of(host, 80) == address


# ----------------------------------------------------------------------- changes


@pytest.mark.parametrize(
    "path",
    [
        "framework.config.py",
        "src",
        "public",
        "src/pages/index.py",
        "src/pages/[id].json.py",
        "src/layouts/base.jinja",
        "src/lib/words.txt",
        "public/.well-known/security.txt",
        "public/dist/app.js",
    ],
)
def test_files_of_the_site_count(path: str) -> None:
    assert is_of_site(path)


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "shop.db",
        "dist/index.html",
        "srcs/x.py",
        ".git/index",
        "src/.git",
        "src/pages/__pycache__/index.cpython-311.pyc",
        "src/pages/index.pyc",
        "public/node_modules/x/index.js",
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
        "public/.DS_Store",
    ],
)
def test_caches_databases_and_editors_files_do_not_count(path: str) -> None:
    assert not is_of_site(path)


def look(changes: Iterator[list[str]]) -> list[str]:
    """The next change."""
    return next(paths for paths in itertools.islice(changes, LOOKS) if paths)


def test_files_that_change_appear_or_go_are_found(tmp_path: Path) -> None:
    page = tmp_path / "src" / "pages" / "index.py"
    page.parent.mkdir(parents=True)
    page.touch()
    changes = find_changes(tmp_path)
    assert next(changes) == []
    page.write_text("1")
    assert look(changes) == ["src/pages/index.py"]
    page.unlink()
    assert look(changes) == ["src/pages/index.py"]
    (tmp_path / "framework.config.py").touch()
    assert look(changes) == ["framework.config.py"]


def test_a_folder_that_comes_later_is_watched(tmp_path: Path) -> None:
    changes = find_changes(tmp_path)
    assert next(changes) == []
    (tmp_path / "public").mkdir()
    assert look(changes) == ["public"]
    (tmp_path / "public" / "new.css").touch()
    assert look(changes) == ["public/new.css"]


def test_a_folder_that_goes_while_it_is_looked_through_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, calls = devserver.watch, []

    def first_fails(*paths: Path, recursive: bool, **options: Any) -> Iterator[Any]:
        calls.append(paths)
        if recursive and len(calls) == 2:
            raise FileNotFoundError
        yield from watch(*paths, recursive=recursive, **options)

    monkeypatch.setattr(devserver, "watch", first_fails)
    (tmp_path / "src").mkdir()
    changes = find_changes(tmp_path)
    assert next(changes) == []
    assert next(changes) == []
    (tmp_path / "src" / "a.py").touch()
    assert look(changes) == ["src/a.py"]
    assert len(calls) == 3


# ---------------------------------------------------------------------- terminal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_a_terminal_that_wants_colours_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert paint("x", "31", Terminal()) == "\x1b[31mx\x1b[0m"
    assert paint("x", "31", io.StringIO()) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("x", "31", Terminal()) == "x"


def test_the_child_that_never_answered_has_not_served(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as listener:
        child = devserver.Child(tmp_path, "127.0.0.1", listener)
        child.process.kill()
        child.process.wait()
        assert not child.has_served
        child.stop()
        assert not child.has_served
        with socket.create_connection(listener.getsockname()):  # the port is open all the same
            pass
