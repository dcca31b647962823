import asyncio
import contextvars
import gc
import logging
import multiprocessing
import os
import queue
import subprocess
import sys
import textwrap
import threading
import types
import weakref
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec

import anyio
import pytest

from framework.web.calls import Calls
from framework.web.loop import EventLoop, choose_loop, find_loop, run
from tests.waiting import PATIENCE, wait_until

var = contextvars.ContextVar("var", default="nothing")


async def give(value):
    await asyncio.sleep(0)
    return value


async def running():
    return asyncio.get_running_loop()


async def thread():
    return threading.get_ident()


class Later:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return self.value


def fails(error):
    raise error


async def fails_later(error):
    await asyncio.sleep(0)
    raise error


def in_thread(function, *args):
    """Call the function in a new thread, and return its result."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result(PATIENCE)


# ------------------------------------------------------------ running coroutines


@pytest.mark.parametrize("make", [give, Later])
def test_an_awaitable_is_run_to_its_end(make):
    assert run(make(5)) == 5


def test_the_exception_of_a_coroutine_is_raised():
    with pytest.raises(KeyError) as caught:
        run(fails_later(KeyError("x")))
    assert caught.value.__context__ is None  # nothing of the loop's in the traceback
    assert run(give(1)) == 1


def test_all_threads_share_one_loop_in_a_thread_of_its_own():
    mine = threading.get_ident()
    loops = [run(running()), run(running()), in_thread(run, running())]
    threads = [run(thread()), in_thread(run, thread())]
    assert len(set(map(id, loops))) == 1
    assert len(set(threads)) == 1
    assert mine not in threads
    assert not loops[0].is_closed()


def test_many_threads_run_coroutines_at_once():
    together = asyncio.Barrier(50)  # all 50 wait for one another, so they must run at once

    async def ask(number):
        await together.wait()
        return number

    with ThreadPoolExecutor(50) as pool:
        for round in range(20):
            numbers = range(round, round + 50)
            found = pool.map(lambda number: run(ask(number)), numbers, timeout=PATIENCE)
            assert list(found) == list(numbers)


def test_what_is_bound_to_a_loop_is_shared_by_calls_in_all_threads():
    """As the connection pools of httpx and asyncpg are."""
    lock, items, order = asyncio.Lock(), asyncio.Queue(), []

    async def produce():
        async with lock:
            await items.put("item")

    async def consume():
        found = await items.get()  # waits for another thread
        async with lock:
            order.append(found)

    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(run, consume()) for _ in range(5)]
        done = [pool.submit(run, produce()) for _ in range(5)]
        for future in waiting + done:
            future.result(PATIENCE)
    run(produce())
    run(consume())
    assert order == ["item"] * 6


def test_a_coroutine_that_is_cancelled_is_a_runtime_error():
    async def cancels_itself():
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError) as caught:
        run(cancels_itself())
    assert str(caught.value) == "The coroutine was cancelled."
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_exception_that_ends_a_process_ends_only_the_coroutine(error):
    loop = run(running())

    async def ask(started):
        started.set()
        await asyncio.sleep(0.01)
        return "other"

    started = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(run, ask(started))
        assert started.wait(PATIENCE)
        with pytest.raises(error):
            run(fails_later(error("x")))
        assert other.result(PATIENCE) == "other"
    assert run(running()) is loop


def test_an_await_of_a_plain_value_has_a_hint():
    async def handler(value):
        return await value

    with pytest.raises(TypeError) as caught:
        run(handler({"a": 1}))
    assert caught.value.__notes__ == [
        "Remove await: request.json() and the other readers return plain values."
    ]
    with pytest.raises(TypeError) as caught:
        run(fails_later(TypeError("another")))
    assert not hasattr(caught.value, "__notes__")


def test_the_thread_keeps_its_own_event_loop():
    mine = asyncio.new_event_loop()
    asyncio.set_event_loop(mine)
    try:
        run(give(1))
        assert asyncio.get_event_loop_policy().get_event_loop() is mine
    finally:
        asyncio.set_event_loop(None)
        mine.close()


def test_a_coroutine_of_another_loop_can_run_one_on_this():
    async def outer():
        return run(running()), asyncio.get_running_loop()

    inner, outer_loop = asyncio.run(outer())
    assert inner is run(running())
    assert outer_loop is not inner


def test_an_anyio_cancel_scope_works_in_a_coroutine():
    async def ask():
        with anyio.move_on_after(0.01) as scope:
            await anyio.sleep_forever()
        return scope.cancelled_caught

    assert run(ask()) is True


def test_nothing_keeps_a_result_or_an_exception():
    class Thing(Exception):
        pass

    async def ask(things, raises):
        thing = Thing()
        things.append(weakref.ref(thing))
        if raises:
            raise thing
        return [thing]

    things = []
    gc.disable()  # reference counts alone must free them
    try:
        run(ask(things, False))
        with pytest.raises(Thing):
            run(ask(things, True))
        wait_until(lambda: things[0]() is None, "the result")
    finally:
        gc.enable()
    gc.collect()  # the traceback that pytest.raises keeps
    wait_until(lambda: things[1]() is None, "the exception")


# ------------------------------------------------------------ what goes on afterwards


def test_tasks_go_on_after_the_coroutine():
    go, done = asyncio.Event(), threading.Event()
    tasks = set()

    async def later():
        await go.wait()
        done.set()

    async def start():
        tasks.add(asyncio.create_task(later()))

    async def release():
        go.set()

    run(start())
    assert not done.is_set()
    run(release())
    assert done.wait(PATIENCE)


def test_a_call_of_to_thread_that_is_left_over_is_not_waited_for():
    go, done = threading.Event(), threading.Event()
    tasks = set()

    def blocks():
        assert go.wait(PATIENCE)
        done.set()

    async def start():
        tasks.add(asyncio.create_task(asyncio.to_thread(blocks)))
        await asyncio.sleep(0)
        return "result"

    assert run(start()) == "result"
    assert not done.is_set()
    go.set()
    assert done.wait(PATIENCE)


@pytest.mark.parametrize("error", [KeyError, SystemExit, KeyboardInterrupt])
def test_the_exception_of_a_task_that_is_left_over_is_logged(caplog, error):
    loop = run(running())

    async def start():
        asyncio.create_task(fails_later(error("left over")))  # noqa: RUF006 - nobody awaits it

    def logged():
        gc.collect()
        return [one for one in caplog.records if one.name == "asyncio"]

    run(start())
    (record,) = wait_until(logged, "the log")
    assert record.getMessage().startswith("Task exception was never retrieved")
    assert record.exc_info[0] is error
    assert run(running()) is loop


# ------------------------------------------------------------ context variables


def test_a_coroutine_sees_the_variables_of_its_caller_and_sets_them():
    async def change():
        seen = var.get()
        await asyncio.sleep(0)
        var.set("inside")
        return seen

    def ask():
        var.set("outside")
        return run(change()), var.get()

    assert contextvars.copy_context().run(ask) == ("outside", "inside")
    assert var.get() == "nothing"
    assert in_thread(lambda: run(give(var.get()))) == "nothing"


def test_variables_of_a_coroutine_that_fails_are_set_too():
    async def fail():
        var.set("inside")
        raise KeyError

    def ask():
        with pytest.raises(KeyError):
            run(fail())
        return var.get()

    assert contextvars.copy_context().run(ask) == "inside"


@pytest.mark.parametrize("how", ["await", "gather", "task", "wait_for", "not awaited"])
def test_the_variables_of_plain_code_are_seen_by_the_coroutine_and_its_caller(how):
    calls = Calls()

    async def wait(call):
        return await call

    async def outer():
        call = calls(lambda: var.set("plain"))
        if how == "await":
            await call
            return var.get()
        if how == "gather":
            await asyncio.gather(call, give(1))
        elif how == "task":
            await asyncio.create_task(wait(call))
        elif how == "wait_for":
            await asyncio.wait_for(call, PATIENCE)
        return "plain"

    def ask():
        return run(outer(), calls), var.get()

    assert contextvars.copy_context().run(ask) == ("plain", "plain")


def test_plain_code_does_not_undo_what_the_coroutine_sets_meanwhile():
    calls = Calls()

    async def outer():
        call = calls(lambda: var.get())
        var.set("coroutine")
        return await call, var.get()

    def ask():
        var.set("caller")
        return run(outer(), calls), var.get()

    assert contextvars.copy_context().run(ask) == (("caller", "coroutine"), "coroutine")


def test_a_coroutine_can_reset_a_variable_after_plain_code():
    calls = Calls()

    async def outer():
        token = var.set("coroutine")
        seen = await calls(var.get)
        var.reset(token)
        return seen

    def ask():
        return run(outer(), calls), var.get()

    assert contextvars.copy_context().run(ask) == ("coroutine", "nothing")


# ------------------------------------------------------------ plain code in the caller's thread


def test_plain_code_runs_in_the_thread_of_the_caller():
    def plain():
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return threading.get_ident()

    def ask():
        calls = Calls()

        async def outer():
            return await calls(plain), threading.get_ident()

        return run(outer(), calls), threading.get_ident()

    for (inside, of_loop), mine in [ask(), in_thread(ask)]:
        assert inside == mine != of_loop


def test_plain_code_may_run_a_coroutine_that_calls_plain_code():
    calls = [Calls() for _ in range(5)]

    async def down(depth):
        if depth == 5:
            return [asyncio.get_running_loop()]
        inner = calls[depth + 1] if depth < 4 else None
        found = await calls[depth](lambda: run(down(depth + 1), inner))
        return [*found, asyncio.get_running_loop()]

    found = run(down(0), calls[0])
    assert len(found) == 6
    assert len(set(map(id, found))) == 1


def test_the_exception_of_plain_code_is_raised_where_it_is_awaited():
    calls = Calls()

    async def outer():
        try:
            await calls(lambda: fails(KeyError("x")))
        except KeyError as error:
            return error.args

    assert run(outer(), calls) == ("x",)


def test_a_stop_iteration_of_plain_code_is_a_runtime_error():
    calls = Calls()

    async def outer():
        await calls(lambda: next(iter(())))

    with pytest.raises(RuntimeError) as caught:
        run(outer(), calls)
    assert isinstance(caught.value.__cause__, StopIteration)


def test_a_system_exit_of_plain_code_is_raised_in_the_coroutine():
    calls = Calls()
    seen = []

    async def outer():
        try:
            await calls(lambda: fails(SystemExit(3)))
        except SystemExit as error:
            seen.append(error.code)
            raise

    with pytest.raises(SystemExit):
        run(outer(), calls)
    assert seen == [3]
    assert run(give(1)) == 1


def test_a_keyboard_interrupt_in_plain_code_cancels_the_coroutine():
    calls = Calls()
    ended = queue.SimpleQueue()

    async def outer():
        try:
            await calls(lambda: fails(KeyboardInterrupt()))
        except asyncio.CancelledError:
            try:
                calls(lambda: None)  # nobody is there to run it
            except RuntimeError as error:
                ended.put(str(error))
            raise

    with pytest.raises(KeyboardInterrupt):
        run(outer(), calls)
    assert ended.get(timeout=PATIENCE) == "next() was called after its middleware returned."


def test_calls_are_run_in_order():
    calls = Calls()
    order = []

    async def outer():
        return await asyncio.gather(
            calls(lambda: order.append(1)), give("between"), calls(lambda: order.append(2))
        )

    assert run(outer(), calls) == [None, "between", None]
    assert order == [1, 2]


def test_a_call_that_is_not_awaited_is_run_all_the_same():
    calls = Calls()
    done = []

    async def outer():
        calls(lambda: done.append("ran"))
        calls(lambda: fails(KeyError("nobody asks")))
        return "result"

    assert run(outer(), calls) == "result"
    assert done == ["ran"]


def test_a_call_after_the_coroutine_returned_is_an_error():
    calls = Calls()
    go = asyncio.Event()

    async def late():
        await go.wait()
        await calls(lambda: None)

    async def outer():
        return asyncio.create_task(late())

    async def release(task):
        go.set()
        await task

    task = run(outer(), calls)
    with pytest.raises(RuntimeError, match=r"next\(\) was called after its middleware returned\."):
        run(release(task))


def test_another_task_goes_on_while_plain_code_runs():
    calls = Calls()
    plain_runs = threading.Event()

    async def sibling():
        assert await asyncio.to_thread(plain_runs.wait, PATIENCE)
        return in_plain_code.set()

    in_plain_code = threading.Event()

    def plain():
        plain_runs.set()
        return in_plain_code.wait(PATIENCE)

    async def outer():
        return await asyncio.gather(calls(plain), sibling())

    assert run(outer(), calls) == [True, None]


# ------------------------------------------------------------ cancelling


def test_a_call_that_is_cancelled_before_it_runs_is_not_run():
    calls = Calls()

    async def wait(call):
        await call

    async def outer():
        first = calls(lambda: begun.wait(PATIENCE))  # keeps the thread busy
        second = asyncio.create_task(wait(calls(lambda: fails(AssertionError("ran")))))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        begun.set()
        return await first

    begun = threading.Event()
    assert run(outer(), calls) is True


@pytest.mark.parametrize("depth", [1, 3])
def test_a_timeout_around_a_call_cancels_the_coroutine_that_it_runs(depth):
    all_calls = [Calls() for _ in range(depth)]
    timeout, cancelled = asyncio.Timeout(None), []

    async def forever():
        timeout.reschedule(0)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("forever")
            raise

    async def between(level):
        return await all_calls[level](lambda: inner(level))

    def inner(level):
        if level + 1 == depth:
            return run(forever())
        return run(between(level + 1), all_calls[level + 1])

    async def outer():
        try:
            async with timeout:
                await between(0)
        except TimeoutError:
            return "late"

    assert run(outer(), all_calls[0]) == "late"
    assert cancelled == ["forever"]


def test_a_coroutine_that_a_cancelled_call_starts_is_cancelled():
    calls = Calls()
    timeout, is_cancelled, ended = asyncio.Timeout(None), threading.Event(), []

    def plain():
        loop.call_soon_threadsafe(timeout.reschedule, 0)
        assert is_cancelled.wait(PATIENCE)
        try:
            return run(asyncio.Event().wait())
        except RuntimeError as error:
            ended.append(str(error))
            raise

    async def outer():
        try:
            async with timeout:
                await calls(plain)
        except TimeoutError:
            is_cancelled.set()
        return "late"

    loop = run(running())

    assert run(outer(), calls) == "late"
    assert ended == ["The coroutine was cancelled."]


def test_a_task_that_a_cancelled_call_left_over_can_run_coroutines():
    calls = Calls()
    timeout, tasks = asyncio.Timeout(None), []

    async def later(go):
        await go.wait()
        return await asyncio.to_thread(lambda: run(give("later")))

    async def inner(go):
        tasks.append(asyncio.create_task(later(go)))
        timeout.reschedule(0)
        await asyncio.Event().wait()

    async def outer():
        go = asyncio.Event()
        try:
            async with timeout:
                await calls(lambda: run(inner(go)))
        except TimeoutError:
            go.set()
        return await tasks[0]

    assert run(outer(), calls) == "later"


@pytest.mark.parametrize("result", [lambda: "late", lambda: fails(KeyError("late"))])
def test_the_result_of_a_cancelled_call_is_dropped(result):
    calls = Calls()
    timeout, is_cancelled = asyncio.Timeout(None), threading.Event()

    def plain():
        loop.call_soon_threadsafe(timeout.reschedule, 0)
        assert is_cancelled.wait(PATIENCE)
        return result()

    async def outer():
        try:
            async with timeout:
                await calls(plain)
        except TimeoutError:
            is_cancelled.set()
        return await calls(lambda: "next call")

    loop = run(running())
    assert run(outer(), calls) == "next call"


def test_random_cancellation_loses_no_call():
    """Each call of each coroutine ends, whenever it is cancelled."""

    def ask(number):
        calls = Calls()

        async def inner():
            await asyncio.sleep(0.0001 * (number % 7))
            return "done"

        async def outer():
            try:
                async with asyncio.timeout(0.0001 * (number % 11)):
                    return await calls(lambda: run(inner()))
            except TimeoutError:
                return "late"

        return run(outer(), calls)

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask, range(1000), timeout=PATIENCE))
    assert set(found) <= {"done", "late"}
    assert run(give(1)) == 1


# ------------------------------------------------------------ code that blocks the loop's thread


def test_a_coroutine_may_run_another_in_plain_code():
    async def down(depth):
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        var.set(f"{var.get()} {depth}")
        return "bottom" if depth == 3 else run(down(depth + 1))

    def ask():
        return run(down(0)), var.get()

    loops = []
    assert contextvars.copy_context().run(ask) == ("bottom", "nothing 0 1 2 3")
    assert len(set(map(id, loops))) == 4
    assert [loop.is_closed() for loop in loops] == [False, True, True, True]
    assert run(running()) is loops[0]


def test_a_coroutine_may_run_another_in_plain_code_that_calls_plain_code():
    calls = Calls()

    async def inner():
        return await calls(threading.get_ident), threading.get_ident()

    async def outer():
        return run(inner(), calls), threading.get_ident()

    (plain, of_inner), of_outer = run(outer())
    assert plain == of_outer != of_inner


def test_the_temporary_loop_ends_after_a_failure():
    made = []

    async def fail():
        made.append(asyncio.get_running_loop())
        raise KeyError("x")

    async def outer():
        with pytest.raises(KeyError):
            run(fail())

    run(outer())
    assert made[0].is_closed()
    assert made[0] is not run(running())


# ------------------------------------------------------------ the end of a loop


@pytest.fixture
def loop():
    made = EventLoop().begin()
    yield made
    made.stop()


def test_stop_cancels_what_runs(loop):
    started, ended = threading.Event(), []

    async def forever():
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("cancelled")

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(loop.run, forever())
        assert started.wait(PATIENCE)
        loop.stop()
        with pytest.raises(RuntimeError, match="The coroutine was cancelled"):
            future.result(PATIENCE)
    assert ended == ["cancelled"]
    assert loop.has_ended


def test_stop_may_be_called_again_and_at_once(caplog):
    for _ in range(20):
        made = EventLoop().begin()
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda stop: stop(), [made.stop] * 3, timeout=PATIENCE))
        made.stop()
        assert made.has_ended
    assert caplog.records == []


def test_a_loop_that_has_ended_refuses_coroutines(loop):
    loop.stop()
    with pytest.raises(RuntimeError, match=r"^The event loop ended before the coroutine\.$"):
        loop.run(give(1))


def test_coroutines_that_start_while_a_loop_ends_all_end():
    def ask(made):
        try:
            while True:
                made.run(give(1))
        except RuntimeError as error:
            return str(error)

    ends = {"The event loop ended before the coroutine.", "The coroutine was cancelled."}
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            made = EventLoop().begin()
            asked = [pool.submit(ask, made) for _ in range(8)]
            made.run(give(1))
            made.stop()
            assert {one.result(PATIENCE) for one in asked} <= ends


def test_plain_code_may_end_after_the_loop(loop):
    calls = Calls()

    async def outer():
        return await calls(loop.stop)

    with pytest.raises(RuntimeError, match="The coroutine was cancelled"):
        loop.run(outer(), calls)


def test_a_loop_that_fails_is_logged_and_the_next_coroutine_starts_another(caplog):
    choose_loop().stop()  # so that the thread of the next one is new
    old = run(running())
    waiting = [threading.Event(), threading.Event()]
    ended = []

    async def forever(started):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)
            await asyncio.sleep(0)  # can't be awaited any more

    async def break_selector():
        old._selector.select = lambda timeout=None: fails(OSError("selector broke"))

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(run, forever(one)) for one in waiting]
        assert all(one.wait(PATIENCE) for one in waiting)
        with caplog.at_level(logging.ERROR, "framework"), pytest.raises(RuntimeError):
            run(break_selector()), run(give(1))
        for one in asked:
            with pytest.raises(RuntimeError, match="The event loop ended before the coroutine"):
                one.result(PATIENCE)
    assert run(running()) is not old
    wait_until(lambda: len(ended) == 2, "the end of both coroutines")
    (record,) = [one for one in caplog.records if one.name == "framework"]
    assert record.getMessage() == ("The event loop failed. The next coroutine starts another one.")
    assert str(record.exc_info[1]) == "selector broke"
    gc.collect()


def test_the_loop_of_the_process_is_found():
    run(give(1))
    assert find_loop() is choose_loop()
    assert find_loop().thread_id == run(thread())


SCRIPT = """
import asyncio, os, sys, threading
from framework import Response
from framework.web.loop import run

