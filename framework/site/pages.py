"""Compile `.jinja` and `.md` pages to handlers.

Start-up compiles the frontmatter and the template of a `.jinja` page; a request runs the
frontmatter and renders the template with its local names. Markdown is rendered at start-up; a
request renders the layout around it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup
from werkzeug.exceptions import default_exceptions

from ..context import CONTEXT_NAMES, APIContext
from ..errors import Mistake
from ..route import Handlers
from ..static.types import has_extension, page_type_of
from ..web.headers import Headers
from ..web.loop import run
from ..web.response import Response
from .endpoints import make_handlers, to_response
from .environment import WEB_CLASSES
from .frontmatter import Frontmatter, Variables, compile_frontmatter, split_frontmatter
from .header import split_header
from .modules import LoadError, read_source
from .templates import Template, Templates, TextChunks

_OFFERED = CONTEXT_NAMES | {"context", "response"}


class PageResponse:
    """The `response` of a page: frontmatter may set `response.status = 404`, for example.

    `response.stream = True` sends the page in chunks, while it is rendered.
    """

    __slots__ = ("headers", "status", "status_text", "stream")

    def __init__(self) -> None:
        self.status = 200
        self.status_text = ""
        self.headers = Headers()
        self.stream = False


def load_page(
    templates: Templates, path: Path, file: str, globals: dict[str, Any]
) -> tuple[Handlers, Mapping[str, Any]]:
    """Return the handlers of a page, and the names that belong to the file (`prerender`, ...).

    Raises `LoadError`, and any exception that the frontmatter's own statements raise.
    """
    content_type = page_type_of(path.stem if has_extension(path.stem) else "")
    source = read_source(path, file)
    if path.suffix == ".md":
        return _load_markdown(templates, source, file, content_type)
    code, text = split_frontmatter(source, file)
    template = templates.compile(text, path, file)
    globals.update(WEB_CLASSES)
    frontmatter = compile_frontmatter(code, str(path), file, _OFFERED, globals)
    handler = _make_handler(template, frontmatter, file, content_type)
    # A page that does not use the request shows the same for every method: allow GET only.
    uses_request = not {"context", "request"}.isdisjoint(frontmatter.names)
    return make_handlers({"ALL" if uses_request else "GET": handler}), frontmatter.file_names


def _load_markdown(
    templates: Templates, source: str, file: str, content_type: str
) -> tuple[Handlers, Mapping[str, Any]]:
    """Like `load_page`, for a `.md` file. The keys of its header are variables of the layout."""
    header, lines, text = split_header(source, file)
    for name in ("html", "prerender"):
        if not isinstance(header.get(name, False), bool):
            what = f"{name} is neither true nor false: {header[name]!r:.100}"
            raise LoadError(Mistake(f"{file}:{lines[name]}", what, "Write true or false."))
    if "content" in header:
        what = "content is reserved for the text below the header"
        raise LoadError(Mistake(f"{file}:{lines['content']}", what, "Choose another key."))
    file_names = {name: header[name] for name in ("prerender",) if name in header}
    content = templates.markdown.render(Markup(text) if header.get("html") else text)  # noqa: S704
    layout = None
    if "layout" in header:
        name, where = header["layout"], f"{file}:{lines['layout']}"
        if not isinstance(name, str):
            what = f"layout is not the name of a template: {name!r:.100}"
            raise LoadError(Mistake(where, what, 'Write, for example, "layouts/base.jinja".'))
        layout = templates.load(name, where)
    variables = {**header, "content": content}

    def handle(context: APIContext) -> Response:
        page = PageResponse()
        body: str = content
        if layout is not None:
            body = layout.render(context, {"response": page, **variables})
        return _make_response(body, content_type, page)

    return make_handlers({"GET": handle}), file_names


def _make_handler(
    template: Template, frontmatter: Frontmatter, file: str, content_type: str
) -> Callable[[APIContext], Response]:
    names = ["itself" if name == "context" else name for name in frontmatter.names]

    def handle(context: APIContext) -> Response:
        page = PageResponse()
        values = [page if name == "response" else getattr(context, name) for name in names]
        result = frontmatter.run(*values)
        if frontmatter.is_async:
            result = run(result)
        if type(result) is not Variables:
            return _check_error(to_response(result, context, f"{file}: the frontmatter"))
        result.setdefault("response", page)
        render = template.stream if page.stream else template.render
        return _make_response(render(context, result), content_type, page)

    return handle


def _check_error(response: Response) -> Response:
    """Return the response; a 404 or 500 with a null body becomes the site's error page."""
    if response.status in (404, 500) and response.body is None:
        raise default_exceptions[response.status]
    return response


def _make_response(body: str | TextChunks, content_type: str, page: PageResponse) -> Response:
    page.headers.setdefault("content-type", content_type)
    return Response(body, status=page.status, status_text=page.status_text, headers=page.headers)
