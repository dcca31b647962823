import importlib
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
from granian.http import HTTP1Settings
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

import framework.adapters
from framework import App, ConfigError, SiteError
from framework.adapters import granian, gunicorn
from framework.errors import Mistake


def test_gunicorn_has_defaults_and_takes_its_own_settings() -> None:
    assert repr(gunicorn()) == "gunicorn(workers=2, threads=8)"
    adapter = gunicorn(workers=4, timeout=60, accesslog="-")
    assert repr(adapter) == "gunicorn(workers=4, threads=8, timeout=60, accesslog='-')"


def test_granian_has_defaults_and_takes_its_own_settings() -> None:
    assert repr(granian()) == "granian(workers=2, threads=8)"
    settings: dict[str, Any] = {
        "backlog": 2048,
        "http": "1",
        "http1_settings": HTTP1Settings(header_read_timeout=5000),
        "respawn_interval": 0,
        "ssl_ca": Path("ca.pem"),
        "ssl_crl": ["a.pem"],
        "uds": "site.sock",
        "uds_permissions": 0o660,
        "workers_kill_timeout": None,
    }
    text = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    assert repr(granian(workers=4, **settings)) == f"granian(workers=4, threads=8, {text})"


@pytest.mark.parametrize(
    ("make", "settings", "text"),
    [
        (gunicorn, {"thread": 3}, "gunicorn(thread=3): unknown setting. Did you mean threads?"),
        (gunicorn, {"zzzzzz": 3}, "gunicorn(zzzzzz=3): unknown setting."),
        (gunicorn, {"timeout": -1}, "gunicorn(timeout=-1): Value must be positive: -1"),
        (
            gunicorn,
            {"user": "no such user"},
            "gunicorn(user='no such user'): No such user: 'no such user'",
        ),
        (
            gunicorn,
            {"daemon": True},
            "gunicorn(daemon=True): only the gunicorn command has this setting. Remove it.",
        ),
        (granian, {"thread": 3}, "granian(thread=3): unknown setting. Did you mean threads?"),
        (granian, {"zzzzzz": 3}, "granian(zzzzzz=3): unknown setting."),
        (granian, {"self": 3}, "granian(self=3): unknown setting."),
        (granian, {"backlog": "9"}, "granian(backlog='9'): Expected `int`, got `str`"),
        (granian, {"workers": 0}, "granian(workers=0): the value must be 1 or more."),
        (
            granian,
            {"workers_lifetime": 59},
            "granian(workers_lifetime=59): the value must be 60 or more.",
        ),
        (
            granian,
            {"respawn_interval": -0.5},
            "granian(respawn_interval=-0.5): the value must be 0 or more.",
        ),
        (granian, {"http": "3"}, "granian(http='3'): Invalid enum value '3'"),
        (granian, {"uds": 3}, "granian(uds=3): Expected `str`, got `int`"),
        (
            granian,
            {"http1_settings": {"keepalive": True}},
            "granian(http1_settings={'keepalive': True}): "
            "write it with the classes of the module granian.http.",
        ),
        (
            granian,
            {"blocking_threads": 3},
            "granian(blocking_threads=3): not a setting of an adapter. Write threads.",
        ),
        (
            granian,
            {"url_path_prefix": "/docs"},
            "granian(url_path_prefix='/docs'): not a setting of an adapter. "
            "granian removes it without comparing it. Use Config(base=...).",
        ),
        (
            granian,
            {"reload": True},
            "granian(reload=True): not a setting of an adapter. Use framework dev.",
        ),
        (granian, {"ssl_cert": "a.pem"}, "granian(ssl_cert=...) needs ssl_key=... too."),
        (granian, {"ssl_key": "a.pem"}, "granian(ssl_key=...) needs ssl_cert=... too."),
        (
            granian,
            {"ssl_client_verify": True},
            "granian(ssl_client_verify=...) needs ssl_ca=... too.",
        ),
        (granian, {"uds_permissions": 0o600}, "granian(uds_permissions=...) needs uds=... too."),
        (
            granian,
            {"uds": "site.sock", "port": 8000},
            "granian(uds=...) and its address and port: choose one.",
        ),
    ],
)
def test_a_wrong_setting_is_named(make: Any, settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make(**settings)
    assert str(caught.value) == text


def test_every_wrong_setting_is_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        gunicorn(workers=-1, timout=3)
    assert str(caught.value).splitlines() == [
        "gunicorn(workers=-1): Value must be positive: -1",
        "gunicorn(timout=3): unknown setting. Did you mean timeout?",
    ]
    with pytest.raises(ConfigError) as caught:
        granian(workers=-1, backlg=3, ssl_cert="a.pem")
    assert str(caught.value).splitlines() == [
        "granian(ssl_cert=...) needs ssl_key=... too.",
        "granian(workers=-1): the value must be 1 or more.",
        "granian(backlg=3): unknown setting. Did you mean backlog?",
    ]


@pytest.mark.parametrize("name", ["gunicorn", "granian"])
def test_a_server_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(module: str, package: str) -> NoReturn:
        raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.setattr("framework.adapters.import_module", fail)
    missing = name
    with pytest.raises(ConfigError) as caught:
        getattr(framework.adapters, name)()
    assert str(caught.value).startswith(f"{name}() needs {name}. Install it: pip install ")
    missing = "something_else"
    with pytest.raises(ModuleNotFoundError):
        getattr(framework.adapters, name)()


def test_a_server_is_imported_when_it_is_used() -> None:
    code = "import sys, framework.adapters as a; a.{}(); print('gunicorn' in sys.modules, 'granian' in sys.modules)"
    for name, found in (("gunicorn", "True False"), ("granian", "False True")):
        run = subprocess.run(
            [sys.executable, "-c", code.format(name)], capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == found


def test_a_worker_that_cannot_start_logs_the_reason_and_exits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def make_application() -> NoReturn:
        raise SiteError([Mistake("src/pages/index.py:1", "invalid syntax")])

    module = importlib.import_module("framework.adapters.gunicorn_server")
    monkeypatch.setattr(module, "_RETRY_DELAY", 0)
    with pytest.raises(SystemExit) as caught:
        module._Application({}, make_application).load()
    assert caught.value.code == 1  # 3 and 4 would end the whole server
    assert "src/pages/index.py:1: invalid syntax" in caplog.text


def test_several_workers_that_cannot_start_end_the_server_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SERVER_SOFTWARE", "")  # gunicorn sets it, and nobody unsets it
    module = importlib.import_module("framework.adapters.gunicorn_server")
    ended = iter([HaltServer("Worker failed to boot."), HaltServer("Worker failed to boot."), None])
    stopped = []

    def stop(arbiter: object, graceful: bool) -> None:
        if error := next(ended):
            raise error
        stopped.append(graceful)

    monkeypatch.setattr(Arbiter, "stop", stop)
    module._Arbiter(module._Application({}, App)).stop()
    assert stopped == [True]


class _Application:
    """Stands for an `App` whose lifespan fails, or not."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.starts = 0

    def start(self) -> None:
        self.starts += 1
        if self.fails:
            raise SiteError([Mistake("src/lifespan.py:3", "OSError in lifespan(): no database")])


def test_a_worker_starts_the_lifespan_and_the_master_does_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    module = importlib.import_module("framework.adapters.gunicorn_server")
    monkeypatch.setattr(module, "_RETRY_DELAY", 0)
    site = _Application()
    application = module._Application({"preload_app": True}, lambda: site)
    assert application.wsgi() is site  # in the master
    assert site.starts == 0
    monkeypatch.setattr(os, "getpid", lambda: 0)  # in a worker
    site.fails = True
    with pytest.raises(SystemExit) as caught:
        application.wsgi()
    assert caught.value.code == 3  # ends the server
    assert "A worker can't start. The site has a mistake:\nsrc/lifespan.py:3: OSErr" in caplog.text
    site.fails = False
    assert application.wsgi() is site
    site.fails = True
    with pytest.raises(SystemExit) as caught:
        application.wsgi()
    assert caught.value.code == 1  # a worker has started before, so another one tries again


def test_granian_logs_the_route_and_passes_no_variables_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@proxy")
    stream = iter([b"a", b"b"])

    def site(environ: dict[str, Any], start_response: object) -> object:
        seen.append(environ.get("HTTP_PROXY"))
        if environ["PATH_INFO"] == "/stream":
            return stream
        environ["http.route"] = "/[id]"
        return [b"x"]

    seen: list[object] = []
    module = importlib.import_module("framework.adapters.granian_server")
    logger = logging.getLogger("granian.access")
    monkeypatch.setattr(logger, "filters", [])
    caplog.set_level(logging.INFO)
    application = module._adapt(site)
    environ = {"PATH_INFO": "/stream", "HTTP_PROXY": os.environ["HTTP_PROXY"]}
    assert application(environ, None) is stream
    logger.info("%(path)s %(route)s", {"path": "/stream"})
    environ = {"PATH_INFO": "/7", "HTTP_PROXY": "from the client"}
    assert application(environ, None) == [b"x"]
    logger.info("%(path)s %(route)s", {"path": "/\xc3\xa9\n"})
    assert seen == [None, "from the client"]
    assert caplog.messages == ["/stream -", "/%C3%A9%0A /[id]"]
