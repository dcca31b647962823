"""How does a `.jinja` page become an answer?

Start-up compiles its frontmatter and its template; a request runs the one and renders the
other with the names it made.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from jinja2.runtime import Context
from jinja2.utils import missing
from werkzeug.exceptions import InternalServerError, NotFound

from .context import CONTEXT_NAMES, APIContext
from .endpoints import Handlers, complete, settle
from .errors import Mistake
from .frontmatter import (
    Frontmatter,
    FrontmatterError,
    Variables,
    compile_frontmatter,
    split_frontmatter,
)
from .pattern import Pattern
from .static import UNKNOWN_TYPE, content_type_of
from .web.formdata import File, FormData
from .web.headers import Headers
from .web.request import Request
from .web.response import Response
from .web.url import URL, URLSearchParams

_OFFERED = CONTEXT_NAMES | {"context", "response"}
_NAMES = (File, FormData, Headers, Request, Response, URL, URLSearchParams)
_TEMPLATE_FOLDERS = ("layouts", "components")
_CONTEXT = "the request's context"  # where a template finds it: no variable has such a name


class PageError(Exception):
    """A page or template that can't be compiled; `mistake` says where and why."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(str(mistake))
        self.mistake = mistake


class PageResponse:
    """What a page may say of its own response: `response.status = 404` in its frontmatter."""

    __slots__ = ("headers", "status", "status_text")

    def __init__(self) -> None:
        self.status = 200
        self.status_text = ""
        self.headers = Headers()


class _PageContext(Context):
    """Finds the names of the `APIContext` when a template asks for them."""

    def resolve_or_missing(self, key: str) -> Any:
        value = super().resolve_or_missing(key)
        if value is missing and key in CONTEXT_NAMES and _CONTEXT in self.parent:
            return getattr(self.parent[_CONTEXT], key)
        return value


class _Environment(jinja2.Environment):
    context_class = _PageContext


class Templates:
    """The site's templates. Names are relative to `src/`: `layouts/base.jinja`."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._environment = _Environment(
            loader=jinja2.FileSystemLoader(source),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            auto_reload=False,
            cache_size=-1,
            keep_trailing_newline=True,
        )

    def check(self, root: Path) -> list[Mistake]:
        """Compile every layout and component; what is wrong with them."""
        mistakes = []
        for folder in _TEMPLATE_FOLDERS:
            for path in sorted((self._source / folder).rglob("*.jinja")):
                try:
                    self._environment.get_template(path.relative_to(self._source).as_posix())
                except jinja2.TemplateSyntaxError as error:
                    file = path.relative_to(root).as_posix()
                    mistakes.append(Mistake(f"{file}:{error.lineno}", error.message or ""))
        return mistakes

    def compile(self, source: str, path: Path, file: str) -> jinja2.Template:
        """The page's template; raises `PageError` where Jinja can't read it."""
        try:
            code = self._environment.compile(source, file, str(path))
        except jinja2.TemplateSyntaxError as error:
            mistake = Mistake(f"{file}:{error.lineno}", error.message or "can't be read")
            raise PageError(mistake) from error
        globals = self._environment.make_globals(None)
        return self._environment.template_class.from_code(self._environment, code, globals)


def load_page(
    templates: Templates, path: Path, file: str, pattern: Pattern, globals: dict[str, Any]
) -> tuple[Handlers, Mapping[str, Any]]:
    """A page's handlers, and what its frontmatter says of the file (`prerender`, ...).

    Raises `PageError`, or whatever the file-level code of the frontmatter raises.
    """
    try:
        code, source = split_frontmatter(path.read_text(encoding="utf-8"), file)
        template = templates.compile(source, path, file)
        globals.update({cls.__name__: cls for cls in _NAMES})
        front = compile_frontmatter(code, str(path), file, _OFFERED, globals)
    except FrontmatterError as error:
        raise PageError(error.mistake) from error
    except UnicodeDecodeError as error:
        raise PageError(Mistake(file, f"is not UTF-8: {error}", "Save it as UTF-8.")) from error
    page = _Page(template, front, file, _content_type(pattern))
    # A page that doesn't look at the request has one answer: it is there to be read.
    looks = not {"context", "request"}.isdisjoint(front.names)
    return complete({"ALL" if looks else "GET": page.answer}), front.file_names


class _Page:
    def __init__(
        self, template: jinja2.Template, front: Frontmatter, file: str, content_type: str
    ) -> None:
        self._template = template
        self._front = front
        self._file = file
        self._content_type = content_type

    def answer(self, context: APIContext) -> Response:
        page = PageResponse()
        own = {"context": context, "response": page}
        front = self._front
        result = front.run(*[own.get(name) or getattr(context, name) for name in front.names])
        if front.is_async:
            result = context.run(result)
        if type(result) is not Variables:
            return self._returned(settle(result, context, f"{self._file}: the frontmatter"))
        html = self._template.render({_CONTEXT: context, **own, **result})
        page.headers.setdefault("content-type", self._content_type)
        return Response(
            html, status=page.status, status_text=page.status_text, headers=page.headers
        )

    def _returned(self, response: Response) -> Response:
        # A page that says 404 or 500 and nothing else wants the site's page for it.
        if response.status == 404 and response.body is None:
            raise NotFound
        if response.status == 500 and response.body is None:
            raise InternalServerError
        return response


def _content_type(pattern: Pattern) -> str:
    guess = content_type_of(pattern.text) if pattern.has_extension else UNKNOWN_TYPE
    return "text/html;charset=UTF-8" if guess == UNKNOWN_TYPE else guess
