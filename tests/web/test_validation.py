"""Data that becomes a value of a type, and what is said where it doesn't."""

import enum
import json
import typing
import uuid
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, Required, TypedDict

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.web.errors import InvalidDataError
from framework.web.formdata import File, FormData
from framework.web.request import Request
from framework.web.search_params import URLSearchParams
from framework.web.url import URL
from framework.web.validation import MAX_ERRORS, convert

T = typing.TypeVar("T")
U = typing.TypeVar("U")


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass
class Address:
    street: str
    number: int = 1


@dataclass
class Order:
    id: uuid.UUID
    total: Annotated[float, msgspec.Meta(ge=0)]
    to: Address | None = None
    sizes: list[Size] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    kind: Literal["gift", "own"] = "own"
    on: date | None = None


@dataclass
class Tree:
    value: int
    children: "list[Tree]" = field(default_factory=list)


@dataclass
class Pair(Generic[T]):
    left: T
    right: list[T]
    note: str = ""


@dataclass
class Range:
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


@attrs.define
class Ranged:
    size: int = attrs.field(validator=attrs.validators.gt(3))

    def __attrs_post_init__(self) -> None:
        if self.size == 5:
            raise ValueError("five is no size")


class Point(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    x_axis: int
    y_axis: int = 0


class Circle(msgspec.Struct, tag="circle", forbid_unknown_fields=True):
    radius: float


class Square(msgspec.Struct, tag="square"):
    side: float


class Movie(TypedDict, total=False):
    title: Required[str]
    year: NotRequired[Annotated[int, msgspec.Meta(ge=1888)]]
    cast: list[str]


class Model(pydantic.BaseModel):
    name: str = pydantic.Field(alias="fullName")
    age: int = pydantic.Field(gt=0)
    tags: list[str] = []
    active: bool = False
    nickname: str | None = pydantic.Field(None, validation_alias="nick")


class Position(NamedTuple):
    x: int
    y: int


def wrong(data: Any, kind: Any) -> dict[str, str]:
    """What is wrong where."""
    with pytest.raises(InvalidDataError) as caught:
        convert(data, kind)
    assert caught.value.code == 422
    return dict(caught.value.errors)


ID = "00000000-0000-0000-0000-000000000001"


def posted(data: Any) -> Request:
    return Request("http://a/", method="POST", body=json.dumps(data))


@pytest.mark.parametrize(
    ("data", "kind", "value"),
    [
        (3, int, 3),
        ([1, 2], list[int], [1, 2]),
        ({"1": 2}, dict[int, int], {1: 2}),
        ([1, "a"], tuple[int, str], (1, "a")),
        (None, int | None, None),
        ({"title": "M", "year": 1931}, Movie, {"title": "M", "year": 1931}),
        ({"xAxis": 1}, Point, Point(1)),
        ({"type": "circle", "radius": 2}, Circle | Square, Circle(2)),
        ({"low": 1, "high": 2}, Range, Range(1, 2)),
        ({"size": 4}, Ranged, Ranged(4)),
        ({"value": 1, "children": [{"value": 2}]}, Tree, Tree(1, [Tree(2)])),
        ({"left": 1, "right": [2]}, Pair[int], Pair(1, [2])),
        ([1, 2], Position, Position(1, 2)),
        (
            {"id": ID, "total": 1, "to": {"street": "Hay"}, "sizes": ["s"], "on": "2024-02-29"},
            Order,
            Order(uuid.UUID(ID), 1.0, Address("Hay"), [Size.SMALL], on=date(2024, 2, 29)),
        ),
        ({"fullName": "A", "age": 3}, Model, Model(fullName="A", age=3)),
        ([{"fullName": "A", "age": 3}], list[Model], [Model(fullName="A", age=3)]),
    ],
)
def test_json_becomes_a_value_of_the_type(data: Any, kind: Any, value: Any) -> None:
    assert posted(data).json(kind) == value


@pytest.mark.parametrize(
    ("data", "kind", "errors"),
    [
        ("3", int, {"#": "Expected int, got str."}),
        (
            [1, "a", 2, None],
            list[int],
            {"#/1": "Expected int, got str.", "#/3": "Expected int, got null."},
        ),
        (
            {"a": "b", "c": "d"},
            dict[str, int],
            {"#/a": "Expected int, got str.", "#/c": "Expected int, got str."},
        ),
        ({"a": 1, "b": {}}, dict[int, int], {"#/b": "Expected int, got object."}),
        ({"a": 1}, dict[int, int], {"#": "Expected int, got str."}),
        (
            [[1, 2], [3, "b"], ["c", "d"]],
            list[tuple[int, int]],
            {
                "#/1/1": "Expected int, got str.",
                "#/2/0": "Expected int, got str.",
                "#/2/1": "Expected int, got str.",
            },
        ),
        ([1], tuple[int, int], {"#": "Expected array of length 2, got 1."}),
        ({}, Order, {"#/id": "This field is missing.", "#/total": "This field is missing."}),
        (
            {
                "id": "x",
                "total": -1,
                "to": {"street": 1, "number": "1"},
                "sizes": ["s", "m"],
                "notes": {"a/b~c": "x"},
                "kind": "loan",
                "on": "yesterday",
            },
            Order,
            {
                "#/id": "Invalid UUID.",
                "#/total": "Expected float >= 0.0.",
                "#/to/street": "Expected str, got int.",
                "#/to/number": "Expected int, got str.",
                "#/sizes/1": "Invalid enum value 'm'.",
                "#/notes/a~1b~0c": "Expected int, got str.",
                "#/kind": "Invalid enum value 'loan'.",
                "#/on": "Invalid RFC3339 encoded date.",
            },
        ),
        ({"id": ID, "total": 1, "to": []}, Order, {"#/to": "Expected object | null, got array."}),
        (
            {"year": 1800, "cast": [1]},
            Movie,
            {
                "#/title": "This field is missing.",
                "#/year": "Expected int >= 1888.",
                "#/cast/0": "Expected str, got int.",
            },
        ),
        (
            {"value": 1, "children": [{"value": 2, "children": [{"value": "3"}]}, {}]},
            Tree,
            {
                "#/children/0/children/0/value": "Expected int, got str.",
                "#/children/1/value": "This field is missing.",
            },
        ),
        (
            {"left": 1, "right": 2, "note": 1},
            Pair[int],
            {"#/right": "Expected array, got int.", "#/note": "Expected str, got int."},
        ),
        ({"low": 2, "high": 1}, Range, {"#": "low is above high."}),
        (
            [{"low": 2, "high": 1}, {"low": "2", "high": 1}],
            list[Range],
            {"#/0": "low is above high.", "#/1/low": "Expected int, got str."},
        ),
        ({"size": 5}, Ranged, {"#": "five is no size."}),
        ({"a": {"size": 2}}, dict[str, Ranged], {"#/a": "'size' must be > 3: 2."}),
        (
            {"xAxis": "1", "yAxis": 2, "z": 3, "y_axis": 4},
            Point,
            {
                "#/xAxis": "Expected int, got str.",
                "#/z": "This field is unknown.",
                "#/y_axis": "This field is unknown.",
            },
        ),
        ({"type": "circle", "radius": 1, "side": 2}, Circle, {"#/side": "This field is unknown."}),
        (
            {"type": "circle", "radius": "1"},
            Circle | Square,
            {"#/radius": "Expected float, got str."},
        ),
        ({"type": "ring"}, Circle | Square, {"#/type": "Invalid value 'ring'."}),
        ([1, "b"], Position, {"#/1": "Expected int, got str."}),
        (
            [],
            Annotated[list[int], msgspec.Meta(min_length=1)],
            {"#": "Expected array of length >= 1."},
        ),
        ({"a": [{"b": "c"}]}, dict[str, Any] | list[int] | None, None),
        (
            {"age": 0, "tags": [1]},
            Model,
            {
                "#/fullName": "Field required.",
                "#/age": "Input should be greater than 0.",
                "#/tags/0": "Input should be a valid string.",
            },
        ),
        (
            {"a": [{"fullName": "A", "age": "x"}]},
            dict[str, list[Model]],
            {"#/a/0/age": "Input should be a valid integer, unable to parse string as an integer."},
        ),
        (3, File, {"#": "Expected File, got int."}),
        ([{"a": "b"}], list[dict[str, int] | int], {"#/0/...": "Expected int, got str."}),
    ],
)
def test_each_invalid_field_is_found(data: Any, kind: Any, errors: dict[str, str] | None) -> None:
    if errors is None:
        assert convert(data, kind) == data
    else:
        assert wrong(data, kind) == errors


class Pages(TypedDict, Generic[T]):
    first: Required[T]
    pages: dict[str, Pair[T]]


class NumberedPages(Pages[list[T]], Generic[T]):
    numbers: list[T]


class Line(msgspec.Struct, Generic[T, U], rename="camel"):
    start_at: T
    end_at: Annotated[U | None, "a note"] = None


class Arrow(Line[U, Pair[U]], Generic[U]):
    width: int = 1


@attrs.define
class Crate(Generic[T]):
    content: dict[str, T | None]


@pytest.mark.parametrize(
    ("data", "kind", "errors"),
    [
        (
            {"left": "a", "right": ["b", 3, "c"], "note": 1},
            Pair[int],
            {
                "#/left": "Expected int, got str.",
                "#/right/0": "Expected int, got str.",
                "#/right/2": "Expected int, got str.",
                "#/note": "Expected str, got int.",
            },
        ),
        (
            {"left": {"street": 1, "number": "x"}, "right": [3]},
            Pair[Address],
            {
                "#/left/street": "Expected str, got int.",
                "#/left/number": "Expected int, got str.",
                "#/right/0": "Expected object, got int.",
            },
        ),
        (
            {"first": "a", "pages": {"a": {"left": "b", "right": ["c"]}}},
            Pages[int],
            {
                "#/first": "Expected int, got str.",
                "#/pages/a/left": "Expected int, got str.",
                "#/pages/a/right/0": "Expected int, got str.",
            },
        ),
        (
            {"first": ["a", 1], "pages": {}, "numbers": [1, "b"]},
            NumberedPages[int],
            {"#/first/0": "Expected int, got str.", "#/numbers/1": "Expected int, got str."},
        ),
        (
            {"startAt": "a", "endAt": {"left": 1, "right": ["b"]}, "width": "c"},
            Arrow[int],
            {
                "#/startAt": "Expected int, got str.",
                "#/endAt/right/0": "Expected int, got str.",
                "#/width": "Expected int, got str.",
            },
        ),
        (
            {"content": {"a": "b", "c": None, "d": []}},
            Crate[int],
            {
                "#/content/a": "Expected int | null, got str.",
                "#/content/d": "Expected int | null, got array.",
            },
        ),
        ({"left": 1, "right": 2}, Pair, {"#/right": "Expected array, got int."}),
        (
            {"left": {"left": "a", "right": []}, "right": 3},
            Pair[Pair[int]],
            {"#/left/left": "Expected int, got str.", "#/right": "Expected array, got int."},
        ),
    ],
)
def test_each_invalid_field_of_a_generic_class_is_found(
    data: Any, kind: Any, errors: dict[str, str]
) -> None:
    assert wrong(data, kind) == errors


def test_a_type_variable_without_an_argument_accepts_any_value() -> None:
    assert convert({"left": 1, "right": ["a"]}, Pair) == Pair(1, ["a"])


def test_errors_of_a_class_with_a_generic_base() -> None:
    @dataclass
    class Ages(Pair[int]):
        unit: str = "years"

    assert wrong({"left": "old", "right": ["x"], "unit": 3}, Ages) == {
        "#/left": "Expected int, got str.",
        "#/right/0": "Expected int, got str.",
        "#/unit": "Expected str, got int.",
    }


def test_no_more_than_a_hundred_errors_are_returned() -> None:
    assert len(wrong(["x"] * 100_000, list[int])) == MAX_ERRORS
    assert len(wrong({f"k{i}": 1 for i in range(1000)}, Point)) == MAX_ERRORS
    assert (
        len(wrong({"a": [{"b": ["x"] * 1000}] * 1000}, dict[str, list[dict[str, list[int]]]]))
        == MAX_ERRORS
    )


class Numbers(pydantic.BaseModel):
    model_config = {"extra": "forbid"}
    items: list[int | float] = []


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"items": ["x"] * 1000}, Numbers),
        ({"items": ["x"] * 50}, Numbers),
        ([{"items": ["x"] * 1000}], list[Numbers]),
        ({"a": {"items": ["x"] * 49}, "b": {"items": ["x"] * 1000}}, dict[str, Numbers]),
        (["x"] * 1000, pydantic.RootModel[tuple[int, ...]]),
        ({f"k{i}": 1 for i in range(1000)}, Numbers),
    ],
)
def test_no_more_than_a_hundred_errors_of_a_model_are_returned(data: Any, kind: Any) -> None:
    assert len(wrong(data, kind)) == MAX_ERRORS


