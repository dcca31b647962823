import asyncio
import contextvars
import gc
import threading

import pytest

from framework.web.loop import Call, Loop

var = contextvars.ContextVar("var", default="nothing")


@pytest.fixture
def loop():
    made = Loop()
    yield made
    made.close()


async def give(value):
    await asyncio.sleep(0)
    return value


async def running():
    return asyncio.get_running_loop()


class Later:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return self.value


def fails(error):
    raise error


# ------------------------------------------------------------ running coroutines


@pytest.mark.parametrize("make", [give, Later])
def test_an_awaitable_is_run_to_its_end(loop, make):
    assert loop.run(make(5)) == 5


def test_an_exception_of_the_coroutine_is_raised(loop):
    async def fail():
        raise KeyError("x")

    with pytest.raises(KeyError) as caught:
        loop.run(fail())
    assert caught.value.__context__ is None  # nothing of the loop's in the traceback
    assert loop.run(give(1)) == 1


def test_a_request_has_one_loop_in_its_own_thread(loop):
    async def where():
        return asyncio.get_running_loop(), threading.get_ident()

    first = loop.run(where())
    assert first == loop.run(where())
    assert first[1] == threading.get_ident()


def test_close_cancels_running_tasks_and_closes_the_loop():
    ended = []

    async def forever():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def start():
        task = asyncio.ensure_future(forever())
        await asyncio.sleep(0)
        return task, asyncio.get_running_loop()

    loop = Loop()
    task, made = loop.run(start())
    assert not task.done()
    loop.close()
    assert task.cancelled()
    assert ended == ["cancelled"]
    assert made.is_closed()
    loop.close()


def test_no_event_loop_is_created_before_the_first_coroutine():
    Loop()
    gc.collect()  # a loop left open would be a ResourceWarning, which is an error here


def test_the_thread_keeps_its_own_event_loop(loop):
    mine = asyncio.new_event_loop()
    asyncio.set_event_loop(mine)
    try:
        loop.run(give(1))
        loop.close()
        assert asyncio.get_event_loop_policy().get_event_loop() is mine
    finally:
        asyncio.set_event_loop(None)
        mine.close()


def test_a_cancelled_coroutine_is_a_runtime_error(loop):
    async def cancels_itself():
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError) as caught:
        loop.run(cancels_itself())
    assert str(caught.value) == "The coroutine was cancelled."
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)


def test_a_coroutine_sees_the_variables_of_its_caller_and_keeps_its_own(loop):
    async def change():
        seen = var.get()
        var.set("inside")
        return seen

    token = var.set("outside")
    try:
        assert loop.run(change()) == "outside"
        assert var.get() == "outside"
    finally:
        var.reset(token)


# ------------------------------------------------------------ calling plain code


def test_a_coroutine_calls_plain_code_while_the_loop_is_stopped(loop):
    call = Call()

    def plain():
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return threading.get_ident()

    async def outer():
        return await call(plain)

    assert loop.run(outer(), call) == threading.get_ident()


def test_plain_code_that_a_coroutine_calls_may_run_another(loop):
    calls = [Call() for _ in range(5)]

    async def down(depth):
        if depth == 5:
            return [asyncio.get_running_loop()]
        found = await calls[depth](
            lambda: loop.run(down(depth + 1), calls[depth + 1] if depth < 4 else None)
        )
        return [*found, asyncio.get_running_loop()]

    found = loop.run(down(0), calls[0])
    assert len(found) == 6
    assert len(set(found)) == 1


def test_what_plain_code_raises_is_raised_where_it_is_awaited(loop):
    call = Call()

    async def outer():
        try:
            await call(lambda: fails(KeyError("x")))
        except KeyError as error:
            return error.args

    assert loop.run(outer(), call) == ("x",)


def test_a_stop_iteration_is_an_error_like_any_other(loop):
    call = Call()

    async def outer():
        with pytest.raises(RuntimeError) as caught:
            await call(lambda: next(iter(())))
        assert isinstance(caught.value.__cause__, StopIteration)
        return str(caught.value)

    assert loop.run(outer(), call) == "A StopIteration was raised and not caught."


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_keyboard_interrupt_and_system_exit_are_raised(error):
    async def outer(call):
        await call(lambda: fails(error()))

    async def inner():
        raise error

    for make in (outer, lambda call: inner()):
        loop = Loop()
        call = Call()
        with pytest.raises(error):
            loop.run(make(call), call)
        loop.close()


def test_plain_code_sees_the_variables_of_the_coroutine_and_keeps_its_own(loop):
    call = Call()

    def plain():
        seen = var.get()
        var.set("plain")
        return seen

    async def outer():
        token = var.set("coroutine")
        seen = await call(plain)
        kept = var.get()
        var.reset(token)
        return seen, kept, var.get()

    assert loop.run(outer(), call) == ("coroutine", "coroutine", "nothing")


def test_calls_made_at_once_are_run_in_order(loop):
    call = Call()
    order = []

    async def outer():
        return await asyncio.gather(
            call(lambda: order.append(1)), give("between"), call(lambda: order.append(2))
        )

    assert loop.run(outer(), call) == [None, "between", None]
    assert order == [1, 2]


def test_a_call_that_is_not_awaited_is_run_all_the_same(loop):
    call = Call()
    done = []

    async def outer():
        call(lambda: done.append("ran"))
        call(lambda: fails(KeyError("nobody asks")))
        return "result"

    assert loop.run(outer(), call) == "result"
    assert done == ["ran"]
    gc.collect()


