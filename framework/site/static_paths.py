"""The paths of prerendered routes: `get_static_paths()` and `paginate()`."""

import inspect
import math
import re
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Any
from unicodedata import normalize

from ..errors import StaticPathsError
from ..routing.pattern import Pattern
from ..static.files import StaticFile
from ..web.iteration import Iteration
from ..web.loop import run

MAX_WAIT = 30.0
"""Seconds that a request waits while another thread makes the list that it needs."""

UrlFor = Callable[[str, Mapping[str, Any]], str]
_find_hidden = re.compile(r"/(\.(?!well-known(?:/|$))[^/]*)").search
# The routes whose get_static_paths() is running for the current request, the outermost first.
_running: ContextVar[tuple["StaticPaths", ...]] = ContextVar("running", default=())


@dataclass(frozen=True, slots=True)
class StaticPath:
    """One path of a route: its parameters and its props. `number` is its index in the list."""

    number: int
    params: dict[str, Any]
    props: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PageUrls:
    """The paths of a page and of those around it; `None` for a page that does not exist."""

    current: str
    next: str | None
    prev: str | None
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `start` and `end` are the indexes of its first and last item."""

    data: Sequence[Any]
    start: int
    end: int
    size: int
    total: int
    current_page: int
    last_page: int
    url: PageUrls


class StaticPaths:
    """The paths of one prerendered route; `function` is its `get_static_paths()`.

    `url_for` builds the paths of the site's routes. `built` are the files of a build by their paths
    without `base`; `None` without a build.
    """

    def __init__(
        self,
        file: str,
        pattern: Pattern,
        function: Callable[..., Any] | None,
        url_for: UrlFor,
        built: Mapping[str, StaticFile] | None = None,
    ) -> None:
        self.file = file
        self.pattern = pattern
        self._rendered: StaticPath | None = None
        self._rendered_texts: dict[str, str | None] = {}
        self._function = function
        self._url_for = url_for
        self._built = built
        self._listing: Listing | None = None
        self._found: dict[tuple[str | None, ...], StaticPath] | None = None
        self._lock = threading.Lock()
        self._is_circular = False

    def list_paths(self) -> "Listing":
        """Return the paths in the order of the list. Raises `StaticPathsError`."""
        listing = self._make_listing()
        if listing.size is not None:
            self._listing = listing
        return listing

    def set_rendered(self, path: StaticPath) -> None:
        """Set the path that a build renders now. It is found without the list."""
        self._rendered = path
        self._rendered_texts = dict(zip(self.pattern.names, self._key(path.params), strict=True))

    def lists(self, params: Mapping[str, Any], path: str) -> bool:
        """Whether a path with these parameters is listed."""
        if self._built is None:
            return self.find(params) is not None
        file = self._built.get(path.rstrip("/"))
        return file is not None and file.route == self.file

    def find(self, params: Mapping[str, Any]) -> StaticPath | None:
        """Find the listed path with these parameters. The list is made once."""
        rendered = self._rendered
        # Nearly always, unless a converter made a value from the text.
        if rendered is not None and params == self._rendered_texts:
            return rendered
        key = self._key(params)
        if rendered is not None and key == tuple(self._rendered_texts.values()):
            return rendered
        outer = _running.get()
        if self in outer:
            for paths in outer:
                paths._is_circular = True
            raise self._requests_itself()
        if not self._lock.acquire(timeout=MAX_WAIT):
            raise StaticPathsError(
                f"{self.file}: get_static_paths() did not end within {MAX_WAIT} seconds.\n"
                "    Does it wait for a route that needs its result?"
            )
        try:
            if self._found is None:
                self._is_circular = False
                token = _running.set((*outer, self))
                try:
                    found = self._index(self._listing or self._make_listing())
                finally:
                    _running.reset(token)
                if self._is_circular:
                    raise self._requests_itself()
                self._found = found
        finally:
            self._lock.release()
        return self._found.get(key)

    def _make_listing(self) -> "Listing":
        if not self.pattern.params or self._function is None:
            return Listing([{"params": {}}], self._read)
        return Listing(self._call(self._function), self._read)

    def _index(self, listing: "Listing") -> dict[tuple[str | None, ...], StaticPath]:
        found: dict[tuple[str | None, ...], StaticPath] = {}
        for path in listing:
            full = build_path(self.file, self.pattern, path, self._url_for)
            first = found.setdefault(self._key(path.params), path)
            if first is not path:
                raise StaticPathsError(
                    message_listed_twice(self.file, path.number, first.number, full)
                )
        return found

    def _key(self, params: Mapping[str, Any]) -> tuple[str | None, ...]:
        values = [params.get(name) for name in self.pattern.names]
        # In a URL, values are text in NFC.
        return tuple([None if v is None else normalize("NFC", str(v)) for v in values])

    def _call(self, function: Callable[..., Any]) -> Iterable[Any]:
        """Call the function. The result is its list, or a generator of the items it yields."""
        names = inspect.signature(function).parameters
        arguments = {"paginate": self._paginate} if "paginate" in names else {}
        yields = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
        try:
            result = function(**arguments)
            if inspect.isawaitable(result):
                result = run(result)
        except (Exception, SystemExit) as error:
            raise self._failed(error) from error
        if yields:
            return self._iterate(result)
        if not isinstance(result, Sequence) or isinstance(result, (str, bytes)):
            raise StaticPathsError(
                f"{self.file}: get_static_paths() returned {type(result).__name__}, not a list.\n"
                '    Return [{"params": {...}, "props": {...}}, ...], or yield each item.'
            )
        return result

    def _iterate(self, items: Any) -> Iterator[Any]:
        """Yield the items of a generator or an async generator."""
        try:
            if isinstance(items, Generator):
                yield from items
                return
            with closing(Iteration(items)) as iteration:
                yield from iteration
        except (Exception, SystemExit) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception | SystemExit) -> StaticPathsError:
        if isinstance(error, StaticPathsError):
            return error
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f":{f.lineno}" for f in frames if f.filename.endswith(f"/{self.file}")]
        return StaticPathsError(
            f"{self.file}{lines[-1] if lines else ''}: get_static_paths() failed: "
            f"{type(error).__name__}: {error}"
        )

    def _read(self, number: int, item: Any) -> StaticPath:
        if not isinstance(item, Mapping) or not isinstance(item.get("params"), Mapping):
            raise self._wrong(number, item, 'is not {"params": {...}}')
        if unknown := sorted(map(str, item.keys() - {"params", "props"})):
            raise self._wrong(number, item, f'has "{unknown[0]}" beside params and props')
        params, props = dict(item["params"]), item.get("props", {})
        if not isinstance(props, Mapping):
            raise self._wrong(number, item, "has props that are not a mapping")
        for param in self.pattern.params:
            value = params.get(param.name)
            if value is None and not param.rest:
                raise self._wrong(number, item, f'lacks the parameter "{param.name}"')
            if not isinstance(value, (str, int, type(None))) or isinstance(value, bool):
                kind = type(value).__name__
                raise self._wrong(number, item, f'has a {kind} as "{param.name}", not a str or int')
        if unknown := sorted(map(str, params.keys() - set(self.pattern.names))):
            raise self._wrong(number, item, f'has "{unknown[0]}", which the path does not have')
        return StaticPath(number, params, dict(props))

    def _requests_itself(self) -> StaticPathsError:
        return StaticPathsError(
            f"{self.file}: get_static_paths() sends a request to a route that needs its result.\n"
            "    Read the data without a request to this route."
        )

    def _wrong(self, number: int, item: Any, what: str) -> StaticPathsError:
        return StaticPathsError(
            f"{self.file}: item {number} of get_static_paths() {what}: {item!r:.200}"
        )

    def _paginate(
        self,
        items: Iterable[Any],
        *,
        page_size: int = 10,
        params: Mapping[str, Any] | None = None,
        props: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the static paths of `[page]` or `[...page]`, each with a `page` prop.

        Without items there is one empty page. `params` and `props` go into every path.
        https://docs.astro.build/en/reference/routing-reference/#paginate
        """
        if "page" not in self.pattern.names:
            raise StaticPathsError(
                f"{self.file}: paginate() needs a parameter [page] or [...page]."
            )
        if type(page_size) is not int or page_size < 1:
            raise StaticPathsError(f"{self.file}: page_size is {page_size!r}, not 1 or more.")
        data = list(items)
        pages: list[str | None] = [
            str(number) for number in range(1, max(1, math.ceil(len(data) / page_size)) + 1)
        ]
        if any(param.rest and param.name == "page" for param in self.pattern.params):
            pages[0] = None
        params_of = [{**(params or {}), "page": page} for page in pages]
        urls = [self._url_for(self.pattern.text, one) for one in params_of]
        last = len(pages) - 1
        paths = []
        for index, start in enumerate(range(0, len(pages) * page_size, page_size)):
            part = data[start : start + page_size]
            end = start + len(part) - 1
            url = PageUrls(
                current=urls[index],
                next=urls[index + 1] if index < last else None,
                prev=urls[index - 1] if index > 0 else None,
                first=urls[0] if index > 0 else None,
                last=urls[last] if index < last else None,
            )
            page = Page(part, start, end, page_size, len(data), index + 1, len(pages), url)
            paths.append({"params": params_of[index], "props": {**(props or {}), "page": page}})
        return paths


