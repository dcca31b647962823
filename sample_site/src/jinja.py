"""Filters and globals of all templates."""

from lib import cart, flash


def money(cents: int) -> str:
    """Return a price as text."""
    return f"€ {cents / 100:,.2f}"


def cart_size(cookies) -> int:
    """Return the number of items in the visitor's cart."""
    return sum(cart.counts(cookies).values())


filters = {"money": money}
globals = {"cart_size": cart_size, "take_flash": flash.take}