def test_only_the_first_errors_of_a_model_become_python_objects() -> None:
    """`errors()` and `str()` of a million errors take 10 seconds and a gigabyte."""
    kept = ",".join([json.dumps({"loc": ["items", 0], "msg": "Too big"})] * MAX_ERRORS)
    calls = []

    class ManyErrors(ValueError):
        def error_count(self) -> int:
            return 10**6

        def json(self, **options: bool) -> str:
            return f"[{kept},this is never parsed"

        def errors(self, **options: bool) -> list[Any]:
            raise NotImplementedError

        __str__ = __repr__ = errors  # type: ignore[assignment]

    class Many:
        @classmethod
        def model_validate(cls, data: Any) -> "Many":
            calls.append(data)
            raise ManyErrors

    assert wrong({}, Many) == {"#/items/0": "Too big."}
    assert calls == [{}]  # a second attempt would cost as much again


def test_an_error_at_the_end_of_a_long_list_is_found() -> None:
    assert wrong([1] * 100_000 + ["x"], list[int]) == {"#/100000": "Expected int, got str."}


def test_an_error_deep_in_the_data_has_its_whole_path() -> None:
    data: dict[str, Any] = {"value": "x"}
    for _ in range(40):
        data = {"value": 1, "children": [data]}
    assert wrong(data, Tree) == {"#" + "/children/0" * 40 + "/value": "Expected int, got str."}


