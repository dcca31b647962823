import dataclasses
import datetime
import decimal
import enum
import json
import math
import pathlib
import sys
import types
import typing
import uuid
from pathlib import PurePosixPath

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from framework.web.jsontext import parse_json, write_json
from framework.web.url import URL

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
    max_leaves=10,
)


class Colour(enum.Enum):
    RED = "red"
    ALL = ("red", math.nan)
    FILE = PurePosixPath("/red")


@attrs.define
class Box:
    size: int


class Model(pydantic.BaseModel):
    price: decimal.Decimal
    file: pathlib.Path
    rating: float
    secret: pydantic.SecretStr
    full_name: str = pydantic.Field(alias="fullName")


@dataclasses.dataclass
class Point:
    x: int
    y: float


class Count(int):
    pass


@given(plain)
def test_what_is_written_is_read_back_by_us_and_by_the_standard_library(data):
    written = write_json(data)
    assert json.loads(written) == data
    # A text may hold two surrogates that, escaped one after the other, are one character.
    assert parse_json(written) == json.loads(written)


@given(st.text('[]{},:"\\ux019eE+-. \t\n\rtruefalsnlNI\x00\x7fé\ud800'))
def test_only_what_the_standard_library_takes_for_json_is_json(text):
    data = text.encode("utf-8", "surrogatepass")
    try:
        wanted = json.loads(data.decode(), parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError):
        wanted = ValueError
    try:
        got = parse_json(data)
    except ValueError:
        got = ValueError
    if isinstance(wanted, float) and math.isinf(wanted):
        wanted = ValueError
    assert got == wanted


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ([float("nan"), float("inf"), -float("inf")], "[null,null,null]"),
        ({"a": 1, "b": [True, None]}, '{"a":1,"b":[true,null]}'),
        ("é\u2028", '"é\u2028"'),
        ("\x00\n\x1f", '"\\u0000\\n\\u001f"'),
        ((1, 2), "[1,2]"),
        (2**70, str(2**70)),
        (datetime.date(2020, 1, 2), '"2020-01-02"'),
        (datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC), '"2020-01-02T00:00:00Z"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (decimal.Decimal("1.50"), '"1.50"'),
        (Colour.RED, '"red"'),
        (Colour.ALL, '["red",null]'),
        ([Colour.FILE], '["/red"]'),
        (PurePosixPath("/a/b"), '"/a/b"'),
        ({"a": [PurePosixPath("c")], "b": math.nan}, '{"a":["c"],"b":null}'),
        (Point(1, float("nan")), '{"x":1,"y":null}'),
        (Box(3), '{"size":3}'),
        (
            [Model(price="1.50", file="a", rating=math.nan, secret="s", fullName="z")],
            '[{"price":"1.50","file":"a","rating":null,"secret":"**********","full_name":"z"}]',
        ),
        (types.MappingProxyType({"a": 1}), '{"a":1}'),
        (URL("https://example.com"), '"https://example.com/"'),
        (Markup("<b>"), '"<b>"'),
        (Count(3), "3"),
        ({None: 1, True: 2, 3: 4}, '{"null":1,"true":2,"3":4}'),
        ({"a": [{True: 1, False: 0}]}, '{"a":[{"true":1,"false":0}]}'),
        ({1: 1, "0": 0}, '{"1":1,"0":0}'),
        ({1.5: {True: 1}}, '{"1.5":{"true":1}}'),
        (['"1":', {'"0"': "x:"}], '["\\"1\\":",{"\\"0\\"":"x:"}]'),
        ({None: [Point(1, float("inf"))]}, '{"null":[{"x":1,"y":null}]}'),
        ("a\ud800b", '"a\\ud800b"'),
        ({"é\udc00": [1.5, "\ud83d"]}, '{"é\\udc00":[1.5,"\\ud83d"]}'),
    ],
)
def test_values_have_their_usual_text(data, text):
    assert write_json(data).decode() == text


@dataclasses.dataclass
class Order:
    price: int
    total: int = dataclasses.field(init=False)
    paid: bool = dataclasses.field(init=False, default=False)
    tags: list = dataclasses.field(init=False, default_factory=list)
    note: object = dataclasses.field(default=None, repr=False, compare=False, kw_only=True)
    RATE: typing.ClassVar[int] = 2
    times: dataclasses.InitVar[int] = 2

    def __post_init__(self, times):
        self.total = self.price * times


@dataclasses.dataclass
class Gift(Order):
    to: str = "Ada"


@dataclasses.dataclass(frozen=True, slots=True)
class Slots:
    z: int
    a: int = dataclasses.field(init=False, default=5)


@attrs.define
class Parcel:
    weight: int
    price: int = attrs.field(init=False, default=4)
    label: str = attrs.field(init=False)
    _key: str = "secret"

    def __attrs_post_init__(self):
        self.label = "x"


class Letter(Parcel):
    """Not decorated itself."""


