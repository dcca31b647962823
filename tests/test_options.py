"""Option classes check the keys and values that they are given."""

import dataclasses
import inspect
from typing import Any

import pytest

from framework.options import ConfigError, choice, did_you_mean, flag, number, option, option_class


def _is_even(value: Any) -> bool:
    if value == 13:
        raise ConfigError("13 is unlucky.")
    return isinstance(value, int) and value % 2 == 0


@option_class
class Lamp:
    """A lamp."""

    color: str = choice("white", "red", "green")
    is_on: bool = flag(False)
    watts: int = number(5, 1, "a number of watts (1-100)", high=100)
    feet: int = option(4, _is_even, "an even number")
    labels: dict[str, str] = option({}, lambda value: isinstance(value, dict), "a mapping")


def problems(**options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Lamp(**options)
    return str(caught.value).splitlines()


def test_the_defaults_and_the_docstring_stay() -> None:
    assert dataclasses.asdict(Lamp()) == {
        "color": "white",
        "is_on": False,
        "watts": 5,
        "feet": 4,
        "labels": {},
    }
    assert Lamp().labels is not Lamp().labels
    assert Lamp.__doc__ == "A lamp."
    assert list(inspect.signature(Lamp).parameters) == ["color", "is_on", "watts", "feet", "labels"]


def test_allowed_values_are_kept() -> None:
    lamp = Lamp(color="green", is_on=True, watts=100, feet=2, labels={"a": "b"})
    assert (lamp.color, lamp.is_on, lamp.watts, lamp.feet) == ("green", True, 100, 2)
    assert lamp.labels == {"a": "b"}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"color": "blue"}, 'Lamp(color=\'blue\'): color must be "white", "red" or "green".'),
        ({"color": []}, 'Lamp(color=[]): color must be "white", "red" or "green".'),
        ({"is_on": 1}, "Lamp(is_on=1): is_on must be True or False."),
        ({"watts": 101}, "Lamp(watts=101): watts must be a number of watts (1-100)."),
        ({"watts": True}, "Lamp(watts=True): watts must be a number of watts (1-100)."),
        ({"watts": 1.5}, "Lamp(watts=1.5): watts must be a number of watts (1-100)."),
        ({"feet": 3}, "Lamp(feet=3): feet must be an even number."),
        ({"feet": 13}, "13 is unlucky."),
        (
            {"colour": "red"},
            "Lamp(colour='red'): unknown option. Did you mean color? "
            "Lamp has the options color, is_on, watts, feet, labels.",
        ),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], problem: str) -> None:
    assert problems(**options) == [problem]


def test_every_wrong_option_is_named_in_the_order_given() -> None:
    found = problems(feet=1, zzzzzz=1, color="blue")
    assert [text.partition(":")[0] for text in found] == [
        "Lamp(feet=1)",
        "Lamp(zzzzzz=1)",
        "Lamp(color='blue')",
    ]


def test_options_are_keywords_and_frozen() -> None:
    with pytest.raises(TypeError, match="positional"):
        Lamp("red")  # type: ignore[call-arg]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Lamp().color = "red"  # type: ignore[misc]


def test_a_hint_names_the_nearest_word_only_if_one_is_near() -> None:
    assert did_you_mean("prot", ["host", "port"]) == " Did you mean port?"
    assert did_you_mean("zzzzzz", ["host", "port"]) == ""
