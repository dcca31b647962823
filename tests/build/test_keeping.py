"""What is kept of the last build: as it was, or not at all."""

import errno
import json
import os
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from framework.build import encodings
from framework.errors import BuildError

Rebuild = Callable[..., Any]
LISTED = (
    "from framework import Response\n\n\ndef get_static_paths():\n"
    "    return [{'params': {'id': i}, 'props': p} for i, p in ITEMS]\n\n\n"
    "def GET(params, props):\n    return Response(f'{params} {props}')\n"
)
ITEMS = "from data import ITEMS\n"
LONG = "<p>long enough</p>" * 100


def endpoint(body: str) -> str:
    return f"from framework import Response\n\n\ndef GET(context):\n    return {body}\n"


def listing(items: str) -> dict[str, str]:
    """A site with these items: the list is data, so its change is no change of code."""
    code = "from pathlib import Path\n\nITEMS = eval(Path(__file__).parents[1].joinpath('items').read_text())\n"
    code = code.replace("ITEMS = eval", "def find():\n    return eval")
    return {
        "src/pages/[id].py": LISTED.replace("ITEMS", "find()").replace(
            "import Response", "import Response\nfrom data import find", 1
        ),
        "src/data.py": code,
        "items": items,
    }


# ------------------------------------------------------------------------ paths


def test_a_path_is_rendered_when_its_props_change(rebuilt: Rebuild) -> None:
    one = rebuilt(listing("[('a', {'n': 1}), ('b', {'n': 2})]"))
    one.build()
    assert one.build() == {"/a": None, "/b": None}
    one.write({"items": "[('a', {'n': 1}), ('b', {'n': 3})]"})
    assert one.build() == {"/a": None, "/b": "its params or props changed"}
    assert one.read("b") == "{'id': 'b'} {'n': 3}"


def test_a_path_is_rendered_when_its_params_change(rebuilt: Rebuild) -> None:
    one = rebuilt(listing("[(7, {'n': 1})]"))
    one.build()
    one.write({"items": "[('7', {'n': 1})]"})
    assert one.build() == {"/7": "its params or props changed"}
    assert one.read("7") == "{'id': '7'} {'n': 1}"


def test_paths_that_come_go_or_move_leave_the_others(rebuilt: Rebuild) -> None:
    one = rebuilt(listing("[(i, {'n': 1}) for i in 'abc']"))
    one.build()
    one.write({"items": "[(i, {'n': 1}) for i in 'cda']"})
    assert one.build() == {"/c": None, "/d": "it is new", "/a": None}
    assert sorted(one.files().keys() & set("abcd")) == ["a", "c", "d"]
    one.write({"items": "[(i, {'n': 1}) for i in 'cdac']"})
    with pytest.raises(BuildError) as caught:
        one.build()
    assert "item 3 of get_static_paths() has the path of item 0, /c." in str(caught.value)


def test_props_that_cannot_be_compared_are_rendered_each_time(rebuilt: Rebuild) -> None:
    one = rebuilt(listing("[('a', {'n': 1}), ('b', {'n': (x for x in '')})]"))
    one.build()
    why = "its props can't be compared: cannot pickle 'generator' object"
    assert one.build() == {"/a": None, "/b": why}
    one.write({"items": "[('a', {'n': 1}), ('b', {'n': 1})]"})
    assert one.build() == {"/a": None, "/b": "what it was made from last time can't be compared"}
    assert one.build() == {"/a": None, "/b": None}


def test_what_another_route_answers_is_rendered_each_time(rebuilt: Rebuild) -> None:
    one = rebuilt(
        {
            "src/pages/a.py": endpoint("context.rewrite('/b')"),
            "src/pages/b.py": endpoint("Response('old')"),
        }
    )
    one.build()
    one.write({"src/pages/b.py": endpoint("Response('new')")})
    why = "what it was made from last time can't be compared"
    assert one.build() == {"/a": why, "/b": "src/pages/b.py changed"}
    assert one.read("a") == "new"
    assert one.build() == {"/a": why, "/b": None}


