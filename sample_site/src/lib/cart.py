"""What is in a visitor's cart?

A cookie says it: `{"1": 2}` is two of product 1. A cookie is whatever the visitor's browser
sends, so it is checked, and prices come from the catalogue alone.
"""

from dataclasses import dataclass

from framework import Cookies
from msgspec import ValidationError, convert

from . import catalog
from .inputs import Count, Id

MOST = 99  # of one product
MOST_PRODUCTS = 40  # so that the cookie stays well below the 4096 bytes that browsers keep


@dataclass(frozen=True, slots=True)
class Line:
    """Some of one product."""

    product: catalog.Product
    count: int

    @property
    def cents(self) -> int:
        return self.product.price_cents * self.count


def counts(cookies: Cookies) -> dict[str, int]:
    """How many of each product, by its id."""
    cookie = cookies.get("cart")
    if cookie is None:
        return {}
    try:
        found = convert(cookie.json(), dict[Id, Count])
    except (ValueError, ValidationError):
        return {}
    return {id: found[id] for id in list(found)[:MOST_PRODUCTS] if found[id]}


def lines(cookies: Cookies) -> list[Line]:
    """The cart, line by line, without what has left the catalogue."""
    found = ((catalog.find(id), count) for id, count in counts(cookies).items())
    return [Line(product, count) for product, count in found if product]


def put(cookies: Cookies, id: str, count: int) -> bool:
    """Have so many of a product in the cart; false where no other product fits in."""
    kept = counts(cookies)
    if id not in kept and len(kept) == MOST_PRODUCTS:
        return False
    kept[id] = min(count, MOST)
    cookies.set("cart", {id: count for id, count in kept.items() if count}, max_age=30 * 86400)
    return True


def empty(cookies: Cookies) -> None:
    """Take everything out of the cart."""
    cookies.delete("cart")
