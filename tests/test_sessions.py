"""Sessions: what they store, for how long, and who can read it."""

import json
import math
import os
import shutil
import stat
from contextvars import copy_context
from pathlib import Path
from typing import Any, Protocol

import pytest
from cachelib import SimpleCache
from hypothesis import given
from hypothesis import strategies as st

from framework import App, Build, Config, Sessions
from framework.sessions import COOKIE, CacheStore, Session, open_store
from framework.testing import Client
from framework.web.cookies import Cookies
from tests.conftest import SiteMaker

START = "from framework import Response\n\n\n"
COUNT = (
    START + "def GET(session):\n"
    "    session['n'] = session.get('n', 0) + 1\n"
    "    return Response.json(session['n'])\n"
)
READ = START + "def GET(session):\n    return Response.json({k: session[k] for k in session})\n"
LOGIN = (
    START + "def POST(session):\n"
    "    session.regenerate()\n"
    "    session['user'] = 'ada'\n"
    "    return Response(session.session_id)\n"
)
LOGOUT = START + "def POST(session):\n    session.destroy()\n    return Response('bye')\n"
VISITORS = {
    "src/pages/count.py": COUNT,
    "src/pages/read.py": READ,
    "src/pages/login.py": LOGIN,
    "src/pages/logout.py": LOGOUT,
    "src/pages/plain.py": START + "def GET():\n    return Response('plain')\n",
}


