"""Where is a build written, so that the last one stays whole until the new one is?"""

import ctypes
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..config import Build, Config
from ..errors import BuildError
from ..static.built import MANIFEST
from ..site.redirects import CONFIG_FILE

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@dataclass(frozen=True, slots=True)
class Workplace:
    """The folders of one build: `target` holds the last one, `fresh` will take its place.

    `ledger` tells what the files of `target` were made from, `fresh_ledger` those of `fresh`.
    """

    target: Path
    fresh: Path
    ledger: Path
    fresh_ledger: Path

    def finish(self) -> None:
        """Put the new build in the place of the last one, in one step where Linux can."""
        _swap(self.fresh, self.target)
        self.fresh_ledger.replace(self.ledger)


def is_of_build(name: str, target: Path) -> bool:
    """Whether a file beside `target`, or itself, is the build's own."""
    return name in {target.name, *_beside(target)}


def _beside(target: Path) -> tuple[str, str]:
    """Where a build is written, and the ledger of the last one."""
    return f".{target.name}-building", f".{target.name}-inputs"


def find_target(root: Path, config: Config) -> Path:
    """The folder that a build writes. Raises `BuildError` for one that can't be the build's own."""
    path = root / config.build.out_dir
    target = Path(os.path.abspath(path))
    what = None
    if not target.is_relative_to(root) or target == root:
        what = "outside the site"
    elif target.is_relative_to(root / "src") or target.is_relative_to(root / "public"):
        what = "among the site's files"
    elif target.resolve() != target:
        what = "a link, or below one"
    elif target.exists() and not target.is_dir():
        what = "a file"
    # By convention dist/ holds what some tool has built.
    elif config.build.out_dir != Build.out_dir and _is_foreign(target):
        what = "a folder with files that no build wrote"
    if what is not None:
        raise BuildError(
            f"{CONFIG_FILE}: build.out_dir is {config.build.out_dir!r}, {what}.\n"
            "    A build replaces the whole folder: give it a new or empty one in the site."
        )
    return target


def _is_foreign(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file()


@contextmanager
def workplace(target: Path) -> Iterator[Workplace]:
    """An empty folder on the same disk as `target`, gone at the end with what is in it then.

    One build at a time has it; one that was killed left it to the next. Raises `BuildError`.
    """
    beside, ledger = map(target.with_name, _beside(target))
    fresh, old = beside / "new", beside / "old"
    lock = os.open(target.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildError(f"Another build to {target} is running. Wait for its end.") from None
        if old.exists() and not target.exists():  # killed between the two steps of `_swap`
            old.rename(target)
        if beside.exists():
            shutil.rmtree(beside)
        fresh.mkdir(parents=True)
        try:
            yield Workplace(target, fresh, ledger, beside / "inputs")
        finally:
            shutil.rmtree(beside)
    finally:
        os.close(lock)


def _swap(fresh: Path, target: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    if exchange is not None:
        names = os.fsencode(fresh), os.fsencode(target)
        if exchange(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
            return
    old = fresh.with_name("old")
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        old.rename(target)
        raise
