"""A bucket that is disturbed in the middle: stopped, frozen, slow, refusing, full."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from cutlog.blobs import BlobStore, StoreUnavailableError, open_blobs, remote
from cutlog.blobs.patience import PatientBlobs
from tests.support.buckets import SeaweedFS, seaweedfs
from tests.support.faulty import faulty

pytestmark = pytest.mark.slow(reason="each outage of the bucket is sat out")

Disturb = Callable[[], AbstractAsyncContextManager[None]]
SIZE = 300_000


@dataclass
class Disturbed:
    """A bucket, and a block inside of which it is disturbed."""

    store: BlobStore
    disturbed: Disturb
    fails: bool = True


@pytest.fixture(params=["stopped", "frozen", "refusing", "silent", "slow"])
async def bad(
    request: pytest.FixtureRequest, s3: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Disturbed]:
    monkeypatch.setenv("AWS_TIMEOUT", "1s")
    monkeypatch.setitem(remote.RETRIES, "retry_timeout", timedelta(seconds=1))
    monkeypatch.setitem(remote.RETRIES, "max_retries", 1)
    match request.param:
        case "stopped" | "frozen":
            begin, end = (s3.stop, s3.start) if request.param == "stopped" else (s3.freeze, s3.thaw)

            @asynccontextmanager
            async def disturbed() -> AsyncIterator[None]:
                begin()
                try:
                    yield
                finally:
                    await asyncio.to_thread(end)

            yield Disturbed(open_blobs(bucket, "secret"), disturbed)
        case fault:
            async with faulty(s3.url) as network:
                monkeypatch.setenv("AWS_ENDPOINT", network.url)
                if fault == "slow":
                    monkeypatch.delenv("AWS_TIMEOUT")

                @asynccontextmanager
                async def disturbed() -> AsyncIterator[None]:
                    network.slow = fault == "slow"
                    network.lasting = {"refusing": "503", "silent": "silence"}.get(fault)  # type: ignore[assignment]
                    try:
                        yield
                    finally:
                        network.slow, network.lasting = False, None

                yield Disturbed(open_blobs(bucket, "secret"), disturbed, fails=fault != "slow")


async def joined(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def test_each_operation_says_that_the_store_is_unavailable_and_works_again_after(
    bad: Disturbed, tmp_path: Path
) -> None:
    store, data = bad.store, os.urandom(SIZE)
    (tmp_path / "file").write_bytes(data)
    await store.put_bytes("videos/d/there", data)

    async def local() -> bytes:
        async with store.local("videos/d/there") as path:
            return path.read_bytes()

    async def listed() -> list[str]:
        return [head.key async for head in store.list("videos")]

    acts: dict[str, Callable[[], Awaitable[object]]] = {
        "check": store.check,
        "put_bytes": lambda: store.put_bytes("videos/d/new", data),
        "put_file": lambda: store.put_file("videos/d/file", tmp_path / "file"),
        "put once": lambda: store.put_file("videos/d/once", tmp_path / "file", replace=False),
        "head": lambda: store.head("videos/d/there"),
        "get": lambda: store.get("videos/d/there"),
        "stream": lambda: joined(store.stream("videos/d/there", 7)),
        "local": local,
        "list": listed,
        "rename": lambda: store.rename("videos/d/new", "videos/d/moved"),
        "delete": lambda: store.delete("videos/d/moved"),
    }
    if bad.fails:
        async with bad.disturbed():
            ends = await asyncio.gather(*(act() for act in acts.values()), return_exceptions=True)
        kinds = {name: type(end) for name, end in zip(acts, ends, strict=True)}
        assert set(kinds.values()) == {StoreUnavailableError}, kinds
    else:
        async with bad.disturbed():
            assert [await act() for act in acts.values()][5:8] == [data, data[7:], data]
    for act in acts.values():
        await act()
    assert await store.get("videos/d/there") == data
    assert sorted(await listed()) == ["videos/d/file", "videos/d/once", "videos/d/there"]


async def test_work_in_the_background_goes_on_after_it_and_every_byte_is_right(bad: Disturbed, tmp_path: Path) -> None:
    store = PatientBlobs(bad.store)
    bodies = {f"segments/d/{number}": os.urandom(SIZE) for number in range(16)}
    read = {}
    begun = asyncio.Semaphore(0)
    files = {key: tmp_path / key.rpartition("/")[2] for key in bodies}
    for key, body in bodies.items():
        files[key].write_bytes(body)

    async def work(key: str) -> None:
        begun.release()
        await store.put_file(key, files[key])
        assert await store.head(key) is not None
        read[key] = await joined(store.stream(key))
        async with store.local(key) as path:
            assert path.read_bytes() == read[key]
        await store.rename(key, key + ".moved")

    async with asyncio.TaskGroup() as tasks:
        for key in bodies:
            tasks.create_task(work(key))
        for _ in range(4):
            await begun.acquire()
        async with bad.disturbed():
            refused = asyncio.create_task(bad.store.check())
            await asyncio.wait([refused])  # it has been noticed
            assert (refused.exception() is not None) == bad.fails
    assert read == bodies
    there = {head.key async for head in store.list("segments")}
    # A server that stood still may carry out a write that nobody waits for any more, after what followed it.
    assert {f"{key}.moved" for key in bodies} <= there <= {*bodies, *(f"{key}.moved" for key in bodies)}


async def test_an_object_that_breaks_off_while_it_is_read_is_never_taken_for_a_short_one(
    s3: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(48 << 20)
    await open_blobs(bucket, "secret").put_bytes("videos/d/large", data)
    monkeypatch.setitem(remote.RETRIES, "max_retries", 1)
    store = open_blobs(bucket, "secret")
    pieces = store.stream("videos/d/large")
    first = await anext(pieces)
    s3.stop()
    try:
        with pytest.raises(StoreUnavailableError):
            await joined(pieces)
    finally:
        await asyncio.to_thread(s3.start)
    assert first + await joined(store.stream("videos/d/large", len(first))) == data


async def test_a_bucket_that_is_not_there_is_an_outage_and_not_a_missing_object(s3: SeaweedFS, bucket: str) -> None:
    store = open_blobs("s3://nowhere-at-all/p", "secret")
    for attempt in (store.get("a"), joined(store.stream("a")), store.put_bytes("a", b"x"), store.check()):
        with pytest.raises(StoreUnavailableError):
            await attempt


async def test_a_full_bucket_keeps_what_it_has_and_takes_more_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(remote.RETRIES, "max_retries", 1)
    with seaweedfs(tmp_path / "small", volumes=1, megabytes=8) as small:
        for name, value in small.environment().items():
            monkeypatch.setenv(name, value)
        store = open_blobs(f"s3://{small.bucket()}/p", "secret")
        body = os.urandom(1 << 20)

        async def fill() -> None:
            for number in range(32):
                await store.put_bytes(f"videos/d/{number}", body)

        await store.check()
        with pytest.raises(StoreUnavailableError):
            await fill()
        with pytest.raises(StoreUnavailableError):
            await store.check()
        there = [head.key async for head in store.list()]
        assert all([await store.get(key) == body for key in there])
        small.stop()
        small.volumes = 0
        await asyncio.to_thread(small.start)
        await store.check()
        assert [head.key async for head in store.list("temp")] == []
        await store.put_bytes("videos/d/more", body)
        assert await store.get("videos/d/more") == body