def test_a_call_cancelled_before_it_runs_is_not_run(loop):
    call = Call()

    async def outer():
        future = call(lambda: fails(AssertionError("ran")))
        future.cancel()
        await asyncio.sleep(0)
        return "result"

    assert loop.run(outer(), call) == "result"


@pytest.mark.parametrize("result", [lambda: "late", lambda: fails(KeyError("late"))])
def test_a_coroutine_may_be_cancelled_while_plain_code_runs(loop, result):
    """As `asyncio.timeout` does around `await next()`."""
    call = Call()

    async def inner(task):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return result()

    async def outer():
        task = asyncio.current_task()
        try:
            await call(lambda: loop.run(inner(task)))
        except asyncio.CancelledError:
            return "gave up"

    assert loop.run(outer(), call) == "gave up"


def test_another_task_goes_on_while_a_coroutine_deeper_down_runs(loop):
    call = Call()
    inner_call = Call()
    order = []

    async def inner(event):
        order.append("inner waits")
        await event.wait()
        return await inner_call(lambda: order.append("plain") or "inner")

    async def sibling(event):
        order.append("sibling")
        event.set()
        return await call(lambda: order.append("sibling's plain") or "sibling")

    async def outer():
        event = asyncio.Event()
        return await asyncio.gather(
            call(lambda: loop.run(inner(event), inner_call)), sibling(event)
        )

    assert loop.run(outer(), call) == ["inner", "sibling"]
    assert order == ["sibling", "inner waits", "plain", "sibling's plain"]


# ------------------------------------------------------------ where a loop runs already


def test_a_request_made_by_a_coroutine_has_one_loop_in_other_threads():
    async def where():
        return asyncio.get_running_loop(), threading.get_ident()

    async def outer():
        loop = Loop()
        call = Call()

        async def calls():
            return await call(lambda: loop.run(where()))

        try:
            found = [loop.run(where()), loop.run(calls(), call), loop.run(where())]
            mine = (asyncio.get_running_loop(), threading.get_ident())
        finally:
            loop.close()
        assert found[0][0].is_closed()
        return found, mine

    found, mine = asyncio.run(outer())
    assert len({loop for loop, _ in found} - {mine[0]}) == 1
    assert mine[1] not in [thread for _, thread in found]


def test_an_async_generator_that_a_coroutine_reads_step_by_step_stays_open():
    async def numbers():
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    async def outer():
        loop = Loop()
        source = numbers()
        try:
            return [loop.run(anext(source)) for _ in range(3)]
        finally:
            loop.close()

    assert asyncio.run(outer()) == [0, 1, 2]


def test_a_coroutine_may_run_another_by_way_of_plain_code(loop):
    calls = [Call() for _ in range(3)]
    threads = []

    async def down(depth):
        threads.append(threading.get_ident())
        await asyncio.sleep(0)
        if depth == 3:
            return "bottom"
        # A plain call within a running coroutine, and a call while its loop stands still.
        inner = loop.run(middle(depth), calls[depth])
        await asyncio.sleep(0)
        return inner

    async def middle(depth):
        return await calls[depth](lambda: loop.run(down(depth + 1)))

    assert loop.run(down(0)) == "bottom"
    assert len(set(threads)) == 4
    assert loop.run(running()) is loop.run(running())


def test_the_temporary_second_loop_is_closed_after_a_failure(loop):
    made = []

    async def fail():
        made.append(asyncio.get_running_loop())
        raise KeyError("x")

    async def outer():
        with pytest.raises(KeyError):
            loop.run(fail())
        return asyncio.get_running_loop()

    mine = loop.run(outer())
    assert made[0] is not mine
    assert made[0].is_closed()
    assert loop.run(running()) is mine


def test_context_variables_are_visible_in_the_other_thread(loop):
    async def read():
        return var.get()

    async def outer():
        var.set("outer")
        return loop.run(read())

    assert loop.run(outer()) == "outer"


# ------------------------------------------------------------ contexts and closing


def test_a_context_that_is_given_keeps_what_is_set_in_it(loop):
    context = contextvars.copy_context()

    async def change():
        return var.set("kept")

    async def back(token):
        var.reset(token)

    token = loop.run(change(), context=context)
    assert (context[var], var.get()) == ("kept", "nothing")
    loop.run(back(token), context=context)
    assert var not in context


def test_a_loop_can_be_closed_while_another_runs():
    loop = Loop()
    made = loop.run(running())

    async def outer():
        loop.close()

    asyncio.run(outer())
    assert made.is_closed()


def test_close_may_be_called_again():
    loop = Loop()
    loop.close()
    loop.run(give(1))
    loop.close()
    loop.close()
    assert loop.run(give(2)) == 2
    loop.close()


def test_an_await_of_a_plain_value_has_a_hint(loop):
    async def handler(value):
        return await value

    async def failing():
        fails(TypeError("another"))

    with pytest.raises(TypeError) as caught:
        loop.run(handler({"a": 1}))
    assert caught.value.__notes__ == [
        "Remove await: request.json() and the other readers return plain values."
    ]
    with pytest.raises(TypeError) as caught:
        loop.run(failing())
    assert not hasattr(caught.value, "__notes__")
