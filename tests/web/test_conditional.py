"""Conditional requests to what handlers answer."""

from datetime import UTC, datetime
from typing import Any

import pytest

from framework import Config
from framework.web.conditional import precondition_fails

HANDLER = """
from framework import Response

def GET():
    return Response("hello", headers={headers})

def POST():
    return Response("posted", headers={{"etag": '"v1"'}})
"""
DATE = "Sun, 22 Nov 2026 08:00:00 GMT"
ENDLESS = "Sun, 22 Nov 99999999999999999999 08:00:00 GMT"


def made(site: Any, headers: dict[str, str], **options: Any) -> Any:
    return site({"src/pages/x.py": HANDLER.format(headers=headers)}, **options)


@pytest.mark.parametrize(
    ("headers", "condition", "status"),
    [
        ({"etag": '"v1"'}, {"If-None-Match": '"v1"'}, 304),
        ({"etag": '"v1"'}, {"If-None-Match": 'W/"v1"'}, 304),
        ({"etag": 'W/"v1"'}, {"If-None-Match": '"v0", "v1"'}, 304),
        ({"etag": '"v1"'}, {"If-None-Match": "*"}, 304),
        ({"etag": '"v1"'}, {"If-None-Match": '"v2"'}, 200),
        ({}, {"If-None-Match": '"v1"'}, 200),
        ({"last-modified": DATE}, {"If-Modified-Since": DATE}, 304),
        ({"last-modified": DATE}, {"If-Modified-Since": "Sun, 22 Nov 2026 07:59:59 GMT"}, 200),
        ({"last-modified": DATE}, {"If-Modified-Since": "yesterday"}, 200),
        ({"last-modified": DATE}, {"If-Modified-Since": ENDLESS}, 200),
        ({"last-modified": ENDLESS}, {"If-Modified-Since": DATE}, 200),
        ({}, {"If-Modified-Since": DATE}, 200),
        # RFC 9110, 13.1.3: with If-None-Match the date is not looked at.
        (
            {"etag": '"v1"', "last-modified": DATE},
            {"If-None-Match": '"v2"', "If-Modified-Since": DATE},
            200,
        ),
    ],
)
def test_the_handlers_own_validators_decide(
    site: Any, headers: dict[str, str], condition: dict[str, str], status: int
) -> None:
    response = made(site, headers).get("/x", headers=condition)
    assert response.status == status
    assert response.text() == ("" if status == 304 else "hello")


def test_a_304_drops_only_the_headers_of_the_content(site: Any) -> None:
    headers = {
        "etag": '"v1"',
        "cache-control": "max-age=60",
        "vary": "accept",
        "content-language": "en",
        "content-type": "text/plain",
        "set-cookie": "a=b",
    }
    response = made(site, headers).get("/x", headers={"If-None-Match": '"v1"'})
    assert response.headers.items() == [
        ("cache-control", "max-age=60"),
        ("etag", '"v1"'),
        ("set-cookie", "a=b"),
        ("vary", "accept"),
    ]


def test_head_is_conditional_and_post_is_not(site: Any) -> None:
    shop = made(site, {"etag": '"v1"'})
    condition = {"If-None-Match": '"v1"', "Content-Type": "application/json"}
    assert shop.request("HEAD", "/x", headers=condition).status == 304
    assert shop.post("/x", headers=condition).status == 200


def test_etag_true_makes_a_weak_validator_of_the_bytes(site: Any) -> None:
    shop = made(site, {}, config=Config(etag=True))
    first = shop.get("/x")
    etag = first.headers["etag"]
    assert etag.startswith('W/"')
    again = shop.get("/x", headers={"If-None-Match": etag})
    assert (again.status, again.headers["etag"], again.text()) == (304, etag, "")
    assert made(site, {"x-a": "b"}, config=Config(etag=True)).get("/x").headers["etag"] == etag


def test_etag_true_leaves_streams_own_validators_and_errors_alone(site: Any) -> None:
    shop = site(
        {
            "src/pages/stream.py": "from framework import Response\n\n\ndef GET():\n"
            "    return Response(iter(['a', 'b']))\n",
            "src/pages/own.py": HANDLER.format(headers={"etag": '"mine"'}),
        },
        config=Config(etag=True),
    )
    assert "etag" not in shop.get("/stream").headers
    assert shop.get("/own").headers["etag"] == '"mine"'
    assert "etag" not in shop.get("/missing").headers


def test_a_stream_that_the_client_has_is_closed(site: Any) -> None:
    shop = site(
        {
            "src/pages/x.py": """
from framework import Response

closed = []

class Body:
    def __iter__(self):
        return iter(["a"])
    def close(self):
        closed.append(True)

def GET():
    return Response(Body(), headers={"etag": '"v1"'})

def PUT():
    return Response.json(closed)
"""
        }
    )
    assert shop.get("/x", headers={"If-None-Match": '"v1"'}).status == 304
    assert shop.request("PUT", "/x").json() == [True]


def test_a_shared_response_keeps_nothing_of_a_request(site: Any) -> None:
    shop = site(
        {
            "src/pages/x.py": "from framework import Response\n\nSAME = Response('s')\n\n\n"
            "def GET():\n    return SAME\n\n\ndef PUT():\n    return Response.json(SAME.headers.items())\n"
        },
        config=Config(etag=True),
    )
    assert shop.get("/x").headers["etag"] == shop.get("/x").headers["etag"]
    assert shop.request("PUT", "/x").json() == [["content-type", "text/plain;charset=UTF-8"]]


@pytest.mark.parametrize(
    ("condition", "fails"),
    [
        ({}, False),
        ({"HTTP_IF_MATCH": '"v0", "v1"'}, False),
        ({"HTTP_IF_MATCH": "*"}, False),
        ({"HTTP_IF_MATCH": '"v2"'}, True),
        ({"HTTP_IF_MATCH": 'W/"v1"'}, True),
        ({"HTTP_IF_UNMODIFIED_SINCE": DATE}, False),
        ({"HTTP_IF_UNMODIFIED_SINCE": "Sun, 22 Nov 2026 07:59:59 GMT"}, True),
        ({"HTTP_IF_UNMODIFIED_SINCE": "yesterday"}, False),
        ({"HTTP_IF_UNMODIFIED_SINCE": ENDLESS}, False),
        # RFC 9110, 13.1.4: with If-Match the date is not looked at.
        ({"HTTP_IF_MATCH": '"v2"', "HTTP_IF_UNMODIFIED_SINCE": DATE}, True),
    ],
)
def test_a_precondition_asks_for_one_version(condition: dict[str, str], fails: bool) -> None:
    modified = datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert precondition_fails(condition, '"v1"', modified) is fails
