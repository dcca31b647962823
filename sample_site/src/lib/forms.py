"""Read a form, and keep its values to show it again if they are invalid."""

from dataclasses import dataclass, field
from typing import Any

from framework import InvalidDataError, Request


@dataclass(frozen=True, slots=True)
class Form:
    """A form to show, empty or as it was sent.

    `values` are the texts that were sent, by field; `wrong` contains the invalid fields.
    """

    values: dict[str, str] = field(default_factory=dict)
    wrong: frozenset[str] = frozenset()


def read(request: Request, kind: type) -> tuple[Any, Form]:
    """Return the form as a `kind`, or `None` if it is invalid, and the form to show."""
    sent = request.clone().form_data()
    values = {name: value for name, value in sent.items() if isinstance(value, str)}
    try:
        return request.form_data(kind), Form(values)
    except InvalidDataError as error:
        return None, Form(values, frozenset(pointer[2:] for pointer, _ in error.errors))
