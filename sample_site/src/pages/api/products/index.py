"""/api/products: GET lists or searches the products, POST adds one."""

from typing import Annotated

from framework import Response
from msgspec import Meta, Struct
from msgspec.structs import asdict

from lib import catalog
from lib.inputs import NewProduct


class Query(Struct):
    """`?q=mo&limit=10&offset=20`"""

    q: str = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    offset: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


def GET(url):
    query = url.search_params.parse(Query)
    items = catalog.search(query.q, limit=query.limit, offset=query.offset)
    return Response.json({"items": items, "total": catalog.count(query.q)})


def POST(request, url_for):
    product = catalog.add(**asdict(request.json(NewProduct)))
    location = url_for("/api/products/[id=int]", id=int(product.id))
    return Response.json(product, status=201, headers={"location": location})