class Cache(SimpleCache):
    """A cache that records the calls of its methods, and fails in those that a test chooses."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.refuses: set[str] = set()
        self.breaks: set[str] = set()

    def _record(self, what: str) -> bool:
        self.calls.append(what)
        if what in self.breaks:
            raise OSError("secret-host is down")
        return what not in self.refuses

    def get(self, key: str) -> Any:
        self._record("get")
        return super().get(key)

    def set(self, key: str, value: Any, timeout: Any = None) -> bool | None:
        return self._record("set") and super().set(key, value, timeout)

    def delete(self, key: str) -> bool:
        return self._record("delete") and super().delete(key)

    @property
    def keys(self) -> list[str]:
        return list(self._cache)


@pytest.fixture
def cache() -> Cache:
    return Cache()


class Visit(Protocol):
    """The type of the fixture `visit`."""

    def __call__(self, files: dict[str, str] | None = None, url: str = ...) -> Client:
        """A new visitor of a site with sessions and these files, at this address."""


@pytest.fixture
def visit(site: SiteMaker, cache: Cache) -> Visit:

    def make(files: dict[str, str] | None = None, url: str = "http://localhost") -> Client:
        config = Config(session=Sessions(store=cache))
        return Client(site(VISITORS | (files or {}), config=config).app, url)

    return make


def cookie_of(client: Client) -> str | None:
    return client.cookies.get("localhost", {}).get(COOKIE)


def endpoint(body: str, parameters: str = "session") -> str:
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    return f"{START}def GET({parameters}):\n{lines}"


# ------------------------------------------------------------------ from request to request


def test_each_visitor_has_a_session_of_their_own(visit: Visit) -> None:
    client = visit()
    assert [client.get("/count").json() for _ in range(3)] == [1, 2, 3]
    assert client.get("/read").json() == {"n": 3}
    other = Client(client.application)
    assert other.get("/read").json() == {}


def test_the_cookie_is_for_this_site_only(visit: Visit) -> None:
    response = visit().get("/count")
    id, _, attributes = response.headers["set-cookie"].partition("; ")
    assert attributes == "Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax"
    name, _, id = id.partition("=")
    assert name == "framework-session"
    assert len(id) == 43


def test_the_cookie_is_secure_over_https(visit: Visit) -> None:
    response = visit(url="https://localhost").get("/count")
    assert "; Secure" in response.headers["set-cookie"]


def test_ids_differ(visit: Visit) -> None:
    app = visit().application
    ids = set()
    for _ in range(20):
        client = Client(app)
        client.get("/count")
        ids.add(cookie_of(client))
    assert len(ids) == 20


def test_async_handlers_pages_and_middleware_share_one_session(visit: Visit, cache: Cache) -> None:
    client = visit(
        {
            "src/middleware.py": "def on_request(context, next):\n"
            "    context.session['seen'] = ['middleware']\n"
            "    response = next()\n"
            "    context.session['seen'].append('after')\n"
            "    return response\n",
            "src/pages/x.py": START + "async def GET(session):\n"
            "    session['seen'].append('handler')\n"
            "    return Response('x')\n",
            "src/pages/p.jinja": "---\nsession['seen'].append('page')\n---\n"
            "{{ session.seen | join(' ') }} {{ 'seen' in session }}",
        }
    )
    assert client.get("/p").text() == "middleware page True"
    client.get("/x")
    assert json.loads(next(iter(cached(cache)))) == {"seen": ["middleware", "handler", "after"]}


def live(cache: Cache) -> list[str]:
    """The keys of the sessions, without the ids that were regenerated."""
    return [key for key in cache.keys if SimpleCache.get(cache, key).startswith("{")]


def cached(cache: Cache) -> list[str]:
    return [SimpleCache.get(cache, key) for key in cache.keys]


def test_a_rewritten_request_has_the_same_session(visit: Visit) -> None:
    client = visit(
        {
            "src/pages/old.py": START + "def GET(rewrite):\n    return rewrite('/count')\n",
            "src/pages/late.py": START + "def GET(context):\n"
            "    context.session.set('a', 1)\n"
            "    response = context.rewrite('/count')\n"
            "    context.session.set('b', context.session['n'])\n"
            "    return response\n",
        }
    )
    client.get("/old")
    assert client.get("/late").json() == 2
    assert client.get("/read").json() == {"n": 2, "a": 1, "b": 2}


def test_rewrites_work_without_sessions(site: SiteMaker) -> None:
    files = {
        "src/pages/old.py": START + "def GET(rewrite):\n    return rewrite('/plain')\n",
        "src/pages/plain.py": VISITORS["src/pages/plain.py"],
    }
    assert site(files).get("/old").text() == "plain"


def test_error_responses_save_the_session(visit: Visit) -> None:
    client = visit(
        {
            "src/pages/lost.py": START + "from werkzeug.exceptions import NotFound\n"
            "def GET(session):\n    session['lost'] = True\n    raise NotFound\n",
            "src/pages/crash.py": endpoint("session['crash'] = True\n1 / 0"),
            "src/pages/404.jinja": "no {{ session.get('lost') }}",
        }
    )
    html = {"accept": "text/html"}
    assert client.get("/lost", headers=html).text() == "no True"
    assert client.get("/nowhere", headers=html).text() == "no True"
    assert client.get("/crash").status == 500
    assert client.get("/read").json() == {"lost": True, "crash": True}


def test_a_304_saves_the_session(visit: Visit) -> None:
    body = (
        "session['n'] = session.get('n', 0) + 1\nreturn Response('same', headers={'etag': '\"1\"'})"
    )
    client = visit({"src/pages/same.py": endpoint(body)})
    client.get("/same")
    response = client.get("/same", headers={"if-none-match": '"1"'})
    assert (response.status, response.headers["vary"]) == (304, "cookie")
    assert client.get("/read").json() == {"n": 2}


# ------------------------------------------------------------------ reading and writing


def test_the_store_is_not_used_unless_the_session_is(visit: Visit, cache: Cache) -> None:
    client = visit({"src/pages/named.py": endpoint("return Response('x')")})
    client.get("/count")
    cache.calls.clear()
    for path in ("/plain", "/named", "/nowhere"):
        response = client.get(path)
        assert "cookie" not in response.headers.get("vary", "")
        assert "set-cookie" not in response.headers
    assert cache.calls == []


@pytest.mark.parametrize(
    "body",
    [
        "session.get('x')",
        "session.get('x', 1)",
        "session.has('x')",
        "'x' in session",
        "len(session)",
        "bool(session)",
        "list(session)",
        "session.keys()",
        "session.session_id",
        "session.delete('x')",
        "session.destroy()",
        "session.regenerate()",
    ],
)
def test_every_use_varies_by_cookie_and_stores_nothing_new(
    visit: Visit, cache: Cache, body: str
) -> None:
    client = visit({"src/pages/touch.py": endpoint(f"{body}\nreturn Response('x')")})
    response = client.get("/touch")
    assert response.headers["vary"] == "cookie"
    assert "set-cookie" not in response.headers
    assert "cache-control" not in response.headers
    assert cache.calls == []


def test_an_unchanged_session_is_not_written(visit: Visit, cache: Cache) -> None:
    same = endpoint("session['n'] = session['n']\nsession.delete('x')\nreturn Response('x')")
    client = visit({"src/pages/same.py": same})
    client.get("/count")
    cache.calls.clear()
    for path in ("/read", "/same"):
        assert "set-cookie" not in client.get(path).headers
    assert cache.calls == ["get", "get"]


def test_a_session_is_written_once(visit: Visit, cache: Cache) -> None:
    body = "for n in range(5): session[str(n)] = n\nreturn Response('x')"
    client = visit({"src/pages/five.py": endpoint(body)})
    client.get("/five")
    assert cache.calls == ["set"]


def test_a_change_in_place_is_kept(visit: Visit) -> None:
    client = visit(
        {
            "src/pages/make.py": endpoint("session['cart'] = {'a': [1]}\nreturn Response('x')"),
            "src/pages/add.py": endpoint("session['cart']['a'].append(2)\nreturn Response('x')"),
        }
    )
    client.get("/make")
    client.get("/add")
    assert client.get("/read").json() == {"cart": {"a": [1, 2]}}


def test_an_empty_session_keeps_its_id(visit: Visit) -> None:
    client = visit({"src/pages/empty.py": endpoint("del session['n']\nreturn Response('x')")})
    client.get("/count")
    before = cookie_of(client)
    client.get("/empty")
    assert client.get("/read").json() == {}
    assert cookie_of(client) == before


def test_a_stream_is_sent_after_the_session_was_written(visit: Visit, cache: Cache) -> None:
    body = (
        "session['a'] = 1\n"
        "def pieces():\n"
        "    yield f'{session[\"a\"]}'\n"
        "    try:\n"
        "        session['b'] = 2\n"
        "    except Exception as error:\n"
        "        yield f' {error}'\n"
        "return Response(pieces())"
    )
    client = visit({"src/pages/stream.py": endpoint(body)})
    response = client.get("/stream")
    assert cookie_of(client)
    assert cache.calls == ["set"]
    assert response.text().startswith("1 The session is saved when the response is ready")
    assert client.get("/read").json() == {"a": 1}


def test_a_stream_cannot_be_the_first_to_use_the_session(visit: Visit) -> None:
    body = (
        "def pieces():\n"
        "    try:\n"
        "        context.session.get('a')\n"
        "    except Exception as error:\n"
        "        yield type(error).__name__\n"
        "return Response(pieces())"
    )
    client = visit({"src/pages/stream.py": endpoint(body, "context")})
    assert client.get("/stream").text() == "SessionError"


# ------------------------------------------------------------------ caches


@pytest.mark.parametrize(
    ("vary", "then"),
    [
        ("accept", "accept, cookie"),
        ("Accept, COOKIE", "Accept, COOKIE"),
        ("*", "*"),
        ("x-cookie", "x-cookie, cookie"),
    ],
)
def test_vary_names_the_cookie_once(visit: Visit, vary: str, then: str) -> None:
    body = f"session.get('x')\nreturn Response('x', headers={{'vary': {vary!r}}})"
    assert visit({"src/pages/x.py": endpoint(body)}).get("/x").headers["vary"] == then


def test_a_response_with_the_cookie_is_private(visit: Visit) -> None:
    client = visit()
    assert client.get("/count").headers["cache-control"] == "private"
    assert client.post("/logout").headers["cache-control"] == "private"


def test_the_cache_control_of_a_handler_is_kept(visit: Visit) -> None:
    body = "session['a'] = 1\nreturn Response('x', headers={'cache-control': 'no-store'})"
    client = visit({"src/pages/x.py": endpoint(body)})
    assert client.get("/x").headers["cache-control"] == "no-store"


def test_a_shared_response_stays_as_it_is(visit: Visit) -> None:
    shared = (
        START + "ONE = Response('one')\n\n\n"
        "def GET(session):\n    session['a'] = 1\n    return ONE\n\n\n"
        "def POST():\n    return ONE\n"
    )
    client = visit({"src/pages/one.py": shared})
    assert client.get("/one").headers["vary"] == "cookie"
    assert "vary" not in client.post("/one").headers


# ------------------------------------------------------------------ foreign ids


@pytest.mark.parametrize(
    "id",
    ["", "1", "../../etc/passwd", "a" * 42, "a" * 44, "é" * 43, "a" * 42 + "%", "a" * 43 + "\n"],
)
def test_a_malformed_id_is_never_looked_up(cache: Cache, id: str) -> None:
    cookies = Cookies(f"{COOKIE}={id}")
    session = Session(CacheStore(cache, 60), cookies)
    assert session.get("user") is None
    assert session.session_id is None
    assert cache.calls == []
    session["user"] = "ada"
    session.save()
    assert id not in cookies.headers()[0] or id in ("", "1")
    assert cache.calls == ["set"]


def test_an_unknown_id_is_not_adopted(visit: Visit, cache: Cache) -> None:
    client = visit()
    planted = "a" * 43
    client.cookies["localhost"] = {COOKIE: planted}
    assert client.get("/read").json() == {}
    client.get("/count")
    assert cookie_of(client) != planted
    assert planted not in "".join(cache.keys)


def test_a_login_makes_the_old_id_invalid(visit: Visit, cache: Cache) -> None:
    attacker = visit()
    attacker.get("/count")
    planted = cookie_of(attacker)
    victim = Client(attacker.application)
    victim.cookies["localhost"] = {COOKIE: planted}
    id = victim.post("/login").text()
    assert id == cookie_of(victim) != planted
    assert victim.get("/read").json() == {"n": 1, "user": "ada"}
    assert attacker.get("/read").json() == {}
    assert live(cache) == [f"framework-session:{id}"]


def test_a_logout_deletes_the_data_and_the_cookie(visit: Visit, cache: Cache) -> None:
    client = visit()
    client.post("/login")
    id = cookie_of(client)
    response = client.post("/logout")
    assert "Expires=Thu, 01 Jan 1970" in response.headers["set-cookie"]
    assert cookie_of(client) is None
    assert cache.keys == []
    client.cookies["localhost"] = {COOKIE: id}
    assert client.get("/read").json() == {}


def test_after_a_logout_a_new_session_may_begin(visit: Visit, cache: Cache) -> None:
    flash = endpoint("session.destroy()\nsession['flash'] = 'bye'\nreturn Response('x')")
    client = visit({"src/pages/out.py": flash})
    client.post("/login")
    before = cookie_of(client)
    client.get("/out")
    assert client.get("/read").json() == {"flash": "bye"}
    assert cookie_of(client) != before
    assert len(cache.keys) == 1


# ------------------------------------------------------------------ values


def test_a_session_behaves_like_a_dict(cache: Cache) -> None:
    session = Session(CacheStore(cache, 60), Cookies())
    assert session.session_id is None
    session["a"] = 1
    session.set("b", (1, 2))
    assert (session["a"], session.get("b"), session.get("c", 3)) == (1, [1, 2], 3)
    assert (session.keys(), list(session), len(session)) == (["a", "b"], ["a", "b"], 2)
    assert session.has("a")
    assert "c" not in session
    with pytest.raises(KeyError):
        session["c"]
    with pytest.raises(KeyError):
        del session["c"]
    session.delete("c")
    session.delete("a")
    assert session.keys() == ["b"]
    assert session.session_id


def test_a_value_that_json_cannot_hold_is_refused_by_set(cache: Cache) -> None:
    session = Session(CacheStore(cache, 60), Cookies())
    with pytest.raises(TypeError, match="object can't be written as JSON"):
        session["x"] = object()
    with pytest.raises(TypeError, match="A session key must be a str, not int"):
        session[1] = "x"  # type: ignore[index]
    session.save()
    assert cache.calls == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(["a", "b", "c", "é\ud800"])
STEPS = st.one_of(
    st.tuples(st.just("set"), KEYS, JSON),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("regenerate")),
    st.tuples(st.just("destroy")),
    st.tuples(st.just("get"), KEYS),
    st.tuples(st.just("next")),
)


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


@given(st.lists(STEPS))
def test_any_sequence_of_changes_survives_requests(steps: list[Any]) -> None:
    cache, model, sent, old = Cache(), {}, "", set()
    store = CacheStore(cache, 60)
    cookies = Cookies()
    session = Session(store, cookies)
    for name, *arguments in [*steps, ("next",)]:
        if name == "set":
            session.set(*arguments)
            model[arguments[0]] = plain(arguments[1])
        elif name == "delete":
            session.delete(*arguments)
            model.pop(*arguments, None)
        elif name == "get":
            assert session.get(*arguments) == model.get(*arguments)
        elif name == "regenerate":
            old.add(session.session_id)
            session.regenerate()
        elif name == "destroy":
            old.add(session.session_id)
            session.destroy()
            model.clear()
        else:
            session.save()
            for line in cookies.headers():
                pair = line.partition(";")[0]
                sent = "" if pair.endswith("=deleted") else pair
            cookies = Cookies(sent)
            session = Session(store, cookies)
        assert {key: session[key] for key in session} == model
        assert session.session_id is None or session.session_id not in old
    assert live(cache) == ([f"framework-session:{sent.partition('=')[2]}"] if sent else [])
    assert sent or not model


# ------------------------------------------------------------------ the store


def test_a_store_that_is_down_is_an_error_like_any_other(
    visit: Visit, cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    client = visit()
    client.get("/count")
    for broken in ("get", "set"):
        cache.breaks = {broken}
        response = client.get("/count")
        assert response.status == 500
        assert "secret-host" not in response.text()
        assert "secret-host" in caplog.text
        assert "set-cookie" not in response.headers
        assert response.headers["vary"] == "accept, cookie"
        caplog.clear()
    cache.breaks.clear()
    assert client.get("/count").json() == 2


def test_a_store_that_refuses_is_an_error_too(
    visit: Visit, cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    client = visit()
    cache.refuses = {"set"}
    assert client.get("/count").status == 500
    assert "The session store could not write a session" in caplog.text
    cache.refuses = {"delete"}
    client.get("/count")
    assert client.post("/logout").status == 500
    assert "The session store could not delete a session" in caplog.text


def test_a_stream_whose_session_cannot_be_written_is_closed(visit: Visit, cache: Cache) -> None:
    stream = (
        START + "CLOSED = []\n\n\n"
        "class Watched:\n"
        "    def __iter__(self): return iter('x')\n"
        "    def close(self): CLOSED.append(1)\n\n\n"
        "def GET(session):\n    session['a'] = 1\n    return Response(Watched())\n\n\n"
        "def POST():\n    return Response.json(CLOSED)\n"
    )
    client = visit({"src/pages/stream.py": stream})
    cache.breaks = {"set"}
    assert client.get("/stream").status == 500
    assert client.post("/stream").json() == [1]


def test_a_body_that_cannot_be_sent_does_not_undo_the_session(visit: Visit) -> None:
    body = "session['a'] = 1\nreturn Response.error()"
    client = visit({"src/pages/error.py": endpoint(body)})
    response = client.get("/error")
    assert (response.status, response.headers["cache-control"]) == (500, "private")
    assert client.get("/read").json() == {"a": 1}


def test_a_body_that_cannot_be_sent_is_an_error_without_sessions(site: SiteMaker) -> None:
    made = site({"src/pages/error.py": endpoint("return Response.error()", "")})
    assert made.get("/error").status == 500


def test_a_session_ends_after_max_age(site: SiteMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr("cachelib.simple.time", lambda: now[0])
    config = Config(session=Sessions(store=SimpleCache(), max_age=60))
    client = Client(site(VISITORS, config=config).app)
    assert client.get("/count").json() == 1
    now[0] += 59
    assert client.get("/count").json() == 2
    now[0] += 61
    before = cookie_of(client)
    assert client.get("/count").json() == 1
    assert cookie_of(client) != before


def test_the_cache_sees_the_context_variables_of_the_request(site: SiteMaker) -> None:
    seen = []

    class Watched(SimpleCache):
        def set(self, key: str, value: Any, timeout: Any = None) -> bool | None:
            seen.append({variable.name: value for variable, value in copy_context().items()})
            return super().set(key, value, timeout)

    files = {
        "src/pages/index.py": """
