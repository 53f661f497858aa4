"""The work queue: every job is done, by somebody, or put away with the reason."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from nats.aio.msg import Msg

from cutlog.bus import Bus, Delivered, JobQueue, Poison, Retry
from cutlog.bus.streams import stream_info
from cutlog.contract.subjects import PROXY_WORKERS
from tests.support.messaging import NatsServer
from tests.support.streams import message, operator
from tests.support.waiting import PATIENCE, eventually

slow = pytest.mark.slow(reason="starts NATS for one more way in which a job may end")

SUBJECT = "job.render.hi.p_1"
pytestmark = pytest.mark.usefixtures("providing")


async def count(bus: Bus, stream: str) -> int:
    info = await stream_info(bus, stream)
    return int(info["state"]["messages"]) if info else 0


class Worker:
    """Works until the block ends; remembers what it was given."""

    def __init__(self, bus: Bus, *, slots: int = 2, grace: float = 5.0, cap: float = 60.0, beat: float = 10.0) -> None:
        self.bus, self.slots, self.grace, self.cap, self.beat = bus, slots, grace, cap, beat
        self.seen: list[tuple[bytes, int]] = []
        self.done: list[bytes] = []
        self.running = self.most = 0
        self.go = asyncio.Event()
        self.go.set()
        self.stop = asyncio.Event()

    async def handle(self, job: Delivered) -> None:
        self.seen.append((job.payload, job.delivery))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.go.wait()
            match job.payload:
                case b"poison":
                    raise Poison("the timeline names a font that is not there")
                case b"again" if job.delivery == 1:
                    raise Retry("the disk is full", delay=0.05)
                case b"never":
                    raise Retry("the disk is still full", delay=0.01)
                case b"bug" if job.delivery == 1:
                    raise ZeroDivisionError("frames")
            self.done.append(job.payload)
        finally:
            self.running -= 1

    async def __aenter__(self) -> Worker:
        self.task = asyncio.create_task(
            JobQueue(self.bus).work(
                PROXY_WORKERS, self.handle, self.stop, slots=self.slots, grace=self.grace, cap=self.cap, beat=self.beat
            )
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        await self.task


async def test_jobs_are_done_once_and_leave_the_queue(bus: Bus) -> None:
    queue = JobQueue(bus)
    names = [f"job {number}".encode() for number in range(30)]
    for name in names:
        await queue.publish(SUBJECT, name, key=name.decode())
    async with Worker(bus, slots=3) as worker:
        await eventually(lambda: len(worker.done) == 30)
        await eventually(lambda: empty(bus))
    assert sorted(worker.done) == sorted(names)
    assert worker.most <= 3


async def empty(bus: Bus) -> bool:
    return await count(bus, "JOBS") == 0


async def test_the_same_key_is_the_same_job(bus: Bus) -> None:
    queue = JobQueue(bus)
    first = await queue.publish(SUBJECT, b"a", key="k")
    again = await queue.publish(SUBJECT, b"a", key="k")
    other = await queue.publish(SUBJECT, b"a", key="l")
    assert first == again != other
    assert await count(bus, "JOBS") == 2


async def test_no_more_than_there_are_slots_is_taken_from_the_queue(bus: Bus) -> None:
    queue = JobQueue(bus)
    for number in range(10):
        await queue.publish(SUBJECT, b"x", key=str(number))
    async with Worker(bus, slots=2) as one:
        one.go.clear()
        await eventually(lambda: one.running == 2)
        async with Worker(bus, slots=3) as two:
            two.go.clear()
            await eventually(lambda: two.running == 3)
            info = await bus.api("CONSUMER.INFO.JOBS.render-proxy")
            assert (info["num_ack_pending"], info["num_pending"]) == (5, 5)
            one.go.set()
            two.go.set()
            await eventually(lambda: empty(bus))
    assert len(one.done) + len(two.done) == 10
    assert (one.most, two.most) == (2, 3)


async def test_a_job_that_may_succeed_later_comes_again(bus: Bus) -> None:
    await JobQueue(bus).publish(SUBJECT, b"again", key="1")
    async with Worker(bus) as worker:
        await eventually(lambda: worker.done == [b"again"])
        await eventually(lambda: empty(bus))
    assert worker.seen == [(b"again", 1), (b"again", 2)]
    assert await count(bus, "DLQ") == 0


@slow
async def test_an_unexpected_error_is_tried_again(bus: Bus) -> None:
    await JobQueue(bus).publish(SUBJECT, b"bug", key="1")
    async with Worker(bus) as worker:
        await eventually(lambda: worker.done == [b"bug"])


async def test_poison_goes_to_the_dead_letters_whole_and_blocks_nobody(bus: Bus, nats: NatsServer) -> None:
    queue = JobQueue(bus)
    sequence = await queue.publish(SUBJECT, b"poison", key="1", headers={"traceparent": "00-a-b-01"})
    await queue.publish(SUBJECT, b"fine", key="2")
    async with Worker(bus, slots=1) as worker:
        await eventually(lambda: worker.done == [b"fine"])
        await eventually(lambda: empty(bus))
    async with await operator(nats) as admin:
        letter = await message(admin, "DLQ", 1)
    assert letter["subject"] == f"dlq.{SUBJECT}"
    assert letter["data"] == b"poison"
    assert letter["headers"] | {"Nats-Msg-Id": ""} == {
        "Nats-Msg-Id": "",
        "traceparent": "00-a-b-01",
        "Cutlog-Reason": "the timeline names a font that is not there",
        "Cutlog-Stream": "JOBS",
        "Cutlog-Sequence": str(sequence),
        "Cutlog-Subject": SUBJECT,
        "Cutlog-Deliveries": "1",
    }


@slow
async def test_a_job_that_failed_five_times_goes_to_the_dead_letters(bus: Bus) -> None:
    await JobQueue(bus).publish(SUBJECT, b"never", key="1")
    async with Worker(bus) as worker:
        await eventually(lambda: empty(bus))
    assert [delivery for _, delivery in worker.seen] == [1, 2, 3, 4, 5]
    assert await count(bus, "DLQ") == 1


@slow
async def test_a_job_over_its_cap_is_a_failure(bus: Bus) -> None:
    await JobQueue(bus).publish(SUBJECT, b"slow", key="1")
    async with Worker(bus, cap=0.2) as worker:
        worker.go.clear()
        await eventually(lambda: len(worker.seen) == 1)
        await eventually(lambda: worker.running == 0)
        worker.go.set()
        await eventually(lambda: worker.done == [b"slow"])


@slow
async def test_stopping_waits_for_running_jobs_then_hands_the_rest_to_others_at_once(bus: Bus) -> None:
    queue = JobQueue(bus)
    await queue.publish(SUBJECT, b"long", key="1")
    async with Worker(bus, grace=0.1) as one:
        one.go.clear()
        await eventually(lambda: one.running == 1)
    assert one.done == []
    async with Worker(bus) as two:
        await eventually(lambda: two.done == [b"long"])
    assert two.seen == [(b"long", 2)]


@slow
@pytest.mark.parametrize("providing", [1.0], indirect=True)
async def test_a_long_job_is_kept_alive_and_not_given_to_another(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    beat, beats = Msg.in_progress, [0]

    async def counted(message: Msg) -> None:
        await beat(message)
        beats[0] += 1

    monkeypatch.setattr(Msg, "in_progress", counted)
    await JobQueue(bus).publish(SUBJECT, b"long", key="1")
    async with Worker(bus, beat=0.2) as one, Worker(bus, beat=0.2) as two:
        one.go.clear()
        two.go.clear()
        await eventually(lambda: one.running + two.running == 1)
        await eventually(lambda: beats[0] == 12)  # over twice the time after which a silent job goes to another
        one.go.set()
        two.go.set()
        await eventually(lambda: empty(bus))
    assert len(one.seen) + len(two.seen) == 1


WORKER = """
import asyncio, sys
from cutlog.bus import Bus, JobQueue
async def main():
    bus = await Bus.connect(sys.argv[1], sys.argv[2], name="render")
    async def handle(job):
        print("taken", flush=True)
        await asyncio.sleep(3600)
    await JobQueue(bus).work("render-proxy", handle, asyncio.Event(), slots=1)
asyncio.run(main())
"""


@slow
@pytest.mark.parametrize("providing", [1.0], indirect=True)
async def test_a_job_whose_worker_was_killed_is_done_by_another(bus: Bus, nats: NatsServer) -> None:
    await JobQueue(bus).publish(SUBJECT, b"orphan", key="1")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, nats.url, nats.seed("render"), stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None
    line = b""
    while b"taken" not in line:
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    async with Worker(bus) as worker:
        await eventually(lambda: worker.done == [b"orphan"])
    assert worker.seen[0][1] >= 2


@slow
async def test_jobs_survive_a_kill_of_the_server(bus: Bus, nats: NatsServer) -> None:
    queue = JobQueue(bus)
    for number in range(20):
        await queue.publish(SUBJECT, f"{number}".encode(), key=str(number))
    async with Worker(bus, slots=4) as worker:
        worker.go.clear()
        await eventually(lambda: worker.running == 4)
        nats.kill()
        nats.start()
        worker.go.set()
        await eventually(lambda: len(set(worker.done)) == 20)
        await eventually(lambda: empty(bus))
