import enum
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.web.strings import to_text, to_usv


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (3, "3"),
        (-1.5, "-1.5"),
        (True, "true"),
        (False, "false"),
        (Decimal("1.10"), "1.10"),
        (Fraction(1, 2), "1/2"),
    ],
)
def test_text_of_strings_and_numbers(value, text):
    assert to_text(value) == text


def test_text_of_a_str_subclass_is_a_plain_str():
    assert type(to_text(Colour.RED)) is str
    assert to_text(Colour.RED) == "red"


@pytest.mark.parametrize("value", [None, b"a", ["a"], {}])
def test_what_has_no_text_is_a_type_error(value):
    with pytest.raises(TypeError, match="Expected a str or a number, not "):
        to_text(value)


@pytest.mark.parametrize(
    ("text", "usv"),
    [
        ("plain", "plain"),
        ("é😀", "é😀"),
        ("\ud800", "\ufffd"),
        ("a\udc00b", "a\ufffdb"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d\ud83d\ude00", "\ufffd😀"),
        ("\udc00\ud800", "\ufffd\ufffd"),
    ],
)
def test_lone_surrogates_are_replaced(text, usv):
    assert to_usv(text) == usv


@given(st.text(st.characters(codec="utf-8")))
def test_text_without_surrogates_stays(text):
    assert to_usv(text) == text


@given(st.text(st.characters(categories=["Cs", "Ll"])))
def test_any_text_can_be_encoded_afterwards(text):
    to_usv(text).encode()
