"""What did a form say, and what is wrong with it?"""

from dataclasses import dataclass, field
from typing import Any

from framework import InvalidDataError, Request


@dataclass(frozen=True, slots=True)
class Form:
    """A form to show: as it was sent, or empty.

    `values` are the texts that were sent, by field; `wrong` the fields that can't stay so.
    """

    values: dict[str, str] = field(default_factory=dict)
    wrong: frozenset[str] = frozenset()


def read(request: Request, kind: type) -> tuple[Any, Form]:
    """What was sent as a `kind`, or `None` where it is no such thing, and the form to show."""
    sent = request.clone().form_data()
    values = {name: value for name, value in sent.items() if isinstance(value, str)}
    try:
        return request.form_data(kind), Form(values)
    except InvalidDataError as error:
        return None, Form(values, frozenset(pointer[2:] for pointer, _ in error.errors))
