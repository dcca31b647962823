"""Requests of one visitor at the same time: nothing is lost, and what was destroyed stays destroyed."""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cachelib import FileSystemCache, SimpleCache
from hypothesis import given, settings
from hypothesis import strategies as st

from framework import Config, SessionError, Sessions
from framework.sessions import COOKIE, CacheStore, Session, Store, open_store
from framework.testing import Client
from framework.web.cookies import Cookies
from tests.conftest import SiteMaker

STORES: dict[str, Callable[[str], Store]] = {
    "folder": lambda folder: open_store(Sessions(), Path(folder)),
    "SimpleCache": lambda folder: CacheStore(SimpleCache(), 60),
    "FileSystemCache": lambda folder: CacheStore(FileSystemCache(folder), 60),
}


def request_with(store: Store, id: str | None) -> Session:
    """The session of a request whose cookie has this id."""
    return Session(store, Cookies(f"{COOKIE}={id}" if id else ""))


def new_session(store: Store, **data: object) -> str:
    session = request_with(store, None)
    for key, value in data.items():
        session[key] = value
    session.save()
    assert session._id
    return session._id


def data_of(store: Store, id: str | None) -> dict[str, Any]:
    session = request_with(store, id)
    return {key: session[key] for key in session}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return STORES[request.param](str(tmp_path))


# ------------------------------------------------------------------ every interleaving

KEYS = st.sampled_from("ab")
STEPS = st.tuples(
    st.integers(0, 2),  # the request
    st.one_of(
        st.tuples(st.just("get"), KEYS),
        st.tuples(st.just("set"), KEYS, st.integers(0, 3)),
        st.tuples(st.just("delete"), KEYS),
        st.tuples(st.just("destroy")),
        st.tuples(st.just("regenerate")),
        st.tuples(st.just("save")),
    ),
)


class Model:
    """What three requests with one cookie should do, one save after the other.

    `live` are the sessions that the visitor's first session became: more than one if requests
    called `regenerate()` at the same time. `own` are sessions that a request began anew.
    """

    def __init__(self, id: str, data: dict[str, Any]) -> None:
        self.first = id
        self.live = {id: data}
        self.own: dict[str, dict[str, Any]] = {}
        self.loaded: dict[int, dict[str, Any]] = {}  # by request
        self.seen: dict[int, dict[str, Any]] = {}
        self.began_anew: set[int] = set()
        self.is_destroyed: set[int] = set()

    def load(self, request: int) -> None:
        if request not in self.loaded:
            self.loaded[request] = dict(self.live.get(self.first, {}))
            self.seen[request] = dict(self.loaded[request])
            if self.first not in self.live:
                self.began_anew.add(request)

    def save(self, request: int, id: str | None, old: str | None) -> None:
        before, data = self.loaded[request], self.seen[request]
        if request in self.is_destroyed and request not in self.began_anew:
            self.live.clear()
        if request in self.is_destroyed | self.began_anew:
            if data and id:
                self.own[id] = data
        elif id == old:
            for stored in self.live.values():
                self._change(stored, before, data)
        elif self.first in self.live:
            stored = self.live.pop(self.first)
            self._change(stored, before, data)
            self.live[id or ""] = stored
        elif self.live:
            self.live[id or ""] = data

    @staticmethod
    def _change(stored: dict[str, Any], before: dict[str, Any], data: dict[str, Any]) -> None:
        for key in before.keys() | data.keys():
            if before.get(key) != data.get(key):
                stored.pop(key, None)
                if key in data:
                    stored[key] = data[key]


