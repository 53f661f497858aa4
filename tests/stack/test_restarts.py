"""A part that dies is started again, and said so."""

from __future__ import annotations

import os
import signal

import pytest

from tests.support.stacks import RunningStack
from tests.support.waiting import eventually_sync


@pytest.mark.slow(reason="starts processes of its own, seconds each")
@pytest.mark.parametrize("part", ["ops", "media", "render", "gc", "gateway", "nats", "postgres"])
def test_a_killed_part_comes_back(small_stack: RunningStack, part: str) -> None:
    before = small_stack.pids
    os.kill(before[part], signal.SIGKILL)
    eventually_sync(lambda: small_stack.pids.get(part, before[part]) != before[part])
    assert f"cutlog: {part} was ended by SIGKILL; starting it again" in small_stack.output
    others = {name: pid for name, pid in small_stack.pids.items() if name != part}
    assert others == {name: pid for name, pid in before.items() if name != part}
    eventually_sync(lambda: small_stack.get("/api/projects")[0] == 200)


@pytest.mark.slow(reason="kills parts of a stack, one after the other")
def test_requests_wait_for_a_service_that_restarts(small_stack: RunningStack) -> None:
    before = small_stack.pids["media"]
    os.kill(before, signal.SIGKILL)
    status, body = small_stack.get("/api/videos")
    assert status in (200, 503)
    if status == 503:
        assert '"title":"Unavailable"' in body
    eventually_sync(lambda: small_stack.pids.get("media", before) != before)
