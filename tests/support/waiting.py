"""Waiting for a condition, in place of sleeping."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast, overload

T = TypeVar("T")

PATIENCE = 300.0
"""Seconds until a condition that does not come true fails the test. Only a hang uses them up: other work may keep the
cores busy."""

EVERY = 0.02
RARELY = 0.2
"""Seconds between looks, at first and after a while: to ask a service costs more than what it is asked about."""


def _pause(every: float, waited: float) -> float:
    """Where a test does not say how often, it asks the less often the longer it has waited, and is at most a tenth
    late."""
    return every if every != EVERY else min(RARELY, max(EVERY, waited / 10))


@overload
async def eventually(
    condition: Callable[[], Awaitable[T]], *, timeout: float = PATIENCE, every: float = EVERY
) -> T: ...
@overload
async def eventually(condition: Callable[[], T], *, timeout: float = PATIENCE, every: float = EVERY) -> T: ...
async def eventually(
    condition: Callable[[], T | Awaitable[T]], *, timeout: float = PATIENCE, every: float = EVERY
) -> T:
    """The first truthy value of `condition` (plain or async), asked again and again. An AssertionError inside
    counts as "not yet"; after `timeout` seconds it, or the last value, is what fails the test."""
    began = time.monotonic()
    while True:
        failure: AssertionError | None = None
        value: object = None
        try:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return cast(T, value)
        except AssertionError as error:
            failure = error
        waited = time.monotonic() - began
        if waited > timeout:
            raise AssertionError(f"not within {timeout:g} s; last: {failure or value!r}") from failure
        await asyncio.sleep(_pause(every, waited))


def eventually_sync(condition: Callable[[], T], *, timeout: float = PATIENCE, every: float = EVERY) -> T:
    """`eventually` for plain fixtures and tests."""
    began = time.monotonic()
    while True:
        failure: AssertionError | None = None
        value: T | None = None
        try:
            value = condition()
            if value:
                return value
        except AssertionError as error:
            failure = error
        waited = time.monotonic() - began
        if waited > timeout:
            raise AssertionError(f"not within {timeout:g} s; last: {failure or value!r}") from failure
        time.sleep(_pause(every, waited))
