"""A backlog is no fault; one that does not shrink is."""

from __future__ import annotations

import asyncio

import pytest

from cutlog.bus.lag import Lag
from cutlog.process.readiness import NotReady
from tests.support.waiting import eventually


async def fails(one: Lag) -> bool:
    try:
        await one.check()
    except NotReady:
        return True
    return False


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([(0, 0), (0, 0), (0, 0), (0, 0)], False),  # nothing to do
        ([(0, 5), (0, 5), (0, 5)], False),  # not for long yet
        ([(0, 5), (0, 5), (0, 5), (0, 5)], True),  # nobody does anything
        ([(0, 5), (1, 9), (2, 14), (3, 30)], True),  # more comes than is done
        ([(0, 90), (10, 90), (20, 90), (30, 90)], False),  # it is caught up with, however long that takes
        ([(0, 5), (5, 10), (10, 15), (15, 20)], False),  # always something, but what was there is done
        ([(0, 5), (0, 5), (0, 5), (0, 5), (5, 7)], False),  # what waited is done
        ([(0, 5), (0, 5), (0, 5), (0, 5), (5, 5)], False),
        ([(0, 5), (0, 5), (0, 5), (0, 5), (3, 5)], False),  # it goes on
        ([(9, 5), (9, 5), (9, 5), (9, 5)], False),  # the stream was made anew, and is behind what was read of it
    ],
)
async def test_a_lag_that_grows_is_told(looks: list[tuple[int, int]], expected: bool) -> None:
    one = Lag("work", within=15.0)
    for number, (done, head) in enumerate(looks):
        one.saw(done, head, 5.0 * number)
    assert await fails(one) is expected


async def test_it_is_watched_and_what_cannot_be_reached_is_passed_over() -> None:
    one, stop = Lag("work", within=0.0, look=0.01), asyncio.Event()
    heads = iter([1, 1, 2])

    async def measure() -> tuple[int, int]:
        head = next(heads, None)
        if head is None:
            raise OSError("the database is away")
        return 0, head

    watching = asyncio.create_task(one.watch(measure, stop))
    await eventually(lambda: fails(one))
    stop.set()
    await watching
