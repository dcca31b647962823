"""/api/products/1: GET returns the product, PUT and PATCH change it, DELETE deletes it."""

from framework import Response
from msgspec.structs import asdict

from lib import catalog
from lib.inputs import Changes, NewProduct


def GET(params):
    return _respond(catalog.find(str(params["id"])), params)


def PUT(request, params):
    return _respond(catalog.change(str(params["id"]), **asdict(request.json(NewProduct))), params)


def PATCH(request, params):
    return _respond(catalog.change(str(params["id"]), **asdict(request.json(Changes))), params)


def DELETE(params):
    removed = catalog.remove(str(params["id"]))
    return Response(None, status=204) if removed else _missing(params)


def _respond(product, params):
    return _missing(params) if product is None else Response.json(product)


def _missing(params):
    # `raise NotFound(...)` would send the site's 404 page to clients that accept HTML, such as curl.
    # This API always sends JSON (RFC 9457).
    return Response.json(
        {"title": "Not Found", "status": 404, "detail": f"There is no product {params['id']}."},
        status=404,
        headers={"content-type": "application/problem+json"},
    )
