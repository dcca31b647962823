"""Write a build beside the last one, and replace the last one when the new one is complete.

Beside `dist/`, `.dist-building/` holds the new build in `new` and, while the two folders are
exchanged, the last one in `old`. A build that is killed between the two renames leaves no
`dist/`; the next build or preview renames `old` back.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..config import Build, Config
from ..errors import BuildError
from ..site.config_file import CONFIG_FILE
from ..static.built import MANIFEST


def find_target(root: Path, config: Config) -> Path:
    """Return the output folder. Raises `BuildError` if a build must not replace it."""
    path = root / config.build.out_dir
    target = Path(os.path.abspath(path))
    what = None
    if not target.is_relative_to(root) or target == root:
        what = "outside the site"
    elif target.is_relative_to(root / "src") or target.is_relative_to(root / "public"):
        what = "among the site's files"
    elif target.resolve() != target:
        what = "a symbolic link, or below one"
    elif target.exists() and not target.is_dir():
        what = "a file"
    # By convention dist/ holds what some tool has built.
    elif config.build.out_dir != Build.out_dir and _has_other_files(target):
        what = "a folder with files that no build wrote"
    if what is not None:
        raise BuildError(
            f"{CONFIG_FILE}: build.out_dir is {config.build.out_dir!r}, {what}.\n"
            "    A build replaces the whole folder: use a new or empty one in the site."
        )
    return target


def _has_other_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file()


@contextmanager
def output_folder(target: Path) -> Iterator[Path]:
    """Yield a new folder, which replaces `target` unless the block raises.

    Raises `BuildError` if another process is building to `target`.
    """
    work = _work_folder(target)
    with _lock(target):
        _restore(target)
        if work.exists():
            shutil.rmtree(work)
        new = work / "new"
        new.mkdir(parents=True)
        try:
            yield new
            if target.exists():
                target.rename(work / "old")
            new.rename(target)
        finally:
            _restore(target)
            shutil.rmtree(work)


def restore(target: Path) -> None:
    """Put the last build back if a build was killed while it replaced `target`.

    Raises `BuildError` if another process is building to `target`.
    """
    if _work_folder(target).exists():
        with _lock(target):
            _restore(target)


def _restore(target: Path) -> None:
    old = _work_folder(target) / "old"
    if old.exists() and not target.exists():
        old.rename(target)


def _work_folder(target: Path) -> Path:
    return target.with_name(f".{target.name}-building")


@contextmanager
def _lock(target: Path) -> Iterator[None]:
    parent = os.open(target.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(parent, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildError(
                f"Another build to {target} is running. Wait until it has finished."
            ) from None
        yield
    finally:
        os.close(parent)
