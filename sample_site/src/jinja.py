"""What every template has, beside what is Jinja's own."""

from lib import cart, flash


def money(cents: int) -> str:
    """How a price is written."""
    return f"€ {cents / 100:,.2f}"


def cart_size(cookies) -> int:
    """How many things are in the visitor's cart."""
    return sum(cart.counts(cookies).values())


filters = {"money": money}
globals = {"cart_size": cart_size, "take_flash": flash.take}
