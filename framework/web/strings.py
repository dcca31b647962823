"""Convert Python values to the strings of the web standards."""

import numbers


def to_text(value: object) -> str:
    """Return a `str` as it is, and a number as Python writes it; `True` is `"true"`.

    Any other value is a `TypeError`.

    >>> to_text(1.5), to_text(True)
    ('1.5', 'true')
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, numbers.Number):
        return str(value)
    raise TypeError(f"Expected a str or a number, not {type(value).__name__}.")


def to_usv(text: str) -> str:
    """Return the text with U+FFFD in place of each lone surrogate ("scalar value string")."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
