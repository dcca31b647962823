"""The exceptions about a site: its mistakes, and wrong uses of the framework.

The exceptions about a request's body are in `web/errors.py`.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong in a site.

    `location` is the file, with the line if it is known (`src/pages/cart.py:14`), `what` says
    what is wrong, and `remedy` what to do.
    """

    location: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.location}: {self.what}" if self.location else self.what
        return "\n    ".join([text, *self.remedy.splitlines()])


def locate(function: Callable[..., Any], file: str) -> str:
    """Return the file and line of a function, or the file alone if the line is unknown."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{file}:{code.co_firstlineno}" if code else file


class SiteError(Exception):
    """A site cannot start. `mistakes` has everything that is wrong, sorted by location."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        count = len(self.mistakes)
        head = "The site has a mistake:" if count == 1 else f"The site has {count} mistakes:"
        super().__init__("\n".join([head, *map(str, self.mistakes)]))


class HandlerError(Exception):
    """A function of the site returned a wrong value; the text names its file."""


class RewriteLoopError(Exception):
    """A request was rewritten too often, probably in a circle; the text names each step."""


class SessionError(Exception):
    """The session cannot be used: sessions are off, it is already saved, or the store failed."""


class StaticPathsError(Exception):
    """`get_static_paths()` failed or returned a wrong value; the text names file and item."""


class BuildError(Exception):
    """A build failed; the text names each route and what to do."""


class CommandError(Exception):
    """A command cannot run; the text says why and what to do."""
