"""The types of the data that clients send.

`request.json(NewProduct)` and `request.form_data(Message)` return a value of the type. If the data
does not match, the client gets a 422 that names each wrong field.
"""

from typing import Annotated

from framework import File
from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Price = Annotated[int, Meta(ge=0, le=10_000_000)]
Description = Annotated[str, Meta(max_length=1000)]


class Changes(Struct, forbid_unknown_fields=True, kw_only=True):
    """Some fields of a product. The others stay unchanged."""

    name: Name | None = None
    price_cents: Price | None = None
    description: Description | None = None

    def __post_init__(self):
        for text in filter(None, (self.name, self.description)):
            if text.isspace() or not text.replace("\n", "").isprintable():
                raise ValueError(f"{text!a:.40} is blank or not printable")


class NewProduct(Changes):
    """A whole product."""

    name: Name
    price_cents: Price
    description: Description = ""


class CatalogPage(Struct):
    """`?q=mo&page=2`"""

    q: Annotated[str, Meta(max_length=100)] = ""
    page: Annotated[int, Meta(ge=1, le=10_000)] = 1


Id = Annotated[str, Meta(pattern="^[0-9]{1,9}$")]
Count = Annotated[int, Meta(ge=0, le=99)]


class CartLine(Struct):
    """A product and how many of it."""

    product: Id
    count: Count = 1


class Message(Struct):
    """A message of a visitor to the shop."""

    name: Annotated[str, Meta(max_length=100, pattern=r"\S")]
    email: Annotated[str, Meta(max_length=200, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


class Login(Struct):
    """A name and its password."""

    name: Annotated[str, Meta(max_length=100)]
    password: Annotated[str, Meta(max_length=200)]


class Upload(Struct):
    """A new picture of a product."""

    product: Id
    picture: File
