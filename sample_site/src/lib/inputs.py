"""What did the client send, and if it can't be used, what is wrong with it?

Whatever is wrong is raised as one of Werkzeug's exceptions; the framework answers it with the
status and the text, as JSON or HTML as the client likes.
"""

from typing import Any

from framework import Request, URLSearchParams
from werkzeug.exceptions import BadRequest, UnprocessableEntity


def _is_text(value: object, shortest: int, longest: int) -> bool:
    return (
        isinstance(value, str)
        and shortest <= len(value.strip()) <= len(value) <= longest
        and value.replace("\n", "").isprintable()
    )


FIELDS = {
    "name": (lambda v: _is_text(v, 1, 100), "is a text of 1 to 100 characters"),
    "price_cents": (
        lambda v: type(v) is int and 0 <= v <= 10_000_000,
        "is a whole number from 0 to 10000000",
    ),
    "description": (lambda v: _is_text(v, 0, 1000), "is a text of at most 1000 characters"),
}


def read_product(request: Request) -> dict[str, Any]:
    """A whole product: every field but `description` must be there."""
    given = read_changes(request)
    missing = [f"{name} is missing" for name in ("name", "price_cents") if name not in given]
    if missing:
        raise UnprocessableEntity(f"{'; '.join(missing)}.")
    return {"description": ""} | given


def read_changes(request: Request) -> dict[str, Any]:
    """Some fields of a product, by name."""
    given = request.json()  # what is no JSON is answered with 400
    if not isinstance(given, dict):
        raise UnprocessableEntity(f"A product is a JSON object with {', '.join(FIELDS)}.")
    wrong = [f'there is no field "{name}"' for name in given if name not in FIELDS]
    wrong += [
        f"{name} {rule}"
        for name, (is_right, rule) in FIELDS.items()
        if name in given and not is_right(given[name])
    ]
    if wrong:
        raise UnprocessableEntity(f"{'; '.join(wrong)}.")
    return given


def read_number(query: URLSearchParams, name: str, default: int, low: int, high: int) -> int:
    """The whole number that the query gives for a name."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise BadRequest(f"{name} is a whole number from {low} to {high}.")
    return int(text)
