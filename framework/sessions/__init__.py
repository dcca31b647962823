"""Sessions: data of one visitor that the site keeps from one request to the next.

A cookie has a random id. The data is JSON text in a folder or in a cachelib cache.
https://cachelib.readthedocs.io/
"""

from .options import Sessions, open_store
from .session import COOKIE, Session
from .stores import CacheStore, FolderStore, Store

__all__ = ["COOKIE", "CacheStore", "FolderStore", "Session", "Sessions", "Store", "open_store"]
