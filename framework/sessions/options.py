"""The options of sessions, and the store that they name."""

import os
from pathlib import Path

from cachelib.base import BaseCache

from ..options import number, option, option_class
from .stores import CacheStore, FolderStore, Store

_LONGEST_COOKIE = 400 * 24 * 60 * 60  # seconds; browsers allow no more


@option_class
class Sessions:
    """The options of sessions; `Config(session=Sessions())` turns sessions on.

    `store` is a folder, relative to the site's root, or a cachelib cache such as `RedisCache`.
    A session ends `max_age` seconds after its last change.
    """

    store: str | BaseCache = option(
        ".sessions",
        lambda value: isinstance(value, BaseCache) or (isinstance(value, str) and value != ""),
        "the name of a folder, or a cache such as cachelib.RedisCache(...)",
    )
    max_age: int = number(
        14 * 24 * 60 * 60,
        1,
        f"a number of seconds from 1 to {_LONGEST_COOKIE} (400 days, the limit of browsers)",
        high=_LONGEST_COOKIE,
    )


def open_store(sessions: Sessions, root: Path, out_dir: str = "dist") -> Store:
    """Open the store of the site in `root`, which is built to the folder `out_dir`.

    Raises `OSError` or `ValueError` if the folder of the store cannot be used.
    """
    store = sessions.store
    if isinstance(store, BaseCache):
        return CacheStore(store, sessions.max_age)
    names = (store, ".", "src", "public", out_dir)
    folder, real_root, *taken = [Path(os.path.realpath(root / name)) for name in names]
    is_inside = any(folder.is_relative_to(other) for other in taken)
    if is_inside or any(other.is_relative_to(folder) for other in (real_root, *taken)):
        raise ValueError(f"{store!r} has other files of the site")
    return FolderStore(folder, sessions.max_age)