def test_what_is_nested_too_deeply_is_invalid() -> None:
    data: dict[str, Any] = {"value": 1}
    for _ in range(100_000):
        data = {"value": 1, "children": [data]}
    assert wrong(data, Tree) == {"#": "This is nested too deeply."}
    while data.get("children"):  # else it is taken apart recursively, too
        data = data["children"].pop()


def test_long_values_of_a_client_are_shortened_in_errors() -> None:
    errors = wrong({"n" * 10_000: "v" * 10_000}, dict[str, Literal["a"]])
    assert [len(pointer) for pointer in errors] == [102]
    assert [len(detail) for detail in errors.values()] == [300]


def test_a_type_that_cannot_be_used_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="more than one dataclass"):
        convert({}, Address | Range)


@pytest.mark.parametrize("error", [KeyError("k"), ZeroDivisionError(), TypeError("t")])
def test_other_errors_of_a_type_are_its_own(error: Exception) -> None:
    @dataclass
    class Broken:
        def __post_init__(self) -> None:
            raise error

    with pytest.raises(type(error)):
        convert({}, Broken)


def test_the_error_says_everything_in_its_text() -> None:
    with pytest.raises(InvalidDataError) as caught:
        convert([1, "a", "b"], list[int])
    assert caught.value.description == ("#/1: Expected int, got str.\n#/2: Expected int, got str.")
    assert isinstance(caught.value, ValueError)


