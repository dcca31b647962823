"""GET /api/health: return that the site is up, and the time."""

import time

from framework import Response


def GET():
    return Response.json({"status": "ok", "time": time.time_ns() // 1_000_000})
