import asyncio
import gc
import itertools
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from framework import Response, sequence
from framework.errors import HandlerError
from framework.middleware import compose, make_middleware
from framework.route import Middleware
from framework.web.loop import run
from tests.conftest import call, make_environ
from tests.waiting import PATIENCE

IMPORTS = "import asyncio\nfrom framework import Response, sequence\n\n\n"
SYNC = """
def {name}(context, next):
    context.locals.trail = [*context.locals.get("trail", []), "{name}"]
    response = next()
    response.headers.append("x-trail", "{name}")
    return response
"""
ASYNC = """
async def {name}(context, next):
    await asyncio.sleep(0)
    context.locals.trail = [*context.locals.get("trail", []), "{name}"]
    response = await next()
    await asyncio.sleep(0)
    response.headers.append("x-trail", "{name}")
    return response
"""
TRAIL = "(locals):\n    return Response(' '.join(locals.get('trail', [])))\n"


def layer(kind, name):
    return (ASYNC if kind == "async" else SYNC).format(name=name)


@pytest.fixture
def around(site):
    """A site with a middleware and a handler at `/x`."""

    def make(middleware, handler="def GET" + TRAIL):
        files = {"src/middleware.py": IMPORTS + middleware, "src/pages/x.py": IMPORTS + handler}
        return site(files)

    return make


def failure(site, caplog, path="/x"):
    with caplog.at_level(logging.ERROR, "framework"):
        response = site.get(path)
    assert response.status == 500
    (record,) = caplog.records
    return f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"


# ------------------------------------------------------------ every mixture


@pytest.mark.parametrize("handler", ["def", "async def"])
@pytest.mark.parametrize("kinds", [*itertools.product(["sync", "async"], repeat=4)])
def test_sync_and_async_stand_around_each_other_in_any_mixture(site, kinds, handler):
    one = site(
        {
            "src/middleware.py": IMPORTS
            + layer(kinds[0], "a")
            + layer(kinds[1], "b")
            + "\non_request = sequence(a, b)\n",
            "src/pages/_middleware.py": IMPORTS + layer(kinds[2], "on_request"),
            "src/pages/p/_middleware.py": IMPORTS + layer(kinds[3], "d") + "\non_request = d\n",
            "src/pages/p/x.py": IMPORTS + f"{handler} GET" + TRAIL,
        }
    )
    response = one.get("/p/x")
    assert response.text() == "a b on_request d"
    assert response.headers.get("x-trail") == "d, on_request, b, a"


@pytest.mark.parametrize("kinds", [*itertools.product(["sync", "async"], repeat=3)])
def test_an_exception_crosses_every_layer(around, kinds):
    caught = """
{define} {name}(context, next):
    try:
        response = {wait}next()
    except KeyError as error:
        error.add_note("{name}")
        raise
    return response
"""
    words = {"sync": ("def", ""), "async": ("async def", "await ")}
    parts = "".join(
        caught.format(define=words[kind][0], wait=words[kind][1], name=name)
        for kind, name in zip(kinds, "bcd", strict=True)
    )
    outermost = (
        "def a(context, next):\n    try:\n        return next()\n"
        "    except KeyError as error:\n        return Response(' '.join(error.__notes__))\n"
    )
    one = around(
        f"{parts}\n\n{outermost}\n\non_request = sequence(a, b, c, d)\n",
        "async def GET():\n    raise KeyError('x')\n",
    )
    assert one.get("/x").text() == "d c b"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_http_exception_is_a_response_in_middleware(around, kind):
    one = around(
        layer(kind, "on_request"),
        "from werkzeug.exceptions import Gone\n\n\ndef GET():\n    raise Gone\n",
    )
    response = one.get("/x")
    assert (response.status, response.headers.get("x-trail")) == (410, "on_request")


def test_context_variables_go_inwards_through_every_layer(around):
    one = around(
        "from contextvars import ContextVar\n\nvar = ContextVar('var')\n\n\n"
        "def a(context, next):\n    var.set(['a'])\n    return next()\n\n\n"
        "async def b(context, next):\n    var.set([*var.get(), 'b'])\n    return await next()\n\n\n"
        "def c(context, next):\n    token = var.set([*var.get(), 'c'])\n"
        "    response = next()\n    var.reset(token)\n    return response\n\n\n"
        "async def d(context, next):\n    token = var.set([*var.get(), 'd'])\n"
        "    response = await next()\n    var.reset(token)\n"
        "    context.locals.var = var\n    return response\n\n\n"
        "def lend(context, next):\n    context.locals.var = var\n    return next()\n\n\n"
        "on_request = sequence(lend, a, b, c, d)\n",
        "async def GET(locals):\n    return Response(''.join(locals.var.get()))\n",
    )
    assert one.get("/x").text() == "abcd"


