import asyncio
import contextvars
import gc
import signal
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import anyio
import pytest

from framework.web.calls import Calls
from framework.web.iteration import Iteration
from framework.web.loop import EventLoop, find_loop, run
from tests.waiting import PATIENCE, wait_until

var = contextvars.ContextVar("var", default="nothing")


async def pieces(*values):
    for value in values:
        await asyncio.sleep(0)
        yield value


async def pass_time():
    """Let the loop run what it has to run by now."""
    for _ in range(10):
        await asyncio.sleep(0)


class Bare:
    """An async iterator without `aclose` and `athrow`."""

    def __init__(self, *values):
        self.values = iter(values)

    def __aiter__(self):
        return self

    async def __anext__(self):
        for value in self.values:
            await asyncio.sleep(0)
            return value
        raise StopAsyncIteration


class Closable(Bare):
    """An async iterator that counts its closings."""

    closed = 0

    async def aclose(self):
        await asyncio.sleep(0)
        self.closed += 1


# ------------------------------------------------------------ items


@pytest.mark.parametrize("kind", [pieces, Bare, Closable])
@pytest.mark.parametrize("values", [(), ("a",), ("a", None, ("b",), StopIteration)])
def test_all_items_are_given_in_order(kind, values):
    iteration = Iteration(kind(*values))
    assert list(iteration) == list(values)
    assert list(iteration) == []
    iteration.close()


def test_an_iterable_is_an_iterator_or_makes_one():
    class Iterable:
        def __aiter__(self):
            return pieces(1, 2)

    assert list(Iteration(Iterable())) == [1, 2]
    with pytest.raises(TypeError):
        Iteration([1])


def test_nothing_runs_before_the_first_item_is_asked_for():
    begun = []

    async def items():
        begun.append(1)
        yield "a"

    iteration = Iteration(items())
    run(pass_time())
    assert begun == []
    assert next(iteration) == "a"
    iteration.close()


@pytest.mark.parametrize("kind", [pieces, Closable])
def test_the_items_come_from_one_task_on_the_loop_of_the_process(kind):
    async def items():
        try:
            async for value in kind(1, 2):
                yield value, asyncio.current_task(), asyncio.get_running_loop()
        finally:
            ended.append(asyncio.current_task())

    async def running():
        return asyncio.get_running_loop()

    ended = []
    (_, task, loop), second = Iteration(items())
    assert second == (2, task, loop)
    assert ended == [task]
    assert loop is run(running())


def test_an_item_is_made_when_it_is_asked_for():
    made = []

    async def items():
        for number in range(3):
            made.append(number)
            yield number

    iteration = Iteration(items())
    for number in range(3):
        assert next(iteration) == number
        run(pass_time())
        assert made == list(range(number + 1))
    assert list(iteration) == []


def test_items_may_be_read_in_other_threads():
    iteration = Iteration(pieces(1, 2, 3))
    with ThreadPoolExecutor(1) as pool:
        assert next(iteration) == 1
        assert pool.submit(next, iteration).result(PATIENCE) == 2
        assert next(iteration) == 3
        assert pool.submit(list, iteration).result(PATIENCE) == []


def test_many_iterations_wait_for_one_another():
    barrier = asyncio.Barrier(30)

    async def items():
        for number in range(10):
            await barrier.wait()
            yield number

    with ThreadPoolExecutor(30) as pool:
        found = list(pool.map(list, [Iteration(items()) for _ in range(30)], timeout=PATIENCE))
    assert found == [list(range(10))] * 30


# ------------------------------------------------------------ errors


def test_an_error_ends_the_iteration():
    async def items():
        yield "a"
        raise KeyError("x")

    iteration = Iteration(items())
    assert next(iteration) == "a"
    with pytest.raises(KeyError, match="x"):
        next(iteration)
    assert list(iteration) == []
    iteration.close()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_an_exception_that_ends_a_process_ends_only_the_iteration(error):
    async def items():
        yield "a"
        raise error

    iteration, other = Iteration(items()), Iteration(pieces(1, 2))
    assert (next(iteration), next(other)) == ("a", 1)
    with pytest.raises(error):
        next(iteration)
    assert list(other) == [2]


def test_an_iterator_is_closed_after_an_error():
    class Failing(Closable):
        async def __anext__(self):
            raise KeyError("x")

    items = Failing()
    iteration = Iteration(items)
    with pytest.raises(KeyError, match="x"):
        next(iteration)
    iteration.close()
    assert items.closed == 1