from contextvars import ContextVar
from framework import Response

TENANT = ContextVar("tenant")

def GET(session):
    TENANT.set("a tenant")
    session["n"] = 1
    return Response("")
"""
    }
    site(files, config=Config(session=Sessions(store=Watched()))).get("/")
    assert [variables["tenant"] for variables in seen] == ["a tenant"]


def test_files_below_the_site_are_for_their_owner_only(site: SiteMaker) -> None:
    made = site(VISITORS, config=Config(session=Sessions()))
    client = Client(made.app)
    client.get("/count")
    assert client.get("/count").json() == 2
    folder = made.root / ".sessions"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    [file] = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert cookie_of(client) not in file.name
    assert file.read_bytes() == b'{"n":2}'


def test_a_logout_deletes_the_file(site: SiteMaker) -> None:
    made = site(VISITORS, config=Config(session=Sessions()))
    client = Client(made.app)
    client.get("/count")
    client.post("/logout")
    assert list((made.root / ".sessions").iterdir()) == []


def test_workers_share_the_files(site: SiteMaker) -> None:
    made = site(VISITORS, config=Config(session=Sessions(store="var/sessions")))
    one = Client(made.app)
    one.get("/count")
    two = Client(App(made.root, made.options["config"]))
    two.cookies = one.cookies
    assert two.get("/count").json() == 2
    two.application.close()  # type: ignore[attr-defined]


def test_a_session_in_a_file_ends_after_max_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(Sessions(max_age=60), tmp_path)
    store.write("a", "{}", store.max_age)
    [file] = (tmp_path / ".sessions").iterdir()
    now = file.stat().st_mtime + 60
    monkeypatch.setattr("framework.sessions.stores.time", lambda: now)
    assert store.read("a") == "{}"
    now += 0.1
    assert store.read("a") is None


def test_expired_files_are_deleted_once_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(Sessions(max_age=1000), tmp_path)
    store.write("a", "{}", store.max_age)
    [old] = (tmp_path / ".sessions").iterdir()
    now = old.stat().st_mtime
    monkeypatch.setattr("framework.sessions.stores.time", lambda: now)
    os.utime(old, (now - 2000, now - 2000))
    store.write("b", "{}", store.max_age)
    assert old.exists()
    now += 3601
    os.utime(tmp_path / ".sessions" / old.name, (now - 1001, now - 1001))
    for file in (tmp_path / ".sessions").iterdir():
        if file != old:
            os.utime(file, (now - 999, now - 999))
    store.write("c", "{}", store.max_age)
    assert not old.exists()
    assert store.read("b") == "{}"


def test_other_files_in_the_folder_are_never_deleted(tmp_path: Path) -> None:
    store = open_store(Sessions(), tmp_path)
    folder = tmp_path / ".sessions"
    other = {"shop.db", "f" * 64, "tmpx_1.__wz_cache", f"session-{'f' * 63}", "session-a"}
    own = {f"session-{'f' * 64}", f"session-{'f' * 64}.x_1.tmp"}
    for name in other | own:
        (folder / name).touch()
    (folder / f"session-{'a' * 64}").mkdir()
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    store.write("a", "{}", store.max_age)
    left = {path.name for path in folder.iterdir()}
    assert other | {f"session-{'a' * 64}"} <= left
    assert left.isdisjoint(own)


def test_a_file_that_another_worker_deleted_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(Sessions(), tmp_path)
    gone = tmp_path / ".sessions" / f"session-{'a' * 64}"
    monkeypatch.setattr(Path, "iterdir", lambda self: iter([gone]))
    monkeypatch.setattr(Path, "is_file", lambda self: True)
    store.write("a", "{}", store.max_age)
    assert store.read("a") == "{}"


def test_files_that_cannot_be_deleted_are_logged(
    site: SiteMaker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(site(VISITORS, config=Config(session=Sessions())).app)

    def fail(self: Path) -> None:
        raise PermissionError("not allowed")

    monkeypatch.setattr(Path, "iterdir", fail)
    assert client.get("/count").json() == 1
    assert client.get("/count").json() == 2
    assert caplog.messages == ["Expired sessions cannot be deleted: not allowed"]


def test_a_failed_write_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(Sessions(), tmp_path)
    store.write("a", "{}", store.max_age)

    def fail(*args: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        store.write("a", '{"n":1}', store.max_age)
    assert len(list((tmp_path / ".sessions").iterdir())) == 1
    assert store.read("a") == "{}"


@pytest.mark.parametrize("content", [b"\xff", None])
def test_a_file_that_cannot_be_read_is_no_session(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    store = open_store(Sessions(), tmp_path)
    store.write("a", "{}", store.max_age)
    [file] = (tmp_path / ".sessions").iterdir()
    if content is None:
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(content)
    assert store.read("a") is None
    assert f"The session file {file} can't be read: " in caplog.text


def test_a_stored_value_that_is_not_text_is_ignored(cache: Cache) -> None:
    id = "a" * 43
    cache.set(f"framework-session:{id}", {"user": "ada"})
    assert Session(CacheStore(cache, 60), Cookies(f"{COOKIE}={id}")).keys() == []


@pytest.mark.parametrize(
    "text",
    ["[1]", "null", "7", '"a"', "", '{"a":', "NaN", "[" * 100_000, '{"a":' * 100_000, "\ud800"],
)
def test_a_damaged_session_is_no_session(visit: Visit, cache: Cache, text: str) -> None:
    client = visit()
    client.get("/count")
    before = cookie_of(client)
    cache.set(f"framework-session:{before}", text)
    assert client.get("/read").json() == {}
    assert client.get("/count").json() == 1
    assert cookie_of(client) != before


def test_a_deleted_folder_is_made_again(site: SiteMaker) -> None:
    made = site(VISITORS, config=Config(session=Sessions()))
    client = Client(made.app)
    client.get("/count")
    shutil.rmtree(made.root / ".sessions")
    assert client.get("/count").json() == 1
    assert client.get("/count").json() == 2
    assert stat.S_IMODE((made.root / ".sessions").stat().st_mode) == 0o700


# ------------------------------------------------------------------ start-up


def test_a_session_parameter_is_a_mistake_while_sessions_are_off(site: SiteMaker) -> None:
    assert site({"src/pages/count.py": COUNT}).errors() == (
        "The site has a mistake:\n"
        'src/pages/count.py:4: GET has a parameter "session", but sessions are off\n'
        "    Turn them on in framework.config.py: config = Config(session=Sessions())"
    )


def test_a_configuration_with_mistakes_does_not_report_sessions(site: SiteMaker) -> None:
    errors = site({"src/pages/count.py": COUNT, "framework.config.py": "config = 1\n"}).errors()
    assert "config is 1, not a Config" in errors
    assert "sessions" not in errors


def test_using_a_session_while_sessions_are_off_says_what_to_do(
    site: SiteMaker, caplog: pytest.LogCaptureFixture
) -> None:
    made = site(
        {
            "src/pages/x.py": endpoint("return Response(context.session.get('x'))", "context"),
            "src/pages/y.jinja": "{{ session.x }}",
        }
    )
    for path in ("/x", "/y"):
        assert made.get(path).status == 500
        assert "Sessions are off. Turn them on: Config(session=Sessions())" in caplog.text
        caplog.clear()


def test_a_folder_that_cannot_be_created_is_a_mistake(site: SiteMaker) -> None:
    config = Config(session=Sessions(store="var/sessions"))
    errors = site(VISITORS | {"var": "a file"}, config=config).errors()
    assert "framework.config.py: the folder for sessions can't be used: " in errors
    assert "Sessions(store=...)" in errors


def test_a_folder_of_another_user_is_a_mistake(
    site: SiteMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    errors = site(VISITORS, config=Config(session=Sessions())).errors()
    assert "/.sessions belongs to another user" in errors


@pytest.mark.parametrize(
    "store", [".", "..", "/", "src", "src/lib/sessions", "public/s", "out", "out/s", "var", "here"]
)
def test_a_folder_with_other_files_of_the_site_is_a_mistake(site: SiteMaker, store: str) -> None:
    config = Config(session=Sessions(store=store), build=Build(out_dir="out"))
    if store == "var":
        config = Config(session=Sessions(store=store), build=Build(out_dir="var/out"))
    made = site(VISITORS, config=config)
    (made.root / "here").symlink_to(made.root)
    assert made.errors() == (
        "The site has a mistake:\n"
        "framework.config.py: the folder for sessions can't be used: "
        f"{store!r} has other files of the site\n"
        "    Name a folder for sessions only, or a cache: Sessions(store=...)."
    )


@pytest.mark.parametrize("name", ["shop.sqlite", "f" * 64, "old/x", "tmpx_1.__wz_cache"])
def test_a_folder_with_a_foreign_file_is_a_mistake(site: SiteMaker, name: str) -> None:
    made = site(VISITORS | {f"data/{name}": ""}, config=Config(session=Sessions(store="data")))
    first = name.partition("/")[0]
    assert f"/data has a file that is not a session: {first}\n" in made.errors()


def test_a_folder_of_sessions_may_have_hidden_files(site: SiteMaker) -> None:
    files = {".sessions/.gitignore": "*", ".sessions/lost+found/x": ""}
    made = site(VISITORS | files, config=Config(session=Sessions()))
    client = Client(made.app)
    client.get("/count")
    again = App(made.root, made.options["config"])
    again.close()
    assert client.get("/count").json() == 2


def test_a_name_that_no_folder_can_have_is_a_mistake(site: SiteMaker) -> None:
    errors = site(VISITORS, config=Config(session=Sessions(store="a\0b"))).errors()
    assert "framework.config.py: the folder for sessions can't be used: " in errors
