"""Endpoint files: the handlers of a module, bound to what their parameters name.

Start-up binds each handler to the parts of the context that its parameters name. A request calls
the handler of its method with them.
"""

import ast
import inspect
import io
import re
import symtable
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator, Iterator
from functools import lru_cache
from operator import attrgetter
from types import FunctionType, ModuleType
from typing import Any

import werkzeug
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ..context import CONTEXT_NAMES, APIContext
from ..errors import HandlerError, Mistake, locate
from ..options import did_you_mean
from ..route import Handler, Handlers
from ..web.formdata import File, FormData
from ..web.loop import run
from ..web.response import Response
from ..web.search_params import URLSearchParams
from .near_misses import find_misnamed_settings, find_near, find_setting

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_is_method = re.compile(r"[A-Z][A-Z0-9_]*").fullmatch
_HAS_STAR = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
_TURN_SESSIONS_ON = "Turn them on in framework.config.py: config = Config(session=Sessions())"


def load_handlers(
    module: ModuleType, file: str, *, sessions: bool = True
) -> tuple[Handlers, list[Mistake]]:
    """Return the handlers of an endpoint's module, and the mistakes in them.

    `sessions` says whether a handler may ask for the session.
    """
    by_method: dict[str, Handler] = {}
    mistakes: list[Mistake] = []
    for name, function in find_handlers(module):
        by_method[name], wrong = bind(function, name, file, sessions=sessions)
        mistakes += wrong
    mistakes += _find_misnamed_handlers(module, by_method, file)
    if any(map(find_setting, vars(module))):
        mistakes += find_misnamed_settings(ast.parse(inspect.getsource(module)), file)
    return make_handlers(by_method), mistakes


def _find_misnamed_handlers(
    module: ModuleType, by_method: Collection[str], file: str
) -> Iterator[Mistake]:
    """Yield the handlers whose names are similar to those of methods that the file lacks."""
    handled = {*by_method, "HEAD"} if "GET" in by_method else {*by_method}
    for name in handled.difference(METHODS):
        meant = find_near(name, (method for method in METHODS if method not in handled))
        if meant is not None:
            what = f"{name} is not a standard method"
            yield Mistake(locate(getattr(module, name), file), what, f"Did you mean {meant}?")
    if handled:
        return
    for name, value in vars(module).items():
        method = name.upper()
        if name != method and method in (*METHODS, "ALL") and inspect.isfunction(value):
            what = f"{name} is not a handler, because it is not in capitals"
            yield Mistake(locate(value, file), what, f"Rename it to {method}.")
            return
    hooks = {"on_request": "_middleware.py", "on_error": "_error.py"}
    remedies = [f"Rename it to {name}." for hook, name in hooks.items() if hasattr(module, hook)]
    remedies.append("Define GET, or begin the file's name with _.")
    yield Mistake(file, "defines no handler", remedies[0])


def make_handlers(by_method: dict[str, Handler]) -> Handlers:
    """Return handlers for every method, made of those that a file defines (`ALL` among them).

    HEAD runs GET, OPTIONS is 204, any other method without a handler is 405.
    """
    by_method = dict(by_method)
    handle_all = by_method.pop("ALL", None)
    if "GET" in by_method:
        by_method.setdefault("HEAD", by_method["GET"])
    methods = _list_allowed(frozenset(by_method), takes_all=handle_all is not None)
    if handle_all is None:
        by_method.setdefault("OPTIONS", _options(methods))
    other = handle_all or method_not_allowed(methods)
    return Handlers(by_method, other, methods, handle_all is not None)


# Many routes have the same methods. They share what follows from these.
@lru_cache(maxsize=256)
def _list_allowed(names: frozenset[str], *, takes_all: bool) -> tuple[str, ...]:
    return sort_methods({*names, "OPTIONS"} | ({*METHODS} if takes_all else set()))


def find_handlers(module: ModuleType) -> list[tuple[str, Callable[..., Any]]]:
    """Return (method, function) for each upper-case function that the file itself defines."""
    return [
        (name, value)
        for name, value in vars(module).items()
        if _is_method(name)
        and callable(value)
        and not inspect.isclass(value)
        and (inspect.isroutine(value) or name in METHODS or name == "ALL")
        and (getattr(value, "__module__", None) == module.__name__ or _defines(module, name))
    ]


def sort_methods(methods: set[str]) -> tuple[str, ...]:
    """Return the standard methods in their usual order, then the others by name."""
    return (*(m for m in METHODS if m in methods), *sorted(methods.difference(METHODS)))


@lru_cache(maxsize=256)
def method_not_allowed(methods: tuple[str, ...]) -> Handler:
    """Return a handler that raises 405, with `methods` as `Allow`."""

    def handler(context: APIContext) -> Response:
        raise MethodNotAllowed(valid_methods=methods)

    return handler


@lru_cache(maxsize=256)
def _options(methods: tuple[str, ...]) -> Handler:
    allow = ", ".join(methods)
    return lambda context: Response(None, status=204, headers={"allow": allow})


