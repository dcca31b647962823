"""Where do a site's templates come from, and which names does a template find?

Its variables, the globals of `src/jinja.py`, and every name of the request's `APIContext`, in
what it imports and includes too.
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
from ..static.files import UNKNOWN_TYPE, content_type_of
from ..web.response import Response
from .markdown import markdown

_FOLDERS = ("layouts", "components")
_CONTEXT = "the request's context"  # where a template finds it: no variable has such a name
_REFERENCES = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)
_ADDITIONS = ("filters", "globals", "tests")
_REMEDY = 'Write: filters = {"price": format_price}, and globals and tests likewise.'
_CHUNK = 8 * 1024  # characters; below, sending costs more than it makes a page earlier


class TemplateError(Exception):
    """A template that can't be used; `mistakes` say where and why."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class _Context(Context):
    """Finds the names of the `APIContext` when a template asks for them."""

    def __init__(
        self,
        environment: jinja2.Environment,
        parent: dict[str, Any],
        name: str | None,
        blocks: dict[str, Callable[[Context], Iterator[str]]],
        globals: Any = None,
    ) -> None:
        super().__init__(environment, parent, name, blocks, globals)
        if _CONTEXT in parent:  # what is imported gets it, as it gets the globals
            self.globals_keys.add(_CONTEXT)

    def resolve_or_missing(self, key: str) -> Any:
        value = super().resolve_or_missing(key)
        if value is missing and _CONTEXT in self.parent:
            if key in CONTEXT_NAMES:
                return getattr(self.parent[_CONTEXT], key)
            if key == "context":
                return self.parent[_CONTEXT]
        return value


class _Environment(jinja2.Environment):
    context_class = _Context


class Template:
    """A template, compiled."""

    def __init__(self, template: jinja2.Template) -> None:
        self._template = template

    def render(self, context: APIContext, variables: Mapping[str, Any]) -> str:
        """Its text; the names of `context` are there beside the variables."""
        return self._template.render({_CONTEXT: context, **variables})

    def stream(self, context: APIContext, variables: Mapping[str, Any]) -> "Pieces":
        """Its text, in pieces that are made when they are asked for, but for the first."""
        pieces = self._template.generate({_CONTEXT: context, **variables})
        return Pieces(cast("Generator[str, None, None]", pieces))


class Pieces:
    """A text that comes in pieces of a size worth sending.

    The first is made at once: what goes wrong until then can still be answered as an error.
    """

    def __init__(self, pieces: Generator[str, None, None]) -> None:
        self._joined = _join(pieces)
        self._first = next(self._joined, "")

    def __iter__(self) -> Iterator[str]:
        yield self._first
        yield from self._joined

    def close(self) -> None:
        """Free what the template holds."""
        self._joined.close()