def test_a_cancelled_iteration_is_a_runtime_error():
    async def items():
        yield "a"
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    iteration = Iteration(items())
    assert next(iteration) == "a"
    with pytest.raises(RuntimeError, match=r"^The coroutine was cancelled\.$"):
        next(iteration)


def test_nothing_keeps_the_items_or_an_exception():
    class Thing(Exception):
        pass

    async def items(how):
        thing = Thing()
        things.append(weakref.ref(thing))
        try:
            if how == "timeout":
                async with asyncio.timeout(0):
                    yield thing
            yield thing
            if how == "raise":
                raise Thing
        finally:
            del thing

    def read(how):
        iteration = Iteration(items(how))
        next(iteration)
        run(pass_time())
        if how == "close":
            iteration.close()
            return
        with suppress(Thing, TimeoutError):
            list(iteration)

    things = []
    run(pass_time())
    gc.collect()
    gc.disable()  # reference counts alone must free them
    try:
        for how in ("end", "close", "raise", "timeout"):
            read(how)
            wait_until(lambda: things[-1]() is None, f"the item of {how}")
    finally:
        gc.enable()


# ------------------------------------------------------------ close


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_close_ends_an_iterator_once(count):
    items = Closable("a", "b")
    iteration = Iteration(items)
    for _ in range(count):
        next(iteration, None)
    iteration.close()
    iteration.close()
    assert items.closed == 1
    assert list(iteration) == []
    Iteration(Bare("a")).close()


def test_close_runs_finally_in_the_same_task():
    async def items():
        try:
            yield asyncio.current_task()
        finally:
            await asyncio.sleep(0)
            ended.append(asyncio.current_task())

    ended = []
    iteration = Iteration(items())
    task = next(iteration)
    iteration.close()
    assert ended == [task]
    Iteration(items()).close()  # not begun, so its `finally` does not run
    assert ended == [task]


def test_an_error_of_close_is_raised_once():
    async def items():
        try:
            yield "a"
        finally:
            raise OSError("disk")

    class Failing(Closable):
        async def aclose(self):
            raise OSError("disk")

    iteration = Iteration(items())
    next(iteration)
    with pytest.raises(OSError, match="disk"):
        iteration.close()
    iteration.close()
    for values in ((), ("a",)):
        iteration = Iteration(Failing(*values))
        with pytest.raises(OSError, match="disk"):
            list(iteration)
        iteration.close()
    with pytest.raises(OSError, match="disk"):
        Iteration(Failing()).close()


def test_an_iterator_without_athrow_is_closed():
    iteration = Iteration(Bare("a", "b"))
    assert next(iteration) == "a"
    iteration.close()
    assert list(iteration) == []


def read_and_close(iteration, started, close):
    """Close an iteration while another thread waits for its next item; return what that got."""
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as closer:
        found = reader.submit(list, iteration)
        assert started.wait(PATIENCE)
        closer.submit(close).result(PATIENCE)
        try:
            return found.result(PATIENCE)
        except RuntimeError as error:
            return str(error)


@pytest.mark.parametrize("where", ["thread", "coroutine"])
def test_an_iteration_may_be_closed_while_an_item_is_waited_for(where):
    async def items():
        yield "a"
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(1)

    async def close():
        iteration.close()

    for _ in range(20):
        started, ended = threading.Event(), []
        iteration = Iteration(items())
        found = read_and_close(
            iteration, started, iteration.close if where == "thread" else lambda: run(close())
        )
        assert found in (["a"], "The coroutine was cancelled.")
        assert ended == [1]


def test_a_generator_that_catches_the_cancellation_is_closed_at_its_next_yield():
    async def items():
        try:
            started.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                yield "goes on"
        finally:
            await asyncio.sleep(0)
            ended.append(1)

    started, ended = threading.Event(), []
    iteration = Iteration(items())
    read_and_close(iteration, started, iteration.close)
    assert ended == [1]


def test_an_iteration_may_be_closed_as_soon_as_its_iterable_runs(monkeypatch):
    async def items():
        try:
            started.set()
            await asyncio.Event().wait()
            yield "never"
        finally:
            ended.append(1)

    started, ended = threading.Event(), []
    iteration = Iteration(items())
    start = EventLoop.start

    def start_and_close(loop, *job):
        monkeypatch.undo()
        found = start(loop, *job)
        assert started.wait(PATIENCE)
        with ThreadPoolExecutor(1) as closer:
            closer.submit(iteration.close).result(PATIENCE)
        return found

    monkeypatch.setattr(EventLoop, "start", start_and_close)
    assert list(iteration) == []
    assert ended == [1]


