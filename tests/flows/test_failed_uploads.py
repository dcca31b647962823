"""The temporary file of an upload is deleted when its request ends, however it ends."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from framework.web.formdata import Spool
from tests.conftest import SiteMaker

PLAIN = "from framework import Response\n\n\ndef on_request(context, next):\n    return next()\n"
ASYNC = PLAIN.replace("def", "async def").replace("next()\n", "await next()\n")
READ = "def POST(request):\n    request.form_data()\n"
HANDLERS = {
    "plain": READ,
    "async": f"async {READ}",
    "clone": READ.replace("request.form", "request.clone().form"),
    "typed": """
from dataclasses import dataclass

from framework import File


@dataclass
class Upload:
    file: File
    number: int


def POST(request):
    request.form_data(Upload)
""",
    "crash": "def POST(request):\n    form = request.form_data()\n    form.get(1 / 0)\n",
}
MIDDLEWARE = {
    "none": {},
    "plain": {"src/middleware.py": PLAIN},
    "async": {"src/middleware.py": ASYNC},
}
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\ndata\r\n'


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("middleware", MIDDLEWARE)
@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize(("rest", "missing"), [(b"", 100), (b"", 0), (b"--b?", 0), (b"--b--", 0)])
def test_an_upload_is_freed_with_its_request(
    site: SiteMaker,
    caplog: pytest.LogCaptureFixture,
    handler: str,
    middleware: str,
    rest: bytes,
    missing: int,
) -> None:
    caplog.set_level(logging.CRITICAL, "framework")  # a record keeps the traceback of its error
    body = PART + rest
    made = site(
        {
            "src/pages/upload.py": HANDLERS[handler],
            "src/pages/500.jinja": "crashed",
            **MIDDLEWARE[middleware],
        }
    )
    made.app  # noqa: B018 - start it before the garbage collector is turned off
    with without_garbage_collection():
        reply = made.request(
            "POST",
            "/upload",
            body=body,
            headers={
                "accept": "text/html",
                "content-length": str(len(body) + missing),
                "content-type": "multipart/form-data; boundary=b",
            },
        )
        assert reply.status in (400, 422, 500)
        assert not [one for one in gc.get_objects() if type(one) is Spool]