class Filter(TypedDict, total=False):
    q: str
    page: int
    sizes: list[Size]
    tags: set[str]
    range: tuple[int, int]
    sale: bool
    since: date | None
    rating: Annotated[int, msgspec.Meta(description="stars", ge=1)]
    colour: Literal["red", "blue"]
    order: Literal["", "up"]


def test_a_query_becomes_a_value_of_the_type() -> None:
    url = URL(
        "http://a/?q=a+b&page=2&sizes=s&sizes=l&tags=x&range=1&range=5&sale=on&since=2024-02-29"
        "&rating=4&colour=red&unknown=1&page=9"
    )
    assert url.search_params.parse(Filter) == {
        "q": "a b",
        "page": 2,
        "sizes": [Size.SMALL, Size.LARGE],
        "tags": {"x"},
        "range": (1, 5),
        "sale": True,
        "since": date(2024, 2, 29),
        "rating": 4,
        "colour": "red",
    }


def test_an_empty_text_counts_as_missing_unless_the_type_accepts_it() -> None:
    params = URLSearchParams("q=&page=&sale=&since=&rating=&colour=&order=")
    assert params.parse(Filter) == {"q": "", "order": ""}
    assert URLSearchParams("page=&page=3").parse(Filter) == {"page": 3}


class Gap(enum.Enum):
    NONE = ""


