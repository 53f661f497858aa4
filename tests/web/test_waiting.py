"""A long poll answers as soon as there is something else to say, and at last in any case."""

from __future__ import annotations

from cutlog.web.waiting import looked


class Work:
    """Which is done at the `done`-th look."""

    def __init__(self, done: int) -> None:
        self.looks, self.done = 0, done

    async def __call__(self) -> str:
        self.looks += 1
        return "ready" if self.looks >= self.done else "processing"


async def test_the_answer_comes_when_the_work_is_done_or_the_time_is_up() -> None:
    for done, seconds, answer, looks in ((1, 30, "ready", 1), (3, 30, "ready", 3), (3, 0, "processing", 1)):
        work = Work(done)
        assert await looked(work, lambda status: status == "processing", seconds, every=0.001) == answer
        assert work.looks == looks
    work = Work(10**9)
    assert await looked(work, lambda status: status == "processing", 0.05, every=0.001) == "processing"