@pytest.mark.parametrize("kind", STORES)
@settings(max_examples=80)
@given(data=st.dictionaries(KEYS, st.integers(0, 3), min_size=1), steps=st.lists(STEPS, max_size=9))
def test_every_interleaving_is_like_the_model(kind: str, data: Any, steps: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = STORES[kind](folder)
        first = new_session(store, **data)
        model = Model(first, dict(data))
        requests = {number: request_with(store, first) for number in range(3)}
        ids = {first}
        for number, (name, *arguments) in [*steps, *((n, ("save",)) for n in range(3))]:
            if number not in requests:
                continue  # it is saved
            session = requests[number]
            model.load(number)
            seen = model.seen[number]
            if name == "get":
                assert session.get(*arguments) == seen.get(*arguments)
            elif name == "set":
                session.set(*arguments)
                seen[arguments[0]] = arguments[1]
            elif name == "delete":
                session.delete(*arguments)
                seen.pop(arguments[0], None)
            elif name == "destroy":
                session.destroy()
                seen.clear()
                model.is_destroyed.add(number)
            elif name == "regenerate":
                session.regenerate()
            else:
                id = session.session_id
                session.save()
                model.save(number, id, first)
                ids |= {id} if id else set()
                del requests[number]
        expected = {id: data for id, data in (model.live | model.own).items() if data}
        assert {id: data_of(store, id) for id in ids if data_of(store, id)} == expected


# ------------------------------------------------------------------ the cases by name


def test_requests_that_change_different_keys_lose_nothing(store: Store) -> None:
    id = new_session(store, a=1, b=1, c=[1])
    one, two = request_with(store, id), request_with(store, id)
    one["a"], two["new"] = 2, 2
    two["c"].append(2)
    del one["b"]
    one.save()
    two.save()
    assert data_of(store, id) == {"a": 2, "c": [1, 2], "new": 2}


def test_the_last_of_two_requests_wins_a_key_that_both_change(store: Store) -> None:
    id = new_session(store, n=0)
    one, two = request_with(store, id), request_with(store, id)
    one["n"], two["n"] = 1, 2
    two.save()
    one.save()
    assert data_of(store, id) == {"n": 1}


@pytest.mark.parametrize("last", ["set", "delete", "regenerate", "login", "rotate"])
def test_a_destroyed_session_stays_destroyed(store: Store, last: str) -> None:
    id = new_session(store, user="ada", cart=1)
    slow, logout = request_with(store, id), request_with(store, id)
    if last == "set":
        slow["seen"] = True
    elif last == "delete":
        slow.delete("cart")
    else:
        slow.regenerate()
        if last != "regenerate":
            slow["user"] = "eve" if last == "login" else slow["user"]
    new = slow.session_id
    logout.destroy()
    logout.save()
    slow.save()
    assert data_of(store, id) == data_of(store, new) == {}
    assert slow._cookies.headers() == []


def test_a_logout_also_ends_the_session_that_a_login_made_meanwhile(store: Store) -> None:
    id = new_session(store, cart=1)
    login, logout = request_with(store, id), request_with(store, id)
    login.regenerate()
    login["user"] = "ada"
    new = login.session_id
    logout.destroy()
    login.save()
    assert data_of(store, new) == {"cart": 1, "user": "ada"}
    logout.save()
    assert data_of(store, new) == {}


def test_a_logout_after_a_login_ends_what_began_before_both(store: Store) -> None:
    id = new_session(store, cart=1)
    slow, login = request_with(store, id), request_with(store, id)
    slow.regenerate()
    login.regenerate()
    new = [slow.session_id, login.session_id]
    login.save()
    logout = request_with(store, new[1])
    logout.destroy()
    logout.save()
    slow.save()
    assert [data_of(store, id) for id in new] == [{}, {}]
    assert slow._cookies.headers() == []


def test_a_change_beside_a_login_is_kept(store: Store) -> None:
    id = new_session(store, cart=1)
    login, shop = request_with(store, id), request_with(store, id)
    login.regenerate()
    login["user"] = "ada"
    new = login.session_id
    shop["cart"] = 2
    login.save()
    shop.save()
    assert data_of(store, new) == {"cart": 2, "user": "ada"}
    assert data_of(store, id) == {}
    assert shop._cookies.headers() == []  # the new id is for the client that logged in


def test_two_logins_at_once_never_share_data(store: Store) -> None:
    planted = new_session(store, cart=1)
    victim, attacker = request_with(store, planted), request_with(store, planted)
    for session, user in ((victim, "ada"), (attacker, "eve")):
        session.regenerate()
        session["user"] = user
    ids = victim.session_id, attacker.session_id
    victim["address"] = "1 Main Street"
    victim.save()
    attacker.save()
    assert [data_of(store, id) for id in ids] == [
        {"cart": 1, "user": "ada", "address": "1 Main Street"},
        {"cart": 1, "user": "eve"},
    ]
    assert data_of(store, planted) == {}


def test_an_id_that_was_regenerated_thousands_of_times_can_be_destroyed() -> None:
    store = CacheStore(SimpleCache(threshold=10_000), 60)
    first = id = new_session(store, n=1)
    slow = request_with(store, first)
    slow.destroy()
    for _ in range(2_000):
        session = request_with(store, id)
        session.regenerate()
        id = session.session_id or ""
        session.save()
    slow.save()
    assert data_of(store, id) == {}


def test_an_expired_session_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(Sessions(max_age=60), tmp_path)
    now = 1_000_000.0
    monkeypatch.setattr("framework.sessions.stores.time", lambda: now)
    id = new_session(store, user="ada")
    slow = request_with(store, id)
    slow["n"] = 1
    now += 61
    slow.save()
    assert data_of(store, id) == {}


def test_a_session_that_cannot_be_moved_stays_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = new_session(store, cart=1)
    login = request_with(store, id)
    login.regenerate()
    login["user"] = "ada"
    new = login.session_id
    write = type(store).write

    def fail(self: Store, id: str, text: str, max_age: int) -> None:
        if text.startswith("["):
            raise OSError("No space left on device")
        write(self, id, text, max_age)  # type: ignore[arg-type]

    monkeypatch.setattr(type(store), "write", fail)
    with pytest.raises(OSError, match="No space left"):
        login.save()
    assert login._cookies.headers() == []
    assert (data_of(store, id), data_of(store, new)) == ({"cart": 1}, {})


def test_a_lock_passes_an_error_on(store: Store) -> None:
    id = new_session(store, a=1)
    with pytest.raises(FileNotFoundError), store.lock(id):
        raise FileNotFoundError
    with store.lock(id):  # it was released
        pass


# ------------------------------------------------------------------ threads and processes


def set_keys(store: Store, id: str, name: str) -> None:
    for number in range(25):
        session = request_with(store, id)
        session[f"{name}{number}"] = number
        session.save()


def test_threads_lose_nothing(store: Store) -> None:
    id = new_session(store, a=1)
    threads = [threading.Thread(target=set_keys, args=(store, id, name)) for name in "wxyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(data_of(store, id)) == 101


PROCESS = """
import sys
from pathlib import Path
from framework import Sessions
from framework.sessions import open_store
from tests.flows.test_simultaneous_sessions import set_keys

set_keys(open_store(Sessions(), Path(sys.argv[1])), *sys.argv[2:])
"""


def test_processes_lose_nothing(tmp_path: Path) -> None:
    store = open_store(Sessions(), tmp_path)
    id = new_session(store, a=1)
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(tmp_path), id, name]) for name in "xyz"
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(data_of(store, id)) == 76


