"""Which exceptions are there, and what does each one tell its reader?

Exception
├── SiteError               every mistake found in a site at start-up, together
├── HandlerError            a handler or middleware broke its promise (a 500)
├── RewriteLoopError        a rewrite that leads back to itself (a 508)
├── SessionError            sessions are off, asked too late, or their store failed
├── StaticPathsError        get_static_paths() or what it lists is wrong
├── BuildError              a site can't be built
├── RouteNotFoundError      url_for: no such pattern, or a parameter is missing (LookupError)
└── BodyUsedError           a body was read a second time (TypeError)

werkzeug.exceptions.HTTPException
├── BadBodyError            400, the body is not what was asked for (ValueError)
├── FormTypeError           415, the content type is no form's (TypeError)
├── InvalidDataError        422, the data is not what its type says (ValueError)
└── RequestEntityTooLarge   413, Werkzeug's own
"""

from dataclasses import dataclass

from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType


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


class BodyUsedError(TypeError):
    """The body was read before. A body is a stream: `clone()` first if two readers need it.

    https://fetch.spec.whatwg.org/#dom-body-bodyused
    """


class BadBodyError(BadRequest, ValueError):
    """A body that is not what its reader asks for: invalid JSON, UTF-8 or form data.

    Answered with 400 unless a handler catches it.
    """


class FormTypeError(UnsupportedMediaType, TypeError):
    """`form_data()` on a body whose content type is no form's. Answered with 415."""


class InvalidDataError(UnprocessableEntity, ValueError):
    """Data that is not what its type says. Answered with 422, naming each place.

    `errors` are pairs of a JSON pointer and what is wrong there: `("#/price", "Expected ...")`
    (RFC 9457, 3.1; RFC 6901, 6).
    """

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{pointer}: {detail}" for pointer, detail in errors))
        self.args = (errors,)  # what pickling makes it from
        self.errors = tuple(errors)
