"""Waiting for a condition, in place of sleeping."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast, overload

T = TypeVar("T")

PATIENCE = 180.0
"""Seconds until a condition that does not come true fails the test. Only a hang uses them up: other work may keep the
cores busy."""


@overload
async def eventually(condition: Callable[[], Awaitable[T]], *, timeout: float = PATIENCE, every: float = 0.02) -> T: ...
@overload
async def eventually(condition: Callable[[], T], *, timeout: float = PATIENCE, every: float = 0.02) -> T: ...
async def eventually(condition: Callable[[], T | Awaitable[T]], *, timeout: float = PATIENCE, every: float = 0.02) -> T:
    """The first truthy value of `condition` (plain or async), asked again and again. An AssertionError inside
    counts as "not yet"; after `timeout` seconds it, or the last value, is what fails the test."""
    deadline = time.monotonic() + timeout
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
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s; last: {failure or value!r}") from failure
        await asyncio.sleep(every)


def eventually_sync(condition: Callable[[], T], *, timeout: float = PATIENCE, every: float = 0.02) -> T:
    """`eventually` for plain fixtures and tests."""
    deadline = time.monotonic() + timeout
    while True:
        failure: AssertionError | None = None
        value: T | None = None
        try:
            value = condition()
            if value:
                return value
        except AssertionError as error:
            failure = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s; last: {failure or value!r}") from failure
        time.sleep(every)