@pytest.mark.parametrize("way", ["return", "yield"])
def test_a_mistake_in_the_list_is_told_after_what_is_kept(rebuilt: Rebuild, way: str) -> None:
    one = rebuilt({"src/pages/[id].py": f"ITEMS = [('a', {{}})]\n{LISTED}"})
    one.build()
    code = LISTED if way == "return" else LISTED.replace("return [", "yield from [", 1)
    one.write({"src/pages/[id].py": f"ITEMS = [('a', {{}}), (None, {{}})]\n{code}"})
    with pytest.raises(BuildError) as caught:
        one.build()
    assert 'item 1 of get_static_paths() lacks the parameter "id"' in str(caught.value)


# ------------------------------------------------------------------------ files


def facts(one: Any, file: str) -> tuple[int, int, bytes]:
    path = one.root / "dist" / file
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, path.read_bytes()


def entry(one: Any, file: str) -> Any:
    return json.loads(one.read(".framework.json"))["files"][file]


def test_a_kept_file_has_its_headers_etag_and_time(rebuilt: Rebuild) -> None:
    code = "Response('x', headers={'x-a': '1', 'cache-control': 'no-store'})"
    one = rebuilt({"src/pages/x.py": endpoint(code), "src/pages/y.jinja": "y"})
    one.build()
    before = facts(one, "x"), entry(one, "x")
    assert before[1]["headers"]["x-a"] == "1"
    one.write({"src/pages/y.jinja": "changed"})
    assert one.build()["/x"] is None
    assert (facts(one, "x"), entry(one, "x")) == before


def test_a_file_rendered_to_the_same_content_keeps_its_time(rebuilt: Rebuild) -> None:
    one = rebuilt({"src/pages/x.py": endpoint("Response('x')")})
    one.build()
    before = facts(one, "x")
    one.write({"src/pages/x.py": endpoint("Response('x', headers={'x-a': '1'})")})
    assert one.build() == {"/x": "src/pages/x.py changed"}
    assert facts(one, "x") == before
    assert entry(one, "x")["headers"]["x-a"] == "1"
    one.write({"src/pages/x.py": endpoint("Response('y')")})
    one.build()
    assert facts(one, "x")[1] > before[1]


def grow(path: Path) -> None:
    path.write_text("other")


def touch(path: Path) -> None:
    os.utime(path, (1, 1))


def link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def fold(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [Path.unlink, grow, touch, link, fold])
@pytest.mark.parametrize("same", [True, False])
def test_a_file_changed_in_the_output_is_made_anew(
    rebuilt: Rebuild, harm: Callable[[Path], object], same: bool
) -> None:
    one = rebuilt({"src/pages/x.py": endpoint("Response('x')"), "public/p.txt": "p"})
    one.build()
    for file in ("x", "p.txt"):
        harm(one.root / "dist" / file)
    why = "x was changed in the output, or taken out"
    if not same:
        one.write({"src/pages/x.py": endpoint("Response('x' * 1)")})
        why = "src/pages/x.py changed"
    assert one.build() == {"/x": why}
    assert (one.read("x"), one.read("p.txt")) == ("x", "p")
    assert not (one.root / "dist/x").is_symlink()


def test_what_is_not_the_builds_is_gone(rebuilt: Rebuild) -> None:
    one = rebuilt({"src/pages/x.py": endpoint("Response('x')")})
    one.build()
    (one.root / "dist/mine").write_text("mine")
    one.build()
    assert "mine" not in one.files()


# --------------------------------------------------------------------- variants

