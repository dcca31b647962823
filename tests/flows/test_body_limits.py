"""The limits of bodies: those of the site and those that a route sets."""

import io
import json

import pytest

from framework import Config, Security
from tests.conftest import SiteMaker, TestSite

READ = """from framework import Response


def POST(request, context):
    kind = request.headers.get("x-read")
    if kind == "form":
        return Response.json(len(request.form_data().get("a")))
    return Response.json(len(getattr(request, kind)()))
"""
MIDDLEWARE = """def on_request(context, next):
    if "x-before" in context.request.headers:
        context.locals.body = getattr(context.request.clone(), context.request.headers["x-before"])()
    return next(context.request.headers.get("x-next"))
"""
REWRITE = "def POST(rewrite):\n    return rewrite('/large')\n"
PAGE = "---\nmax_body_size = 600\ntext = request.text()\n---\n{{ text|length }}"
BODY_ERROR = "The body is larger than security.max_body_size: 400 bytes."
TEXT_ERROR = "The text of the body is larger than security.max_text_size: 100 bytes."
LARGE_ERROR = "The body is larger than max_body_size of this route: 600 bytes."
SMALL_ERROR = "The body is larger than max_body_size of this route: 50 bytes."


@pytest.fixture
def limited(site: SiteMaker) -> TestSite:
    files = {
        "src/middleware.py": MIDDLEWARE,
        "src/pages/usual.py": READ,
        "src/pages/large.py": f"max_body_size = 600\n{READ}",
        "src/pages/small.py": f"max_body_size: int = 50\n{READ}",
        "src/pages/page.jinja": PAGE,
        "src/pages/moved.py": REWRITE,
    }
    security = Security(max_body_size=400, max_text_size=100)
    return site(files, config=Config(security=security))


def post(
    site: TestSite, path: str, size: int, *, chunked: bool = False, **headers: str
) -> tuple[int, str]:
    """Post a body of `size` bytes; return the status and the detail, or the length that was read."""
    sent = {"accept": "application/json", "x-read": "text"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    body = b'"' + b"x" * (size - 2) + b'"'
    if sent["x-read"] == "form":
        sent["content-type"] = "application/x-www-form-urlencoded"
        body = b"a=" + b"x" * (size - 2)
    input = io.BytesIO(body) if chunked else body
    response = site.app.fetch(path, method="POST", headers=sent, body=input)
    content = response.text()
    return response.status, content if response.ok else json.loads(content)["detail"]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("read", ["json", "text", "form", "bytes"])
@pytest.mark.parametrize(
    ("path", "text", "body", "text_error", "body_error"),
    [
        ("/usual", 100, 400, TEXT_ERROR, BODY_ERROR),
        ("/large", 600, 600, LARGE_ERROR, LARGE_ERROR),
        ("/small", 50, 50, SMALL_ERROR, SMALL_ERROR),
        ("/moved", 600, 600, LARGE_ERROR, LARGE_ERROR),
    ],
)
def test_a_route_may_have_a_limit_of_its_own(
    limited: TestSite,
    path: str,
    text: int,
    body: int,
    text_error: str,
    body_error: str,
    read: str,
    chunked: bool,
) -> None:
    most, error = (body, body_error) if read == "bytes" else (text, text_error)
    length = most if read in ("bytes", "text") else most - 2
    assert post(limited, path, most, x_read=read, chunked=chunked) == (200, str(length))
    assert post(limited, path, most + 1, x_read=read, chunked=chunked) == (413, error)


@pytest.mark.parametrize("chunked", [False, True])
def test_the_limit_of_the_matched_route_counts_before_it_runs(
    limited: TestSite, chunked: bool
) -> None:
    for read in ("text", "bytes"):
        assert post(limited, "/large", 600, x_before=read, chunked=chunked) == (200, "600")
        error = 413, LARGE_ERROR
        assert post(limited, "/large", 601, x_before=read, chunked=chunked) == error
        assert post(limited, "/small", 51, x_before=read, chunked=chunked) == (413, SMALL_ERROR)


@pytest.mark.parametrize("chunked", [False, True])
def test_the_limit_of_the_route_that_a_rewrite_leads_to_counts(
    limited: TestSite, chunked: bool
) -> None:
    for path in ("/usual", "/small"):
        assert post(limited, path, 600, x_next="/large", chunked=chunked) == (200, "600")
        assert post(limited, path, 601, x_next="/large", chunked=chunked) == (413, LARGE_ERROR)
    assert post(limited, "/large", 101, x_next="/usual", chunked=chunked) == (413, TEXT_ERROR)
    assert post(limited, "/usual", 51, x_next="/small", chunked=chunked) == (413, SMALL_ERROR)


def test_a_page_may_have_a_limit_of_its_own(limited: TestSite) -> None:
    assert post(limited, "/page", 600) == (200, "600")
    assert post(limited, "/page", 601) == (413, LARGE_ERROR)


@pytest.mark.parametrize("value", ["-1", "'50 MiB'", "2.5e6", "True", "None", "10 ** 6, "])
def test_a_limit_that_is_no_number_of_bytes_is_a_mistake(site: SiteMaker, value: str) -> None:
    code = f"max_body_size = {value}\n"
    broken = site({"src/pages/a.py": code + READ, "src/pages/b.jinja": f"---\n{code}---\n"})
    text = broken.errors()
    for file in ("src/pages/a.py", "src/pages/b.jinja"):
        assert f"{file}: max_body_size is " in text
    assert text.count("Write a number of bytes: max_body_size = 50 * 1024 * 1024") == 2
