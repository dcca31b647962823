"""The exceptions of reading a body; those of a request's body have an HTTP status."""

from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType


class BodyUsedError(TypeError):
    """The body was already read. Call `clone()` before the first read to read it twice."""


class BadBodyError(BadRequest, ValueError):
    """The body of a request is invalid JSON, UTF-8 or form data: status 400."""


class FormTypeError(UnsupportedMediaType, TypeError):
    """`form_data()` was called for a body that is not a form, by its content type: status 415."""


class InvalidDataError(UnprocessableEntity, ValueError):
    """The data of a request does not match the type: status 422.

    `errors` are pairs of a JSON pointer and a message: `("#/price", "Expected ...")` (RFC 9457,
    3.1; RFC 6901, 6).
    """

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{pointer}: {detail}" for pointer, detail in errors))
        self.args = (errors,)  # pickle calls the class with them
        self.errors = tuple(errors)
