"""How do several processes make the files of one build?

They are forked when the site is read and its paths are listed, so each has all of it. The first
process hands out parts of the lists, and takes in what became of them.
"""

import multiprocessing
import signal
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

from ..errors import BuildError
from ..route import Route
from ..site.static_paths import Listing
from .maker import Made, Maker

_PART = 64  # paths handed out at once
_FORK = multiprocessing.get_context("fork")

Plan = Sequence[tuple[Route, Listing]]


def make_here(maker: Maker, plan: Plan, last: Path | None) -> Generator[Made, None, None]:
    """What becomes of each path, in this process."""
    with maker.looking_into(last):
        for route, listing in plan:
            yield from maker.make_all(route, listing)


def make_in_processes(
    maker: Maker, plan: Plan, last: Path | None, count: int, warnings: list[str]
) -> Generator[Made, None, None]:
    """What becomes of each path, made by `count` processes.

    `warnings` is the list to which the site's warnings go in each of them. Raises `BuildError`
    where a process is killed.
    """
    parts = _parts(plan)
    with ExitStack() as ending:
        workers: list[_Worker] = []
        for _ in range(count):
            ends = [worker.connection for worker in workers]
            workers.append(_Worker(maker, plan, last, warnings, ends))
            ending.callback(workers[-1].end)
        busy = [worker for worker in workers if worker.give(next(parts, None))]
        while busy:
            for connection in wait([worker.connection for worker in busy]):
                worker = next(w for w in busy if w.connection is connection)
                yield from worker.take()
                if not worker.give(next(parts, None)):
                    busy.remove(worker)
        for worker in workers:
            heard = worker.finish()
            maker.reads.take(heard.paths, heard.modules, heard.doubts)
            warnings += [text for text in heard.warnings if text not in warnings]


@dataclass(frozen=True, slots=True)
class _Part:
    """Some paths of a route: places in the plan and in its list."""

    number: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Heard:
    """What a process heard beside the files that it made."""

    paths: set[str]
    modules: set[str]
    doubts: set[str]
    warnings: list[str]


def _parts(plan: Plan) -> Iterator[_Part]:
    for number, (_, listing) in enumerate(plan):
        for start in range(0, listing.size or 0, _PART):
            yield _Part(number, start, start + _PART)


class _Worker:
    """One process, as the first one sees it."""

    def __init__(
        self,
        maker: Maker,
        plan: Plan,
        last: Path | None,
        warnings: list[str],
        ends: list[Connection],
    ) -> None:
        self.connection, other = _FORK.Pipe()
        ends = [*ends, self.connection]  # the first process's: only it may hold them
        self._process: BaseProcess = _FORK.Process(
            target=_work, args=(other, ends, maker, plan, last, warnings), daemon=True
        )
        # Ctrl+C reaches them all. Only the first process is asked, and ends the others.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with catch_warnings():
                # Python warns, from 3.12 on, of a fork beside threads: those are the site's to mind.
                simplefilter("ignore", DeprecationWarning)
                self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        other.close()

    def give(self, part: _Part | None) -> bool:
        """Hand it a part; whether there was one."""
        if part is not None:
            self._say(part)
        return part is not None

    def take(self) -> list[Made]:
        """What became of its part."""
        made: list[Made] = self._hear()
        return made

    def finish(self) -> _Heard:
        """Tell it that there is no more to do; what else it heard."""
        self._say(None)
        heard: _Heard = self._hear()
        self._process.join()
        return heard

    def end(self) -> None:
        """End it, wherever it is."""
        self._process.kill()
        self._process.join()
        self.connection.close()

    def _say(self, what: object) -> None:
        try:
            self.connection.send(what)
        except OSError:
            raise self._lost() from None

    def _hear(self) -> Any:
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            raise self._lost() from None

    def _lost(self) -> BuildError:
        self._process.join()
        return BuildError(
            f"A process of the build ended with status {self._process.exitcode}.\n"
            "    Build without --jobs to see at which path."
        )


def _work(
    connection: Connection,
    ends: Sequence[Connection],
    maker: Maker,
    plan: Plan,
    last: Path | None,
    warnings: list[str],
) -> None:
    """What a process does until it is told that there is no more."""
    for end in ends:
        end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # The first process may be killed.
    with maker.looking_into(last), suppress(EOFError, BrokenPipeError):
        while (part := connection.recv()) is not None:
            route, listing = plan[part.number]
            connection.send(list(maker.make_all(route, listing.part(part.start, part.stop))))
        reads = maker.reads
        connection.send(_Heard(reads.paths, reads.modules, reads.doubts, warnings))
