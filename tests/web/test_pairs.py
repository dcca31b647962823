import pytest

from framework.web.pairs import to_pairs


@pytest.mark.parametrize(
    "init", [{"a": "1", "b": "2"}, [("a", "1"), ("b", "2")], iter([["a", "1"], iter(["b", "2"])])]
)
def test_pairs_of_a_mapping_and_of_an_iterable(init):
    assert [tuple(pair) for pair in to_pairs(init, "X")] == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize("init", ["a=b", b"ab", 5, object()])
def test_another_object_is_a_type_error(init):
    with pytest.raises(TypeError, match=r"^X: expected a mapping or an iterable of"):
        list(to_pairs(init, "X"))


@pytest.mark.parametrize("item", ["ab", b"ab", 5, None])
def test_an_item_that_is_not_a_pair_is_a_type_error(item):
    with pytest.raises(TypeError, match=r"^X: item 1 is not a \(name, value\) pair"):
        list(to_pairs([("a", "b"), item], "X"))


@pytest.mark.parametrize("item", [(), ("a",), ("a", "b", "c")])
def test_a_pair_of_another_length_is_a_value_error(item):
    with pytest.raises(ValueError, match=rf"^X: item 0 has {len(item)} elements, not 2\.$"):
        list(to_pairs([item], "X"))