def test_an_empty_text_may_be_an_enums_value() -> None:
    @dataclass
    class Row:
        gap: Gap
        size: Size = Size.SMALL

    assert URLSearchParams("gap=&size=").parse(Row) == Row(Gap.NONE)


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("sale=on", True),
        ("sale=true", True),
        ("sale=1", True),
        ("sale=false", False),
        ("sale=0", False),
    ],
)
def test_bools_are_what_forms_send(query: str, value: bool) -> None:
    assert URLSearchParams(query).parse(Filter) == {"sale": value}


def test_a_text_that_is_on_stays_a_text() -> None:
    assert URLSearchParams("q=on").parse(Filter) == {"q": "on"}


def test_a_wrong_query_names_each_parameter() -> None:
    with pytest.raises(InvalidDataError) as caught:
        URLSearchParams("page=x&sizes=s&sizes=m&range=1&sale=maybe&rating=0").parse(Filter)
    assert dict(caught.value.errors) == {
        "#/page": "Expected int, got str.",
        "#/sizes/1": "Invalid enum value 'm'.",
        "#/range": "Expected array of length 2, got 1.",
        "#/sale": "Expected bool, got str.",
        "#/rating": "Expected int >= 1.",
    }


def test_a_query_may_become_a_plain_mapping() -> None:
    assert URLSearchParams("a=1&b=2&a=3").parse(dict[str, int]) == {"a": 1, "b": 2}


def test_a_query_of_many_names_is_read_in_linear_time() -> None:
    """Ten thousand million comparisons would not end."""
    assert URLSearchParams((f"n{i}", i) for i in range(100_000)).parse(Filter) == {}


def test_a_pydantic_model_reads_queries_by_its_aliases() -> None:
    params = URLSearchParams("fullName=A&age=3&tags=x&tags=y&active=on&nick=B")
    model = params.parse(Model)
    assert model == Model(fullName="A", age=3, tags=["x", "y"], active=True, nick="B")
    assert URLSearchParams("fullName=A&age=3&tags=x&active=").parse(Model).active is False


def test_a_pydantic_model_may_have_types_that_only_it_knows() -> None:
    class Cost(pydantic.BaseModel):
        amount: typing.Callable[[], None] | pydantic.SecretStr

    assert URLSearchParams("amount=3").parse(Cost).amount == pydantic.SecretStr("3")


def test_a_class_may_validate_itself_as_models_do() -> None:
    class Even:
        @classmethod
        def model_validate(cls, data: Any) -> "Even":
            if data["n"] != "2":
                raise ValueError("odd")
            return cls()

    assert isinstance(URLSearchParams("n=2").parse(Even), Even)
    assert wrong([{"n": "3"}], list[Even]) == {"#/0": "odd."}


@dataclass
class Upload:
    title: str
    files: list[File] = field(default_factory=list)
    cover: File | None = None


def form_request(form: FormData) -> Request:
    return Request("http://a/", method="POST", body=form)


def test_a_form_becomes_a_value_of_the_type() -> None:
    form = FormData()
    form.append("title", "Cats")
    form.append("files", File("a", "a.txt"))
    form.append("files", File("b", "b.txt"))
    form.append("cover", File("c", "c.png", type="image/png"))
    upload = form_request(form).form_data(Upload)
    assert upload.title == "Cats"
    assert [file.text() for file in upload.files] == ["a", "b"]
    assert upload.cover is not None
    assert (upload.cover.name, upload.cover.type) == ("c.png", "image/png")


