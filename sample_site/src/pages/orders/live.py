"""GET /orders/live: send new orders as server-sent events.

A stream occupies a thread of the server, so it ends after some seconds. Browsers reconnect
automatically and send the id of the last order that they received in Last-Event-ID.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import time
from typing import Annotated

import msgspec
from framework import Response
from msgspec import Meta, Struct

from lib import orders


class Query(Struct):
    seconds: Annotated[int, Meta(ge=0, le=60)] = 20


async def GET(request, url):
    query = url.search_params.parse(Query)
    seen = request.headers.get("last-event-id", "")
    if seen.isascii() and seen.isdigit() and len(seen) < 10:
        last = int(seen)
    else:  # start with the last three orders
        latest = await asyncio.to_thread(orders.latest, 3)
        last = min((order.id for order in latest), default=1) - 1
    headers = {"content-type": "text/event-stream", "cache-control": "no-store"}
    return Response(events(last, query.seconds), headers=headers)


async def events(last, seconds):
    yield "retry: 1000\n\n"
    end = time.monotonic() + seconds
    while True:
        for order in await asyncio.to_thread(orders.after, last):
            last = order.id
            # JSON has no line breaks, so a name can't add lines to the stream.
            yield f"id: {last}\ndata: {msgspec.json.encode(order).decode()}\n\n"
        if time.monotonic() >= end:
            return
        await asyncio.sleep(0.5)