def test_all_requests_have_one_event_loop(around):
    one = around(
        "async def on_request(context, next):\n"
        "    context.locals.loops.append(asyncio.get_running_loop())\n    return await next()\n",
        "async def GET(locals, rewrite):\n"
        "    locals.loops.append(asyncio.get_running_loop())\n    return Response('x')\n",
    )
    loops = []
    environ = {"framework.locals": {"loops": loops}}
    one.get("/x", environ=environ)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(one.get, "/x", environ=environ).result(PATIENCE)
    assert len(loops) == 4
    assert len(set(map(id, loops))) == 1
    assert not loops[0].is_closed()


@pytest.mark.parametrize("kinds", [*itertools.product(["def", "async def"], repeat=2)])
def test_plain_code_runs_in_the_thread_of_its_request(site, kinds):
    """A connection of sqlite3 can be used in one thread only."""
    outer, inner = kinds
    wait = {"def": "", "async def": "await "}
    query = "db.execute('select 1 + 1').fetchone()[0]"
    one = site(
        {
            "src/middleware.py": IMPORTS
            + f"{outer} outer(context, next):\n    return {wait[outer]}next()\n\n\n"
            "def plain(context, next):\n    response = next()\n    db = context.locals.db\n"
            f"    response.headers.set('x-found', str({query}))\n"
            "    return response\n\n\n"
            f"{inner} inner(context, next):\n    return {wait[inner]}next()\n\n\n"
            "on_request = sequence(outer, plain, inner)\n",
            "src/pages/endpoint.py": IMPORTS
            + f"def GET(locals):\n    db = locals.db\n    return Response(str({query}))\n",
            "src/pages/body.py": IMPORTS
            + f"def body(db):\n    yield ''\n    yield str({query})\n\n\n"
            "async def GET(locals):\n    return Response(body(locals.db))\n",
            "src/pages/page.jinja": f"---\ndb = locals.db\nfound = {query}\n---\n"
            f"{{{{ found + {query} - 2 }}}}",
            "src/pages/404.jinja": f"---\ndb = locals.db\nfound = {query}\n---\n{{{{ found }}}}",
        }
    )
    with closing(sqlite3.connect(":memory:")) as db:
        environ = {"HTTP_ACCEPT": "text/html", "framework.locals": {"db": db}}
        for path in ("/endpoint", "/page", "/body", "/missing"):
            response = one.get(path, environ=environ)
            assert (response.text(), response.headers.get("x-found")) == ("2", "2")


VARIABLES = {
    "src/lib/trail.py": "from contextvars import ContextVar\n\ntrail = ContextVar('t', default='')\n\n\n"
    "def add(name):\n    trail.set(f'{trail.get()} {name}')\n    return trail.get()\n",
    "src/pages/[kind].py": "from framework import Response\nfrom lib.trail import add, trail\n\n\n"
    "def plain():\n    yield add('body')\n    yield add('end')\n\n\n"
    "async def later():\n    yield add('body')\n    yield add('end')\n\n\n"
    "HANDLER GET(params, rewrite, locals):\n    add('handler')\n"
    "    if params['kind'] == 'error':\n        raise KeyError\n"
    "    if params['kind'] == 'rewrite':\n        return rewrite('/page')\n"
    "    return Response(plain() if params['kind'] == 'plain' else later())\n",
    "src/pages/page.jinja": "---\nfrom lib.trail import add\n\nadd('page')\n---\n{{ add('template') }}",
    "src/pages/500.jinja": "---\nfrom lib.trail import add\n---\n{{ add('error page') }}",
}


@pytest.fixture(params=["def", "async def"])
def variables(request, site):
    """A site whose handlers, bodies and pages set a context variable."""

    def make(middleware):
        files = {name: text.replace("HANDLER", request.param) for name, text in VARIABLES.items()}
        return site(
            files
            | {"src/middleware.py": f"import asyncio\nfrom lib.trail import add\n\n\n{middleware}"}
        )

    return make


