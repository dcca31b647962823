"""The exceptions about a site, and what they say."""

from framework.errors import Mistake, SiteError


def test_a_mistake_has_a_location_and_a_remedy() -> None:
    assert str(Mistake("src/pages/a.py:3", "is wrong", "Fix it.\nOr not.")) == (
        "src/pages/a.py:3: is wrong\n    Fix it.\n    Or not."
    )


def test_a_mistake_without_a_location_is_its_text() -> None:
    assert str(Mistake("", "a.py and b.py are the same.")) == "a.py and b.py are the same."


def test_a_site_error_has_each_mistake_once_sorted_by_location() -> None:
    one, two = Mistake("a.py", "is wrong"), Mistake("b.py", "is too", "Fix it.")
    error = SiteError([two, one, two])
    assert error.mistakes == (one, two)
    assert str(error) == ("The site has 2 mistakes:\na.py: is wrong\nb.py: is too\n    Fix it.")


def test_a_single_mistake_is_not_counted() -> None:
    assert str(SiteError([Mistake("a.py", "is wrong")])) == (
        "The site has a mistake:\na.py: is wrong"
    )
