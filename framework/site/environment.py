"""The Jinja environment of a site: the names that templates find, and checks of what they use."""

from collections.abc import Callable
from pathlib import Path
from types import AsyncGeneratorType, BuiltinMethodType, CoroutineType, FunctionType, MethodType
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.loaders import split_template_path
from jinja2.runtime import Context
from jinja2.utils import missing
from markupsafe import escape

from ..context import CONTEXT_NAMES
from ..web.formdata import File, FormData
from ..web.headers import Headers
from ..web.loop import run
from ..web.request import Request
from ..web.response import Response
from ..web.search_params import URLSearchParams
from ..web.url import URL
from .frontmatter import has_frontmatter
from .markdown import Markdown
from .page_files import is_ignored

CONTEXT_KEY = "the request's context"  # not an identifier, so no variable can have this name
WEB_CLASSES = {
    cls.__name__: cls for cls in (File, FormData, Headers, Request, Response, URL, URLSearchParams)
}
_FRONTMATTER = "only a page may begin with ---: move this code to the page, and pass its values on"
_VALUE_FILTER = "value of an attribute"  # not an identifier, so no template can use this name
_CHECKED: dict[type[nodes.Node], str] = {  # the expressions that need a value, by their field
    nodes.CondExpr: "test",
    nodes.Filter: "node",
    nodes.For: "iter",
    nodes.Getitem: "node",
    nodes.If: "test",
    nodes.Not: "node",
}
_ASYNC_TYPES = (CoroutineType, AsyncGeneratorType)
_METHOD_TYPES = (BuiltinMethodType, MethodType, FunctionType)
_NOT_SHOWN = frozenset(_ASYNC_TYPES + _METHOD_TYPES)
_DICT_NAMES = frozenset(dir(dict))


def make_environment(source: Path, markdown: Markdown) -> jinja2.Environment:
    """Return the environment of the templates in the folder `source`."""
    environment = _Environment(
        loader=_Loader(source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_check_shown,
        auto_reload=False,
        cache_size=-1,
        keep_trailing_newline=True,
    )
    for name, function in environment.filters.items():
        # Jinja wraps a function that has an async variant. Calling the wrapper takes longer than
        # what most of these filters do.
        if hasattr(function, "jinja_async_variant"):
            environment.filters[name] = function.__wrapped__
    environment.filters["markdown"] = markdown.render
    environment.filters[_VALUE_FILTER] = _check_value
    environment.globals.update(WEB_CLASSES)
    return environment


def normalize_name(name: str) -> str:
    """Remove redundant slashes from the name; return `""` if it leads out of `src` or is ignored."""
    try:
        parts = split_template_path(name)
    except jinja2.TemplateNotFound:
        return ""
    return "" if any(map(is_ignored, parts)) else "/".join(parts)


class _Context(Context):
    """The names of a template, which include those of the `APIContext`."""

    def __init__(
        self, environment: jinja2.Environment, parent: dict[str, Any], *args: Any, **options: Any
    ) -> None:
        super().__init__(environment, parent, *args, **options)
        if CONTEXT_KEY in parent:  # imported templates get globals, so they get this too
            self.globals_keys.add(CONTEXT_KEY)

    def resolve_or_missing(self, key: str) -> Any:
        value = super().resolve_or_missing(key)
        if value is missing and CONTEXT_KEY in self.parent:
            if key in CONTEXT_NAMES:
                return getattr(self.parent[CONTEXT_KEY], key)
            if key == "context":
                return self.parent[CONTEXT_KEY]
        return _check_async(value)

    def call(self, function: Any, /, *args: Any, **options: Any) -> Any:
        value = super().call(function, *args, **options)
        if type(value) is CoroutineType and CONTEXT_KEY in self.parent:
            return run(value)
        return _check_async(value)


class _CodeGenerator(CodeGenerator):
    """Compiles templates so that a method is not taken for a value: `{% for x in cart.items %}`.

    `{{ }}` is one call, which checks and escapes the value.
    """

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802
        for parent in list(node.find_all(tuple(_CHECKED))):
            field = _CHECKED[type(parent)]
            value = getattr(parent, field)
            if isinstance(value, nodes.Getattr):
                checked = nodes.Filter(
                    value, _VALUE_FILTER, [], [], None, None, lineno=parent.lineno
                )
                setattr(parent, field, checked)
        super().visit_Template(node, frame)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile:
            self.write("environment.show((")  # Jinja closes both parentheses
        else:
            super()._output_child_pre(node, frame, finalize)


class _Environment(jinja2.Environment):
    """An environment in which a template has one name: Jinja caches templates by their names."""

    code_generator_class = _CodeGenerator
    context_class = _Context

    def join_path(self, template: str, parent: str) -> str:
        """Return the name of a template to which the template `parent` refers."""
        return normalize_name(template) or template

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return `obj.attribute` in a template. For a key of a dict no exception is caught."""
        if type(obj) is dict and attribute in obj and attribute not in _DICT_NAMES:
            return obj[attribute]
        return super().getattr(obj, attribute)

    @staticmethod
    def show(value: Any) -> str:
        """Return the text of `{{ value }}`, escaped for HTML.

        Text without special characters, which most values are, is not copied to a `Markup`.
        """
        kind = type(value)
        if kind is int:
            return str(value)
        if kind is str and not (
            "&" in value or "<" in value or ">" in value or '"' in value or "'" in value
        ):
            return value  # type: ignore[no-any-return]
        return escape(_check_shown(value))


class _Loader(jinja2.FileSystemLoader):
    """Loads the templates that others refer to. Only pages may have frontmatter."""

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        if normalize_name(template) != template:
            raise jinja2.TemplateNotFound(template)
        source, path, is_current = super().get_source(environment, template)
        if has_frontmatter(source):
            raise jinja2.TemplateSyntaxError(_FRONTMATTER, 1, template, path)
        return source, path, is_current


def _check_async(value: Any) -> Any:
    """Return the value. Raises `TypeError` if it is a coroutine or an async generator."""
    if type(value) not in _ASYNC_TYPES:
        return value
    if isinstance(value, CoroutineType):
        value.close()  # otherwise Python warns that it was never awaited
        raise TypeError(f"{value.__name__}() was not awaited. Write: await {value.__name__}(...)")
    what = f"{value.__name__}() is an async generator, which a template cannot iterate"
    raise TypeError(f"{what}. Make a list in the frontmatter: [item async for item in ...]")


def _check_value(value: Any) -> Any:
    """Return the value of an attribute. Raises `TypeError` if it is a method."""
    if type(value) not in _METHOD_TYPES:
        return value
    name: str = value.__name__
    owner: Any = getattr(value, "__self__", None)
    if hasattr(owner, "keys") and name in owner:
        remedy = f'Write ["{name}"] for the value of this key, or .{name}() to call the method.'
    else:
        remedy = f"Write {name}(...) to call it."
    what = "a function" if owner is None else f"a method of {type(owner).__name__}"
    raise TypeError(f"{name} is {what}, not a value. {remedy}")


def _check_shown(value: Any) -> Any:
    """Return the value of `{{ }}`. Raises `TypeError` if it is a method or a coroutine."""
    return _check_async(_check_value(value)) if type(value) in _NOT_SHOWN else value
