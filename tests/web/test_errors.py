"""The exceptions that reading a body raises."""

import pickle

import pytest
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    UnprocessableEntity,
    UnsupportedMediaType,
)

from framework.web import errors
from framework.web.errors import InvalidDataError


@pytest.mark.parametrize(
    ("error", "kinds", "status"),
    [
        (errors.BadBodyError("x"), (BadRequest, ValueError), 400),
        (errors.FormTypeError("x"), (UnsupportedMediaType, TypeError), 415),
        (errors.InvalidDataError([("#/a", "x")]), (UnprocessableEntity, ValueError), 422),
    ],
)
def test_a_bad_body_is_the_clients_fault_and_python_knows_its_kind(
    error: HTTPException, kinds: tuple[type, ...], status: int
) -> None:
    assert all(isinstance(error, kind) for kind in kinds)
    assert error.code == status
    assert error.description in ("x", "#/a: x")


def test_invalid_data_names_each_place() -> None:
    error = errors.InvalidDataError([("#/price", "Expected `int`"), ("#/tags/0", "too long")])
    assert error.errors == (("#/price", "Expected `int`"), ("#/tags/0", "too long"))
    assert error.description == "#/price: Expected `int`\n#/tags/0: too long"


def test_invalid_data_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(InvalidDataError([("#/a", "This field is missing.")])))
    assert error.errors == (("#/a", "This field is missing."),)
    assert str(error) == "422 Unprocessable Entity: #/a: This field is missing."


def test_a_body_read_twice_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"^read$"):
        raise errors.BodyUsedError("read")
