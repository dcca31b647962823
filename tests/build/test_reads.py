"""What the site's code reads: files, folders and databases count for all, connections for good."""

import os
import py_compile
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any

import pytest

from framework import version
from framework.build.reads import Reads

Rebuild = Callable[..., Any]
OTHER = {"src/pages/other.jinja": "other"}
ROOT = "from pathlib import Path\nROOT = Path(__file__).parents[2]\n"


def page(value: str, before: str = "") -> str:
    return f"from framework import Response\n{ROOT}{before}\n\ndef GET():\n    return Response({value})\n"


def listing(data: str, before: str = "", props: str = "'x': x") -> str:
    return (
        f"from framework import Response\n{ROOT}{before}\n\n"
        f"def get_static_paths():\n    data = {data}\n"
        f"    return [{{'params': {{'id': x}}, 'props': {{{props}}}}} for x in data]\n\n\n"
        "def GET(props):\n    return Response(str(props))\n"
    )


def check(one: Any, change: Callable[[], object], why: str) -> None:
    """Nothing is rendered twice until something changes; then all is."""
    one.build()
    assert set(one.build().values()) == {None}
    change()
    assert set(one.build().values()) == {why}
    assert set(one.build().values()) == {None}


# ---------------------------------------------------------------------- files


@pytest.mark.parametrize(
    "code",
    [
        page("DATA", "DATA = (ROOT / 'data.txt').read_text()"),
        page("(ROOT / 'data.txt').read_text()"),
        page("open(ROOT / 'data.txt', 'r+b').read()")
        .replace("open", "read")
        .replace(
            "\n\ndef GET",
            "\n\ndef read(*args):\n    with open(*args) as file:\n"
            "        return type('', (), {'read': file.read})\n\ndef GET",
            1,
        )
        .replace(
            "return Response(read(ROOT / 'data.txt', 'r+b').read())",
            "with open(ROOT / 'data.txt', 'r+b') as file:\n        return Response(file.read())",
        ),
        page("os.read(os.open(ROOT / 'data.txt', 0), 99)", "import os").replace(
            "return Response(os.read(os.open(ROOT / 'data.txt', 0), 99))",
            "number = os.open(ROOT / 'data.txt', 0)\n"
            "    with open(number, 'rb') as file:\n        return Response(file.read())",
        ),
    ],
    ids=["loaded", "rendered", "also to be written", "by number"],
)
def test_a_file_counts_for_all(rebuilt: Rebuild, code: str) -> None:
    one = rebuilt({**OTHER, "src/pages/x.py": code, "data.txt": "old"})
    check(one, lambda: one.write({"data.txt": "new"}), "data.txt changed")
    assert one.read("x") == "new"


def test_what_the_first_keeps_in_memory_counts_for_the_next(rebuilt: Rebuild) -> None:
    shelf = f"from functools import cache\n{ROOT}\n\n@cache\ndef find():\n    return (ROOT / 'd').read_text()\n"
    code = page("find()", "from lib.shelf import find")
    one = rebuilt({"src/pages/a.py": code, "src/pages/b.py": code, "src/lib/shelf.py": shelf})
    one.write({"d": "old"})
    check(one, lambda: one.write({"d": "new"}), "d changed")
    assert one.read("b") == "new"


def test_a_file_beside_a_module_counts(rebuilt: Rebuild) -> None:
    code = page("get_data('lib', 'a.txt')", "from pkgutil import get_data")
    one = rebuilt({"src/pages/x.py": code, "src/lib/__init__.py": "", "src/lib/a.txt": "old"})
    check(one, lambda: one.write({"src/lib/a.txt": "new"}), "src/lib/a.txt changed")


@pytest.mark.parametrize("name", ["data.txt", os.fsdecode(b"d\xff.txt")])
def test_a_file_that_appears_or_vanishes_counts(rebuilt: Rebuild, name: str) -> None:
    code = page(
        "read()",
        f"\n\ndef read():\n    try:\n        return (ROOT / {name!r}).read_text()\n"
        "    except FileNotFoundError:\n        return 'none'\n",
    )
    one = rebuilt({"src/pages/x.py": code})
    check(one, lambda: one.write({name: "some"}), f"{name} is new")
    check(one, lambda: one.remove(name), f"{name} is gone")
    assert one.read("x") == "none"


@pytest.mark.parametrize(
    "expression",
    [
        "' '.join(sorted(p.name for p in (ROOT / 'notes').iterdir()))",
        "' '.join(sorted(p.name for p in ROOT.glob('notes/*.md')))",
        "' '.join(sorted(e.name for e in os.scandir(ROOT / 'notes')))",
        "' '.join(sorted(sum((f for _, _, f in os.walk(ROOT / 'notes')), [])))",
    ],
)
def test_a_folder_that_is_listed_counts(rebuilt: Rebuild, expression: str) -> None:
    one = rebuilt({**OTHER, "src/pages/x.py": page(expression, "import os"), "notes/a.md": "a"})
    check(one, lambda: one.write({"notes/b.md": "b"}), "notes changed")
    check(one, lambda: one.remove("notes/a.md"), "notes changed")
    check(one, lambda: one.write({os.fsdecode(b"notes/\xff"): ""}), "notes changed")
    one.write({"notes/b.md": "changed"})
    assert set(one.build().values()) == {None}