@pytest.mark.parametrize("define", ["def", "async def"])
def test_context_variables_are_seen_by_all_that_runs_later_in_the_request(variables, define):
    wait = "await " if "async" in define else ""
    one = variables(
        f"{define} on_request(context, next):\n    add('in')\n    response = {wait}next()\n"
        "    add('out')\n    return response\n"
    )
    for kind in ("plain", "later", "plain"):  # each request begins without those of the others
        assert one.get(f"/{kind}").text() == " in handler out body in handler out body end"
    assert one.get("/rewrite").text() == " in handler in page template"
    error = one.get("/error", headers={"accept": "text/html"})
    assert error.text() == " in handler error page"


@pytest.mark.parametrize(
    "wait",
    [
        "next()",
        "(await asyncio.gather(next(), asyncio.sleep(0)))[0]",
        "await asyncio.wait_for(next(), 60)",
    ],
)
def test_context_variables_of_a_handler_that_a_task_waits_for_are_seen(variables, wait):
    define = "async def" if "await" in wait else "def"
    one = variables(f"{define} on_request(context, next):\n    return {wait}\n")
    for kind in ("plain", "later", "plain"):
        assert one.get(f"/{kind}").text() == " handler body handler body end"


# ------------------------------------------------------------ asyncio around next


def test_next_may_be_gathered_with_other_work(around):
    one = around(
        "async def other():\n    await asyncio.sleep(0)\n    return 'other'\n\n\n"
        "async def on_request(context, next):\n"
        "    response, found = await asyncio.gather(next(), other())\n"
        "    response.headers.set('x-other', found)\n    return response\n",
        "async def GET():\n    await asyncio.sleep(0)\n    return Response('x')\n",
    )
    assert one.get("/x").headers.get("x-other") == "other"


def test_next_may_be_waited_for_in_a_task_of_its_own(around):
    one = around(
        "async def wait(next):\n    return await next()\n\n\n"
        "async def on_request(context, next):\n"
        "    async with asyncio.TaskGroup() as group:\n"
        "        task = group.create_task(wait(next))\n    return task.result()\n"
    )
    assert one.get("/x").status == 200


def test_a_middleware_may_give_up_waiting_for_next(around):
    one = around(
        "async def on_request(context, next):\n"
        "    context.locals.task = asyncio.current_task()\n"
        "    try:\n        return await next()\n"
        "    except asyncio.CancelledError:\n        return Response('late', status=504)\n",
        "async def GET(locals):\n    locals.task.cancel()\n"
        "    await asyncio.sleep(0)\n    await asyncio.sleep(0)\n    return Response('x')\n",
    )
    assert (one.get("/x").status, one.get("/x").text()) == (504, "late")


@pytest.mark.parametrize("depth", [1, 3])
def test_a_timeout_around_next_cancels_an_async_handler(around, depth):
    one = around(
        "async def on_request(context, next):\n    try:\n"
        "        async with asyncio.timeout(None) as context.locals.timeout:\n"
        "            return await next()\n"
        "    except TimeoutError:\n        return Response('late', status=504)\n\n\n"
        "async def deeper(context, next):\n    return await next()\n\n\n"
        f"on_request = sequence(on_request, *[deeper] * {depth})\n",
        "async def GET(locals):\n    locals.timeout.reschedule(0)\n"
        "    try:\n        await asyncio.Event().wait()\n"
        "    except asyncio.CancelledError:\n        locals.ended.append('cancelled')\n"
        "        raise\n",
    )
    ended = []
    response = one.get("/x", environ={"framework.locals": {"ended": ended}})
    assert (response.status, response.text()) == (504, "late")
    assert ended == ["cancelled"]


def test_a_call_of_next_after_the_middleware_returned_is_an_error(around, caplog):
    one = around(
        "async def late(next, go):\n    await go.wait()\n    return await next()\n\n\n"
        "async def on_request(context, next):\n    go = asyncio.Event()\n"
        "    context.locals.tasks.append((asyncio.create_task(late(next, go)), go))\n"
        "    return Response('first')\n"
    )
    tasks = []
    assert one.get("/x", environ={"framework.locals": {"tasks": tasks}}).text() == "first"

    async def finish(task, go):
        go.set()
        return await task

    with pytest.raises(
        RuntimeError, match=r"^next\(\) was called after its middleware returned\.$"
    ):
        run(finish(*tasks[0]))


