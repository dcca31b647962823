"""A message that the next page shows once, such as the result of a form."""

from framework import Cookies


def say(cookies: Cookies, text: str) -> None:
    """Set the message of the next page."""
    cookies.set("flash", text, max_age=60)


def take(cookies: Cookies) -> str:
    """Return the message, or `""`, and delete it."""
    kept = cookies.get("flash")
    if kept is None:
        return ""
    cookies.delete("flash")
    return kept.value
