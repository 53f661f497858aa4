"""One row that fails keeps nobody waiting; what is no fault of a row is raised."""

from __future__ import annotations

import asyncio
import errno

import pytest
from prometheus_client import CollectorRegistry

from cutlog.blobs import StoreUnavailableError
from cutlog.db.leases import LeaseLost
from cutlog.db.skipping import NAMED, SkippedRows, Skipping, counted, repeat
from cutlog.process.readiness import CannotServe
from tests.support.waiting import eventually


def work(skipping: Skipping, **rows: Exception | None) -> list[str]:
    """The rows that were worked on to their end."""
    done = []
    for name, error in rows.items():
        with skipping.row(name):
            if error is not None:
                raise error
            done.append(name)
    return done


async def test_a_row_that_fails_is_named_until_it_succeeds_and_the_others_go_on() -> None:
    skipping, shown = Skipping("loop"), SkippedRows()
    registry = CollectorRegistry()
    registry.register(shown)
    shown.loops.append(skipping)
    assert work(skipping, a=None, bad=KeyError("x"), b=None, torn=OSError(errno.ENAMETOOLONG, "x")) == ["a", "b"]
    assert await skipping.alarms() == ["skipped:loop:bad", "skipped:loop:torn"]
    assert registry.get_sample_value("cutlog_skipped_rows", {"loop": "loop"}) == 2
    work(skipping, bad=None)
    assert await skipping.alarms() == ["skipped:loop:torn"]
    assert registry.get_sample_value("cutlog_skipped_rows", {"loop": "loop"}) == 1


@pytest.mark.parametrize(
    "error",
    [
        OSError("the network is down"),
        OSError(errno.ENOSPC, "full"),
        TimeoutError(),
        StoreUnavailableError("the bucket is away"),
        LeaseLost("another leads"),
        CannotServe("somebody has to decide"),
        LookupError("said by the loop"),
        ExceptionGroup("some", [KeyError("x"), ConnectionResetError()]),
    ],
    ids=repr,
)
async def test_what_is_no_fault_of_the_row_is_raised(error: Exception) -> None:
    skipping = Skipping("loop", outages=(LookupError,) if type(error) is LookupError else ())
    with pytest.raises(type(error)):
        work(skipping, a=error)
    assert await skipping.alarms() == []


async def test_a_cancellation_is_none_of_its_business() -> None:
    skipping = Skipping("loop")
    with pytest.raises(asyncio.CancelledError), skipping.row("a"):
        raise asyncio.CancelledError
    assert skipping.rows == []


async def test_of_many_rows_some_are_named_and_the_others_counted() -> None:
    skipping = Skipping("loop")
    work(skipping, **{f"r{number:03}": KeyError() for number in range(NAMED + 7)})
    alarms = await skipping.alarms()
    assert len(alarms) == NAMED + 1 and alarms[-1] == "skipped:loop:+7"


async def test_a_row_that_never_comes_again_is_forgotten() -> None:
    skipping = Skipping("loop", kept=-1.0)
    work(skipping, gone=KeyError())
    assert await skipping.alarms() == []


async def test_a_loop_goes_on_whatever_becomes_of_a_round() -> None:
    stop, rounds = asyncio.Event(), 0

    async def once() -> None:
        nonlocal rounds
        rounds += 1
        raise (KeyError("x"), OSError("away"))[rounds % 2]

    task = asyncio.create_task(repeat("loop", once, 0.001, stop))
    await eventually(lambda: rounds > 3)
    stop.set()
    await task


async def test_for_strangers_rows_are_counted_by_loop_and_other_alarms_stay() -> None:
    skipping = Skipping("loop")
    work(skipping, **{f"r{number:03}": KeyError() for number in range(NAMED + 7)})
    alarms = ["foreign-message", *await skipping.alarms(), "skipped:other:acme", "skipped:other:p:1:+2"]
    assert counted(alarms) == ["foreign-message", f"skipped:loop:+{NAMED + 7}", "skipped:other:+2"]
