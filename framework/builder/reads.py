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

from ..site import CONFIG_FILE

_WRITES = os.O_WRONLY | os.O_RDWR
_ASKS = {
    "socket.connect": "opens a connection",
    "subprocess.Popen": "runs a program",
    "os.system": "runs a program",
}
_FRAMEWORK = os.path.dirname(os.path.dirname(__file__)) + os.sep
# importlib.util.source_from_cache refuses names with dots, such as that of framework.config.py.
_CACHED = re.compile(r"/__pycache__/([^/]+?)\.[^./]+(?:\.opt-\w+)?\.pyc$")
_IMPORTING = "<frozen importlib"

# A hook can't be taken out again, so there is one, and it passes on to who listens.
_listening: list["Reads"] = []
_hooked: list[bool] = []


class Reads:
    """Listens between `with reads.on():` and its end, to the whole process.

    `modules` are files of code that were imported, whoever's they are; `doubts` say what was
    asked that is no file, and where: what came back is nothing that could be compared later.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._sites = (f"{root}{os.sep}src{os.sep}", str(root / CONFIG_FILE))
        self._paths: set[str] = set()
        self.modules: set[str] = set()
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

    def add(self, other: "Reads") -> None:
        """Take over what was heard elsewhere."""
        self.take(other.paths, other.modules, other.doubts)

    def take(self, paths: Iterable[str], modules: Iterable[str], doubts: Iterable[str]) -> None:
        """Take over what another process heard."""
        self._paths.update(paths)
        self.modules.update(modules)
        self.doubts.update(doubts)

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """Take in one event, as `sys.audit` gives it."""
        if event == "open":
            path, _, flags = args
            if not (flags or 0) & _WRITES and not isinstance(path, int):
                self._read(os.path.abspath(os.fsdecode(path)))
        elif event in ("os.listdir", "os.scandir"):
            self._read(os.path.abspath(os.fsdecode(args[0] or ".")))
        elif event == "sqlite3.connect":
            name = os.fsdecode(args[0]).removeprefix("file:").partition("?")[0]
            self._read(os.path.abspath(name))
        elif event in _ASKS:
            frame, kind = self._who()
            if kind is not _FRAMEWORK:
                where = f"{self._relative(frame)}:{frame.f_lineno} " if frame else "something "
                self.doubts.add(where + _ASKS[event])

    def _read(self, path: str) -> None:
        _, kind = self._who()
        if kind is _IMPORTING:
            path = _CACHED.sub(r"/\1.py", path)
            if path.endswith(".py"):
                self.modules.add(path)
        elif kind is not _FRAMEWORK:  # what it reads for the site, it knows
            self._paths.add(path)

    def _who(self) -> tuple[FrameType | None, str]:
        """The nearest caller that is the site's own (and its frame), an import or the framework;
        `""` for none of these, in a library's thread.
        """
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            name = frame.f_code.co_filename
            if name == __file__:  # its own frames, the nearest ones
                frame = frame.f_back
                continue
            if name.startswith(self._sites):
                return frame, self._sites[0]
            for kind in (_IMPORTING, _FRAMEWORK):
                if name.startswith(kind):
                    return None, kind
            frame = frame.f_back
        return None, ""

    def _relative(self, frame: FrameType) -> str:
        return Path(frame.f_code.co_filename).relative_to(self._root).as_posix()


def _pass_on(event: str, args: tuple[Any, ...]) -> None:
    for reads in _listening:
        reads.hear(event, args)


_pass_on.__cantrace__ = True  # type: ignore[attr-defined] # so that its coverage is measured


def _installed() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = {f"{sysconfig.get_path(name)}{os.sep}" for name in names}
    return ("/dev/", "/proc/", "/sys/", *sorted(folders))