def test_a_file_input_where_nothing_was_chosen_counts_as_left_out() -> None:
    form = FormData()
    form.append("title", "Cats")
    form.append("files", File("", ""))
    form.append("cover", File("", ""))
    assert form_request(form).form_data(Upload) == Upload("Cats")


def test_an_empty_file_with_a_name_is_a_file() -> None:
    form = FormData()
    form.append("title", "Cats")
    form.append("cover", File("", "empty.txt"))
    cover = form_request(form).form_data(Upload).cover
    assert cover is not None
    assert (cover.name, cover.size) == ("empty.txt", 0)


def test_a_text_is_not_a_file_nor_a_file_a_text() -> None:
    form = FormData()
    form.append("title", File("x", "x"))
    form.append("files", "x")
    with pytest.raises(InvalidDataError) as caught:
        form_request(form).form_data(Upload)
    assert dict(caught.value.errors) == {
        "#/title": "Expected str, got File.",
        "#/files/0": "Expected File, got str.",
    }


def test_without_a_type_the_readers_are_the_standards() -> None:
    form = FormData()
    form.append("a", "1")
    assert form_request(form).form_data().items() == [("a", "1")]
    assert posted({"a": 1}).json() == {"a": 1}


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
shapes = st.sampled_from(
    [int, list[int], dict[str, list[str | None]], Order, Tree, Movie, Point, Circle | Square]
)


def errors_of(data: Any, kind: Any) -> tuple[tuple[str, str], ...]:
    try:
        convert(data, kind)
    except InvalidDataError as error:
        return error.errors
    return ()


@given(plain, shapes)
def test_any_data_is_converted_or_an_invalid_data_error(data: Any, kind: Any) -> None:
    errors = errors_of(data, kind)
    assert all(pointer.startswith("#") and detail for pointer, detail in errors)
    if not errors:
        value = convert(data, kind)
        assert convert(msgspec.to_builtins(value), kind) == value


@given(st.lists(st.integers() | st.text()))
def test_each_invalid_item_is_named(items: list[object]) -> None:
    wrong = [f"#/{i}" for i, item in enumerate(items) if not isinstance(item, int)]
    assert [pointer for pointer, _ in errors_of(items, list[int])] == wrong


@pytest.mark.parametrize(
    ("data", "kind", "errors"),
    [
        ("\ud800", int, {"#": "This text has a lone surrogate."}),
        ("\ud800", Size, {"#": "This text has a lone surrogate."}),
        (
            {"street": "\ud800", "number": "\ud800"},
            Address,
            {"#/number": "This text has a lone surrogate."},
        ),
        ({"\ud800": 1, "xAxis": 1}, Point, {"#/\ud800": "This field is unknown."}),
        ({"\ud800": "x"}, dict[str, int], {"#/\ud800": "Expected int, got str."}),
        (
            ["x", "\ud800"],
            list[date],
            {"#/0": "Invalid RFC3339 encoded date.", "#/1": "This text has a lone surrogate."},
        ),
        (
            {"fullName": "a", "age": "\ud800"},
            Model,
            {
                "#/age": "Input should be a valid string, unable to parse raw data as a unicode string."
            },
        ),
    ],
)
def test_a_lone_surrogate_is_an_error_where_the_type_needs_a_text(data, kind, errors):
    assert wrong(data, kind) == errors


def test_a_text_may_have_a_lone_surrogate():
    assert convert({"street": "\ud800"}, Address) == Address("\ud800")


@pytest.mark.parametrize("accept", ["application/json", "text/plain", "text/html"])
def test_the_name_of_an_invalid_field_may_have_a_lone_surrogate(site, accept):
    shop = site(
        {
            "src/pages/x.py": "def POST(request):\n    request.json(dict[str, int])\n",
        }
    )
    reply = shop.post("/x", r'{"\ud800": "x"}', headers={"accept": accept})
    assert reply.status == 422
    assert "Expected int, got str" in reply.text()
