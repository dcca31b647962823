"""What a file of the build is made from: a change of it renders the file anew, and no other."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from framework.build import inputs as inputs_module

Rebuild = Callable[..., Any]
VALUE = "V = 'old'\n"
NONE = {"src/pages/other.jinja": "other"}


def answering(value: str, before: str = "", inside: str = "") -> str:
    return (
        f"from framework import Response\n{before}\n\n"
        f"def GET(render):\n    {inside or 'pass'}\n    return Response({value})\n"
    ).replace("GET(render)", "GET(render)" if "render(" in value else "GET()")


SITE = {
    "src/pages/absolute.py": answering("V", "from lib.absolute import V"),
    "src/pages/plain.py": answering("lib.plain.V", "import lib.plain"),
    "src/pages/deep/relative.py": answering("V", "from ._near import V"),
    "src/pages/deep/above.py": answering("V", "from .._up import V"),
    "src/pages/module.py": answering("_up.V", "from . import _up"),
    "src/pages/package.py": answering("V", "from parcel.inner import V"),
    "src/pages/submodule.py": answering("submodule.V", "from lib import submodule"),
    "src/pages/lazy.py": answering("V", inside="from lib.lazy import V"),
    "src/pages/chain.py": answering("V", "from lib.chain import V"),
    "src/pages/front.jinja": "---\nfrom lib.front import V\n---\n{{ V }}",
    "src/pages/page.jinja": '{% extends "layouts/page.jinja" %}',
    "src/pages/slash.jinja": '{% include "/components/./slash.jinja" %}',
    "src/pages/either.jinja": '{% include ["components/no.jinja", "components/either.jinja"] %}',
    "src/pages/import.jinja": '{% import "components/macros.jinja" as m %}{{ m.v() }}',
    "src/pages/from.jinja": '{% from "components/macros.jinja" import v %}{{ v() }}',
    "src/pages/note.md": "---\nlayout: layouts/note.jinja\n---\n# Note",
    "src/pages/bare.md": "# Bare",
    "src/pages/other.jinja": "other",
    "src/lib/absolute.py": VALUE,
    "src/lib/plain.py": VALUE,
    "src/lib/submodule.py": VALUE,
    "src/lib/lazy.py": VALUE,
    "src/lib/front.py": VALUE,
    "src/lib/chain.py": "from .chained import V\n",
    "src/lib/chained.py": VALUE,
    "src/lib/unused.py": VALUE,
    "src/parcel/__init__.py": VALUE,
    "src/parcel/inner.py": "from . import V\n",
    "src/pages/_up.py": VALUE,
    "src/pages/deep/_near.py": VALUE,
    "src/layouts/page.jinja": '{% extends "layouts/base.jinja" %}',
    "src/layouts/base.jinja": '{% include "components/part.jinja" %}',
    "src/layouts/note.jinja": "old {{ content }}",
    "src/layouts/unused.jinja": "old",
    "src/components/part.jinja": "old",
    "src/components/slash.jinja": "old",
    "src/components/either.jinja": "old",
    "src/components/macros.jinja": '{% macro v() %}{% include "components/deep.jinja" %}{% endmacro %}',
    "src/components/deep.jinja": "old",
}


@pytest.mark.parametrize(
    ("file", "paths"),
    [
        ("src/lib/absolute.py", ["/absolute"]),
        ("src/lib/plain.py", ["/plain"]),
        ("src/lib/submodule.py", ["/submodule"]),
        ("src/lib/lazy.py", ["/lazy"]),
        ("src/lib/front.py", ["/front"]),
        ("src/lib/chained.py", ["/chain"]),
        ("src/lib/unused.py", []),
        ("src/parcel/__init__.py", ["/package"]),
        ("src/pages/_up.py", ["/deep/above", "/module"]),
        ("src/pages/deep/_near.py", ["/deep/relative"]),
        ("src/layouts/base.jinja", ["/page"]),
        ("src/layouts/note.jinja", ["/note"]),
        ("src/layouts/unused.jinja", []),
        ("src/components/part.jinja", ["/page"]),
        ("src/components/slash.jinja", ["/slash"]),
        ("src/components/either.jinja", ["/either"]),
        ("src/components/deep.jinja", ["/from", "/import"]),
        ("src/pages/bare.md", ["/bare"]),
        ("src/pages/other.jinja", ["/other"]),
        ("src/pages/absolute.py", ["/absolute"]),
    ],
)
def test_a_change_renders_what_leads_there(rebuilt: Rebuild, file: str, paths: list[str]) -> None:
    one = rebuilt(SITE)
    one.build()
    before = one.files()
    assert set(one.build().values()) == {None}
    assert one.files() == before
    text = (one.root / file).read_text()
    one.write({file: text.replace("old", "new") if "old" in text else f"{text}\n"})
    reasons = one.build()
    assert {
        path: reason for path, reason in reasons.items() if reason is not None
    } == dict.fromkeys(paths, f"{file} changed")
    assert (one.report.rendered, one.report.kept) == (len(paths), len(reasons) - len(paths))
    changed = {name for name, content in one.files().items() if before[name] != content}
    if "old" in text:
        files = {f"{path[1:]}/index.html" for path in paths} | {path[1:] for path in paths}
        assert changed - {".framework.json"} == files & before.keys()


@pytest.mark.parametrize("name", ["lib/new.py", "pages/new/_middleware.py", "components/no.jinja"])
def test_what_appears_counts_for_those_who_lead_there(rebuilt: Rebuild, name: str) -> None:
    page = "---\ntry:\n    from lib.new import V\nexcept ImportError:\n    V = 'none'\n---\n{{ V }}"
    include = '{% include "components/no.jinja" ignore missing %}'
    one = rebuilt({**NONE, "src/pages/new/page.jinja": f"{page}{include}"})
    one.build()
    code = "V = 'some'\n\n\ndef on_request(context, next):\n    return next()\n"
    one.write({f"src/{name}": code if name.endswith(".py") else "some"})
    assert one.build() == {"/new/page": f"src/{name} is new", "/other": None}
    one.remove(f"src/{name}")
    assert one.build() == {"/new/page": f"src/{name} is gone", "/other": None}


def test_a_name_that_is_made_when_rendered_may_be_any_template(rebuilt: Rebuild) -> None:
    one = rebuilt(
        {
            **NONE,
            "src/pages/made.jinja": '{% include "components/" ~ "a" ~ ".jinja" %}',
            "src/pages/deep.jinja": '{% include "components/b.jinja" %}',
            "src/components/a.jinja": "a",
            "src/components/b.jinja": "{% include props.x|default('components/a.jinja') %}",
            "src/layouts/any.jinja": "any",
            "src/icons/x.svg": "<svg/>",
            "src/pages/icon.jinja": '{% include "icons/x.svg" %}',
        }
    )
    one.build()
    one.write({"src/layouts/any.jinja": "changed"})
    why = "src/layouts/any.jinja changed"
    assert one.build() == {"/deep": why, "/made": why, "/icon": None, "/other": None}
    one.write({"src/icons/x.svg": "<svg><a/></svg>"})  # it was there when the site started
    why = "src/icons/x.svg changed"
    assert one.build() == {"/deep": why, "/made": why, "/icon": why, "/other": None}


def test_an_endpoint_that_renders_may_render_any_template(rebuilt: Rebuild) -> None:
    render = "def GET(context):\n    return context.render('components/card.jinja')\n"
    one = rebuilt(
        {
            **NONE,
            "src/pages/x.py": render,
            "src/pages/y.py": "import lib.show\n\n\ndef GET(context):\n    return lib.show.GET(context)\n",
            "src/lib/show.py": render.replace("card.jinja", "feed.xml"),
            "src/components/card.jinja": "card",
            "src/components/feed.xml": "<old/>",
        }
    )
    one.build()
    one.write({"src/components/card.jinja": "changed"})
    why = "src/components/card.jinja changed"
    assert one.build() == {"/x": why, "/y": why, "/other": None}
    assert one.read("x") == "changed"
    one.write({"src/components/feed.xml": "<new/>"})  # no name of a template: it was heard
    assert set(one.build().values()) == {"src/components/feed.xml changed"}
    assert one.read("y") == "<new/>"


IMPORTING = (
    "from importlib import import_module as load\n\n"
    "def get_static_paths():\n    return [{'params': {'id': 'a'}}, {'params': {'id': 'b'}}]\n\n"
    "def GET(params):\n    return Response(load('lib.' + params['id']).V)\n"
)


def test_what_code_imports_by_a_made_name_may_be_any_module(rebuilt: Rebuild) -> None:
    one = rebuilt(
        {
            **NONE,
            "src/pages/[id].py": f"from framework import Response\n{IMPORTING}",
            "src/pages/b.jinja.py": answering("V", "from lib.b import V"),
            "src/lib/a.py": VALUE,
            "src/lib/b.py": VALUE,
        }
    )
    one.build()
    one.write({"src/lib/a.py": "V = 'new'\n"})
    why = "src/lib/a.py changed"
    assert one.build() == {"/a": why, "/b": why, "/b.jinja": None, "/other": None}
    assert one.read("a") == "new"
    one.write({"src/lib/b.py": "V = 'new'\n"})  # another route imported it first
    why = "src/lib/b.py changed"
    assert one.build() == {"/a": why, "/b": why, "/b.jinja": why, "/other": None}
    assert one.read("b") == "new"


@pytest.mark.parametrize("when", ["loaded", "rendered"])
def test_what_is_imported_unseen_counts_for_all(rebuilt: Rebuild, when: str) -> None:
    unseen = "getattr(importlib, 'import' + '_module')('lib.unseen').V"
    page = answering("V if 'V' in globals() else " + unseen, "import importlib")
    one = rebuilt({**NONE, "src/pages/x.py": page, "src/lib/unseen.py": VALUE})
    if when == "loaded":
        one.write({"src/pages/x.py": answering("V", f"import importlib\nV = {unseen}")})
    one.build()
    assert set(one.build().values()) == {None}
    one.write({"src/lib/unseen.py": "V = 'new'\n"})
    assert set(one.build().values()) == {"src/lib/unseen.py changed"}
    assert one.read("x") == "new"


def test_a_module_that_is_no_python_leads_nowhere(rebuilt: Rebuild) -> None:
    broken = "try:\n    from lib import broken\nexcept SyntaxError:\n    pass"
    one = rebuilt(
        {**NONE, "src/pages/x.py": answering("'x'", broken), "src/lib/broken.py": "d e f"}
    )
    one.build()
    assert set(one.build().values()) == {None}


def test_a_template_that_is_no_template_leads_nowhere(rebuilt: Rebuild) -> None:
    never = (
        '{% if false %}{% include ["bad/a.txt", "bad/b.txt", "../c"] ignore missing %}{% endif %}'
    )
    one = rebuilt({"src/pages/x.jinja": never, "src/bad/a.txt": "{% if", "src/bad/b.txt": b"\xff"})
    one.build()
    one.write({"src/bad/a.txt": "mended"})
    assert one.build() == {"/x": "src/bad/a.txt changed"}


# ------------------------------------------------------------------- middleware, all

LAYER = "from lib.{0} import V\n\n\ndef on_request(context, next):\n    return next()\n"


def test_middleware_counts_for_what_it_stands_around(rebuilt: Rebuild) -> None:
    one = rebuilt(
        {
            **NONE,
            "src/pages/shop/a.jinja": "a",
            "src/pages/shop/b.md": "b",
            "src/middleware.py": LAYER.format("top"),
            "src/pages/shop/_middleware.py": LAYER.format("shop"),
            "src/lib/top.py": VALUE,
            "src/lib/shop.py": VALUE,
        }
    )
    one.build()
    for file in ("src/pages/shop/_middleware.py", "src/lib/shop.py"):
        one.write({file: (one.root / file).read_text() + "\n"})
        why = f"{file} changed"
        assert one.build() == {"/shop/a": why, "/shop/b": why, "/other": None}
    for file in ("src/middleware.py", "src/lib/top.py"):
        one.write({file: (one.root / file).read_text() + "\n"})
        assert set(one.build().values()) == {f"{file} changed"}


def test_what_all_templates_have_counts_for_all(rebuilt: Rebuild) -> None:
    jinja = "from lib.price import V\n\nglobals = {'v': V}\n"
    one = rebuilt({**NONE, "src/jinja.py": jinja, "src/lib/price.py": VALUE})
    one.build()
    one.write({"src/lib/price.py": "V = 'new'\n"})
    assert one.build() == {"/other": "src/lib/price.py changed"}
    one.write({"src/jinja.py": f"{jinja}\n"})
    assert one.build() == {"/other": "src/jinja.py changed"}


def test_the_configuration_counts_for_all(
    rebuilt: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = rebuilt(NONE)
    one.configure("site=V + os.environ['SITE']", "import os\nfrom lib.host import V")
    one.write({"src/lib/host.py": "V = 'https://shop.example'\n"})
    monkeypatch.setenv("SITE", "")
    one.build()
    assert one.build() == {"/other": None}
    monkeypatch.setenv("SITE", ":8443")
    assert one.build() == {"/other": "the configuration changed"}
    one.write({"src/lib/host.py": "V = 'https://shop.example' + ''\n"})
    assert one.build() == {"/other": "src/lib/host.py changed"}
    one.configure("redirects={'/old': '/other'}")
    assert one.build() == {
        "/old": "framework.config.py changed",
        "/other": "framework.config.py changed",
    }
    assert one.build() == {"/old": None, "/other": None}


def test_versions_count_for_all(rebuilt: Rebuild, monkeypatch: pytest.MonkeyPatch) -> None:
    one = rebuilt(NONE)
    one.build()
    with monkeypatch.context() as patch:
        patch.setattr(inputs_module, "__version__", "0.0")
        assert one.build() == {"/other": "the framework changed"}
    one.build()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version", "3.99")
        assert one.build() == {"/other": "Python changed"}
    one.build()
    with monkeypatch.context() as patch:
        patch.setattr(inputs_module, "distributions", list)
        assert one.build() == {"/other": "the installed packages changed"}


def test_a_live_page_counts_for_none(rebuilt: Rebuild) -> None:
    live = f"prerender = False\n{answering('V', 'from lib.live import V')}"
    one = rebuilt({**NONE, "src/pages/live.py": live, "src/lib/live.py": VALUE})
    one.build()
    one.write({"src/pages/live.py": f"{live}\n", "src/lib/live.py": f"{VALUE}\n"})
    assert one.build() == {"/other": None}


# ----------------------------------------------------------------------- all the same


def test_a_file_written_while_the_site_is_built_counts_as_changed(rebuilt: Rebuild) -> None:
    writing = "from pathlib import Path\nPath(__file__).with_name('_near.py').touch()"
    one = rebuilt(
        {
            **NONE,
            "src/pages/x.py": answering("V", "from ._near import V"),
            "src/pages/y.py": answering("'y'", writing),
            "src/pages/_near.py": VALUE,
        }
    )
    one.build()
    why = "src/pages/_near.py changed"
    assert one.build() == {"/x": why, "/y": None, "/other": None}
    one.write({"src/pages/y.py": answering("'y'")})
    assert one.build() == {"/x": why, "/y": "src/pages/y.py changed", "/other": None}
    assert set(one.build().values()) == {None}


def test_a_file_that_is_exchanged_while_the_site_is_built_counts_as_changed(
    rebuilt: Rebuild,
) -> None:
    # As `mv` and `rsync -t` do it: the file's time of modification is long gone.
    writing = (
        "import os\nimport sys\nfrom pathlib import Path\nfrom lib.data import V\n"
        "path = sys.modules['lib.data'].__file__\n"
        "if V == 'old':\n"
        "    Path(path).write_text(\"V = 'new'\\n\")\n    os.utime(path, (1, 1))\n"
    )
    one = rebuilt({"src/pages/x.py": answering("V", writing), "src/lib/data.py": VALUE})
    one.build()
    assert one.read("x") == "old"
    assert one.build() == {"/x": "src/lib/data.py changed"}
    assert one.read("x") == "new"


def test_a_route_that_is_gone_renders_all(rebuilt: Rebuild) -> None:
    one = rebuilt({**NONE, "src/pages/[...all]/gone.jinja": "---\nprerender = False\n---\n"})
    one.build()
    one.remove("src/pages/[...all]")
    assert one.build() == {"/other": "there is no route /[...all]/gone any more"}
    assert one.build() == {"/other": None}


def test_a_route_that_is_new_renders_itself(rebuilt: Rebuild) -> None:
    one = rebuilt(NONE)
    one.build()
    one.write({"src/pages/new.jinja": "new"})
    assert one.build() == {"/new": "src/pages/new.jinja is new", "/other": None}


def test_a_page_by_another_name_for_the_same_path_is_rendered(rebuilt: Rebuild) -> None:
    one = rebuilt({**NONE, "src/pages/a.jinja": "page"})
    one.build()
    one.remove("src/pages/a.jinja")
    one.write({"src/pages/a/index.jinja": "index"})
    assert one.build() == {"/a": "src/pages/a/index.jinja is new", "/other": None}
    assert one.read("a/index.html") == "index"