# ------------------------------------------------------------ what a middleware returns


@pytest.mark.parametrize(
    "middleware",
    [
        "def on_request(context, next):\n    next()\n",
        "async def on_request(context, next):\n    await next()\n",
        "async def on_request(context, next):\n    next()\n",
        "def on_request(context, next):\n    return next()\n",
        "def on_request(context, next):\n    async def later():\n        return next()\n    return later()\n",
        "on_request = lambda context, next: next()\n",
        "class Guard:\n    def __call__(self, context, next):\n        return next()\n\n\non_request = Guard()\n",
        "class Guard:\n    async def __call__(self, context, next):\n        return await next()\n\n\n"
        "on_request = Guard()\n",
        "def plain(function):\n    return lambda context, next: function(context, next)\n\n\n"
        "@plain\nasync def on_request(context, next):\n    return await next()\n",
        "from functools import partial\n\n\nasync def inner(who, context, next):\n"
        "    return await next()\n\n\non_request = partial(inner, 'me')\n",
        "class Page(Response):\n    pass\n\n\ndef on_request(context, next):\n"
        "    return Page(next().text())\n",
        "on_request = sequence()\n",
    ],
)
def test_the_response_of_next_is_sent(around, middleware):
    one = around(middleware, "def GET():\n    return Response('of the handler')\n")
    assert one.get("/x").text() == "of the handler"


@pytest.mark.parametrize("define", ["def", "async def"])
def test_a_middleware_may_return_its_own_response(around, define):
    one = around(
        f"{define} on_request(context, next):\n    return Response('no', status=403)\n",
        "def GET():\n    raise AssertionError\n",
    )
    assert (one.get("/x").status, one.get("/x").text()) == (403, "no")


@pytest.mark.parametrize("define", ["def", "async def"])
def test_a_result_that_is_not_a_response_is_an_error(around, caplog, define):
    one = around(f"{define} on_request(context, next):\n    return 'text'\n")
    assert failure(one, caplog) == (
        "HandlerError: src/middleware.py:5: the middleware returned str. "
        "Return the Response of next(), or one of your own."
    )


@pytest.mark.parametrize("define", ["def", "async def"])
def test_returning_nothing_without_next_is_an_error(around, caplog, define):
    one = around(f"{define} on_request(context, next):\n    pass\n")
    assert failure(one, caplog) == (
        "HandlerError: src/middleware.py:5: the middleware returned nothing and never called "
        "next(). End it with: return next()"
    )


@pytest.mark.parametrize(
    "middleware",
    [
        "def on_request(context, next):\n    try:\n        next()\n    except KeyError:\n        pass\n",
        "async def on_request(context, next):\n"
        "    try:\n        await next()\n    except KeyError:\n        pass\n",
        "async def on_request(context, next):\n    next()\n",
    ],
)
def test_returning_nothing_after_next_failed_is_an_error(around, caplog, middleware):
    one = around(middleware, "def GET():\n    raise KeyError\n")
    assert failure(one, caplog) == (
        "HandlerError: src/middleware.py:5: the middleware returned nothing and next() gave "
        "no Response. End it with: return next()"
    )


@pytest.mark.parametrize(
    "middleware",
    [
        "def on_request(context, next):\n    next()\n    return next()\n",
        "async def on_request(context, next):\n    await next()\n    return await next()\n",
        "async def on_request(context, next):\n"
        "    return (await asyncio.gather(next(), next()))[0]\n",
        "def on_request(context, next):\n    next()\n    return next('/other')\n",
    ],
)
def test_next_is_called_once(around, caplog, middleware):
    assert failure(around(middleware), caplog) == (
        "HandlerError: src/middleware.py:5: next() was called twice. Call it once."
    )


def test_an_error_names_the_folder_middleware(site, caplog):
    one = site(
        {
            "src/pages/a/_middleware.py": "\n\ndef on_request(context, next):\n    return 1\n",
            "src/pages/a/x.py": IMPORTS + "def GET" + TRAIL,
        }
    )
    assert failure(one, caplog, "/a/x").startswith(
        "HandlerError: src/pages/a/_middleware.py:3: the middleware returned int."
    )


# ------------------------------------------------------------ rewrites


