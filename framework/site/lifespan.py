"""Run the `lifespan(app)` of `src/lifespan.py`, which opens and closes what all requests share."""

import inspect
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from multiprocessing.util import Finalize
from pathlib import Path
from types import ModuleType
from typing import Any

from ..context import State
from ..errors import Mistake, SiteError, locate
from ..web.iteration import Iteration
from .modules import LoadError, SiteModules
from .near_misses import find_misnamed_files, find_near

log = logging.getLogger("framework")

NAME = "lifespan.py"
_FILE = f"src/{NAME}"
_EXAMPLE = "def lifespan(app): yield"


class Lifespan:
    """The lifespan of a site, which runs once in each process that handles requests.

    `state` is what the function yielded. `process` is the id of the process in which it runs.
    """

    def __init__(self, function: Callable[[Any], Any], path: Path, modules: SiteModules) -> None:
        self.state = State()
        self.process = 0
        self._function = function
        self._path = path
        self._modules = modules
        self._lock = threading.Lock()
        # Those of parent processes stay in it: to end them would close what a parent uses.
        self._steps: list[Iterator[Any]] = []

    def start(self, app: object) -> None:
        """Run the function up to its `yield`, unless it runs in this process already.

        Raises `SiteError` for an error in it.
        """
        with self._lock:
            if self.process == os.getpid():
                return
            try:
                steps = self._function(app)
                steps = Iteration(steps) if isinstance(steps, AsyncIterator) else steps
                self.state = _make_state(next(steps, _END))
            except (Exception, SystemExit) as error:
                mistake = self._modules.explain(error, self._path, "in lifespan()")
                raise SiteError([mistake]) from error
            self._steps.append(steps)
            self.process = os.getpid()
            # Before the loop ends. atexit would not run in workers of granian.
            self._at_exit = Finalize(None, self.stop, exitpriority=1)

    def stop(self) -> None:
        """Run what is behind the `yield`, if the function runs in this process; log an error."""
        with self._lock:
            if self.process != os.getpid():
                return
            self.process = 0
            self._at_exit.cancel()
            try:
                if next(self._steps.pop(), _END) is not _END:
                    raise TypeError("lifespan() yields more than once.")
            except (Exception, SystemExit):
                log.exception("lifespan() in %s failed at its end", _FILE)


_END = object()


def _make_state(yielded: object) -> State:
    if yielded is _END:
        raise TypeError("lifespan() ends without a yield.")
    if not isinstance(yielded, Mapping | None):
        raise TypeError(f"lifespan() yields a mapping or nothing, not {type(yielded).__name__}.")
    return State(yielded)


def find_lifespan(modules: SiteModules) -> tuple[Lifespan | None, Sequence[Mistake]]:
    """Return the lifespan of a site, if it has one, and the mistakes in its file."""
    path = modules.root / "src" / NAME
    for _, mistake in find_misnamed_files(sorted(path.parent.iterdir()), NAME, modules.root):
        return None, [mistake]
    if not os.path.lexists(path):
        return None, ()
    try:
        return Lifespan(_find_function(modules.load(path)), path, modules), ()
    except LoadError as error:
        return None, error.mistakes


def _find_function(module: ModuleType) -> Callable[[Any], Any]:
    function: Any = getattr(module, "lifespan", None)
    if function is None:
        near = next((name for name in vars(module) if find_near(name, ["lifespan"])), None)
        remedy = f"Rename {near} to lifespan." if near else f"Write: {_EXAMPLE}"
        raise LoadError(Mistake(_FILE, "does not define a function lifespan", remedy))
    where = locate(function, _FILE)
    if not (inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)):
        is_decorated = callable(function) and inspect.unwrap(function) is not function
        remedy = "Remove its decorator." if is_decorated else f"Write: {_EXAMPLE}"
        raise LoadError(Mistake(where, "lifespan is not a function with a yield", remedy))
    try:
        inspect.signature(function).bind("app")
    except TypeError:
        what = "lifespan does not take one argument"
        raise LoadError(Mistake(where, what, f"Write: {_EXAMPLE}")) from None
    return function  # type: ignore[no-any-return]
