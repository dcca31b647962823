"""Exceptions that reading a request's body raises; each has the HTTP status that answers it."""

from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType


class BodyUsedError(TypeError):
    """The body was read before. A body is a stream: `clone()` first if two readers need it.

    https://fetch.spec.whatwg.org/#dom-body-bodyused
    """


class BadBodyError(BadRequest, ValueError):
    """A body that is not what its reader asks for: invalid JSON, UTF-8 or form data.

    Answered with 400 unless a handler catches it.
    """


class FormTypeError(UnsupportedMediaType, TypeError):
    """`form_data()` on a body whose content type is no form's. Answered with 415."""


class InvalidDataError(UnprocessableEntity, ValueError):
    """Data that is not what its type says. Answered with 422, naming each place.

    `errors` are pairs of a JSON pointer and what is wrong there: `("#/price", "Expected ...")`
    (RFC 9457, 3.1; RFC 6901, 6).
    """

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{pointer}: {detail}" for pointer, detail in errors))
        self.args = (errors,)  # what pickling makes it from
        self.errors = tuple(errors)