@attrs.define(slots=False)
class Heavy(Parcel):
    by: Order = attrs.field(init=False, factory=lambda: Order(1))


class Batch(msgspec.Struct, rename="camel", tag="batch", frozen=True):
    first_order: Order
    all_orders: tuple[Slots, ...] = ()

    def __post_init__(self):
        assert isinstance(self.first_order, Order)


@dataclasses.dataclass
class Unset:
    a: int | msgspec.UnsetType = msgspec.UNSET
    b: int = dataclasses.field(init=False, default=2)


ORDER = '{"price":3,"total":6,"paid":false,"tags":[],"note":null}'
OTHER = ORDER.replace("null", '{"z":1,"a":5}')
HEAVY = '{"weight":1,"price":4,"label":"x","by":{"price":1,"total":2,"paid":false,"tags":[],"note":null}}'


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (Order(3), ORDER),
        (Order(3, note=Slots(1)), OTHER),
        ([1, Point(1, 2.0), Order(3)], f'[1,{{"x":1,"y":2.0}},{ORDER}]'),
        ({"a": [{"b": (Order(3),)}]}, f'{{"a":[{{"b":[{ORDER}]}}]}}'),
        ({frozenset([Slots(1)])}, '[[{"z":1,"a":5}]]'),
        (types.MappingProxyType({"a": Order(3)}), f'{{"a":{ORDER}}}'),
        ({True: Order(3)}, f'{{"true":{ORDER}}}'),
        ({"a": Order(3), "b": "\ud800"}, f'{{"a":{ORDER},"b":"\\ud800"}}'),
        (Gift(3), ORDER[:-1] + ',"to":"Ada"}'),
        (Slots(1), '{"z":1,"a":5}'),
        (Parcel(1), '{"weight":1,"price":4,"label":"x"}'),
        (Letter(1), '{"weight":1,"price":4,"label":"x"}'),
        ([Heavy(1)], f"[{HEAVY}]"),
        (
            Batch(Order(3), (Slots(1),)),
            f'{{"type":"batch","firstOrder":{ORDER},"allOrders":[{{"z":1,"a":5}}]}}',
        ),
        (Unset(), '{"b":2}'),
        (Order, TypeError),
    ],
)
def test_all_fields_of_an_object_are_written_in_their_order(data, text):
    if text is TypeError:
        with pytest.raises(TypeError, match="can't be written as JSON"):
            write_json(data)
    else:
        assert write_json(data).decode() == text


def test_attributes_that_are_not_fields_are_not_written():
    order, heavy = Order(3), Heavy(1)
    order.secret = heavy.secret = "s"
    assert write_json([order, heavy]).decode() == f"[{ORDER},{HEAVY}]"


def test_a_field_without_a_value_is_a_type_error():
    order, slots = Order(3), Slots(1)
    del order.total
    object.__delattr__(slots, "a")
    for value, name in ((order, "total"), (slots, "a"), ({"a": [order]}, "total")):
        with pytest.raises(TypeError, match=f"A field has no value: .* '{name}'"):
            write_json(value)


def test_a_value_of_an_unsupported_type_is_a_type_error():
    with pytest.raises(TypeError, match="object can't be written as JSON"):
        write_json({"a": object()})
    with pytest.raises(TypeError, match="can't be written as JSON"):
        write_json(Model)
    with pytest.raises(TypeError, match="keys"):
        write_json({(1, 2): 3})


def test_a_value_that_contains_itself_is_a_type_error():
    data = []
    data.append(data)
    with pytest.raises(TypeError, match="contains itself"):
        write_json(data)


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", "[1,]", "{'a':1}", "NaN", "[-Infinity]", "1e999", "01", "nul", "1 2", '"\x01"'],
)
def test_what_is_not_json_is_a_value_error(text):
    with pytest.raises(ValueError, match="not JSON"):
        parse_json(text.encode())


def test_bytes_that_are_not_utf_8_are_a_value_error():
    with pytest.raises(ValueError, match="not UTF-8"):
        parse_json(b'"\xff"')


@pytest.mark.parametrize("text", ['["\\ud800", NaN]', '["\\ud800", 1e999]', '["\\ud800"'])
def test_a_lone_surrogate_makes_nothing_else_valid(text):
    with pytest.raises(ValueError, match=r"."):
        parse_json(text.encode())


def test_lone_surrogates_are_read_as_in_javascript():
    assert parse_json(b'["\\ud800", 1.5]') == ["\ud800", 1.5]


def test_a_byte_order_mark_is_dropped_and_the_last_of_a_name_counts():
    assert parse_json(b'\xef\xbb\xbf{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5000])
def test_too_much_of_it_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"deeply|range"):
        parse_json(text.encode())
    with pytest.raises(ValueError, match=r"."):
        parse_json(f'["\\ud800",{text}'.encode())


def test_an_integer_too_long_for_text_is_a_value_error():
    with pytest.raises(ValueError, match="digits"):
        write_json(10 ** (sys.get_int_max_str_digits() + 1))
