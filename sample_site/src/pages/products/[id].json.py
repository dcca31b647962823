"""GET /products/1.json: return the name of a product."""

from framework import Response

from lib import catalog


def get_static_paths():
    return [{"params": {"id": product.id}} for product in catalog.every()]


def GET(params):
    product = catalog.find(params["id"])
    if product is None:
        return Response("Not found", status=404)
    return Response.json({"id": product.id, "name": product.name})
