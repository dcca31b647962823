"""/api/products: GET lists and searches, POST adds one."""

from framework import Response

from lib import catalog
from lib.inputs import read_number, read_product


def GET(url):
    query = url.search_params
    text = query.get("q") or ""
    limit = read_number(query, "limit", default=20, low=1, high=100)
    offset = read_number(query, "offset", default=0, low=0, high=1_000_000)
    items = catalog.search(text, limit=limit, offset=offset)
    return Response.json({"items": items, "total": catalog.count(text)})


def POST(request, url_for):
    product = catalog.add(**read_product(request))
    location = url_for("/api/products/[id=int]", id=int(product.id))
    return Response.json(product, status=201, headers={"location": location})