def test_a_generator_that_ignores_its_end_is_a_runtime_error():
    async def items():
        try:
            yield "a"
        except asyncio.CancelledError:
            try:
                yield "b"
            finally:
                yield "c"

    iteration = Iteration(items())
    assert next(iteration) == "a"
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        iteration.close()


def test_a_reader_that_is_interrupted_can_close():
    """As gunicorn interrupts a request that takes too long."""

    class Timeout(BaseException):
        pass

    def interrupt(number, frame):
        if not interrupted.is_set():
            interrupted.set()
            raise Timeout

    async def items():
        try:
            yield "a"
            while not interrupted.is_set():  # one that comes just before the wait is not seen
                signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
                await asyncio.sleep(0.01)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(1)

    interrupted, ended = threading.Event(), []
    iteration = Iteration(items())
    previous = signal.signal(signal.SIGUSR1, interrupt)
    try:
        assert next(iteration) == "a"
        with pytest.raises(Timeout):
            next(iteration)
        iteration.close()
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert ended == [1]


# ------------------------------------------------------------ timeouts and task groups


def slow_client(iteration):
    """Read an item and wait until the iterable has run what it can run; return the end."""
    first = next(iteration)
    assert fired.wait(PATIENCE)
    try:
        return [first, *iteration]
    except BaseException as error:
        return [first, type(error)]
    finally:
        iteration.close()


fired = threading.Event()


@pytest.fixture(autouse=True)
def _clear():
    fired.clear()


def test_a_timeout_around_yield_fires_while_the_client_is_slow():
    async def items():
        try:
            async with asyncio.timeout(0.01):
                yield "a"
                yield "never"
        finally:
            fired.set()

    assert slow_client(Iteration(items())) == ["a", TimeoutError]


def test_a_generator_may_go_on_after_a_timeout():
    async def items():
        for name in "abc":
            try:
                async with asyncio.timeout(0.01):
                    yield name
                    await asyncio.Event().wait()
            except TimeoutError:
                if name == "c":
                    fired.set()
        yield "end"

    assert slow_client(Iteration(items())) == ["a", "b", "c", "end"]


def test_a_timeout_around_yield_that_does_not_fire_changes_nothing():
    async def items():
        for name in "abc":
            async with asyncio.timeout(PATIENCE):
                yield name
        fired.set()

    fired.set()
    assert slow_client(Iteration(items())) == ["a", "b", "c"]


def test_after_a_timeout_items_are_not_made_ahead():
    made = []

    async def items():
        try:
            async with asyncio.timeout(0.01):
                yield "a"
        except TimeoutError:
            pass
        for name in "bcd":
            made.append(name)
            fired.set()
            yield name

    iteration = Iteration(items())
    assert next(iteration) == "a"
    assert fired.wait(PATIENCE)
    run(pass_time())
    assert made == ["b"]  # it was made for the timeout, not for the client
    assert next(iteration) == "b"
    run(pass_time())
    assert made == ["b"]
    assert next(iteration) == "c"
    assert made == ["b", "c"]
    iteration.close()


def test_a_task_group_around_yield_ends_with_the_error_of_its_task():
    async def fails():
        raise KeyError("x")

    async def items():
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fails())
                yield "a"
        finally:
            fired.set()

    assert slow_client(Iteration(items())) == ["a", ExceptionGroup]


def test_closing_cancels_the_tasks_of_a_task_group():
    async def forever():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    async def items():
        async with asyncio.TaskGroup() as group:
            group.create_task(forever())
            await asyncio.sleep(0)
            yield "a"

    ended = []
    iteration = Iteration(items())
    assert next(iteration) == "a"
    iteration.close()
    assert ended == [1]


@pytest.mark.parametrize("scope", ["move_on_after", "fail_after"])
def test_an_anyio_scope_around_yield_fires_while_the_client_is_slow(scope):
    async def items():
        try:
            with getattr(anyio, scope)(0.01):
                yield "a"
                yield "never"
        finally:
            fired.set()
        yield "b"

    expected = ["a", "b"] if scope == "move_on_after" else ["a", TimeoutError]
    assert slow_client(Iteration(items())) == expected


