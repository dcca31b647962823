"""The tree of exceptions: what each is, and what it says."""

import pickle

import pytest
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    UnprocessableEntity,
    UnsupportedMediaType,
)

from framework import errors
from framework.errors import InvalidDataError, Mistake, SiteError


def test_a_mistake_says_where_what_and_what_to_do() -> None:
    assert str(Mistake("src/pages/a.py:3", "is wrong", "Mend it.\nOr not.")) == (
        "src/pages/a.py:3: is wrong\n    Mend it.\n    Or not."
    )


def test_a_mistake_of_two_files_names_them_itself() -> None:
    assert str(Mistake("", "a.py and b.py are the same.")) == "a.py and b.py are the same."


def test_a_site_error_holds_each_mistake_once_in_order_of_place() -> None:
    one, two = Mistake("a.py", "is wrong"), Mistake("b.py", "is too", "Mend it.")
    error = SiteError([two, one, two])
    assert error.mistakes == (one, two)
    assert str(error) == ("The site has 2 mistakes:\na.py: is wrong\nb.py: is too\n    Mend it.")


def test_a_single_mistake_is_not_counted() -> None:
    assert str(SiteError([Mistake("a.py", "is wrong")])) == (
        "The site has a mistake:\na.py: is wrong"
    )


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


def test_other_errors_are_pythons_kinds() -> None:
    assert isinstance(errors.BodyUsedError("x"), TypeError)
    assert isinstance(errors.RouteNotFoundError("x"), LookupError)


def test_a_route_that_is_not_found_is_not_quoted() -> None:
    assert str(errors.RouteNotFoundError("No route.")) == "No route."


def test_the_module_draws_every_exception_that_it_defines() -> None:
    drawn = errors.__doc__ or ""
    defined = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type)
        and issubclass(value, Exception)
        and value.__module__ == errors.__name__
    ]
    assert [name for name in defined if f"── {name}" not in drawn] == []


def test_invalid_data_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(InvalidDataError([("#/a", "This field is missing.")])))
    assert error.errors == (("#/a", "This field is missing."),)
    assert str(error) == "422 Unprocessable Entity: #/a: This field is missing."
