"""How does a `.jinja` or `.md` page become an answer?

Start-up compiles its frontmatter and its template; a request runs the one and renders the
other with the names it made. Markdown is HTML by then, and waits for its layout.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from werkzeug.exceptions import InternalServerError, NotFound

from ..context import CONTEXT_NAMES, APIContext
from ..errors import Mistake
from ..route import Handlers
from ..routing.pattern import Pattern
from ..web.formdata import File, FormData
from ..web.headers import Headers
from ..web.request import Request
from ..web.response import Response
from ..web.url import URL, URLSearchParams
from .endpoints import make_handlers, to_response
from .frontmatter import (
    Frontmatter,
    FrontmatterError,
    Variables,
    compile_frontmatter,
    split_frontmatter,
)
from .markdown import render_markdown, split_header
from .templates import Pieces, Template, TemplateError, Templates, page_type

_OFFERED = CONTEXT_NAMES | {"context", "response"}
_NAMES = (File, FormData, Headers, Request, Response, URL, URLSearchParams)
_HTML = "text/html;charset=UTF-8"
_HEADER_FLAGS = ("html", "prerender")


class PageError(Exception):
    """A page that can't be compiled; `mistakes` say where and why."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class PageResponse:
    """What a page may say of its own response: `response.status = 404` in its frontmatter.

    `response.stream = True` sends it piece by piece.
    """

    __slots__ = ("headers", "status", "status_text", "stream")

    def __init__(self) -> None:
        self.status = 200
        self.status_text = ""
        self.headers = Headers()
        self.stream = False


def load_page(
    templates: Templates, path: Path, file: str, pattern: Pattern, globals: dict[str, Any]
) -> tuple[Handlers, Mapping[str, Any]]:
    """A page's handlers, and what its frontmatter says of the file (`prerender`, ...).

    Raises `PageError`, or whatever the file-level code of the frontmatter raises.
    """
    kind = page_type(pattern.text) if pattern.has_extension else _HTML
    try:
        source = path.read_text(encoding="utf-8")
        if path.suffix == ".md":
            return _load_markdown(templates, source, file, kind)
        code, below = split_frontmatter(source, file)
        template = templates.compile(below, path, file)
        globals.update({cls.__name__: cls for cls in _NAMES})
        front = compile_frontmatter(code, str(path), file, _OFFERED, globals)
    except FrontmatterError as error:
        raise PageError([error.mistake]) from error
    except TemplateError as error:
        raise PageError(error.mistakes) from error
    except UnicodeDecodeError as error:
        raise PageError([Mistake(file, f"is not UTF-8: {error}", "Save it as UTF-8.")]) from error
    page = _Page(template, front, file, kind)
    # A page that doesn't look at the request has one answer: it is there to be read.
    looks = not {"context", "request"}.isdisjoint(front.names)
    return make_handlers({"ALL" if looks else "GET": page.answer}), front.file_names


def _load_markdown(
    templates: Templates, source: str, file: str, kind: str
) -> tuple[Handlers, Mapping[str, Any]]:
    """As `load_page`, for a `.md` file: what its header says are its layout's variables."""
    header, lines, text = split_header(source, file)
    for name in _HEADER_FLAGS:
        if not isinstance(header.get(name, False), bool):
            what = f"{name} is {header[name]!r}"
            raise PageError([Mistake(f"{file}:{lines[name]}", what, "Write true or false.")])
    if "content" in header:
        remedy = "Give it another name: content is the text below the header."
        raise PageError([Mistake(f"{file}:{lines['content']}", "content is taken", remedy)])
    file_names = {name: header[name] for name in ("prerender",) if name in header}
    content = render_markdown(text, html=bool(header.get("html")))
    if "layout" not in header:
        return make_handlers(
            {"GET": lambda context: _respond(content, kind, PageResponse())}
        ), file_names
    layout = templates.load(str(header["layout"]), f"{file}:{lines['layout']}")
    variables = {**header, "content": content}

    def answer(context: APIContext) -> Response:
        page = PageResponse()
        return _respond(layout.render(context, {"response": page, **variables}), kind, page)

    return make_handlers({"GET": answer}), file_names


class _Page:
    def __init__(
        self, template: Template, front: Frontmatter, file: str, content_type: str
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
            return self._returned(to_response(result, context, f"{self._file}: the frontmatter"))
        make = self._template.stream if page.stream else self._template.render
        return _respond(make(context, {"response": page, **result}), self._content_type, page)

    def _returned(self, response: Response) -> Response:
        # A page that says 404 or 500 and nothing else wants the site's page for it.
        if response.status == 404 and response.body is None:
            raise NotFound
        if response.status == 500 and response.body is None:
            raise InternalServerError
        return response


def _respond(body: str | Pieces, content_type: str, page: PageResponse) -> Response:
    page.headers.setdefault("content-type", content_type)
    return Response(body, status=page.status, status_text=page.status_text, headers=page.headers)
