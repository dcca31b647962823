"""The Jinja templates of a site: compiled and checked at start-up, rendered per request.

A template sees its variables, the globals of `src/jinja.py`, and every name of the request's
`APIContext`. So do the templates that it imports and includes, except for the variables.
"""

import difflib
import inspect
import os
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import jinja2
from jinja2 import nodes

from ..context import CONTEXT_NAMES, APIContext
from ..errors import Mistake
from ..static.types import page_type_of
from ..web.response import Response
from .environment import CONTEXT_KEY, make_environment, normalize_name
from .markdown import Markdown
from .modules import LoadError, read_source
from .page_files import walk_files

_FOLDERS = ("layouts", "components")
_RENDERED = ("layouts/", "components/", "pages/")
_REFERENCES = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)
_ADDITIONS = ("filters", "globals", "tests")
_REMEDY = 'Write: filters = {"price": format_price}. The same goes for globals and tests.'
_CHUNK_SIZE = 8 * 1024  # characters; smaller chunks cost more than they gain


class Template:
    """A compiled template."""

    def __init__(self, template: jinja2.Template) -> None:
        self._template = template

    def render(self, context: APIContext, variables: Mapping[str, Any]) -> str:
        """Return the text of the template with these variables and the names of `context`."""
        return _strip_before_xml(self._template.render({CONTEXT_KEY: context, **variables}))

    def stream(self, context: APIContext, variables: Mapping[str, Any]) -> "TextChunks":
        """Return the same text in chunks, which are rendered while they are sent."""
        pieces = self._template.generate({CONTEXT_KEY: context, **variables})
        return TextChunks(cast("Generator[str, None, None]", pieces))


class TextChunks:
    """The text of a generator, joined to chunks of at least `_CHUNK_SIZE` characters.

    The first chunk is rendered at once, so that an error in it can still become an error page.
    """

    def __init__(self, pieces: Generator[str, None, None]) -> None:
        self._pieces = pieces
        self._first = _strip_before_xml(self._join_next())

    def __iter__(self) -> Iterator[str]:
        chunk = self._first
        while chunk:
            yield chunk
            chunk = self._join_next()

    def close(self) -> None:
        """Close the generator."""
        self._pieces.close()

    def _join_next(self) -> str:
        """Return the next chunk, `""` at the end."""
        pieces: list[str] = []
        size = 0
        for piece in self._pieces:
            pieces.append(piece)
            size += len(piece)
            if size >= _CHUNK_SIZE:
                break
        return "".join(pieces)