REWRITES = {
    "sync": "def on_request(context, next):\n    return next({target}) if {when} else next()\n",
    "async": "async def on_request(context, next):\n"
    "    return await (next({target}) if {when} else next())\n",
}


@pytest.mark.parametrize("handler", ["def", "async def"])
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    "target", ["'/y?q=1'", "context.url.__class__('/y?q=1', context.url)", "Request(context.url)"]
)
def test_next_with_a_target_runs_another_route(site, kind, handler, target):
    middleware = REWRITES[kind].format(target=target, when="context.url.pathname == '/x'")
    if "Request" in target:
        middleware = "from framework import Request\n\n\n" + middleware.replace(
            "Request(context.url)", "Request('http://localhost/y?q=1')"
        )
    one = site(
        {
            "src/middleware.py": IMPORTS + middleware,
            "src/pages/x.py": IMPORTS + "def GET():\n    raise AssertionError\n",
            "src/pages/y.py": IMPORTS
            + f"{handler} GET(url, origin_pathname):\n"
            + "    return Response(origin_pathname + ' ' + url.pathname + url.search)\n",
        }
    )
    assert one.get("/x").text() == "/x /y?q=1"


@pytest.mark.parametrize("kinds", [*itertools.product(["def", "async def"], repeat=4)])
def test_a_handler_of_either_kind_rewrites_to_one_of_either_kind(site, kinds):
    """Below middleware of either kind, on one event loop or two."""
    top, below, first, second = kinds
    wait = {"def": "", "async def": "await "}
    one = site(
        {
            "src/middleware.py": IMPORTS
            + f"{top} on_request(context, next):\n    return {wait[top]}next()\n",
            "src/pages/to/_middleware.py": IMPORTS
            + f"{below} on_request(context, next):\n    return {wait[below]}next()\n",
            "src/pages/x.py": IMPORTS
            + f"{first} GET(context):\n    context.locals.x = 'seen'\n"
            + "    return context.rewrite('/to/y')\n",
            "src/pages/to/y.py": IMPORTS
            + f"{second} GET(locals):\n    return Response(locals.x)\n",
        }
    )
    assert one.get("/x").text() == "seen"


def test_layers_that_stand_around_a_rewrite_do_not_run_again(site):
    one = site(
        {
            "src/middleware.py": IMPORTS
            + layer("sync", "a")
            + layer("async", "b")
            + "\n\nasync def c(context, next):\n"
            + "    return await (next('/y') if context.url.pathname == '/x' else next())\n"
            + layer("sync", "d")
            + "\non_request = sequence(a, b, c, d)\n",
            "src/pages/x.py": IMPORTS + "def GET():\n    raise AssertionError\n",
            "src/pages/y.py": IMPORTS + "async def GET" + TRAIL,
        }
    )
    response = one.get("/x")
    assert response.text() == "a b d"
    assert response.headers.get("x-trail") == "d, b, a"


# ------------------------------------------------------------ sequence


@pytest.mark.parametrize("kinds", [*itertools.product(["sync", "async"], repeat=3)])
@pytest.mark.parametrize(
    "call",
    [
        "on_request = sequence(sequence(a), sequence(sequence(b, c)))\n",
        "def on_request(context, next):\n    return sequence(a, b, c)(context, next)\n",
        "async def on_request(context, next):\n    return await sequence(a, b, c)(context, next)\n",
        "def on_request(context, next):\n    return sequence(a, b, c)(context, lambda: next())\n",
    ],
)
@pytest.mark.parametrize("handler", ["def", "async def"])
def test_a_sequence_runs_nested_and_by_hand(around, kinds, call, handler):
    parts = "".join(layer(kind, name) for kind, name in zip(kinds, "abc", strict=True))
    response = around(f"{parts}\n\n{call}", f"{handler} GET" + TRAIL).get("/x")
    assert response.text() == "a b c"
    assert response.headers.get("x-trail") == "c, b, a"


@pytest.mark.parametrize("define", ["def", "async def"])
def test_a_sequence_by_hand_may_rewrite(site, define):
    wait = "await " if "async" in define else ""
    one = site(
        {
            "src/middleware.py": IMPORTS
            + "async def away(context, next):\n"
            + "    return await (next('/y') if context.url.pathname == '/x' else next())\n\n\n"
            + f"{define} on_request(context, next):\n"
            + f"    return {wait}sequence(away)(context, next)\n",
            "src/pages/x.py": IMPORTS + "def GET():\n    raise AssertionError\n",
            "src/pages/y.py": IMPORTS + "def GET():\n    return Response('y')\n",
        }
    )
    assert one.get("/x").text() == "y"


