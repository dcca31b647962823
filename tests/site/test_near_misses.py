"""Names that are one slip away from a name with a meaning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.site.near_misses import find_near
from tests.conftest import HANDLER, SiteMaker

MIDDLEWARE = "def on_request(context, next):\n    return next()\n"
ON_ERROR = "def on_error(context, error): ...\n"


def handler(name: str) -> str:
    return f"def {name}():\n    return Response('x')\n\n\n"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GTE", "GET"),
        ("GE", "GET"),
        ("GEET", "GET"),
        ("TGET", "GET"),
        ("GETS", "GET"),
        ("GAT", "GET"),
        ("onRequest", "on_request"),
        ("on_requests", "on_request"),
        ("get_static_path", "get_static_paths"),
        ("GET", None),
        ("TEG", None),
        ("GTES", None),
        ("PUSH", None),
        ("on_requested", None),
        ("", None),
    ],
)
def test_one_slip(name: str, meant: str | None) -> None:
    assert find_near(name, ["GET", "on_request", "get_static_paths"]) == meant


@given(st.text("abc", min_size=1, max_size=6), st.data())
def test_every_slip_is_near(name: str, data: st.DataObject) -> None:
    i = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from("abcd"))
    swapped = name[:i] + name[i : i + 2][::-1] + name[i + 2 :]
    added, replaced = name[:i] + letter + name[i:], name[:i] + letter + name[i + 1 :]
    for slip in {swapped, added, replaced, name[:i] + name[i + 1 :]} - {name}:
        assert find_near(slip, [name]) == name


@pytest.mark.parametrize(
    ("code", "mistake"),
    [
        (
            handler("get"),
            ":4: get is not a handler, because it is not in capitals\n    Rename it to GET.",
        ),
        (
            handler("Post"),
            ":4: Post is not a handler, because it is not in capitals\n    Rename it to POST.",
        ),
        (
            handler("all"),
            ":4: all is not a handler, because it is not in capitals\n    Rename it to ALL.",
        ),
        (handler("GTE"), ":4: GTE is not a standard method\n    Did you mean GET?"),
        (
            handler("POST") + handler("GTE"),
            ":8: GTE is not a standard method\n    Did you mean GET?",
        ),
        (
            handler("GET") + handler("PSOT"),
            ":8: PSOT is not a standard method\n    Did you mean POST?",
        ),
        ("x = 1\n", ": defines no handler\n    Define GET, or begin the file's name with _."),
        ("get = 1\n", ": defines no handler\n    Define GET, or begin the file's name with _."),
        (MIDDLEWARE, ": defines no handler\n    Rename it to _middleware.py."),
        (ON_ERROR, ": defines no handler\n    Rename it to _error.py."),
    ],
)
def test_a_misnamed_handler_is_a_mistake(site: SiteMaker, code: str, mistake: str) -> None:
    start = "from framework import Response\n\n\n"
    errors = site({"src/pages/a.py": start + code}).errors()
    assert errors == f"The site has a mistake:\nsrc/pages/a.py{mistake}"


@pytest.mark.parametrize(
    "names", [("GET", "GTE"), ("GET", "READ"), ("POST", "PROPFIND"), ("PURGE",)]
)
def test_methods_of_other_standards_are_handlers(site: SiteMaker, names: tuple[str, ...]) -> None:
    code = "from framework import Response\n" + "".join(map(handler, names))
    routes = site({"src/pages/a.py": code}).app.site.routes
    assert names[-1] in routes.exact["/a"].route.handlers.methods


SETTINGS = [
    ("def getStaticPaths(): return []", "getStaticPaths", "get_static_paths"),
    ("async def get_static_path(): return []", "get_static_path", "get_static_paths"),
    ("check_orgin = False", "check_orgin", "check_origin"),
    ("CHECK_ORIGIN = False", "CHECK_ORIGIN", "check_origin"),
    ("prerendr: bool = True", "prerendr", "prerender"),
    ("PRERENDER = True", "PRERENDER", "prerender"),
    ("x = preRender = True", "preRender", "prerender"),
    ("maxBodySize = 5", "maxBodySize", "max_body_size"),
    ("max_bodysize = 5", "max_bodysize", "max_body_size"),
]


@pytest.mark.parametrize(("code", "name", "setting"), SETTINGS)
def test_a_misnamed_setting_is_a_mistake(
    site: SiteMaker, code: str, name: str, setting: str
) -> None:
    shop = site(
        {"src/pages/a.py": f"{code}\n{HANDLER}", "src/pages/b.jinja": f"---\n{code}\n---\n"}
    )
    what = f"{name} is not a setting of the file\n"
    remedy = f"    Did you mean {setting}? Otherwise choose a name that is less similar."
    assert shop.errors() == (
        f"The site has 2 mistakes:\nsrc/pages/a.py:1: {what}{remedy}\nsrc/pages/b.jinja:2: {what}{remedy}"
    )


@pytest.mark.parametrize(
    "code",
    [
        "MAX_BODY_SIZE = 5",
        "_prerender = 1",
        "class Prerender: pass",
        "prerender = False\nprerenders = 2",
        "from lib import check_orgin",
        "x = {}\nx['prerendr'] = 1",
        "def f(): prerendr = 1",
    ],
)
def test_other_similar_names_are_fine(site: SiteMaker, code: str) -> None:
    shop = site({"src/pages/a.py": f"{code}\n{HANDLER}", "src/lib.py": "check_orgin = 1\n"})
    assert shop.get("/a").status == 200


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("src/pages/_middlewares.py", "_middleware.py"),
        ("src/pages/admin/_Midleware.py", "_middleware.py"),
        ("src/pages/_errors.py", "_error.py"),
        ("src/pages/admin/_eror.py", "_error.py"),
        ("src/pages/admin/_Error.py", "_error.py"),
        ("src/pages/admin/__error.py", "_error.py"),
        ("src/middlewares.py", "middleware.py"),
        ("src/_middleware.py", "middleware.py"),
        ("src/Middleware.py", "middleware.py"),
    ],
)
def test_a_misnamed_file_is_a_mistake(site: SiteMaker, file: str, name: str) -> None:
    assert site({"src/pages/a.py": HANDLER, file: MIDDLEWARE}).errors() == (
        f"The site has a mistake:\n{file}: is not a {name}, so it never runs\n"
        f"    Rename it to {name}, or choose a name that is less similar."
    )


def test_middleware_in_a_package_is_a_mistake(site: SiteMaker) -> None:
    files = {"src/pages/a.py": HANDLER, "src/middleware/__init__.py": MIDDLEWARE}
    assert site(files).errors() == (
        "The site has a mistake:\nsrc/middleware/__init__.py: is not src/middleware.py, so its "
        "on_request never runs\n    Move it to src/middleware.py."
    )


def test_a_package_may_be_called_middleware(site: SiteMaker) -> None:
    own = "from middleware import check as on_request\n"
    files = {
        "src/pages/a.py": HANDLER,
        "src/pages/_middleware.py": own,
        "src/middleware/__init__.py": "def check(context, next):\n    return next()\n",
    }
    assert site(files).get("/a").status == 200


def test_a_similar_file_beside_the_right_one_is_fine(site: SiteMaker) -> None:
    files = {
        "src/pages/a.py": HANDLER,
        "src/middleware.py": MIDDLEWARE,
        "src/middlewares.py": "",
        "src/middleware.txt": "",
        "src/pages/_middleware.py": MIDDLEWARE,
        "src/pages/_middlewares.py": "",
        "src/pages/_error.py": ON_ERROR,
        "src/pages/_errors.py": "",
    }
    assert site(files).get("/a").status == 200


@pytest.mark.parametrize(
    ("file", "name", "meant"),
    [
        (file, name, meant)
        for files, names, meant in (
            (
                ("src/middleware.py", "src/pages/_middleware.py"),
                ("onRequest", "on_requests", "onrequest"),
                "on_request",
            ),
            (
                ("src/pages/_error.py", "src/pages/a/_error.py"),
                ("onError", "on_errors", "on_eror"),
                "on_error",
            ),
        )
        for file in files
        for name in names
    ],
)
def test_a_misnamed_function_is_a_mistake(
    site: SiteMaker, file: str, name: str, meant: str
) -> None:
    code = f"def {name}(context, other):\n    return None\n"
    assert site({"src/pages/a.py": HANDLER, file: code}).errors() == (
        f"The site has a mistake:\n{file}: does not define a function {meant}\n"
        f"    Rename {name} to {meant}."
    )
