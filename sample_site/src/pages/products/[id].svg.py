"""GET /products/1.svg: return a picture of a product, drawn from its name."""

from hashlib import sha256

from framework import Response
from markupsafe import escape
from werkzeug.exceptions import NotFound

from lib import catalog

PALETTES = [
    ("#f4e9d8", "#1f6f5c", "#e07a4b", "#24413a"),
    ("#e4ecf2", "#2f5d8a", "#e3b04b", "#1d2f45"),
    ("#f3e4e1", "#8a3b4f", "#4a8f86", "#3a2430"),
    ("#eceadf", "#5b6b2f", "#c9672f", "#2f331f"),
]
SHAPES = [
    '<path d="M0 0h100v100h-100z"/>',
    '<path d="M0 0a100 100 0 0 1 100 100h-100z"/>',
    '<path d="M100 0a100 100 0 0 0-100 100h100z"/>',
    '<path d="M0 0h100a100 100 0 0 1-100 100z"/>',
    '<path d="M0 0h100v100a100 100 0 0 1-100-100z"/>',
    '<circle cx="50" cy="50" r="50"/>',
    '<circle cx="50" cy="50" r="22"/>',
    "",
]


def GET(params):
    product = catalog.find(params["id"])
    if product is None:
        raise NotFound("There is no such product.")
    headers = {"content-type": "image/svg+xml", "cache-control": "no-cache"}
    return Response(draw(product.name), headers=headers)


def draw(name):
    """Return an SVG of twelve tiles, chosen by a hash of the name."""
    digest = sha256(name.encode()).digest()
    paper, *colours = PALETTES[digest[0] % len(PALETTES)]
    tiles = "".join(
        f'<g transform="translate({place % 4 * 100} {place // 4 * 100})" '
        f'fill="{colours[byte // len(SHAPES) % len(colours)]}">{SHAPES[byte % len(SHAPES)]}</g>'
        for place, byte in enumerate(digest[1:13])
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300" role="img">'
        f'<title>{escape(name)}</title><path fill="{paper}" d="M0 0h400v300h-400z"/>{tiles}</svg>'
    )
