"""Resumable uploads over two media processes with a bucket: bytes are where both see them, or it is told that they are
not.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from cutlog.blobs import open_blobs, remote
from services.media import bootstrap
from tests.media.conftest import Client, House
from tests.media.two_processes import CHUNK, FOREIGN, TUS, Two, add, begin, both, checksum, digest, offset_of, padded
from tests.support.buckets import SeaweedFS
from tests.support.disks import small_disk
from tests.support.faulty import Faulty, faulty
from tests.support.fsck import assert_sound
from tests.support.lanes import later
from tests.support.painting import Painter
from tests.support.served import served
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="two processes of media on a server of S3")

SIZES = (700_000, 1_500_000, 10, 300_000, 2_500_000)
"""Bytes of requests: some below what becomes a part of its own, some above."""


@pytest.fixture
async def two(house: House, bucket: str) -> AsyncIterator[Two]:
    async with both(house, house.settings_for("media").model_copy(update={"objects_url": bucket})) as made:
        yield made


@slow
async def test_pieces_that_alternate_between_two_processes_become_the_file_that_was_sent(
    two: Two, painted: Painter
) -> None:
    data, (one, other) = padded(painted, 6 << 20), two
    url = await begin(one, len(data))
    offset, video_id = 0, ""
    for client, size in zip(itertools.cycle((one, other)), itertools.cycle(SIZES), strict=False):
        piece = data[offset : offset + size]
        assert await offset_of(other, url) == offset
        added = await add(client, url, offset, piece)
        offset += len(piece)
        assert (added.status, added.headers["Upload-Offset"]) == (204, str(offset))
        if offset == len(data):
            video_id = added.headers["Cutlog-Video"]
            break
    video = await one.ready(video_id)
    assert (video["status"], video["sha256"], video["size"]) == ("ready", digest(data), len(data))
    (row,) = await two.house.rows("SELECT key, ref_count FROM video")
    assert digest(await two.store.get(row["key"])) == digest(data) and row["ref_count"] == 1
    assert await two.parts() == [] and await two.house.rows("SELECT FROM resumable_part") == []
    assert (await other("GET", url)).body["video"] == video["id"]
    async with two.proven() as stack:
        await assert_sound(stack)


@slow
async def test_however_small_the_requests_are_parts_stay_few(two: Two) -> None:
    data, (one, other) = os.urandom(3 << 20), two
    url = await begin(one, len(data) + 1)
    step = 100_000
    for number, start in enumerate(range(0, len(data), step)):
        client = (one, other)[number % 2]
        assert (await add(client, url, start, data[start : start + step])).status == 204
    parts = await two.parts()
    assert len(parts) <= 4
    assert b"".join([await two.store.get(str(part)) for part in parts]) == data
    async with two.proven() as stack:
        await assert_sound(stack)


@slow
async def test_of_two_requests_that_add_at_the_same_place_one_is_told_and_leaves_nothing(
    two: Two, painted: Painter
) -> None:
    data, (one, other) = padded(painted, 3 << 20), two
    half, come, go_on = len(data) // 2, asyncio.Event(), asyncio.Event()
    url = await begin(one, len(data))
    assert (await add(one, url, 0, data[:1000])).status == 204

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * half
        come.set()
        await go_on.wait()
        yield b"x"

    late = asyncio.create_task(add(one, url, 1000, slow()))
    await come.wait()
    assert (await add(other, url, 1000, data[1000:half])).status == 204
    go_on.set()
    told = await late
    assert (told.status, told.body["type"]) == (409, "/problems/wrong-offset")
    assert await offset_of(one, url) == half
    assert [part.start for part in await two.parts()] == [0], "what was put and not counted is removed"
    last = await add(one, url, half, data[half:])
    video = await one.ready(last.headers["Cutlog-Video"])
    assert (video["status"], video["sha256"]) == ("ready", digest(data))


@slow
async def test_bytes_of_another_checksum_are_not_kept_in_the_bucket(two: Two, painted: Painter) -> None:
    data, (one, other) = padded(painted, 3 << 20), two
    url = await begin(one, len(data))
    assert (await add(one, url, 0, data[:1000], **checksum(data[:1000]))).status == 204
    wrong = await add(other, url, 1000, data[1000:-1], **checksum(b"other"))
    assert (wrong.status, wrong.body["type"]) == (460, "/problems/checksum-mismatch")
    assert await offset_of(one, url) == 1000 and len(await two.parts()) == 1
    last = await add(one, url, 1000, data[1000:], **checksum(data[1000:]))
    assert (await one.ready(last.headers["Cutlog-Video"]))["sha256"] == digest(data)


@slow
async def test_a_body_that_breaks_off_goes_on_at_the_other_process_with_what_came(two: Two, painted: Painter) -> None:
    data, (one, other) = padded(painted, 3 << 20), two
    url, half = await begin(one, len(data)), len(data) // 2
    host, port = one.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = {"Host": host, "Authorization": f"Bearer {one.token}", "Upload-Offset": "0", "Content-Length": len(data)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in (TUS | CHUNK | head).items())
    writer.write(f"PATCH {url} HTTP/1.1\r\n{lines}\r\n".encode() + data[:half])
    await writer.drain()
    writer.close()

    async def kept() -> bool:
        return 0 < await offset_of(other, url) <= half

    await eventually(kept)
    offset = await offset_of(other, url)
    last = await add(other, url, offset, data[offset:])
    assert (await one.ready(last.headers["Cutlog-Video"]))["sha256"] == digest(data)


@slow
async def test_a_full_disk_of_a_process_is_507_and_what_fitted_is_kept(
    two: Two, painted: Painter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, (one, other) = padded(painted, 5 << 20), two
    url = await begin(one, len(data))
    with small_disk(tmp_path / "disk", "3m") as why_not:
        if why_not is not None:
            pytest.skip(why_not)
        with monkeypatch.context() as patched:
            patched.setattr(tempfile, "tempdir", str(tmp_path / "disk"))
            full = await add(one, url, 0, data)
        assert (full.status, full.body["type"]) == (507, "/problems/out-of-space")
    offset = await offset_of(other, url)
    assert 0 < offset <= 3 << 20
    last = await add(other, url, offset, data[offset:])
    assert (await one.ready(last.headers["Cutlog-Video"]))["sha256"] == digest(data)


@slow
@pytest.mark.parametrize("large", [True, False], ids=["a part", "the last part, which is written once more"])
@pytest.mark.parametrize("damage", ["flipped", *later("more ways to the same end", "gone", "short")])
async def test_a_part_that_is_not_what_came_ends_the_upload_with_410_and_never_a_video(
    two: Two, painted: Painter, damage: str, large: bool
) -> None:
    data, (one, other) = padded(painted, 3 << 20), two
    url, half = await begin(one, len(data)), len(data) // 2 if large else 1000
    assert (await add(one, url, 0, data[:half])).status == 204
    (part,) = await two.parts()
    stored = bytearray(await two.store.get(str(part)))
    match damage:
        case "gone":
            await two.store.delete(str(part))
        case "flipped":
            stored[len(stored) // 2] ^= 1
            await two.store.put_bytes(str(part), bytes(stored))
        case _:
            await two.store.put_bytes(str(part), bytes(stored[:-1]))
    async with two.proven() as stack:
        with pytest.raises(AssertionError, match=str(part)):
            await assert_sound(stack)
    last = await add(other, url, half, data[half:])
    assert (last.status, last.body["type"]) == (410, "/problems/upload-lost")
    for client in (one, other):
        assert (await client("HEAD", url, headers=TUS)).status == 410
        assert (await add(client, url, half, data[half:])).status == 410
    assert await two.house.rows("SELECT FROM video") == []
    assert await two.left() == []
    async with two.proven() as stack:
        await assert_sound(stack)


@slow
async def test_uploads_from_before_their_bytes_were_in_the_bucket_are_told_so_and_those_of_no_bytes_go_on(
    two: Two, painted: Painter
) -> None:
    data, (one, other) = painted(25, 30).read_bytes(), two
    insert = """INSERT INTO resumable (id, tenant, actor, name, metadata, size, received, expires_at) VALUES
                ($1, 'default', 'tester', 'a.mp4', '', $2, $3, clock_timestamp() + interval '1 day')"""
    for name, received in {"u_some": 1000, "u_whole": len(data), "u_none": 0}.items():
        await two.house.rows(insert, name, len(data), received)
    for client in (one, other):
        assert (await client("HEAD", "/api/uploads/u_some", headers=TUS)).status == 410
        late = await add(client, "/api/uploads/u_some", 1000, data[1000:])
        assert (late.status, late.body["type"]) == (410, "/problems/upload-lost")
        assert (await client("GET", "/api/uploads/u_whole")).status == 410
    last = await add(other, "/api/uploads/u_none", 0, data)
    assert (await one.ready(last.headers["Cutlog-Video"]))["sha256"] == digest(data)
    assert len(await two.house.rows("SELECT FROM video")) == 1


@slow
async def test_what_expired_is_410_and_its_parts_are_removed(two: Two) -> None:
    one, other = two
    url = await begin(one, 1 << 20)
    assert (await add(one, url, 0, b"x" * 1000)).status == 204
    await two.house.rows("UPDATE resumable SET expires_at = clock_timestamp() - interval '1 second'")
    late = await add(other, url, 1000, b"x")
    assert late.status in (404, 410)
    await two.store.put_bytes(FOREIGN, b"x")
    async with AsyncExitStack() as third:
        await third.enter_async_context(bootstrap.serving(two.settings))  # it sweeps as it begins

        async def swept() -> bool:
            return not await two.parts() and not await two.house.rows("SELECT FROM resumable")

        await eventually(swept)
    assert await two.store.head(FOREIGN) is not None, "what can't be read is left alone"
    async with two.proven() as stack:
        with pytest.raises(AssertionError, match=FOREIGN):
            await assert_sound(stack)


@slow
async def test_an_object_under_the_final_name_that_is_not_what_was_sent_is_not_taken_for_it(
    two: Two, painted: Painter
) -> None:
    data, (one, other) = painted(25, 30).read_bytes(), two
    key = f"videos/default/{digest(data)}.0.mp4"
    await two.store.put_bytes(key, b"\0" * len(data))
    url = await begin(one, len(data))
    last = await add(other, url, 0, data)
    assert last.status == 204
    assert await two.store.get(key) == data
    async with two.proven() as stack:
        await eventually(lambda: one.ready(last.headers["Cutlog-Video"]))
        await assert_sound(stack)
        await two.store.put_bytes(key, b"\0" * len(data))
        with pytest.raises(AssertionError, match="its SHA-256 is"):
            await assert_sound(stack)


@pytest.fixture
async def network(s3: SeaweedFS) -> AsyncIterator[Faulty]:
    async with faulty(s3.url) as way:
        yield way


@slow
async def test_an_outage_in_the_middle_is_503_and_the_upload_goes_on_after_it(
    house: House, bucket: str, network: Faulty, painted: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", network.url)
    monkeypatch.setitem(remote.RETRIES, "max_retries", 1)
    data = padded(painted, 3 << 20)
    async with both(house, house.settings_for("media").model_copy(update={"objects_url": bucket})) as two:
        one, other = two
        url, third = await begin(one, len(data)), len(data) // 3
        assert (await add(one, url, 0, data[:third])).status == 204
        network.lasting = "503"
        refused = await add(other, url, third, data[third : 2 * third])
        assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
        assert [await offset_of(client, url) for client in two] == [third, third]
        network.lasting = None
        assert (await add(other, url, third, data[third : 2 * third])).status == 204
        network.faults = [("PUT", "applied"), ("GET", "silence")]
        assert (await add(one, url, 2 * third, data[2 * third : -1])).status == 204
        network.lasting, network.methods = "503", frozenset({"GET"})
        whole = await add(one, url, len(data) - 1, data[-1:])
        assert whole.status == 503
        network.lasting = None

        async def ended() -> str:
            offset = await offset_of(other, url)
            answer = await add(other, url, offset, data[offset:])
            return str(answer.headers.get("Cutlog-Video", ""))

        assert (await one.ready(await eventually(ended)))["sha256"] == digest(data)
        assert await two.parts() == []


def most_memory(pid: int) -> int:
    """Bytes that the process had at once."""
    (line,) = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmHWM:")]
    return int(line.split()[1]) << 10


@pytest.mark.slow(reason="two processes take large uploads")
async def test_uploads_outlive_the_kill_of_one_process_and_no_memory_grows_with_them(
    house: House, s3: SeaweedFS, bucket: str, painted: Painter
) -> None:
    await house.start("ops")
    settings = house.settings_for("media").model_copy(update={"objects_url": bucket})
    files = [padded(painted, size, frames=25 + number) for number, size in enumerate((160 << 20, 8 << 20))]
    token = house.client().token

    async with aiohttp.ClientSession() as session, AsyncExitStack() as processes:
        first, there = await processes.enter_async_context(served("media", settings, session, s3.environment()))
        second, elsewhere = await processes.enter_async_context(served("media", settings, session, s3.environment()))
        before = most_memory(second.pid)
        clients = [Client(session, url, token) for url in (there, elsewhere)]
        killed = False

        async def upload(data: bytes, number: int) -> str:
            """As a client would: where an answer fails to come it asks where the upload is, and goes on."""
            nonlocal killed
            url, step = await begin(clients[1], len(data)), len(data) // 6 + 1
            for turn in itertools.count(number):
                client = clients[1] if killed else clients[turn % 2]
                offset = await offset_of(clients[1], url)
                if number == 0 and offset > len(data) // 2 and not killed:
                    first.kill()
                    killed = True
                    continue
                try:
                    answer = await add(client, url, offset, data[offset : offset + step])
                except aiohttp.ClientError:
                    assert killed
                    continue
                if answer.status in (409, 423, 503):
                    continue
                assert answer.status == 204, answer.body
                if "Cutlog-Video" in answer.headers:
                    return str(answer.headers["Cutlog-Video"])
            raise AssertionError

        ids = await asyncio.gather(*(upload(data, number) for number, data in enumerate(files)))
        assert killed and await first.wait() != 0
        for video_id, data in zip(ids, files, strict=True):
            video = await clients[1].ready(video_id)
            assert (video["status"], video["sha256"]) == ("ready", digest(data))
        grown = most_memory(second.pid) - before
        assert grown < 120 << 20, f"{grown >> 20} MiB for uploads of {sum(map(len, files)) >> 20} MiB"
        stored = {row["sha256"]: row["key"] for row in await house.rows("SELECT sha256, key FROM video")}
        store = open_blobs(bucket, "")
        for data in files:
            assert digest(await store.get(stored[digest(data)])) == digest(data)
