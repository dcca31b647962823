"""POST /api/echo: return the JSON of the request, and its path."""

from framework import Response


def POST(request, url):
    return Response.json({"received": request.json(), "path": url.pathname})
