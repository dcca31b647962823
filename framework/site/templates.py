"""The Jinja templates of a site: compiled and checked at start-up, rendered per request.

A template sees its variables, the globals of `src/jinja.py`, and every name of the request's
`APIContext`. So do the templates that it imports and includes, except for the variables.
"""

import ast
import difflib
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import jinja2
from jinja2 import nodes
from jinja2.loaders import split_template_path
from jinja2.runtime import Context
from jinja2.utils import missing

from ..context import CONTEXT_NAMES, APIContext
from ..errors import Mistake
from ..static.types import page_type_of
from ..web.response import Response
from .frontmatter import has_frontmatter
from .markdown import Markdown
from .modules import LoadError, read_source
from .page_files import is_ignored, walk_files

_FOLDERS = ("layouts", "components")
_RENDERED = ("layouts/", "components/", "pages/")
_CONTEXT_KEY = "the request's context"  # not an identifier, so no variable can have this name
_REFERENCES = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)
_ADDITIONS = ("filters", "globals", "tests")
_REMEDY = 'Write: filters = {"price": format_price}. The same goes for globals and tests.'
_FRONTMATTER = "only a page may begin with ---: move this code to the page, and pass its values on"
_CHUNK_SIZE = 8 * 1024  # characters; smaller chunks cost more than they gain


class _Context(Context):
    """The names of a template, which include those of the `APIContext`."""

    def __init__(
        self, environment: jinja2.Environment, parent: dict[str, Any], *args: Any, **options: Any
    ) -> None:
        super().__init__(environment, parent, *args, **options)
        if _CONTEXT_KEY in parent:  # imported templates get globals, so they get this too
            self.globals_keys.add(_CONTEXT_KEY)

    def resolve_or_missing(self, key: str) -> Any:
        value = super().resolve_or_missing(key)
        if value is missing and _CONTEXT_KEY in self.parent:
            if key in CONTEXT_NAMES:
                return getattr(self.parent[_CONTEXT_KEY], key)
            if key == "context":
                return self.parent[_CONTEXT_KEY]
        return value


class _Environment(jinja2.Environment):
    """An environment in which a template has one name: Jinja caches templates by their names."""

    def join_path(self, template: str, parent: str) -> str:
        """Return the name of a template to which the template `parent` refers."""
        return _normalize(template) or template


class _Loader(jinja2.FileSystemLoader):
    """Loads the templates that others refer to. Only pages may have frontmatter."""

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        if _normalize(template) != template:
            raise jinja2.TemplateNotFound(template)
        source, path, is_current = super().get_source(environment, template)
        if has_frontmatter(source):
            raise jinja2.TemplateSyntaxError(_FRONTMATTER, 1, template, path)
        return source, path, is_current


class Template:
    """A compiled template."""

    def __init__(self, template: jinja2.Template) -> None:
        self._template = template

    def render(self, context: APIContext, variables: Mapping[str, Any]) -> str:
        """Return the text of the template with these variables and the names of `context`."""
        return self._template.render({_CONTEXT_KEY: context, **variables})

    def stream(self, context: APIContext, variables: Mapping[str, Any]) -> "TextChunks":
        """Return the same text in chunks, which are rendered while they are sent."""
        pieces = self._template.generate({_CONTEXT_KEY: context, **variables})
        return TextChunks(cast("Generator[str, None, None]", pieces))


class TextChunks:
    """The text of a generator, joined to chunks of at least `_CHUNK_SIZE` characters.

    The first chunk is rendered at once, so that an error in it can still become an error page.
    """

    def __init__(self, pieces: Generator[str, None, None]) -> None:
        self._pieces = pieces
        self._first = self._join_next()

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
        self._checked: set[str] = set()
        self._environment = _Environment(
            loader=_Loader(self._source),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            auto_reload=False,
            cache_size=-1,
            keep_trailing_newline=True,
        )
        self._environment.context_class = _Context
        self._environment.filters["markdown"] = markdown.render

    def add(self, names: Mapping[str, Any], source: str, file: str) -> list[Mistake]:
        """Add the filters, globals and tests of `src/jinja.py`; return the mistakes in them.

        `names` are the names of the module, `source` is its text.
        """
        lines = _find_lines(source)
        mistakes = []
        for kind in _ADDITIONS:
            added = names.get(kind, {})
            where = f"{file}:{lines.get((kind, None), 1)}"
            if not isinstance(added, dict):
                mistakes.append(Mistake(where, f"{kind} is not a dict: {added!r:.100}", _REMEDY))
                continue
            for name, value in added.items():
                problem = _find_problem(kind, name, value)
                if problem:
                    line = lines.get((kind, name))
                    mistakes.append(Mistake(f"{file}:{line}" if line else where, *problem))
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
        """Load the template `name`, to which the line `where` refers.

        Raises `LoadError`, without mistakes if an earlier check has reported them.
        """
        mistakes = self._check_reference(name, where)
        if mistakes:
            raise LoadError(*mistakes)
        try:
            return Template(self._environment.get_template(_normalize(name)))
        except (jinja2.TemplateSyntaxError, UnicodeDecodeError, OSError) as error:
            raise LoadError from error

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
        if name in self._checked:
            return []
        self._checked.add(name)
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
        return mistakes

    def _check_reference(self, name: str, where: str) -> list[Mistake]:
        normal = _normalize(name)
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
            path.relative_to(self._source).as_posix()
            for path in walk_files(folder, self._root)
            if path.suffix == ".jinja" and not path.is_dir()
        ]


def _normalize(name: str) -> str:
    """Remove redundant slashes from the name; return `""` if it leads out of `src` or is ignored."""
    try:
        parts = split_template_path(name)
    except jinja2.TemplateNotFound:
        return ""
    return "" if any(map(is_ignored, parts)) else "/".join(parts)


def _syntax_mistake(error: jinja2.TemplateSyntaxError, file: str) -> Mistake:
    return Mistake(f"{file}:{error.lineno}", error.message or "invalid syntax")


def _find_problem(kind: str, name: object, value: object) -> tuple[str, str] | None:
    """Return what is wrong with one filter, global or test, and the remedy; `None` if valid."""
    if not isinstance(name, str) or not name.isidentifier():
        return f"{kind} has the key {name!r:.100}", "A key is a name: letters, digits and _."
    if kind != "globals":
        what = f"{kind}[{name!r}] is not a function: {value!r:.100}"
        return None if callable(value) else (what, "Set it to a function.")
    if name in CONTEXT_NAMES or name in ("context", "response"):
        return f"globals has {name!r}, which is a name of the context", "Choose another name."
    return None


def _find_lines(source: str) -> dict[tuple[str, object], int]:
    """Return the line of each assigned name, as `(name, None)`, and of each key of its dict."""
    lines: dict[tuple[str, object], int] = {}
    for node in ast.parse(source).body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name):
                lines[target.id, None] = node.lineno
                for key in node.value.keys if isinstance(node.value, ast.Dict) else ():
                    if isinstance(key, ast.Constant):
                        lines[target.id, key.value] = key.lineno
    return lines
