"""What may a client send of a product?

`request.json(NewProduct)` reads it; what is not as the type says is answered with 422, naming
each field.
"""

from typing import Annotated

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Price = Annotated[int, Meta(ge=0, le=10_000_000)]
Description = Annotated[str, Meta(max_length=1000)]


class Changes(Struct, forbid_unknown_fields=True, kw_only=True):
    """Some fields of a product; what is left out stays as it is."""

    name: Name | None = None
    price_cents: Price | None = None
    description: Description | None = None

    def __post_init__(self):
        for text in filter(None, (self.name, self.description)):
            if text.isspace() or not text.replace("\n", "").isprintable():
                raise ValueError(f"{text!a:.40} is blank, or holds what can't be printed")


class NewProduct(Changes):
    """A whole product."""

    name: Name
    price_cents: Price
    description: Description = ""