def test_the_folder_that_holds_the_build_may_be_listed(rebuilt: Rebuild) -> None:
    expression = "' '.join(sorted(p.name for p in ROOT.iterdir() if 'dist' not in p.name))"
    one = rebuilt({"src/pages/x.py": page(expression)})
    check(one, lambda: one.write({"new": ""}), ". changed")
    check(one, lambda: one.remove("new"), ". changed")
    assert one.read("x") == "framework.config.py src"


def test_the_folder_that_is_the_current_one_may_be_listed(
    rebuilt: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = rebuilt({"src/pages/x.py": page("'x'", "import os\nassert os.listdir() is not None")})
    (one.root / "here").mkdir()
    monkeypatch.chdir(one.root / "here")
    check(one, lambda: one.write({"here/new": ""}), "here changed")


def test_a_folder_that_is_taken_away_is_no_mistake(rebuilt: Rebuild) -> None:
    # shutil.rmtree lists folders that are open already.
    code = page("'x'", "import shutil\nfrom tempfile import mkdtemp\nshutil.rmtree(mkdtemp())")
    one = rebuilt({"src/pages/x.py": code})
    one.build()
    assert one.build() == {"/x": None}


def test_a_file_that_is_only_written_is_not_read(rebuilt: Rebuild) -> None:
    code = page("'x'", "(ROOT / 'log').write_text('log')\n(ROOT / 'more').open('a').close()")
    one = rebuilt({"src/pages/x.py": code})
    one.build()
    one.write({"log": "x", "more": "x"})
    assert one.build() == {"/x": None}


def test_what_is_installed_is_not_read(rebuilt: Rebuild) -> None:
    code = page("'x'", "import json\nopen(json.__file__).close()\nopen('/dev/null').close()")
    one = rebuilt({"src/pages/x.py": code})
    one.build()
    with closing(sqlite3.connect(one.root / ".dist-inputs")) as ledger:
        assert ledger.execute("SELECT * FROM inputs WHERE scope LIKE 'read %'").fetchall() == []


# ------------------------------------------------------------------ databases


def fill(path: Path, value: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS t (v)")
        database.execute("INSERT INTO t VALUES (?)", (value,))


QUERY = (
    "import sqlite3\nfrom contextlib import closing\n\n\ndef list_paths():\n"
    "    with closing(sqlite3.connect(DATABASE, **OPTIONS)) as database:\n"
    "        return ' '.join(v for v, in database.execute('SELECT v FROM t'))\n"
)


@pytest.mark.parametrize(
    "names",
    [
        "DATABASE, OPTIONS = ROOT / 'a b.db', {}",
        "DATABASE, OPTIONS = str(ROOT / 'a b.db').encode(), {}",
        "DATABASE, OPTIONS = f'file:{ROOT}/a%20b.db?mode=ro', {'uri': True}",
    ],
)
def test_a_database_counts(rebuilt: Rebuild, names: str) -> None:
    one = rebuilt({**OTHER, "src/pages/x.py": page("ask()", f"{QUERY}\n{names}\n")})
    fill(one.root / "a b.db", "old")
    check(one, lambda: fill(one.root / "a b.db", "new"), "a b.db changed")
    assert one.read("x") == "old new"


def test_what_a_database_has_in_its_journal_counts(rebuilt: Rebuild) -> None:
    names = "DATABASE, OPTIONS = ROOT / 'a.db', {}"
    one = rebuilt({"src/pages/x.py": page("ask()", f"{QUERY}\n{names}\n")})
    fill(one.root / "a.db", "old")
    with closing(sqlite3.connect(one.root / "a.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("INSERT INTO t VALUES ('more')")
        database.commit()
        one.build()
        before = (one.root / "a.db").read_bytes()
        database.execute("INSERT INTO t VALUES ('new')")
        database.commit()
        assert (one.root / "a.db").read_bytes() == before
        assert one.build() == {"/x": "a.db-wal changed"}
        assert one.read("x") == "old more new"


@pytest.mark.parametrize("name", ["", ":memory:"])
def test_a_database_in_memory_is_no_file(rebuilt: Rebuild, name: str) -> None:
    code = page("'x'", f"import sqlite3\nsqlite3.connect({name!r}).close()")
    one = rebuilt({"src/pages/x.py": code})
    one.build()
    assert one.build() == {"/x": None}


# -------------------------------------------------------------------- modules


def test_code_beside_the_site_counts(rebuilt: Rebuild, monkeypatch: pytest.MonkeyPatch) -> None:
    one = rebuilt({**OTHER, "src/pages/x.py": page("beside.V", "import beside")})
    one.write(
        {
            "more/beside.py": "from pathlib import Path\nV = Path(__file__).with_name('d').read_text()\n"
        }
    )
    one.write({"more/d": "old"})
    monkeypatch.syspath_prepend(one.root / "more")

    def build() -> set[str | None]:
        sys.modules.pop("beside", None)
        return set(one.build().values())

    build()
    assert build() == {None}
    one.write({"more/d": "new"})
    assert build() == {"more/d changed"}
    one.write({"more/beside.py": "V = 'mine'\n"})
    assert build() == {"more/beside.py changed"}
    sys.modules.pop("beside")


@pytest.mark.parametrize("prefix", ["", "cache"])
def test_code_that_is_compiled_counts_by_its_source(
    rebuilt: Rebuild, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    unseen = "getattr(importlib, 'import' + '_module')('lib.un.seen').V"
    one = rebuilt(
        {"src/pages/x.py": page(unseen, "import importlib"), "src/lib/un/seen.py": "V = 'old'\n"}
    )
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(one.root / prefix) if prefix else None)
    one.build()
    assert one.build() == {"/x": None}
    assert bool(list((one.root / "src").rglob("*.pyc"))) is not bool(prefix)
    one.write({"src/lib/un/seen.py": "V = 'newer'\n"})
    assert one.build() == {"/x": "src/lib/un/seen.py changed"}
    assert one.read("x") == "newer"


def test_a_module_without_source_counts(rebuilt: Rebuild) -> None:
    one = rebuilt({"src/pages/x.py": page("V", "from lib.bare import V")})
    for value in ("old", "new"):
        one.write({"bare.py": f"V = '{value}'\n"})
        py_compile.compile(str(one.root / "bare.py"), str(one.root / "src/lib/bare.pyc"))
        why = "there is no last build to go by" if value == "old" else "src/lib/bare.pyc changed"
        assert one.build() == {"/x": why}
        assert one.read("x") == value


def test_a_module_in_machine_code_counts() -> None:
    reads = Reads(Path("/site"))
    reads.hear("import", ("fast", "/site/src/fast.so", None, None, None))
    reads.hear("import", ("plain", None, None, None, None))
    assert reads.modules == {"/site/src/fast.so"}


# --------------------------------------------------------------------- doubts


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Something to connect to, at `server` in the current folder."""
    monkeypatch.chdir(tmp_path)
    with socket(AF_UNIX) as listening:
        listening.bind("server")
        listening.listen(99)
        yield listening


CONNECT = (
    "from socket import AF_UNIX, socket\n\n\ndef connect():\n"
    "    with socket(AF_UNIX) as one:\n        one.connect('server')\n    return 'x'\n"
)
LINE = "src/lib/net.py:6 opens a connection, so what it depends on can't be told"
NET = {"src/lib/net.py": CONNECT}
USE = "from lib.net import connect"


@pytest.mark.parametrize(
    "code", [page("connect()", USE), page("V", f"{USE}\nV = connect()")], ids=["rendered", "loaded"]
)
def test_who_asks_another_is_rendered_each_time(rebuilt: Rebuild, server: Any, code: str) -> None:
    one = rebuilt({**OTHER, **NET, "src/pages/x.py": code})
    one.build()
    assert set(one.build().values()) == {LINE}
    assert set(one.build().values()) == {LINE}
    one.write({"src/pages/x.py": page("'x'")})
    one.build()
    assert set(one.build().values()) == {None}


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import os\nos.system('true')", "src/pages/x.py:5 runs a program"),
        ("import subprocess\nsubprocess.run(['true'])", "src/pages/x.py:5 runs a program"),
        (
            "import os\nos.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)",
            "src/pages/x.py:5 runs a program",
        ),
    ],
)
def test_who_runs_a_program_is_rendered_each_time(rebuilt: Rebuild, code: str, what: str) -> None:
    one = rebuilt({**OTHER, "src/pages/x.py": page("'x'", code)})
    one.build()
    assert set(one.build().values()) == {f"{what}, so what it depends on can't be told"}


TASK = (
    "import asyncio\nfrom socket import AF_UNIX, socket\n\n\nasync def connect():\n"
    "    with socket(AF_UNIX) as one:\n        one.connect('server')\n\n\n"
    "async def fetch():\n    await asyncio.create_task(connect())\n"
)
THREAD = (
    "from threading import Thread\nfrom socket import AF_UNIX, socket\n\n\ndef connect():\n"
    "    with socket(AF_UNIX) as one:\n        one.connect('server')\n\n\n"
    "async def fetch():\n    thread = Thread(target=connect)\n    thread.start()\n    thread.join()\n"
)


@pytest.mark.parametrize("library", [TASK, THREAD], ids=["task", "thread"])
def test_what_a_library_asks_in_a_task_or_thread_of_its_own_is_the_sites_doing(
    rebuilt: Rebuild, server: Any, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    code = page("'x'", "from fetching import fetch").replace(
        "def GET():\n", "async def GET():\n    await fetch()\n"
    )
    one = rebuilt({"src/pages/x.py": code, "more/fetching.py": library})
    monkeypatch.syspath_prepend(one.root / "more")
    one.build()
    sys.modules.pop("fetching")
    assert one.build() == {
        "/x": "something opens a connection, so what it depends on can't be told"
    }


def test_what_the_framework_asks_is_not_the_sites_doing(rebuilt: Rebuild) -> None:
    one = rebuilt(OTHER)
    reads = Reads(one.root)
    code = compile("run()", os.path.join(os.path.dirname(subprocess.__file__), "x.py"), "exec")
    frame = compile("step()", version.__file__, "exec")
    asked = {"run": lambda: reads.hear("os.system", ()), "step": lambda: exec(code, asked)}
    exec(frame, asked)
    assert reads.doubts == set()
    exec(code, asked)
    assert reads.doubts == {"something runs a program"}


# ---------------------------------------------------------- while paths are listed


def test_what_lists_paths_with_props_counts_by_the_props(rebuilt: Rebuild) -> None:
    code = listing("(ROOT / 'ids').read_text().split()")
    one = rebuilt({**OTHER, "src/pages/[id].py": code, "ids": "a b"})
    one.build()
    one.write({"ids": "a b c"})
    assert one.build() == {"/a": None, "/b": None, "/c": "it is new", "/other": None}


@pytest.mark.parametrize("way", ["return", "yield"])
def test_what_lists_paths_without_props_counts_for_them(rebuilt: Rebuild, way: str) -> None:
    code = listing("(ROOT / 'ids').read_text().split()", props="")
    if way == "yield":
        code = code.replace("    return [", "    yield from [")
    one = rebuilt({**OTHER, "src/pages/[id].py": code, "ids": "a b"})
    one.build()
    assert set(one.build().values()) == {None}
    one.write({"ids": "a b c"})
    why = "ids changed"
    assert one.build() == {"/a": why, "/b": why, "/c": why, "/other": None}


SHELF = f"from functools import cache\n{ROOT}\n\n@cache\ndef find():\n    return (ROOT / 'ids').read_text().split()\n"
SHELVED = {
    **OTHER,
    "src/lib/shelf.py": SHELF,
    "src/pages/[id].py": listing("find()", "from lib.shelf import find"),
    "src/pages/all.jinja": "---\nfrom lib.shelf import find\nall = find()\n---\n{{ all }}",
    "ids": "a b",
}


def test_what_lists_paths_counts_for_who_may_have_it_from_memory(rebuilt: Rebuild) -> None:
    one = rebuilt(SHELVED)
    one.build()
    assert set(one.build().values()) == {None}
    one.write({"ids": "a c"})
    assert one.build() == {"/a": None, "/all": "ids changed", "/c": "it is new", "/other": None}
    assert one.read("all/index.html") == "[&#39;a&#39;, &#39;c&#39;]"
    assert set(one.build().values()) == {None}


def test_who_asks_another_to_list_paths_with_props_is_compared_by_them(
    rebuilt: Rebuild, server: Any
) -> None:
    one = rebuilt({**OTHER, **NET, "src/pages/[id].py": listing("connect()", USE)})
    one.build()
    assert one.build() == {"/x": None, "/other": None}
    one.write({"src/pages/[id].py": listing("connect()", USE, props="")})
    one.build()
    assert one.build() == {"/x": LINE, "/other": None}
    assert one.build() == {"/x": LINE, "/other": None}


# ------------------------------------------------------------- in other processes


def test_what_other_processes_hear_counts(rebuilt: Rebuild, server: Any) -> None:
    unseen = "getattr(importlib, 'import' + '_module')('lib.unseen').V"
    one = rebuilt(
        {
            **NET,
            "src/pages/file.py": page("(ROOT / 'data.txt').read_text()"),
            "src/pages/code.py": page(unseen, "import importlib"),
            "src/lib/unseen.py": "V = 'old'\n",
            "data.txt": "old",
        }
    )
    one.build(jobs=2)
    assert set(one.build().values()) == {None}
    for name in ("data.txt", "src/lib/unseen.py"):
        one.write({name: "V = 'new'\n"})
        assert set(one.build(jobs=2).values()) == {f"{name} changed"}
    one.write({"src/pages/code.py": page("connect()", USE)})
    one.build(jobs=2)
    assert set(one.build(jobs=2).values()) == {LINE}
