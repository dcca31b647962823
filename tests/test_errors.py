"""The exceptions about a site, and what they say."""

from framework.errors import Mistake, SiteError


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
