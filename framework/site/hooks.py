"""The functions of a site that the framework calls by their name: `on_request` and `on_error`."""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..errors import Mistake, locate
from .modules import LoadError
from .near_misses import find_near

_HOOKS = {"on_request": ("next", "return next()"), "on_error": ("error", "...")}
"""The second parameter of each function, and an example of its body."""


def find_hook(module: ModuleType, file: str, name: str) -> Callable[..., Any]:
    """Return the function of that name in a module, which messages call `file`.

    Raises `LoadError` if there is none, or if it does not take the arguments.
    """
    second, body = _HOOKS[name]
    remedy = f"Write: def {name}(context, {second}): {body}"
    function: Any = getattr(module, name, None)
    if not callable(function):
        for other in vars(module):
            if find_near(other, [name]):
                remedy = f"Rename {other} to {name}."
        raise LoadError(Mistake(file, f"does not define a function {name}", remedy))
    try:
        signature = inspect.signature(function)
        signature.bind("context", second)
        is_right = [*signature.parameters][:2] != [second, "context"]
    except TypeError:
        is_right = False
    except ValueError:  # Python can't inspect some functions that are written in C
        is_right = True
    if not is_right:
        what = f"{name} does not take context and {second}, in this order"
        raise LoadError(Mistake(locate(function, file), what, remedy))
    return function  # type: ignore[no-any-return]
