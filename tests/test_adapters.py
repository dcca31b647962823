import importlib
import os
from typing import NoReturn

import pytest

from framework import ConfigError, SiteError
from framework.adapters import gunicorn
from framework.errors import Mistake


def test_gunicorn_has_defaults_and_takes_its_own_settings() -> None:
    assert repr(gunicorn()) == "gunicorn(workers=2, threads=8)"
    adapter = gunicorn(workers=4, timeout=60, accesslog="-")
    assert repr(adapter) == "gunicorn(workers=4, threads=8, timeout=60, accesslog='-')"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"thread": 3},
            "gunicorn(thread=3): unknown setting. Did you mean threads?",
        ),
        ({"zzzzzz": 3}, "gunicorn(zzzzzz=3): unknown setting."),
        ({"timeout": -1}, "gunicorn(timeout=-1): Value must be positive: -1"),
        ({"user": "no such user"}, "gunicorn(user='no such user'): No such user: 'no such user'"),
        (
            {"daemon": True},
            "gunicorn(daemon=True): only the gunicorn command has this setting. Remove it.",
        ),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        gunicorn(**settings)
    assert str(caught.value) == text


def test_every_wrong_setting_is_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        gunicorn(workers=-1, timout=3)
    assert str(caught.value).splitlines() == [
        "gunicorn(workers=-1): Value must be positive: -1",
        "gunicorn(timout=3): unknown setting. Did you mean timeout?",
    ]


def test_a_worker_that_cannot_start_logs_the_reason_and_exits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def make_application() -> NoReturn:
        raise SiteError([Mistake("src/pages/index.py:1", "invalid syntax")])

    module = importlib.import_module("framework.adapters.gunicorn")
    monkeypatch.setattr(module, "_RETRY_DELAY", 0)
    with pytest.raises(SystemExit) as caught:
        module._Application({}, make_application).load()
    assert caught.value.code == 1  # 3 and 4 would end the whole server
    assert "src/pages/index.py:1: invalid syntax" in caplog.text


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
    module = importlib.import_module("framework.adapters.gunicorn")
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
