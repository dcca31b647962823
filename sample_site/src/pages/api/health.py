"""GET /api/health: is the site up?"""

import time

from framework import Response


def GET():
    return Response.json({"status": "ok", "time": time.time_ns() // 1_000_000})
