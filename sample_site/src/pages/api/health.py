"""GET /api/health: return that the site and its database are up, and the time."""

import time

from framework import Response


def GET(state):
    state.database.run("SELECT 1")
    return Response.json({"status": "ok", "time": time.time_ns() // 1_000_000})
