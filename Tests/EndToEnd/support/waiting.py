"""Waiting for conditions with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_never = threading.Event()


def wait_until(condition: Callable[[], T], seconds: float = 5.0, every: float = 0.01, what: str = "") -> T:
    """Polls until the condition is truthy and returns its value; fails with a sentence when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what or condition.__doc__ or 'a condition'}")
        _never.wait(every)


def wait_stable(measure: Callable[[], T], quiet: float, seconds: float, what: str = "a value to settle") -> T:
    """Polls until a measure has not changed for `quiet` seconds."""
    last, since = measure(), time.monotonic()

    def settled() -> bool:
        nonlocal last, since
        value = measure()
        if value != last:
            last, since = value, time.monotonic()
        return time.monotonic() - since >= quiet

    wait_until(settled, seconds, every=0.05, what=what)
    return last
