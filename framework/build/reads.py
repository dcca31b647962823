"""Which files did the site's code read, and what did it ask that is no file?

Python tells of each file that is opened, each folder that is listed and each connection that is
made, whatever library does it, as long as Python itself does it and no library's C code: audit
hooks, https://peps.python.org/pep-0578/.
"""

import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import unquote

import jinja2.loaders

from ..site.redirects import CONFIG_FILE

_WRITES = os.O_WRONLY | os.O_TRUNC | os.O_EXCL  # what is in the file then is not read
_LISTS = ("os.listdir", "os.scandir")
_ASKS = {
    "socket.connect": "opens a connection",
    "subprocess.Popen": "runs a program",
    "os.posix_spawn": "runs a program",
    "os.system": "runs a program",
}
_FRAMEWORK = os.path.dirname(os.path.dirname(__file__)) + os.sep
_LOOP = os.path.join(_FRAMEWORK, "web", "loop.py")
# importlib.util.source_from_cache refuses names with dots, such as that of framework.config.py.
_CACHED = re.compile(r"(?:/__pycache__)?/([^/]+?)\.[^./]+(?:\.opt-\w+)?\.pyc$")
_CODE = (".py", ".pyc")
_IMPORTING = "<frozen importlib"
_TEMPLATES = jinja2.loaders.__file__

# A hook can't be taken out again, so there is one, and it passes on to who listens.
_listening: list["Reads"] = []
_hooked: list[bool] = []


class Reads:
    """Listens between `with reads.on():` and its end, to the whole process.

    `doubts` say what was asked that is no file, and where: what came back is nothing that could
    be compared later.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._sites = (f"{root}{os.sep}src{os.sep}", str(root / CONFIG_FILE))
        self._paths: set[str] = set()
        self._modules: set[str] = set()
        self.doubts: set[str] = set()

    @contextmanager
    def on(self) -> Iterator[None]:
        """Listen."""
        if not _hooked:
            _hooked.append(True)
            sys.addaudithook(_pass_on)
        _listening.append(self)
        try:
            yield
        finally:
            _listening.remove(self)

    @property
    def paths(self) -> set[str]:
        """The files that were read and the folders that were listed, but for those of Python and
        of installed packages.
        """
        return {path for path in self._paths if not path.startswith(_installed())}

    @property
    def modules(self) -> set[str]:
        """The files of code that were imported and the templates that were loaded, but for those
        of Python, of installed packages and of this framework.
        """
        others = (*_installed(), _FRAMEWORK)
        return {path for path in self._modules if not path.startswith(others)}

    def take(self, paths: Iterable[str], modules: Iterable[str], doubts: Iterable[str]) -> None:
        """Take over what another process heard."""
        self._paths.update(paths)
        self._modules.update(modules)
        self.doubts.update(doubts)

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """Take in one event, as `sys.audit` gives it."""
        if event == "open":
            path, _, flags = args
            if not (flags or 0) & _WRITES:
                self._open(path)
        elif event in _LISTS:
            self._list(args[0] or ".")
        elif event == "sqlite3.connect":
            self._connect(os.fsdecode(args[0]))
        elif event == "import" and args[1]:  # a library in machine code
            self._modules.add(os.path.abspath(args[1]))
        elif event in _ASKS:
            frame, is_sites = self._who()
            if is_sites:
                where = f"{self._relative(frame)}:{frame.f_lineno} " if frame else "something "
                self.doubts.add(where + _ASKS[event])

    def _open(self, path: Any) -> None:
        if isinstance(path, int):  # opened already
            return
        name = os.path.abspath(os.fsdecode(path))
        asker = _asker()
        if asker == _TEMPLATES:
            if self._who()[1]:
                self._modules.add(name)
        elif asker.startswith(_IMPORTING) and (name := _source_of(name)).endswith(_CODE):
            self._modules.add(name)
        else:
            self._read(name)

    def _list(self, path: Any) -> None:
        if not isinstance(path, int) and not _asker().startswith(_IMPORTING):
            self._read(os.path.abspath(os.fsdecode(path)))

    def _connect(self, database: str) -> None:
        if database.startswith("file:"):
            database = unquote(database.removeprefix("file:").partition("?")[0])
        if database:  # else it is nowhere
            path = os.path.abspath(database)
            self._read(path)
            self._read(f"{path}-wal")  # holds what is not in the first yet

    def _read(self, path: str) -> None:
        if self._who()[1]:
            self._paths.add(path)

    def _who(self) -> tuple[FrameType | None, bool]:
        """The nearest caller that is the site's own, and whether it is the site's doing.

        What the framework does without being called by the site is not: it knows what it reads.
        What a library does is, in a thread or a task of its own.
        """
        frame: FrameType | None = sys._getframe()
        is_sites = True
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(self._sites):
                return frame, True
            if name == _LOOP:  # it runs the site's tasks
                return None, True
            if name.startswith(_FRAMEWORK) and name != __file__:
                is_sites = False
            frame = frame.f_back
        return None, is_sites

    def _relative(self, frame: FrameType) -> str:
        return Path(frame.f_code.co_filename).relative_to(self._root).as_posix()


def _pass_on(event: str, args: tuple[Any, ...]) -> None:
    for reads in _listening:
        reads.hear(event, args)


_pass_on.__cantrace__ = True  # type: ignore[attr-defined] # so that its coverage is measured


def _asker() -> str:
    """The file of the code that asks: of what is imported, it is not the import's."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return "" if frame is None else frame.f_code.co_filename


def _source_of(path: str) -> str:
    """The file of which this one holds the bytecode; else itself."""
    if sys.pycache_prefix and path.startswith(sys.pycache_prefix):
        path = path.removeprefix(sys.pycache_prefix)
    return _CACHED.sub(r"/\1.py", path)


def _installed() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = {f"{sysconfig.get_path(name)}{os.sep}" for name in names}
    return ("/dev/", "/proc/", "/sys/", *sorted(folders))
