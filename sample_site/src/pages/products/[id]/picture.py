"""GET /products/1/picture: return the uploaded picture, or else the drawn one."""

from framework import Response

from lib import pictures


def GET(params, rewrite, url_for):
    picture = pictures.find(params["id"])
    if picture is None:
        return rewrite(url_for("/products/[id].svg", id=params["id"]))
    headers = {"content-type": picture.type, "cache-control": "no-cache"}
    return Response(picture.path.open("rb"), headers=headers)