def test_a_lock_that_is_never_released_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = SimpleCache()
    store = CacheStore(cache, 60)
    id = new_session(store, a=1)
    cache.set(f"framework-session:{id}:lock", "locked", 60)
    now = iter(range(100))
    monkeypatch.setattr("framework.sessions.stores.monotonic", lambda: next(now))
    session = request_with(store, id)
    session["a"] = 2
    with pytest.raises(SessionError, match="could not lock a session"):
        session.save()
    assert data_of(store, id) == {"a": 1}


# ------------------------------------------------------------------ over HTTP

SLOW = """
import threading
from framework import Response

LOADED, GO_ON = threading.Event(), threading.Event()


def POST(session):
    session.get("user")
    LOADED.set()
    assert GO_ON.wait(60)
    session.regenerate()
    session.set("user", "ada")
    return Response(session.session_id)


def GET(session):
    session.set("user", "ada")
    return Response("hello")


def DELETE(session):
    assert LOADED.wait(60)
    session.destroy()
    return Response("bye")


def PUT(session):
    GO_ON.set()
    return Response(session.get("user", "nobody"))
"""


@pytest.mark.parametrize("kind", ["folder", "cache"])
def test_a_login_in_flight_does_not_undo_a_logout(site: SiteMaker, kind: str) -> None:
    sessions = Sessions() if kind == "folder" else Sessions(store=SimpleCache())
    client = Client(site({"src/pages/index.py": SLOW}, config=Config(session=sessions)).app)
    client.get("/")
    cookie = {"cookie": f"{COOKIE}={client.cookies['localhost'][COOKIE]}"}
    responses = []
    slow = threading.Thread(target=lambda: responses.append(client.post("/", headers=cookie)))
    slow.start()
    assert client.delete("/", headers=cookie).text() == "bye"
    client.put("/", headers=cookie)
    slow.join()
    [response] = responses
    assert "set-cookie" not in response.headers
    for id in (client.cookies["localhost"].get(COOKIE, ""), response.text()):
        assert client.put("/", headers={"cookie": f"{COOKIE}={id}"}).text() == "nobody"
