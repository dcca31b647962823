"""Write the paths of a build in one process or in several.

The worker processes are forked after the site is loaded and the paths are listed, so that each
has all of it. The main process distributes ranges of the lists and collects the results.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from warnings import catch_warnings, simplefilter

from ..errors import BuildError
from ..route import Route
from ..site.prerender import Warnings
from ..site.static_paths import Listing
from .results import Result, Results
from .writer import Writer

_BATCH_SIZE = 64  # paths
# Starting the processes takes about as long as writing this many paths for each of them.
_MIN_PATHS = 250
_SAFE_THREADS = {"MainThread", "framework-loop"}  # web/loop.py prepares for a fork

Plan = Sequence[tuple[Route, Listing]]
"""The routes to render, each with its paths."""


def choose_jobs(plan: Plan) -> int:
    """Return the number of processes that write the plan fastest.

    The paths of a generator do not count, because the main process writes them. If the site has
    started threads, the number is 1: a lock that a thread holds is never released in a fork.
    """
    if {thread.name for thread in threading.enumerate()} - _SAFE_THREADS:
        return 1
    # The cores that this process may use; macOS does not tell.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    paths = sum(listing.size or 0 for _, listing in plan)
    return max(1, min(cores or 1, paths // _MIN_PATHS))


def write_in_process(writer: Writer, plan: Plan) -> Results:
    """Write each path of the plan in this process."""
    for route, listing in plan:
        yield from writer.write_paths(route, listing)


def write_in_processes(writer: Writer, plan: Plan, jobs: int, warnings: Warnings) -> Results:
    """Write each path of the plan in `jobs` processes; those of a generator in this process.

    `warnings` are those of the application; those of the processes are added to them. Raises
    `BuildError` if a process dies.
    """
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("fork")
    task = (writer, plan, warnings)
    with ProcessPoolExecutor(jobs, context, initializer=_start_worker, initargs=task) as pool:
        try:
            with _forking():
                outcomes_of = [
                    deque(
                        pool.submit(_write_batch, number, start, start + _BATCH_SIZE)
                        for start in range(0, listing.size or 0, _BATCH_SIZE)
                    )
                    for number, (_, listing) in enumerate(plan)
                ]
            for (route, listing), outcomes in zip(plan, outcomes_of, strict=True):
                if listing.size is None:
                    yield from writer.write_paths(route, listing)
                while outcomes:
                    results, texts = outcomes.popleft().result()
                    for text in texts:
                        warnings.add(text)
                    yield from results
        except BrokenProcessPool:
            raise BuildError(
                "A process of the build ended unexpectedly.\n"
                "    Build with --jobs 1 to see at which path."
            ) from None
        except BaseException:  # Ctrl+C: do not wait for what the processes are doing
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
            raise


@contextmanager
def _forking() -> Iterator[None]:
    """Fork processes that ignore Ctrl+C, which the terminal sends to all of them."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with catch_warnings():
            # From 3.12 on Python warns of a fork beside threads, which the site may have started.
            simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


# ------------------------------------------------------------------- in a worker process

_task: tuple[Writer, Plan, Warnings]


def _start_worker(writer: Writer, plan: Plan, warnings: Warnings) -> None:
    global _task
    _task = writer, plan, warnings
    Finalize(None, writer.stop_app, exitpriority=0)  # atexit is not for these processes
    parent = multiprocessing.parent_process()
    threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()


def _exit_after(parent: BaseProcess) -> None:
    """End this process when the main process is killed: the pool does not."""
    parent.join()
    os._exit(1)


def _write_batch(number: int, start: int, stop: int) -> tuple[list[Result], list[str]]:
    """Write a range of the paths of a route in the plan; also return the warnings so far."""
    writer, plan, warnings = _task
    route, listing = plan[number]
    results = list(writer.write_paths(route, listing.part(start, stop)))
    return results, warnings.texts