def test_a_sequence_by_hand_runs_next_once(around, caplog):
    one = around(
        "def a(context, next):\n    return next()\n\n\n"
        "async def on_request(context, next):\n    both = sequence(a)\n"
        "    return (await asyncio.gather(both(context, next), both(context, next)))[0]\n"
    )
    assert failure(one, caplog) == (
        "HandlerError: src/middleware.py:9: next() was called twice. Call it once."
    )


def test_an_error_in_a_sequence_by_hand_names_the_line(around, caplog):
    one = around(
        "def on_request(context, next):\n"
        "    return sequence(lambda context, next: 1)(context, next)\n"
    )
    assert failure(one, caplog) == (
        "HandlerError: sequence():6: the middleware returned int. "
        "Return the Response of next(), or one of your own."
    )


@pytest.mark.parametrize("part", [None, "on_request", Response("x")])
def test_a_sequence_is_of_functions(part):
    with pytest.raises(TypeError) as caught:
        sequence(lambda context, next: next(), part)
    assert str(caught.value) == f"sequence() takes on_request functions, not {part!r}."


# ------------------------------------------------------------ from async code


@pytest.mark.parametrize("kinds", [*itertools.product(["sync", "async"], repeat=2)])
@pytest.mark.parametrize("handler", ["def", "async def"])
def test_a_coroutine_can_call_a_site(around, kinds, handler):
    parts = "".join(layer(kind, name) for kind, name in zip(kinds, "ab", strict=True))
    one = around(f"{parts}\n\non_request = sequence(a, b)\n", f"{handler} GET" + TRAIL)

    async def ask():
        responses = [one.app.fetch("/x"), await asyncio.to_thread(one.app.fetch, "/x")]
        return [response.text() for response in responses]

    assert asyncio.run(ask()) == ["a b", "a b"]
    gc.collect()


def test_a_coroutine_can_read_an_async_body(around):
    one = around(
        layer("async", "on_request"),
        "async def numbers():\n    for number in range(3):\n        await asyncio.sleep(0)\n"
        "        yield str(number)\n\n\nasync def GET():\n    return Response(numbers())\n",
    )

    async def ask():
        return one.app.fetch("/x").text()

    assert asyncio.run(ask()) == "012" == one.get("/x").text()


@pytest.mark.parametrize("handler", ["def", "async def"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_handler_may_rewrite_and_fetch_three_deep(site, kind, handler):
    one = site(
        {
            "src/middleware.py": IMPORTS + layer(kind, "on_request"),
            "src/pages/[how]/[n=int].py": IMPORTS
            + "async def chunks(n):\n    await asyncio.sleep(0)\n    yield f'bottom {n}'\n\n\n"
            f"{handler} GET(params, rewrite, locals):\n"
            "    how, n = params['how'], params['n']\n"
            "    if n == 3:\n        return Response(chunks(n))\n"
            "    call = rewrite if how == 'rewrite' else locals.call\n"
            "    return call(f'/{how}/{n + 1}')\n",
        }
    )

    def call_app(path):
        environ = make_environ("GET", path, extra={"framework.locals": {"call": call_app}})
        return call(one.app, environ)

    for how in ("rewrite", "fetch"):
        response = one.get(f"/{how}/0", environ={"framework.locals": {"call": call_app}})
        assert response.text() == "bottom 3"


# ------------------------------------------------------------ composing


def test_nothing_around_a_handler_is_the_handler():
    def answer(context):
        raise NotImplementedError

    assert compose([], answer) is answer


def test_the_layers_of_a_function():
    async def later(context, next):
        return await next()

    def now(context, next):
        return next()

    one, two = make_middleware(sequence(later, now), "src/middleware.py")
    line = later.__code__.co_firstlineno
    assert (one.function, one.where, one.is_async) == (later, f"src/middleware.py:{line}", True)
    assert (two.function, two.is_async) == (now, False)
    assert make_middleware(len, "x.py")[0].where == "x.py"
    assert one != Middleware(later, one.where, True)  # each stands for itself
    assert issubclass(HandlerError, Exception)
