"""The exceptions about a site: its mistakes, and what its code may not do.

The exceptions about a request's body are in `web/errors.py`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong in a site.

    `place` is the file, with its line where there is one (`src/pages/cart.py:14`);
    `what` says what is wrong; `remedy` what to do about it.
    """

    place: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.place}: {self.what}" if self.place else self.what
        return "\n    ".join([text, *self.remedy.splitlines()])


class SiteError(Exception):
    """A site can't start: `mistakes` holds everything that was found, in order of place."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        count = len(self.mistakes)
        head = "The site has a mistake:" if count == 1 else f"The site has {count} mistakes:"
        super().__init__("\n".join([head, *map(str, self.mistakes)]))


class HandlerError(Exception):
    """The site's own code returned something it may not; the text names file and function."""


class RewriteLoopError(Exception):
    """Rewrites led in a circle; the text names each step."""


class SessionError(Exception):
    """The session can't be used: sessions are off, it is too late, or the store failed."""


class StaticPathsError(Exception):
    """`get_static_paths()` or what it lists is wrong; the text names file and item."""


class BuildError(Exception):
    """The site can't be built; the text names each route and what to do."""


class RouteNotFoundError(LookupError):
    """No route has that pattern, or a parameter of it is missing; the text names the nearest."""

    def __str__(self) -> str:
        return str(self.args[0])
