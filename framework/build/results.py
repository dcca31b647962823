"""What a build records of each file that it writes."""

from collections.abc import Generator
from typing import NamedTuple

HeaderItems = tuple[tuple[str, str], ...]
"""Names and values of response headers, sorted by name."""


class WrittenFile(NamedTuple):
    """A file in the output folder, called `name` there; `source` is the file of the site.

    `path` is the URL path without `base` ("" for the home page), `None` for a file of `public/`.
    `number` is the index of that path in `get_static_paths()`. `etag` is the digest of the content.
    `headers` are `None` if the application does not serve this file: for configured redirects,
    error pages and `public/`. `redirect` is the status and location of a redirect. `encodings` are
    the compressed variants, the smallest first.
    """

    name: str
    source: str
    path: str | None = None
    number: int = 0
    size: int = 0
    etag: str = ""
    headers: HeaderItems | None = None
    redirect: tuple[int, str] | None = None
    encodings: tuple[str, ...] = ()


class Clash(NamedTuple):
    """A file that could not be written, because `name` already exists.

    `name` is the file itself, one of its folders or a compressed variant. `url_path` is the path
    of the file with `base`.
    """

    name: str
    file: WrittenFile
    url_path: str


class Result(NamedTuple):
    """The result of one path: a file, an error message or a clash; nothing if it is left out."""

    seconds: float = 0.0
    file: WrittenFile | None = None
    error: str = ""
    clash: Clash | None = None


Results = Generator[Result, None, None]