class Templates:
    """The site's templates. Names are relative to `src/`: `layouts/base.jinja`.

    `root` is the site's.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._source = root / "src"
        self._known: set[str] = set()  # looked through already
        self._environment = _Environment(
            loader=jinja2.FileSystemLoader(self._source),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            auto_reload=False,
            cache_size=-1,
            keep_trailing_newline=True,
        )
        self._environment.filters["markdown"] = markdown

    def add(self, names: Mapping[str, Any], source: str, file: str) -> list[Mistake]:
        """Give all templates what `src/jinja.py` defines; what is wrong with it.

        `names` are the module's, `source` is its text.
        """
        lines = _lines(source)
        mistakes = []
        for kind in _ADDITIONS:
            added = names.get(kind, {})
            if not isinstance(added, dict):
                where = f"{file}:{lines.get((kind, None), 1)}"
                mistakes.append(Mistake(where, f"{kind} is {added!r:.100}, no dict", _REMEDY))
                continue
            for name, value in added.items():
                what, remedy = _fault(kind, name, value)
                if what:
                    line = lines.get((kind, name)) or lines.get((kind, None), 1)
                    mistakes.append(Mistake(f"{file}:{line}", what, remedy))
            getattr(self._environment, kind).update(added)
        if names.keys().isdisjoint(_ADDITIONS):
            mistakes.append(Mistake(file, "defines no filters, globals or tests", _REMEDY))
        return mistakes

    def check(self) -> list[Mistake]:
        """Compile every layout and component; what is wrong with them."""
        return [
            mistake
            for folder in _FOLDERS
            for path in sorted((self._source / folder).rglob("*.jinja"))
            for mistake in self._look_through(path.relative_to(self._source).as_posix())
        ]

    def compile(self, source: str, path: Path, file: str) -> Template:
        """The template of a page. Raises `TemplateError`, also for what it refers to."""
        environment = self._environment
        try:
            tree = environment.parse(source, file, str(path))
            code = environment.compile(tree, file, str(path))
        except jinja2.TemplateSyntaxError as error:
            raise TemplateError([_syntax_mistake(error, file)]) from error
        mistakes = self._follow(tree, file)
        if mistakes:
            raise TemplateError(mistakes)
        globals = environment.make_globals(None)
        return Template(environment.template_class.from_code(environment, code, globals))

    def load(self, name: str, place: str) -> Template:
        """The template `name`, to which `place` refers.

        Raises `TemplateError`, without mistakes where they have been told already.
        """
        mistakes = self._refer(name, place)
        if mistakes:
            raise TemplateError(mistakes)
        try:
            return Template(self._environment.get_template(name))
        except (jinja2.TemplateSyntaxError, UnicodeDecodeError) as error:
            raise TemplateError([]) from error  # looked through before: its mistakes are known

    def render(self, context: APIContext, name: str, variables: Mapping[str, Any]) -> Response:
        """The response with the template `name`; raises `jinja2.TemplateNotFound`."""
        try:
            template = self._environment.get_template(name)
        except jinja2.TemplateNotFound:
            text = f'There is no template "{name}" below src. {self._advice(name)}'
            raise jinja2.TemplateNotFound(name, text) from None
        text = Template(template).render(context, variables)
        kind = page_type(name.removesuffix(".jinja"))
        return Response(text, headers={"content-type": kind})

    def names(self) -> set[str]:
        """Every template below `src`."""
        return set(self._environment.list_templates(extensions=["jinja"]))

    def referred(self, source: str) -> frozenset[str] | None:
        """The templates to which a template refers; `None` where one is only known when it is
        rendered.
        """
        names = set()
        for node in self._environment.parse(source).find_all(_REFERENCES):
            named: nodes.Expr = node.template  # type: ignore[attr-defined]
            for one in named.items if isinstance(named, (nodes.List, nodes.Tuple)) else [named]:
                if not isinstance(one, nodes.Const):
                    return None
                names.add(str(one.value))
        return frozenset(names)

    def used(self, names: frozenset[str] | None) -> set[str]:
        """These templates and all to which they refer; every one where that can't be told."""
        todo, found = list(names or ()), set[str]()
        while todo and names is not None:
            name = _inside(todo.pop())
            path = self._source / name
            if name in found or not path.is_file():
                continue
            found.add(name)
            try:
                names = self.referred(path.read_text(encoding="utf-8"))
            except (jinja2.TemplateSyntaxError, UnicodeDecodeError):  # nobody can render it
                names = frozenset()
            todo += names or ()
        return found if names is not None else self.names() | self._known

    def _look_through(self, name: str) -> list[Mistake]:
        """What is wrong with a template that is there, and with those that it refers to."""
        if name in self._known:
            return []
        self._known.add(name)
        file = (self._source / name).relative_to(self._root).as_posix()
        try:
            tree = self._environment.parse((self._source / name).read_text(encoding="utf-8"))
            self._environment.get_template(name)
        except jinja2.TemplateSyntaxError as error:
            return [_syntax_mistake(error, file)]
        except UnicodeDecodeError as error:
            return [Mistake(file, f"is not UTF-8: {error}", "Save it as UTF-8.")]
        return self._follow(tree, file)

    def _follow(self, tree: nodes.Template, file: str) -> list[Mistake]:
        """What is wrong with the templates that one refers to by name."""
        mistakes = []
        for node in tree.find_all(_REFERENCES):
            named: nodes.Expr = node.template  # type: ignore[attr-defined]
            optional = isinstance(node, nodes.Include) and node.ignore_missing
            if isinstance(named, nodes.Const) and not optional:
                mistakes += self._refer(str(named.value), f"{file}:{node.lineno}")
        return mistakes

    def _refer(self, name: str, place: str) -> list[Mistake]:
        inside = _inside(name)
        if (self._source / inside).is_file():
            return self._look_through(inside)
        what = f'there is no template "{name}" below src'
        return [Mistake(place, what, self._advice(name))]

    def _advice(self, name: str) -> str:
        names = self._environment.list_templates(extensions=["jinja"])
        nearest = difflib.get_close_matches(name, names, 1)
        if nearest:
            return f'Did you mean "{nearest[0]}"?'
        return 'A name is the path from src on, as in "layouts/base.jinja".'


def page_type(name: str) -> str:
    """The content type that a page's name says: HTML unless it has an extension that is known.

    >>> page_type("feed.xml"), page_type("v1.0")
    ('text/xml;charset=UTF-8', 'text/html;charset=UTF-8')
    """
    guess = content_type_of(name)
    return "text/html;charset=UTF-8" if guess == UNKNOWN_TYPE else guess


def _inside(name: str) -> str:
    """The one spelling of a template's name; `""` for one that would lead out of src."""
    try:
        return "/".join(split_template_path(name))
    except jinja2.TemplateNotFound:
        return ""


def _syntax_mistake(error: jinja2.TemplateSyntaxError, file: str) -> Mistake:
    return Mistake(f"{file}:{error.lineno}", error.message or "can't be read")


def _fault(kind: str, name: object, value: object) -> tuple[str, str]:
    """What is wrong with one filter, global or test, and what to do; `""` if nothing is."""
    if not isinstance(name, str) or not name.isidentifier():
        return f"{kind} has {name!r:.100}, which is no name", "Begin it with a letter, no blanks."
    if kind != "globals":
        if callable(value):
            return "", ""
        return f"{kind}[{name!r}] is {value!r:.100}, no function", "Give the function itself."
    if name in CONTEXT_NAMES or name in ("context", "response"):
        return f"globals has {name!r}, which is the context's", "Give it another name."
    return "", ""


def _lines(source: str) -> dict[tuple[str, object], int]:
    """The line of each name that a module assigns, and of each key in a dict that it writes."""
    lines: dict[tuple[str, object], int] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                lines[target.id, None] = node.lineno
                for key in node.value.keys if isinstance(node.value, ast.Dict) else ():
                    if isinstance(key, ast.Constant):
                        lines[target.id, key.value] = key.lineno
    return lines


def _join(pieces: Generator[str, None, None]) -> Generator[str, None, None]:
    try:
        waiting: list[str] = []
        length = 0
        for piece in pieces:
            waiting.append(piece)
            length += len(piece)
            if length >= _CHUNK:
                yield "".join(waiting)
                waiting.clear()
                length = 0
        if waiting:
            yield "".join(waiting)
    finally:
        pieces.close()
