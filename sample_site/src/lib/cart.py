"""The visitor's cart, kept in a cookie.

The cookie `{"1": 2}` stands for two of product 1. A client can send any cookie, so the cookie is
validated, and prices always come from the catalogue.
"""

from dataclasses import dataclass

from framework import Cookies
from msgspec import ValidationError, convert

from . import catalog
from .inputs import Count, Id

MOST = 99  # of one product
MOST_PRODUCTS = 40  # keeps the cookie below the limit of browsers, 4096 bytes


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the cart: a product and its count."""

    product: catalog.Product
    count: int

    @property
    def cents(self) -> int:
        return self.product.price_cents * self.count


def counts(cookies: Cookies) -> dict[str, int]:
    """Return the count of each product in the cart, by the id of the product."""
    cookie = cookies.get("cart")
    if cookie is None:
        return {}
    try:
        found = convert(cookie.json(), dict[Id, Count])
    except (ValueError, ValidationError):
        return {}
    return {id: found[id] for id in list(found)[:MOST_PRODUCTS] if found[id]}


def lines(cookies: Cookies) -> list[Line]:
    """Return the lines of the cart, without products that no longer exist."""
    found = ((catalog.find(id), count) for id, count in counts(cookies).items())
    return [Line(product, count) for product, count in found if product]


def put(cookies: Cookies, id: str, count: int) -> bool:
    """Set the count of a product in the cart. Return `False` if the cart is full."""
    kept = counts(cookies)
    if id not in kept and len(kept) == MOST_PRODUCTS:
        return False
    kept[id] = min(count, MOST)
    cookies.set("cart", {id: count for id, count in kept.items() if count}, max_age=30 * 86400)
    return True


def empty(cookies: Cookies) -> None:
    """Empty the cart."""
    cookies.delete("cart")