COMPRESSED = "build=Build(compress=True)"


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What encodes: of each name half of the content, unless a test says otherwise."""
    found: dict[str, Any] = {
        name: lambda data, name=name: name.encode() + data[: len(data) // 2]
        for name in ("br", "gzip", "zstd")
    }
    monkeypatch.setattr(encodings, "find_encoders", lambda: found)
    monkeypatch.setattr("framework.build.run.find_encoders", lambda: found)
    return found


def test_variants_are_kept(rebuilt: Rebuild, encoders: dict[str, Any]) -> None:
    one = rebuilt({"src/pages/x.jinja": LONG, "public/p.css": "a{}\n" * 999}, COMPRESSED)
    one.build()
    names = [
        f"{file}{end}" for file in ("x/index.html", "p.css") for end in ("", ".br", ".gz", ".zst")
    ]
    before = [facts(one, name) for name in names]
    listed = one.read(".framework.json")
    assert one.build() == {"/x": None}
    assert [facts(one, name) for name in names] == before
    assert one.read(".framework.json") == listed
    assert entry(one, "x/index.html")["encodings"] == ["br", "gzip", "zstd"]


def test_a_variant_that_is_changed_or_gone_is_made_anew(
    rebuilt: Rebuild, encoders: dict[str, Any]
) -> None:
    one = rebuilt({"src/pages/x.jinja": LONG, "public/p.css": "a{}\n" * 999}, COMPRESSED)
    one.build()
    before = one.files()
    one.remove("dist/x/index.html.br")
    one.remove("dist/p.css.zst")
    assert one.build() == {"/x": "x/index.html was changed in the output, or taken out"}
    assert one.files() == before
    one.write({"dist/x/index.html.gz": "x", "dist/p.css.br": "x"})
    assert one.build() == {"/x": "x/index.html was changed in the output, or taken out"}
    assert one.files() == before


def test_another_way_to_compress_makes_all_variants_anew(
    rebuilt: Rebuild, encoders: dict[str, Any]
) -> None:
    one = rebuilt({"src/pages/x.jinja": LONG, "public/p.css": "a{}\n" * 999}, COMPRESSED)
    zstd = encoders.pop("zstd")
    one.build()
    before = facts(one, "x/index.html")
    assert "p.css.zst" not in one.files()
    encoders["zstd"] = zstd
    assert one.build() == {"/x": "what compresses changed"}
    assert facts(one, "x/index.html")[1:] == before[1:]  # its content is the same
    assert {"x/index.html.zst", "p.css.zst"} < one.files().keys()
    encoders.clear()
    assert one.build() == {"/x": "what compresses changed"}
    assert not [name for name in one.files() if name.endswith((".br", ".gz", ".zst"))]


def test_what_is_compressed_already_has_no_variants(
    rebuilt: Rebuild, encoders: dict[str, Any]
) -> None:
    headers = "{'content-encoding': 'gzip', 'content-type': 'text/plain'}"
    code = endpoint(f"Response(b'x' * 9999, headers={headers})")
    one = rebuilt({"src/pages/x.py": code}, COMPRESSED)
    one.build()
    assert sorted(one.files().keys() & {"x", "x.br", "x.gz", "x.zst"}) == ["x"]


# ----------------------------------------------------------------- public files


def test_a_public_file_is_kept_until_it_changes(rebuilt: Rebuild) -> None:
    one = rebuilt({"src/pages/x.jinja": "x", "public/a.txt": "a", "public/b.txt": "b"})
    one.build()
    before = facts(one, "a.txt"), facts(one, "b.txt")
    assert before[0][1] == (one.root / "public/a.txt").stat().st_mtime_ns
    one.write({"public/b.txt": "c"})
    assert one.build() == {"/x": None}
    assert facts(one, "a.txt") == before[0]
    assert facts(one, "b.txt")[2] == b"c"
    one.remove("public/b.txt")
    one.build()
    assert "b.txt" not in one.files()
    assert one.report.public == 1


def test_a_public_file_that_changes_behind_its_time_is_copied(rebuilt: Rebuild) -> None:
    one = rebuilt({"src/pages/x.jinja": "x", "public/a.txt": "old"})
    one.build()
    path = one.root / "public/a.txt"
    before = path.stat()
    path.write_text("new")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    one.build()
    assert one.read("a.txt") == "new"


def test_a_variant_that_public_has_is_the_sites_own(
    rebuilt: Rebuild, encoders: dict[str, Any]
) -> None:
    one = rebuilt({"src/pages/x.jinja": "x", "public/p.css": "a{}\n" * 999}, COMPRESSED)
    one.build()
    one.write({"public/p.css.gz": b"mine"})
    for _ in range(2):
        one.build()
        assert one.read("p.css.gz") == "mine"
        public = json.loads(one.read(".framework.json"))["public"]
        assert public["p.css"]["encodings"] == ["br", "zstd"]
    one.remove("public/p.css.gz")
    one.build()
    assert one.read("p.css.gz").startswith("gzip")


def test_a_public_name_that_is_no_text_is_a_mistake(rebuilt: Rebuild) -> None:
    one = rebuilt({"src/pages/x.jinja": "x", os.fsdecode(b"public/\xff.txt"): "x"})
    with pytest.raises(BuildError) as caught:
        one.build()
    assert str(caught.value) == (
        "The site can't be built:\n'public/\\udcff.txt': the name is not UTF-8. Rename the file."
    )


def test_a_public_file_and_folder_of_one_name_in_other_letters_are_a_mistake(
    rebuilt: Rebuild,
) -> None:
    one = rebuilt({"src/pages/x.jinja": "x", "public/é": "x", "public/e\u0301/y": "y"})
    with pytest.raises(BuildError, match="another file of public/ has the name é"):
        one.build()


# ------------------------------------------------------------ secrets, the disk


def test_a_secret_in_a_kept_file_is_found(
    rebuilt: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = rebuilt({"src/pages/x.jinja": "hunter22", "src/pages/y.jinja": "y"})
    secret = "build=Build(secrets=tuple(os.environ.get('NAMES', '').split()))"
    one.configure(secret, "import os")
    one.build()
    monkeypatch.setenv("NAMES", "PASSWORD")
    monkeypatch.setenv("PASSWORD", "hunter22")
    with pytest.raises(BuildError) as caught:
        one.build()
    assert str(caught.value).startswith(
        "The site can't be built:\nsrc/pages/x.jinja: x/index.html would hold the value of PASSWORD"
    )


@pytest.mark.parametrize("number", [errno.EPERM, errno.EXDEV, errno.EMLINK, errno.EOPNOTSUPP])
def test_where_the_disk_has_no_links_files_are_copied(
    rebuilt: Rebuild, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    one = rebuilt({"src/pages/x/y.jinja": "x", "public/a.txt": "a"})
    one.build()
    before = one.files(), facts(one, "x/y/index.html")[1], facts(one, "a.txt")[1]
    monkeypatch.setattr(os, "link", refuse)
    for _ in range(2):
        assert one.build() == {"/x/y": None}
        assert (one.files(), facts(one, "x/y/index.html")[1], facts(one, "a.txt")[1]) == before


def test_what_else_the_disk_refuses_is_told(
    rebuilt: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    one = rebuilt({"src/pages/x.jinja": "x", "public/a.txt": "a"})
    one.build()
    before = one.files()
    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(BuildError) as caught:
        one.build()
    assert str(caught.value) == (
        "The site can't be built:\n"
        "public/a.txt: a.txt can't be written: Input/output error.\n"
        "src/pages/x.jinja: x/index.html can't be written: Input/output error."
    )
    assert one.files() == before


def test_a_build_that_fails_leaves_what_the_next_can_keep(rebuilt: Rebuild) -> None:
    one = rebuilt({"src/pages/x.jinja": "x"})
    one.build()
    one.write({"src/pages/y.jinja": "{{ nothing }}"})
    with pytest.raises(BuildError):
        one.build()
    one.write({"src/pages/y.jinja": "y"})
    assert one.build() == {"/x": None, "/y": "src/pages/y.jinja is new"}


# ------------------------------------------------------- as if it were built anew

WORDS = ("old", "new", "other", "more")
PLACES = ("a", "b", "c")


def start(one: Any) -> None:
    one.write(
        {
            "src/lib/shelf.py": "from pathlib import Path\nfrom functools import cache\n\n"
            "ROOT = Path(__file__).parents[2]\n\n\n@cache\ndef find():\n"
            "    return (ROOT / 'data.txt').read_text()\n",
            "src/lib/value.py": "V = 'old'\n",
            "src/layouts/base.jinja": "old {% block a %}{% endblock %}",
            "src/pages/index.jinja": "---\nfrom lib.value import V\n---\n{{ V }}",
            "src/pages/data.py": "from framework import Response\nfrom lib.shelf import find\n\n\n"
            "def GET():\n    return Response(find())\n",
            "src/pages/names.py": "from framework import Response\nfrom lib.shelf import ROOT\n\n\n"
            "def GET():\n    return Response(str(sorted(p.name for p in ROOT.glob('notes/*'))))\n",
            "src/pages/go.py": endpoint("context.rewrite('/data')"),
            "src/pages/p/[id].py": "from lib.shelf import find\n"
            + LISTED.replace("ITEMS", "[(w, {'at': find().index(w)}) for w in find().split()]"),
            "src/pages/q/[id].py": "from lib.shelf import find\n"
            + LISTED.replace("ITEMS", "[(w, {}) for w in find().split()]").replace(
                "    return [", "    yield from ["
            ),
            "data.txt": "a b c",
            "notes/a": "",
            "public/p.txt": "old",
        }
    )


def edit(one: Any, draw: random.Random) -> None:
    word, place = draw.choice(WORDS), draw.choice(PLACES)

    def flip(name: str, content: str) -> None:
        one.remove(name) if (one.root / name).exists() else one.write({name: content})

    def rename() -> None:
        for one_name, other in (("x", "y"), ("y", "x")):
            path = one.root / f"src/pages/{one_name}.jinja"
            if path.exists():
                path.rename(path.with_name(f"{other}.jinja"))
                return
        one.write({"src/pages/x.jinja": f"{word}"})

    extends = '{% extends "layouts/base.jinja" %}{% block a %}' + word + "{% endblock %}"
    draw.choice(
        [
            partial(one.write, {"src/lib/value.py": f"V = {word!r}\n"}),
            partial(one.write, {"src/layouts/base.jinja": word + " {% block a %}{% endblock %}"}),
            partial(one.write, {"data.txt": " ".join(draw.sample(PLACES, draw.randint(1, 3)))}),
            partial(one.write, {"public/p.txt": word}),
            partial(flip, f"notes/{word}", ""),
            partial(flip, f"public/{place}.txt", word),
            partial(flip, f"src/pages/{place}.jinja", extends),
            partial(
                flip,
                "src/middleware.py",
                "from lib.value import V\n\n\ndef on_request(c, next):\n"
                "    response = next()\n    response.headers.set('x-v', V)\n    return response\n",
            ),
            partial(flip, "src/jinja.py", f"globals = {{'g': {word!r}}}\n"),
            partial(flip, "dist", ""),
            rename,
        ]
    )()


@pytest.mark.parametrize("seed", range(6))
def test_what_is_kept_is_what_would_be_made(rebuilt: Rebuild, seed: int) -> None:
    draw = random.Random(seed)
    one, other = rebuilt({}), rebuilt({})
    start(one)
    kept = 0
    for _ in range(12):
        one.build()
        shutil.rmtree(other.root)
        shutil.copytree(one.root, other.root, ignore=shutil.ignore_patterns("dist", ".dist*"))
        other.build(force=True)
        assert one.files() == other.files()
        kept += one.report.kept
        edit(one, draw)
    assert kept > 12
