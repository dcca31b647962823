"""GET /api/countdown?start=3: a stream of server-sent events, five a second."""

import asyncio
from typing import Annotated

from framework import Response
from msgspec import Meta, Struct


class Query(Struct):
    start: Annotated[int, Meta(ge=1, le=50)] = 3


async def GET(url):
    query = url.search_params.parse(Query)
    headers = {"content-type": "text/event-stream", "cache-control": "no-store"}
    return Response(events(query.start), headers=headers)


async def events(start):
    for number in range(start, 0, -1):
        yield f"data: {number}\n\n"
        await asyncio.sleep(0.2)
    yield "data: lift-off\n\n"
