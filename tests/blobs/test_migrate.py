"""`cutlog store migrate`: to a bucket and back, cut short, changed on the way."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cutlog.blobs import BlobStore, LocalBlobs, open_blobs
from cutlog.blobs.migrate import DiffersError, Migrated, migrate

slow = pytest.mark.slow(reason="talks to a server of S3")

OBJECTS = {
    "videos/default/aa.0.mp4": b"film" * 1000, "derived/default/aa.0/proxy.mp4": b"proxy", "export/p/v1_final.mp4": b"",
    "segments/receipts/p/v1_mp4.json": b"{}", "archive/x_v1_final.mp4": bytes(3 << 20),
}  # fmt: skip


@pytest.fixture
async def full(tmp_path: Path) -> LocalBlobs:
    store = LocalBlobs(tmp_path / "objects", "")
    for key, data in OBJECTS.items():
        await store.put_bytes(key, data)
    return store


async def contents(store: BlobStore) -> dict[str, bytes]:
    return {head.key: await store.get(head.key) async for head in store.list()}


@slow
async def test_everything_goes_to_a_bucket_and_back(full: LocalBlobs, bucket: str, tmp_path: Path) -> None:
    remote = open_blobs(bucket, "")
    told: list[str] = []
    made = await migrate(full, remote, lambda key, size: told.append(key))
    assert (made.copied, made.bytes, made.there) == (5, sum(map(len, OBJECTS.values())), 0)
    assert sorted(told) == sorted(OBJECTS) and await contents(remote) == OBJECTS
    assert await migrate(full, remote) == Migrated(copied=0, bytes=0, there=5, gone=0, others=())
    back = LocalBlobs(tmp_path / "back", "")
    await migrate(remote, back)
    assert await contents(back) == OBJECTS


async def test_it_goes_on_where_it_was_cut_short_and_mends_what_is_torn(full: LocalBlobs, tmp_path: Path) -> None:
    target = LocalBlobs(tmp_path / "other", "")
    await target.put_bytes("videos/default/aa.0.mp4", OBJECTS["videos/default/aa.0.mp4"])
    await target.put_bytes("archive/x_v1_final.mp4", bytes((3 << 20) - 1) + b"x")  # of the same size
    await target.put_bytes("export/other/v1_final.mp4", b"theirs")
    made = await migrate(full, target)
    assert (made.copied, made.there, made.others) == (4, 1, ("export/other/v1_final.mp4",))
    assert await contents(target) == OBJECTS | {"export/other/v1_final.mp4": b"theirs"}


async def test_what_does_not_arrive_as_it_was_is_told(
    full: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = LocalBlobs(tmp_path / "other", "")
    put = target.put_file

    async def torn(key: str, path: Path, **named: object) -> object:
        made = await put(key, path)
        if key.startswith("archive"):
            target.path(key).write_bytes(b"torn")
        return made

    monkeypatch.setattr(target, "put_file", torn)
    with pytest.raises(ExceptionGroup) as refused:
        await migrate(full, target)
    assert refused.group_contains(DiffersError, match="archive/x_v1_final.mp4")


@slow
async def test_a_run_that_is_killed_is_finished_by_the_next(full: LocalBlobs, bucket: str) -> None:
    for number in range(60):
        await full.put_bytes(f"segments/default/{number:02}/x.mp4", bytes([number]) * 300_000)
    command = [sys.executable, "-m", "cutlog", "store", "migrate", full.root.as_uri(), bucket, "--json"]
    quiet = asyncio.subprocess.DEVNULL
    first = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    remote = open_blobs(bucket, "")
    while len(await contents(remote)) < 5:
        assert first.returncode is None, "it ended before it could be killed"
    first.kill()
    await first.wait()
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    made = json.loads(done.stdout)
    assert made["copied"] + made["there"] == 65 and made["there"] >= 5 and made["copied"] > 0
    assert await contents(remote) == await contents(full)


@pytest.mark.few(1, reason="one more process of the command line")
@pytest.mark.parametrize(
    ("source", "target"),
    [("ftp://x", "s3://b/p"), ("memory://", "s3://b/p"), ("file:///tmp/x", "file:///tmp/x/")],
)
def test_stores_that_make_no_sense_are_refused(source: str, target: str) -> None:
    command = [sys.executable, "-m", "cutlog", "store", "migrate", source, target]
    assert subprocess.run(command, capture_output=True).returncode == 2
