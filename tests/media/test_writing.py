"""Pieces of an upload: in order, few turns of a thread, and no thread that still has the file when the block ends."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from services.media.ingest.writing import BATCH, FLUSH, Appended, writing
from tests.support.waiting import PATIENCE, eventually

PIECE = 1 << 15


class Gated(Appended):
    """A file whose disk goes on when it is told to."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self.go, self.begun = threading.Event(), threading.Event()
        self.batches: list[int] = []

    def add(self, pieces: Sequence[bytes], digests: Sequence[hashlib._Hash]) -> None:
        self.batches.append(len(pieces))
        self.begun.set()
        assert self.go.wait(PATIENCE)
        super().add(pieces, digests)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "upload"


@pytest.fixture
def gated(path: Path) -> Iterator[Gated]:
    with path.open("xb", buffering=0) as file:
        yield Gated(file.fileno())


async def turns() -> None:
    """So many turns of the event loop that whatever waits for nothing but them is done."""
    for _ in range(1000):
        await asyncio.sleep(0)


def pieces(count: int) -> list[bytes]:
    return [bytes([number % 256]) * PIECE for number in range(count)]


async def test_what_comes_while_a_batch_is_written_goes_together(gated: Gated, path: Path) -> None:
    sent, digest = pieces(20), hashlib.sha256()
    async with writing(gated, [digest]) as written:
        for piece in sent:
            await written.add(piece)
        gated.go.set()
    assert gated.batches == [1, 19]
    assert path.read_bytes() == b"".join(sent)
    assert digest.digest() == hashlib.sha256(b"".join(sent)).digest()


async def test_what_came_is_written_although_nothing_follows(gated: Gated, path: Path) -> None:
    sent = pieces(3)
    async with writing(gated, []) as written:
        for piece in sent:
            await written.add(piece)
        gated.go.set()
        await eventually(lambda: path.read_bytes() == b"".join(sent))


async def test_a_slow_disk_makes_the_sender_wait(gated: Gated) -> None:
    taken = 0

    async def send() -> None:
        nonlocal taken
        async with writing(gated, []) as written:
            for piece in pieces(200):
                await written.add(piece)
                taken += 1

    sending = asyncio.create_task(send())
    await asyncio.to_thread(gated.begun.wait, PATIENCE)
    await turns()
    assert taken == BATCH // PIECE  # the first, which is written, and what may wait, whose last one has not been taken
    gated.go.set()
    await sending
    assert taken == 200 and gated.size == 200 * PIECE


async def test_who_is_cancelled_waits_for_the_thread_that_has_the_file(gated: Gated, path: Path) -> None:
    async def send() -> None:
        async with writing(gated, []) as written:
            for piece in pieces(200):
                await written.add(piece)

    sending = asyncio.create_task(send())
    await asyncio.to_thread(gated.begun.wait, PATIENCE)
    sending.cancel()
    await turns()
    assert not sending.done()
    gated.go.set()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert path.stat().st_size == gated.size > 0


async def test_a_disk_that_fails_is_told_once_and_nothing_more_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def full(_: int, __: object) -> int:
        tried.set()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def send(appended: Appended) -> None:
        async with writing(appended, []) as written:
            await written.add(b"first")
            await eventually(lambda: path.read_bytes() == b"first")
            with monkeypatch.context() as patched:
                patched.setattr(os, "write", full)
                await written.add(b"second")
                await eventually(tried.is_set)
            while True:  # until it is told
                await written.add(b"third")
                await asyncio.sleep(0)

    with path.open("xb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        await send(Appended(file.fileno()))
    assert path.read_bytes() == b"first"


def test_the_disk_is_given_each_part_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    real: Callable[[int, int, int, int], None] = os.posix_fadvise

    def advise(descriptor: int, start: int, size: int, advice: int) -> None:
        told.append((start, size))
        real(descriptor, start, size, advice)

    monkeypatch.setattr(os, "posix_fadvise", advise)
    with path.open("xb", buffering=0) as file:
        appended = Appended(file.fileno())
        for _ in range(2 * FLUSH // BATCH + 1):
            appended.add([bytes(BATCH)], [])
    assert told == [(0, FLUSH), (FLUSH, FLUSH)]