def bind(
    function: Callable[..., Any], name: str, file: str, *, sessions: bool
) -> tuple[Handler, list[Mistake]]:
    """Return the function as a handler of the context, and the mistakes in its parameters."""
    where = locate(function, file)
    refused = method_not_allowed(())
    try:
        parameters = read_parameters(function)
    except (TypeError, ValueError) as error:
        return refused, [Mistake(where, f"{name} has no readable signature: {error}", "Use def.")]
    wrong = []
    for parameter in parameters:
        has_star = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if has_star or not (_is_context(parameter) or parameter.name in CONTEXT_NAMES):
            what = f'{name} has a parameter "{parameter.name}", which the context does not have'
            hint = "" if has_star else did_you_mean(parameter.name, CONTEXT_NAMES)
            known = f"A parameter is one of {', '.join(sorted(CONTEXT_NAMES))}, or context for the whole context."
            wrong.append(Mistake(where, what, f"{hint} {known}".lstrip()))
    if not sessions and any(p.name == "session" and not _is_context(p) for p in parameters):
        what = f'{name} has a parameter "session", but sessions are off'
        wrong.append(Mistake(where, what, _TURN_SESSIONS_ON))
    if wrong:
        return refused, wrong
    return _make_handler(function, parameters, f"{where}: {name}"), []


def read_parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of `inspect.signature()`, quickly for a plain function.

    They are without their defaults. Raises `TypeError` and `ValueError` as `signature()` does.
    """
    is_plain = type(function) is FunctionType and not (
        hasattr(function, "__wrapped__") or hasattr(function, "__signature__")
    )
    if not is_plain or function.__code__.co_flags & _HAS_STAR:
        return list(inspect.signature(function).parameters.values())
    code, notes = function.__code__, function.__annotations__
    make, empty = inspect.Parameter, inspect.Parameter.empty
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return [
        make(
            name,
            make.POSITIONAL_OR_KEYWORD if number < code.co_argcount else make.KEYWORD_ONLY,
            annotation=notes.get(name, empty),
        )
        for number, name in enumerate(names)
    ]


def _make_handler(
    function: Callable[..., Any], parameters: list[inspect.Parameter], where: str
) -> Handler:
    """Make a handler for the kind of signature, so that a request only pays for what it names."""
    positional = [_attribute_of(p) for p in parameters if p.kind is not p.KEYWORD_ONLY]
    keywords = {
        p.name: attrgetter(_attribute_of(p)) for p in parameters if p.kind is p.KEYWORD_ONLY
    }
    if keywords:
        getters = [attrgetter(name) for name in positional]

        def handler(context: APIContext) -> Response:
            named = {name: get(context) for name, get in keywords.items()}
            result = function(*[get(context) for get in getters], **named)
            return result if type(result) is Response else to_response(result, context, where)

    elif not positional:

        def handler(context: APIContext) -> Response:
            result = function()
            return result if type(result) is Response else to_response(result, context, where)

    elif positional == [_WHOLE_CONTEXT]:

        def handler(context: APIContext) -> Response:
            result = function(context)
            return result if type(result) is Response else to_response(result, context, where)

    elif len(positional) == 1:
        get_value = attrgetter(positional[0])

        def handler(context: APIContext) -> Response:
            result = function(get_value(context))
            return result if type(result) is Response else to_response(result, context, where)

    else:
        get_values = attrgetter(*positional)

        def handler(context: APIContext) -> Response:
            result = function(*get_values(context))
            return result if type(result) is Response else to_response(result, context, where)

    return handler


def to_response(result: Any, context: APIContext, where: str) -> Response:
    """Return the `Response` of a handler that returned something else, such as a coroutine.

    Raises `HandlerError` if there is none.
    """
    if not isinstance(result, Response) and inspect.isawaitable(result):
        result = run(result)
    if isinstance(result, Response):
        return result
    returned = "None" if result is None else type(result).__name__
    raise HandlerError(
        f"{where} returned {returned}, but a handler returns a Response. {_advise(result)}"
    )


def _advise(result: Any) -> str:
    """Return what to write instead of returning this object."""
    match result:
        case None:
            return "Is a return missing? End it with: return Response(...)"
        case str():
            options = ', headers={"content-type": "text/html"}' if "<" in result else ""
            return f"End it with: return Response(text{options})"
        case bytes() | bytearray() | memoryview():
            return 'End it with: return Response(data, headers={"content-type": "image/png"})'
        case (body, int(status), *_) if isinstance(result, tuple):
            call = "Response(body" if isinstance(body, str | bytes) else "Response.json(data"
            return f"The status is an option: return {call}, status={status})"
        case HTTPException():
            return f"Raise it: raise {type(result).__name__}()"
        case werkzeug.Response():
            return (
                "That is a Response of Werkzeug or Flask. Copy it: return Response("
                "other.get_data(), status=other.status_code, headers=other.headers.items())"
            )
        case Generator() | AsyncGenerator():
            return "Move the yield to a function of its own: return Response(chunks())"
        case Awaitable():
            return "Await it: return await ..."
        case FormData() | URLSearchParams() | File() | io.IOBase() | Iterator():
            return "End it with: return Response(body)"
    return "End it with: return Response.json(...)"


_WHOLE_CONTEXT = "itself"


def _attribute_of(parameter: inspect.Parameter) -> str:
    """Return the attribute of the context that is the value of the parameter."""
    return _WHOLE_CONTEXT if _is_context(parameter) else parameter.name


def _is_context(parameter: inspect.Parameter) -> bool:
    note = parameter.annotation
    return (
        parameter.name == "context"
        or note is APIContext
        or (isinstance(note, str) and note.strip("\"'").rpartition(".")[2] == "APIContext")
    )


def _defines(module: ModuleType, name: str) -> bool:
    """Whether the file binds the name by `def` or assignment, not by import.

    This finds handlers whose decorator does not use `functools.wraps`.
    """
    table = symtable.symtable(inspect.getsource(module), str(module.__file__), "exec")
    return any(
        symbol.get_name() == name and symbol.is_assigned() and not symbol.is_imported()
        for symbol in table.get_symbols()
    )
