"""Wait for a condition, with a limit that scales to slow machines."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0 * float(os.environ.get("TEST_PATIENCE", "1"))
"""The number of seconds after which a test gives up. `TEST_PATIENCE=3` triples it."""


def wait_until(check: Callable[[], T], what: str) -> T:
    """Call `check` until it returns something true, and return that."""
    end = time.monotonic() + PATIENCE
    while not (found := check()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {PATIENCE:g} s for {what}")
        time.sleep(0.02)
    return found
