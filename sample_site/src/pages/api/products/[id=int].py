"""/api/products/1: GET reads the product, PUT and PATCH change it, DELETE takes it away."""

from framework import Response
from msgspec.structs import asdict

from lib import catalog
from lib.inputs import Changes, NewProduct


def GET(params):
    return _answer(catalog.find(str(params["id"])), params)


def PUT(request, params):
    return _answer(catalog.change(str(params["id"]), **asdict(request.json(NewProduct))), params)


def PATCH(request, params):
    return _answer(catalog.change(str(params["id"]), **asdict(request.json(Changes))), params)


def DELETE(params):
    removed = catalog.remove(str(params["id"]))
    return Response(None, status=204) if removed else _missing(params)


def _answer(product, params):
    return _missing(params) if product is None else Response.json(product)


def _missing(params):
    # `raise NotFound(...)` would show the site's 404 page to who takes HTML, as curl does too;
    # this API answers JSON to everyone (RFC 9457).
    return Response.json(
        {"title": "Not Found", "status": 404, "detail": f"There is no product {params['id']}."},
        status=404,
        headers={"content-type": "application/problem+json"},
    )
