"""POST /api/echo: the JSON that was sent, and where it was sent to."""

from framework import Response


def POST(request, url):
    return Response.json({"received": request.json(), "path": url.pathname})