def build_path(file: str, pattern: Pattern, path: StaticPath, url_for: UrlFor) -> str:
    """Return the percent-encoded path. Raises `StaticPathsError` if no request could lead there."""
    if not pattern.params:
        return url_for(pattern.text, {})
    where = f"{file}: item {path.number} of get_static_paths()"
    try:
        full = url_for(pattern.text, path.params)
    except ValueError as error:
        raise StaticPathsError(
            f"{where}: {error}\n"
            "    A value must not be empty or contain a slash or the text that separates two "
            "parameters. Only a [...rest] parameter may contain slashes or be None."
        ) from error
    if "/." not in full:
        return full
    for segment in pattern.segments:
        texts = [part if isinstance(part, str) else path.params.get(part.name) for part in segment]
        text = "".join("" if text is None else str(text) for text in texts)
        if hidden := _find_hidden(f"/{text}"):
            raise StaticPathsError(
                f"{where}: {hidden[1]!r} begins with a dot, so servers would hide the file.\n"
                "    Use a value without it."
            )
    return full


def message_listed_twice(file: str, number: int, first: int, path: str) -> str:
    """Return the message for an item with the path of an earlier item, number `first`."""
    return (
        f"{file}: item {number} of get_static_paths() has the path of item {first}, {path}.\n"
        "    List each path once."
    )


class Listing:
    """The items of `get_static_paths()`; iteration checks each.

    `size` is `None` if the items are yielded. They can then be iterated once.
    """

    def __init__(
        self, items: Iterable[Any], read: Callable[[int, Any], StaticPath], start: int = 0
    ) -> None:
        self._items = items
        self._read = read
        self._start = start
        self.size = len(items) if isinstance(items, Sequence) else None

    def __iter__(self) -> Iterator[StaticPath]:
        """Iterate over the paths. After the `StaticPathsError` of a wrong item it can go on."""
        return map(self._read, count(self._start), self._items)

    def whole(self) -> "Listing":
        """Return a listing with all items in memory."""
        return self if self.size is not None else Listing(list(self._items), self._read)

    def part(self, start: int, stop: int) -> "Listing":
        """Return the items of a whole listing from `start` to before `stop`."""
        items = self._items if isinstance(self._items, Sequence) else ()
        return Listing(items[start:stop], self._read, start)