async def give(value):
    await asyncio.sleep(0)
    return value

async def running():
    return id(asyncio.get_running_loop()), threading.get_ident()
"""


def script(code):
    text = SCRIPT + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout.split("\n")[:-1], done.stderr


def test_the_end_of_the_process_ends_bodies_and_tasks():
    code = """
        async def chunks():
            try:
                yield "a"
                yield "b"
            finally:
                await asyncio.sleep(0)
                print("body closed")

        async def background():
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                print("task cancelled")

        async def start():
            global task
            task = asyncio.create_task(background())
            await asyncio.sleep(0)

        run(start())
        body = Response(chunks()).send(lambda *_: None)
        print(next(body))
    """
    code, lines, errors = script(code)
    assert (code, errors) == (0, "")
    assert lines[0] == "b'a'"
    assert sorted(lines[1:]) == ["body closed", "task cancelled"]


def test_the_end_of_the_process_is_quiet_after_calls_of_to_thread():
    code = """
        async def fails():
            try:
                await asyncio.Event().wait()
            finally:
                raise OSError("disk")

        async def start():
            global task
            task = asyncio.create_task(fails())
            return await asyncio.to_thread(threading.get_ident)

        assert run(start()) != threading.get_ident()
        print("end")
    """
    code, lines, errors = script(code)
    assert (code, lines) == (0, ["end"])
    assert "The event loop failed" not in errors


def test_the_end_of_a_loop_does_not_wait_for_calls_of_to_thread(loop):
    go, done = threading.Event(), threading.Event()

    def blocks():
        assert go.wait(PATIENCE)
        done.set()

    async def start():
        tasks.append(asyncio.create_task(asyncio.to_thread(blocks)))
        await asyncio.sleep(0)

    tasks = []
    loop.run(start())
    loop.stop()
    assert loop.has_ended
    assert not done.is_set()
    go.set()
    assert done.wait(PATIENCE)


def test_a_process_without_coroutines_starts_no_loop():
    code, lines, errors = script("print(threading.active_count())")
    assert (code, lines, errors) == (0, ["1"], "")


def test_a_task_that_does_not_end_does_not_hold_up_the_process():
    code = """
        from framework.web import loop
        loop._STOP_TIMEOUT = 0.01

        async def stubborn():
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    pass

        async def start():
            global task
            task = asyncio.create_task(stubborn())
            await asyncio.sleep(0)

        run(start())
        print("end")
    """
    code, lines, _ = script(code)
    assert (code, lines) == (0, ["end"])


# ------------------------------------------------------------ fork


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_has_a_loop_of_its_own():
    mine = run(running())
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            other = run(running())
            is_own = other is not mine and run(running()) is other
            os.write(write, b"own" if is_own and run(give(5)) == 5 else b"shared")
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        assert pipe.read() == b"own"
    os.waitpid(child, 0)
    assert run(give(5)) == 5
    assert run(running()) is mine


def _run_in_child(connection):
    connection.send((run(give(5)), os.getpid()))
    connection.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("where", ["plain code", "coroutine", "plain code of a coroutine"])
def test_a_process_of_multiprocessing_has_a_loop_of_its_own(where):
    fork = multiprocessing.get_context("fork")

    def ask():
        mine, other = fork.Pipe()
        process = fork.Process(target=_run_in_child, args=(other,))
        process.start()
        other.close()
        assert mine.poll(PATIENCE)
        result, pid = mine.recv()
        process.join(PATIENCE)
        return result, pid != os.getpid(), process.exitcode

    calls = Calls()

    async def ask_from_coroutine():
        return await calls(ask) if where != "coroutine" else ask()

    run(give(1))
    found = ask() if where == "plain code" else run(ask_from_coroutine(), calls)
    assert found == (5, True, 0)
    assert run(give(5)) == 5


def test_a_forked_process_ends_its_own_loop_only():
    code = """
        async def background(name):
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)  # needs the loop
                print(name, flush=True)

        tasks = []

        async def start(name):
            tasks.append(asyncio.create_task(background(name)))
            await asyncio.sleep(0)

        run(start("parent"))
        child = os.fork()
        if child == 0:
            run(start("child"))
            sys.exit()
        os.waitpid(child, 0)
        assert run(give(5)) == 5
        print("parent works", flush=True)
    """
    code, lines, _ = script(code)
    assert (code, lines) == (0, ["child", "parent works", "parent"])


def test_a_process_may_be_forked_before_the_first_coroutine():
    code = """
        child = os.fork()
        result = run(give(5))
        if child:
            os.waitpid(child, 0)  # so that the two don't print at once
        print(result, flush=True)
    """
    assert script(code) == (0, ["5", "5"], "")


# ------------------------------------------------------------ which kind of loop


@pytest.mark.parametrize("patched", [None, False, True])
def test_uvloop_is_used_if_gevent_does_not_replace_what_it_waits_with(monkeypatch, patched):
    made = []

    def new_event_loop():
        made.append(asyncio.new_event_loop())
        return made[-1]

    uvloop = types.ModuleType("uvloop")
    uvloop.__spec__ = ModuleSpec("uvloop", None)
    uvloop.new_event_loop = new_event_loop
    monkeypatch.setitem(sys.modules, "uvloop", uvloop)
    if patched is not None:
        monkey = types.ModuleType("gevent.monkey")
        monkey.is_module_patched = lambda name: patched and name == "select"
        monkeypatch.setitem(sys.modules, "gevent.monkey", monkey)
    loop = EventLoop().begin()
    try:
        assert (loop.run(running()) in made) is not bool(patched)
    finally:
        loop.stop()


def test_in_debug_mode_a_coroutine_that_is_not_awaited_has_its_origin():
    code = """
        from framework.web.loop import use_debug_mode
        import warnings

        use_debug_mode()
        warnings.simplefilter("always")

        async def forgets():
            give(1)
            return asyncio.get_running_loop().get_debug()

        print(run(forgets()))
    """
    code, lines, errors = script(code)
    assert (code, lines) == (0, ["True"])
    assert "coroutine 'give' was never awaited" in errors
    assert "in forgets" in errors
