"""GET /api/countdown?from=3: a stream of server-sent events, five a second."""

import asyncio

from framework import Response

from lib.inputs import read_number


async def GET(url):
    start = read_number(url.search_params, "from", default=3, low=1, high=50)
    headers = {"content-type": "text/event-stream", "cache-control": "no-store"}
    return Response(events(start), headers=headers)


async def events(start):
    for number in range(start, 0, -1):
        yield f"data: {number}\n\n"
        await asyncio.sleep(0.2)
    yield "data: lift-off\n\n"
