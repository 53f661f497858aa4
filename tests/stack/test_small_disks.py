"""A disk that is full for a while: the stack stays, and all of it comes back when there is room."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cutlog.bus import Bus, streams
from cutlog.bus.connection import answer
from cutlog.bus.errors import BusError
from tests.support.disks import full
from tests.support.stacks import SMALL, RunningStack
from tests.support.waiting import eventually, eventually_sync


@pytest.fixture
def disk(disk_of: Callable[[str], Path]) -> Path:
    """A disk that holds a stack and little more."""
    return disk_of("400m")


@pytest.fixture
def stack(disk: Path, tmp_path: Path) -> Iterator[RunningStack]:
    running = RunningStack(disk / "data", SMALL, logs=tmp_path)
    running.start()
    yield running
    running.stop()


@pytest.mark.slow(reason="each part of a stack dies on a full disk")
@pytest.mark.parametrize("part", ["media", "postgres", "nats"])
def test_a_part_that_dies_on_a_full_disk_comes_back_and_is_found(stack: RunningStack, disk: Path, part: str) -> None:
    before = stack.pids[part]
    with full(disk):
        os.kill(before, signal.SIGKILL)
        eventually_sync(lambda: f"{part} was ended by SIGKILL" in stack.output)
        eventually_sync(lambda: "stack.json could not be written" in stack.output)
    eventually_sync(lambda: stack.pids.get(part, before) != before)
    eventually_sync(lambda: stack.get("/api/projects")[0] == 200)


@pytest.mark.slow(reason="a disk is filled and NATS started again")
async def test_a_bus_that_gave_up_for_a_full_disk_is_started_again(stack: RunningStack, disk: Path) -> None:
    before = stack.pids["nats"]
    async with await Bus.connect(stack.state.nats_url, stack.secrets.nats("operator").seed, name="operator") as bus:
        await streams.ensure(bus, streams.dead_letters())

        async def put() -> bool:
            try:
                answer((await bus.request("dlq.test", bytes(1 << 20), timeout=1)).data)
            except BusError:
                return False
            return True

        assert await put()
        with full(disk):
            assert not any([await put() for _ in range(5)])
            await eventually(lambda: "nats has been unhealthy" in stack.output)
        await eventually(lambda: stack.pids.get("nats", before) != before)
        await eventually(put)
