"""What does the next page say on top, once, about what was just done?"""

from framework import Cookies


def say(cookies: Cookies, text: str) -> None:
    """Keep a text for the next page."""
    cookies.set("flash", text, max_age=60)


def take(cookies: Cookies) -> str:
    """The text that was kept, or nothing; it is gone with this response."""
    kept = cookies.get("flash")
    if kept is None:
        return ""
    cookies.delete("flash")
    return kept.value
