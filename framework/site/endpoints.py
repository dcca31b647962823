"""What does an endpoint file answer to each method?

Start-up binds each handler to the parts of the context that its parameters name; a request
looks its method up and calls what it finds.
"""

import difflib
import inspect
import re
import symtable
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from types import ModuleType
from typing import Any

from werkzeug.exceptions import MethodNotAllowed

from ..context import CONTEXT_NAMES, APIContext
from ..errors import HandlerError, Mistake
from ..middleware import Handler
from ..web.response import Response

_SESSIONS_ON = "Turn them on in framework.config.py: config = Config(session=Sessions())"
_METHOD = re.compile(r"[A-Z][A-Z0-9_]*")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Handlers:
    """What a file answers: `answers` by method, `other` for every method without its own.

    `methods` is what `Allow` says; with `takes_all` there is an answer to every other one too.
    """

    by_method: dict[str, Handler]
    other: Handler
    methods: tuple[str, ...]
    takes_all: bool = False

    def get(self, method: str) -> Handler:
        """What answers the method."""
        return self.by_method.get(method) or self.other

    def wrap(self, change: Callable[[Handler], Handler]) -> "Handlers":
        """The same with each answer changed."""
        answers = {method: change(answer) for method, answer in self.by_method.items()}
        return Handlers(answers, change(self.other), self.methods, self.takes_all)


def load_handlers(
    module: ModuleType, place: str, *, sessions: bool = True
) -> tuple[Handlers, list[Mistake]]:
    """The handlers of an endpoint's module, and what is wrong with them.

    Without `sessions` it is wrong to ask for one.
    """
    answers: dict[str, Handler] = {}
    mistakes: list[Mistake] = []
    for name, function in find_handlers(module):
        answer, wrong = bind(function, name, place, sessions=sessions)
        mistakes += wrong
        answers[name] = answer
    return make_handlers(answers), mistakes


def make_handlers(answers: dict[str, Handler]) -> Handlers:
    """What a file answers to every method, from what it says itself (`ALL` among it)."""
    every = answers.pop("ALL", None)
    if "GET" in answers:
        answers.setdefault("HEAD", answers["GET"])
    methods = order_methods({*answers, "OPTIONS"} | ({*METHODS} if every else set()))
    if every is None:
        answers.setdefault("OPTIONS", _answer_options(methods))
    return Handlers(answers, every or refuse(methods), methods, every is not None)


def find_handlers(module: ModuleType) -> list[tuple[str, Callable[..., Any]]]:
    """(method, function) for each function in capitals that the file itself defines."""
    return [
        (name, value)
        for name, value in vars(module).items()
        if _METHOD.fullmatch(name)
        and callable(value)
        and not inspect.isclass(value)
        and (inspect.isroutine(value) or name in METHODS or name == "ALL")
        and (getattr(value, "__module__", None) == module.__name__ or _defines(module, name))
    ]


def order_methods(methods: set[str]) -> tuple[str, ...]:
    """Methods in the usual order, others by name behind them."""
    return (*(m for m in METHODS if m in methods), *sorted(methods.difference(METHODS)))


def bind(
    function: Callable[..., Any], name: str, place: str, *, sessions: bool
) -> tuple[Handler, list[Mistake]]:
    """The handler as a function of the context, and what is wrong with its parameters."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    where = f"{place}:{code.co_firstlineno}" if code else place
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        return refuse(()), [Mistake(where, f"{name} has no signature: {error}", "Use def.")]
    wrong = [
        Mistake(
            where,
            f'{name} asks for "{parameter.name}", which the context does not have',
            f"{_nearest(parameter)}A parameter is one of {', '.join(sorted(CONTEXT_NAMES))}, "
            "or context for the whole.",
        )
        for parameter in parameters
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        or not (_is_context(parameter) or parameter.name in CONTEXT_NAMES)
    ]
    if not sessions and any(p.name == "session" and not _is_context(p) for p in parameters):
        what, remedy = f'{name} asks for "session", but sessions are off', _SESSIONS_ON
        wrong.append(Mistake(where, what, remedy))
    if wrong:
        return refuse(()), wrong
    by_place = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    by_name = {p.name: _reader(p) for p in parameters if p.kind is p.KEYWORD_ONLY}
    return _bind(function, by_place, by_name, f"{where}: {name}"), []


def _nearest(parameter: inspect.Parameter) -> str:
    near = difflib.get_close_matches(parameter.name, CONTEXT_NAMES, 1)
    stars = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return f"Did you mean {near[0]}? " if near and not stars else ""


def _bind(
    function: Callable[..., Any],
    by_place: list[inspect.Parameter],
    by_name: dict[str, Callable[[APIContext], Any]],
    where: str,
) -> Handler:
    # One function for each shape: what a handler doesn't name costs nothing per request.
    if by_name:
        readers = [_reader(p) for p in by_place]

        def answer(context: APIContext) -> Response:
            keywords = {name: read(context) for name, read in by_name.items()}
            result = function(*[read(context) for read in readers], **keywords)
            return result if type(result) is Response else to_response(result, context, where)

    elif not by_place:

        def answer(context: APIContext) -> Response:
            result = function()
            return result if type(result) is Response else to_response(result, context, where)

    elif len(by_place) == 1 and _is_context(by_place[0]):

        def answer(context: APIContext) -> Response:
            result = function(context)
            return result if type(result) is Response else to_response(result, context, where)

    elif len(by_place) == 1:
        read = _reader(by_place[0])

        def answer(context: APIContext) -> Response:
            result = function(read(context))
            return result if type(result) is Response else to_response(result, context, where)

    else:
        read = attrgetter(*["_itself" if _is_context(p) else p.name for p in by_place])

        def answer(context: APIContext) -> Response:
            result = function(*read(context))
            return result if type(result) is Response else to_response(result, context, where)

    return answer


def to_response(result: Any, context: APIContext, where: str) -> Response:
    """The `Response` of a handler that didn't return one at once: an awaitable's, or an error."""
    if not isinstance(result, Response) and inspect.isawaitable(result):
        result = context.run(result)
    if isinstance(result, Response):
        return result
    returned = "None" if result is None else type(result).__name__
    raise HandlerError(
        f"{where} returned {returned}; a handler returns a Response. "
        "End it with: return Response.json(...)"
    )


def _reader(parameter: inspect.Parameter) -> Callable[[APIContext], Any]:
    return attrgetter("_itself" if _is_context(parameter) else parameter.name)


def _is_context(parameter: inspect.Parameter) -> bool:
    note = parameter.annotation
    return (
        parameter.name == "context"
        or note is APIContext
        or (isinstance(note, str) and note.strip("\"'").rpartition(".")[2] == "APIContext")
    )


def _defines(module: ModuleType, name: str) -> bool:
    """Whether the file itself binds the name, by `def` or assignment rather than import.

    A decorator that doesn't use `functools.wraps` hides where a function was written.
    """
    table = symtable.symtable(inspect.getsource(module), str(module.__file__), "exec")
    return any(
        symbol.get_name() == name and symbol.is_assigned() and not symbol.is_imported()
        for symbol in table.get_symbols()
    )


def _answer_options(methods: tuple[str, ...]) -> Handler:
    allow = ", ".join(methods)
    return lambda context: Response(None, status=204, headers={"allow": allow})


def refuse(methods: tuple[str, ...]) -> Handler:
    """Answers 405, with `methods` as `Allow`."""

    def answer(context: APIContext) -> Response:
        raise MethodNotAllowed(valid_methods=methods)

    return answer
