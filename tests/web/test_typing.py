"""The types of the web objects, as mypy and pyright see them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import framework
from tests.waiting import PATIENCE

RIGHT = """
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Literal, NewType, Optional, TypedDict, Union, assert_type

from framework import (
    APIContext,
    URL,
    Cookies,
    File,
    FormData,
    Headers,
    Request,
    Response,
    URLSearchParams,
)


@dataclass
class Product:
    name: str
    price: float


class Query(TypedDict):
    page: int


class Page(Response):
    pass


Order = dict[str, Product | None]
OrderNumber = NewType("OrderNumber", int)


response = Response("x", status=201, headers={"x-count": 3})
assert_type(Response.json({"a": 1}, status=201), Response)
assert_type(Page.json([1]), Page)
assert_type(response.json(), Any)
assert_type(response.text(), str)
assert_type(response.bytes(), bytes)
assert_type(response.body, BinaryIO | None)
assert_type(response.clone(), Response)
assert_type(Page.redirect("/", 303), Page)
assert_type(response.headers, Headers)
assert_type(response.form_data(), FormData)

request = Request(URL("https://example.com/"), method="POST", body=[b"a", "b"])
assert_type(request.json(), Any)
assert_type(request.json(Product), Product)
assert_type(request.json(list[Product]), list[Product])
assert_type(request.json(int | None), int | None)
assert_type(request.json(Optional[Product]), Product | None)
assert_type(request.json(Union[int, str]), int | str)
assert_type(request.json(Product | Query), Product | Query)
assert_type(request.json(list[Product | None]), list[Product | None])
assert_type(request.json(Literal["a", 1]), Literal["a", 1])
assert_type(request.json(Annotated[int, "positive"]), int)
assert_type(request.json(Annotated[list[int] | None, "short"]), list[int] | None)
assert_type(request.json(tuple[int, str]), tuple[int, str])
assert_type(request.json(Order), dict[str, Product | None])
assert_type(request.json(OrderNumber), OrderNumber)
assert_type(request.json(Any), Any)
assert_type(request.json(None), Any)
assert_type(request.form_data(), FormData)
assert_type(request.form_data(Product | Query), Product | Query)
assert_type(request.form_data(Annotated[Query, "form"]), Query)
assert_type(request.form_data(dict[str, list[File] | File]), dict[str, list[File] | File])
assert_type(request.form_data(Product), Product)
assert_type(request.clone(), Request)

url = URL("https://example.com/?page=2")
assert_type(url.search_params, URLSearchParams)
assert_type(url.search_params.parse(Query), Query)
assert_type(url.search_params.parse(Query | Product), Query | Product)
assert_type(url.search_params.parse(Annotated[Product, "query"]), Product)
assert_type(url.search_params.parse(dict[str, Literal["a", "b"]]), dict[str, Literal["a", "b"]])
assert_type(url.search_params.get("page"), str | None)
assert_type(url.search_params.get("page", "1"), str)
assert_type(url.pathname, str)
url.port = 8080
assert_type(URL.parse("x"), URL | None)

headers = Headers([("accept", "text/html"), ("x-count", 1)])
assert_type(headers.get("accept"), str | None)
assert_type(headers.get("accept", ""), str)
assert_type(headers["accept"], str)
assert_type(headers.items(), list[tuple[str, str]])
assert_type(list(headers), list[str])

form = FormData()
form.append("file", File([b"x", "y"], "x.txt", type="text/plain"))
assert_type(form.get("file"), str | File | None)
assert_type(form.get("file", ""), str | File)
assert_type(form.get_all("file"), list[str | File])

cookies = Cookies("a=1")
cookie = cookies.get("a")
if cookie is not None:
    assert_type(cookie.number(), float)
    assert_type(cookie.value, str)
cookies.set("b", {"c": 1}, max_age=60, same_site="strict", secure=True)
cookies.delete("b", path="/x", domain=None)


def pieces() -> Iterator[str]:
    yield "a"


Response(pieces())
Response(b"x" for _ in range(3))


def on_request(context: APIContext) -> None:
    context.locals.user = "Ada"
"""

WRONG = """
from typing import Literal

from framework import APIContext, Cookies, Headers, Request, Response

Cookies().set("a", "1", httponly=True)  # wrong
Cookies().set("a", "1", same_site="any")  # wrong
Cookies().delete("a", max_age=5)  # wrong
Response(3)  # wrong
Response("x", status="201")  # wrong
Response("x", 201)  # wrong
Response.json()  # wrong
Response.json({}, status="201")  # wrong
Response.json({}, 201)  # wrong
Headers(3)  # wrong
Request("https://example.com/").headers = Headers()  # wrong
Response("x").status = 3  # wrong
Request("https://example.com/").json("no type")  # wrong
Request("https://example.com/").json(3)  # wrong
Request("https://example.com/").form_data([int])  # wrong
number: int = Request("https://example.com/").json(int | None)  # wrong
text: Literal["a"] = Request("https://example.com/").json(Literal["b"])  # wrong


def on_request(context: APIContext) -> None:
    context.user = "Ada"  # wrong
"""


ROOT = str(Path(framework.__file__).parents[1])
WRONG_LINES = {number for number, line in enumerate(WRONG.splitlines(), 1) if "#" in line}


def check(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a type checker in a folder with the two files."""
    (folder / "right.py").write_text(RIGHT)
    (folder / "wrong.py").write_text(WRONG)
    return subprocess.run(
        [sys.executable, "-m", *command, "right.py", "wrong.py"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"MYPYPATH": ROOT},
        timeout=5 * PATIENCE,
    )


def test_mypy_accepts_right_uses_and_reports_each_wrong_one(tmp_path: Path) -> None:
    done = check(tmp_path, "mypy", "--strict", "--config-file=")
    assert done.stderr == ""
    found = done.stdout.splitlines()
    assert [line for line in found if line.startswith("right.py")] == []
    assert {int(line.split(":")[1]) for line in found if line.startswith("wrong.py")} == WRONG_LINES


def test_pyright_accepts_right_uses_and_reports_each_wrong_one(tmp_path: Path) -> None:
    options = {"extraPaths": [ROOT], "typeCheckingMode": "strict"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(options))
    done = check(tmp_path, "pyright", "--outputjson", "--pythonpath", sys.executable)
    found = json.loads(done.stdout)["generalDiagnostics"]
    assert [one for one in found if one["file"].endswith("right.py")] == []
    assert {one["range"]["start"]["line"] + 1 for one in found} == WRONG_LINES