class Templates:
    """The templates of the site in `root`. Their names are relative to `src/`."""

    def __init__(self, root: Path, markdown: Markdown) -> None:
        self.markdown = markdown
        self._root = root
        self._source = root / "src"
        self._mistakes: dict[str, list[Mistake]] = {}
        self._environment = make_environment(self._source, markdown)

    def add(self, names: Mapping[str, Any], lines: Mapping[str, int], file: str) -> list[Mistake]:
        """Add the filters, globals and tests of `src/jinja.py`; return the mistakes in them.

        `names` are the names of the module, `lines` those that it assigns, with their lines.
        """
        mistakes = []
        for kind in _ADDITIONS:
            added = names.get(kind, {})
            where = f"{file}:{lines.get(kind, 1)}"
            if not isinstance(added, dict):
                mistakes.append(Mistake(where, f"{kind} is not a dict: {added!r:.100}", _REMEDY))
                continue
            problems = [_find_problem(kind, name, value) for name, value in added.items()]
            mistakes += [Mistake(where, *problem) for problem in problems if problem]
            getattr(self._environment, kind).update(added)
        if names.keys().isdisjoint(_ADDITIONS):
            mistakes.append(Mistake(file, "defines no filters, globals or tests", _REMEDY))
        return mistakes

    def check(self) -> list[Mistake]:
        """Compile every layout and component; return the mistakes in them.

        Raises `OSError` for a folder that cannot be read.
        """
        return [
            mistake
            for folder in _FOLDERS
            for name in self._list_names(self._source / folder)
            for mistake in self._check_template(name)
        ]

    def compile(self, source: str, path: Path, file: str) -> Template:
        """Compile the template of a page; raise `LoadError`, also for what it refers to."""
        environment = self._environment
        try:
            tree = environment.parse(source, file, str(path))
            code = environment.compile(tree, file, str(path))
        except jinja2.TemplateSyntaxError as error:
            raise LoadError(_syntax_mistake(error, file)) from error
        mistakes = self._check_references(tree, file)
        if mistakes:
            raise LoadError(*mistakes)
        globals = environment.make_globals(None)
        return Template(environment.template_class.from_code(environment, code, globals))

    def load(self, name: str, where: str) -> Template:
        """Load the template `name`, to which the line `where` refers; raise `LoadError`."""
        mistakes = self._check_reference(name, where)
        if mistakes:
            raise LoadError(*mistakes)
        return Template(self._environment.get_template(normalize_name(name)))

    def render(self, context: APIContext, name: str, variables: Mapping[str, Any]) -> Response:
        """Respond with the template `name`, a file in one of the folders for templates.

        Raises `jinja2.TemplateNotFound` if it does not exist, or if its name has another spelling.
        """
        try:
            if not (name.endswith(".jinja") and name.startswith(_RENDERED)):
                raise jinja2.TemplateNotFound(name)
            template = self._environment.get_template(name)
        except jinja2.TemplateNotFound:
            where = "src/layouts, src/components or src/pages"
            text = f'The template "{name}" does not exist in {where}. '
            text += self._suggest(name, *_RENDERED)
            raise jinja2.TemplateNotFound(name, text) from None
        text = Template(template).render(context, variables)
        content_type = page_type_of(name.removesuffix(".jinja"))
        return Response(text, headers={"content-type": content_type})

    def _check_template(self, name: str) -> list[Mistake]:
        """Compile an existing template once; return the mistakes in it and in its references."""
        if name not in self._mistakes:
            self._mistakes[name] = []  # for templates that refer to each other
            self._mistakes[name] = self._find_mistakes(name)
        return self._mistakes[name]

    def _find_mistakes(self, name: str) -> list[Mistake]:
        path = self._source / name
        file = path.relative_to(self._root).as_posix()
        try:
            tree = self._environment.parse(read_source(path, file))
            self._environment.get_template(name)
        except LoadError as error:
            return list(error.mistakes)
        except jinja2.TemplateSyntaxError as error:
            return [_syntax_mistake(error, file)]
        return self._check_references(tree, file)

    def _check_references(self, tree: nodes.Template, file: str) -> list[Mistake]:
        """Check the templates whose names a template contains, except optional ones."""
        mistakes = []
        for node in tree.find_all(_REFERENCES):
            name: nodes.Expr = node.template  # type: ignore[attr-defined]
            optional = isinstance(node, nodes.Include) and node.ignore_missing
            if isinstance(name, nodes.Const) and not optional:
                mistakes += self._check_reference(str(name.value), f"{file}:{node.lineno}")
        return list(dict.fromkeys(mistakes))

    def _check_reference(self, name: str, where: str) -> list[Mistake]:
        normal = normalize_name(name)
        if (self._source / normal).is_file():
            return self._check_template(normal)
        what = f'the template "{name}" does not exist in src'
        return [Mistake(where, what, self._suggest(name, ""))]

    def _suggest(self, name: str, *folders: str) -> str:
        names = [name for folder in folders for name in self._list_names(self._source / folder)]
        nearest = difflib.get_close_matches(name, names, 1)
        if nearest:
            return f'Did you mean "{nearest[0]}"?'
        return 'Write the path from src on, as in "layouts/base.jinja".'

    def _list_names(self, folder: Path) -> list[str]:
        return [
            Path(entry.path).relative_to(self._source).as_posix()
            for entry in walk_files(folder, self._root)
            if entry.name.endswith(".jinja") and not os.path.isdir(entry.path)
        ]


def _strip_before_xml(text: str) -> str:
    """Remove what `{% import %}` lines leave before `<?xml`, where XML allows no white space."""
    if text[:1].isspace():
        stripped = text.lstrip()
        if stripped.startswith("<?xml"):
            return stripped
    return text


def _syntax_mistake(error: jinja2.TemplateSyntaxError, file: str) -> Mistake:
    return Mistake(f"{file}:{error.lineno}", error.message or "invalid syntax")


def _find_problem(kind: str, name: object, value: object) -> tuple[str, str] | None:
    """Return what is wrong with one filter, global or test, and the remedy; `None` if valid."""
    if not isinstance(name, str) or not name.isidentifier():
        return f"{kind} has the key {name!r:.100}", "A key is a name: letters, digits and _."
    if kind != "globals":
        if inspect.iscoroutinefunction(value):
            what = f"{kind}[{name!r}] is an async function"
            return what, "Make it a plain function, or a global, which templates await."
        what = f"{kind}[{name!r}] is not a function: {value!r:.100}"
        return None if callable(value) else (what, "Set it to a function.")
    if name in CONTEXT_NAMES or name in ("context", "response"):
        return f"globals has {name!r}, which is a name of the context", "Choose another name."
    return None