def test_an_anyio_task_group_around_yield_works():
    async def items():
        send, receive = anyio.create_memory_object_stream(0)

        async def produce():
            async with send:
                for number in range(3):
                    await send.send(number)

        async with receive, anyio.create_task_group() as group:
            group.start_soon(produce)
            async for number in receive:
                yield number

    assert list(Iteration(items())) == [0, 1, 2]
    iteration = Iteration(items())
    assert next(iteration) == 0
    iteration.close()


def test_a_task_without_athrow_is_cancelled_by_its_own_tasks():
    class Cancels(Bare):
        async def __anext__(self):
            task = asyncio.current_task()
            asyncio.get_running_loop().call_soon(task.cancel)
            asyncio.get_running_loop().call_soon(fired.set)
            return "a"

    assert slow_client(Iteration(Cancels())) == ["a", RuntimeError]


# ------------------------------------------------------------ context variables


def test_the_variables_are_those_of_the_reader_and_are_kept_from_item_to_item():
    async def items():
        token = var.set(f"{var.get()} inside")
        yield var.get()
        yield var.get()
        var.reset(token)  # in another context than that of the token it would fail
        yield var.get()
        var.set("end")

    def read():
        iteration = Iteration(items())
        var.set("reader")
        return next(iteration), var.get(), list(iteration), var.get()

    found = contextvars.copy_context().run(read)
    assert found == ("reader inside", "reader", ["reader inside", "reader"], "end")
    assert var.get() == "nothing"


def test_the_reader_gets_only_what_the_iterable_sets():
    def read():
        iteration = Iteration(pieces(1, 2))
        var.set("first")
        next(iteration)
        var.set("second")
        iteration.close()
        return var.get()

    assert contextvars.copy_context().run(read) == "second"


# ------------------------------------------------------------ where the loop's thread reads


def test_a_coroutine_can_read_an_async_iterable_in_plain_code():
    async def reader():
        iteration = Iteration(pieces(1, 2))
        first = next(iteration)
        await asyncio.sleep(0)
        return [first, *iteration]

    assert run(reader()) == [1, 2]
    assert asyncio.run(reader()) == [1, 2]


def test_a_coroutine_that_would_wait_for_its_own_loop_gets_an_error():
    calls = Calls()
    ended = threading.Event()

    async def items():
        try:
            yield "a"
            yield "b"
        finally:
            ended.set()

    async def outer():
        iteration = Iteration(items())
        assert await calls(lambda: next(iteration)) == "a"
        with pytest.raises(RuntimeError) as caught:
            next(iteration)
        assert await calls(lambda: next(iteration)) == "b"
        iteration.close()
        iteration.close()
        return str(caught.value)

    assert run(outer(), calls) == (
        "A coroutine can't read the rest of an async body that plain code began to read."
    )
    assert ended.wait(PATIENCE)


def test_a_coroutine_may_begin_what_another_thread_goes_on_reading():
    calls = Calls()

    async def outer():
        iteration = Iteration(pieces(1, 2, 3))
        return next(iteration), await calls(lambda: next(iteration)), iteration

    first, second, iteration = run(outer(), calls)
    assert [first, second, *iteration] == [1, 2, 3]


# ------------------------------------------------------------ the end of the loop


END = """
import asyncio
from framework.web.iteration import Iteration
from framework.web.loop import find_loop

async def items():
    try:
        yield "a"
        yield "b"
    finally:
        await asyncio.sleep(0)
        print("closed")

iteration = Iteration(items())
print(next(iteration))
find_loop().stop()
try:
    next(iteration)
except RuntimeError as error:
    print(error)
print(list(iteration))
iteration.close()
other = Iteration(items())
print(next(other))
find_loop().stop()
other.close()
print(list(Iteration(items())))
"""


def test_the_end_of_the_loop_ends_an_iteration():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", END],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        *("a", "closed", "The coroutine was cancelled.", "[]"),
        *("a", "closed"),
        *("closed", "['a', 'b']"),
    ]


def test_random_closing_leaves_nothing_open():
    def read(number):
        async def items():
            open_now.add(number)
            try:
                for item in range(number % 5):
                    async with asyncio.timeout(0.0001 * (number % 7)):
                        yield item
                        await asyncio.sleep(0)
            finally:
                open_now.discard(number)
                await asyncio.sleep(0)

        iteration = Iteration(items())
        try:
            for item in iteration:
                if item == number % 4:
                    break
            iteration.close()
        except TimeoutError:
            pass

    open_now = set()
    run(pass_time())
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(read, range(1000), timeout=PATIENCE))
    assert open_now == set()
    assert find_loop().run(asyncio.sleep(0, "works")) == "works"
