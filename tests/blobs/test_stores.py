"""What every store of objects must do, run against each of them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cutlog.blobs import BlobNotFoundError, BlobStore, InvalidKeyError, LocalBlobs, ObstoreBlobs, open_blobs
from tests.support.lanes import later
from tests.support.waiting import PATIENCE

SECRET = "signs urls in tests"
#: Another S3 to test against than SeaweedFS, as s3://bucket/prefix with the usual AWS_* variables.
S3_URL = os.environ.get("CUTLOG_TEST_S3_URL")


@pytest.fixture(params=["local", "memory", *later("talks to a server of S3", "s3")])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    match request.param:
        case "local":
            return open_blobs((tmp_path / "a store").as_uri(), SECRET)
        case "s3":
            url = f"{S3_URL}/{uuid.uuid4().hex}" if S3_URL else request.getfixturevalue("bucket")
            return open_blobs(url, SECRET)
        case _:
            return open_blobs("memory://", SECRET)


async def joined(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def keys(store: BlobStore, prefix: str = "") -> list[str]:
    return sorted([head.key async for head in store.list(prefix)])


async def test_bytes_come_back_as_they_were_put(store: BlobStore) -> None:
    blob = await store.put_bytes("videos/default/one.mp4", b"hello")
    assert (blob.key, blob.size) == ("videos/default/one.mp4", 5)
    assert blob.sha256 == hashlib.sha256(b"hello").hexdigest()
    assert await store.get("videos/default/one.mp4") == b"hello"


async def test_a_file_is_put_with_its_digest_and_stays(store: BlobStore, tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "source").write_bytes(data)
    blob = await store.put_file("export/p/v1_final.mp4", tmp_path / "source")
    assert (blob.size, blob.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert await joined(store.stream("export/p/v1_final.mp4")) == data
    assert (tmp_path / "source").read_bytes() == data


async def test_a_file_of_a_scratch_folder_outlives_it(store: BlobStore) -> None:
    async with store.scratch() as folder:
        assert list(folder.iterdir()) == []
        (folder / "out.mp4").write_bytes(b"made")
        await store.put_file("segments/ab/cd", folder / "out.mp4", sync=False)
        assert (folder / "out.mp4").read_bytes() == b"made"
    assert not folder.exists()
    assert await store.get("segments/ab/cd") == b"made"


async def test_a_link_left_by_what_ran_in_a_scratch_folder_is_not_followed(tmp_path: Path) -> None:
    store = LocalBlobs(tmp_path / "store", SECRET)
    (tmp_path / "secret").write_text("secret")
    async with store.scratch() as folder:
        (folder / "out.mp4").symlink_to(tmp_path / "secret")
        with pytest.raises(OSError, match="symbolic links"):
            await store.put_file("segments/ab", folder / "out.mp4")
        os.mkfifo(folder / "pipe")
        with pytest.raises(OSError, match="not a plain file"):
            await asyncio.wait_for(store.put_file("segments/ab", folder / "pipe"), PATIENCE)
    assert await store.head("segments/ab") is None


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, None, b"0123456789"),
        (3, None, b"3456789"),
        (2, 5, b"234"),
        (4, 4, b""),
        (8, 99, b"89"),
        (10, None, b""),
        (99, None, b""),
    ],
)
async def test_a_range_is_half_open_and_ends_with_the_object(
    store: BlobStore, start: int, end: int | None, expected: bytes
) -> None:
    await store.put_bytes("proxy/p/v1_proxy.mp4", b"0123456789")
    assert await joined(store.stream("proxy/p/v1_proxy.mp4", start, end)) == expected


async def test_putting_again_replaces_and_changes_the_etag(store: BlobStore) -> None:
    await store.put_bytes("proxy/p/v1", b"first")
    before = await store.head("proxy/p/v1")
    await store.put_bytes("proxy/p/v1", b"the second")
    after = await store.head("proxy/p/v1")
    assert before is not None
    assert after is not None
    assert (before.size, after.size) == (5, 10)
    assert before.etag != after.etag
    assert before.modified <= after.modified


async def test_putting_without_replacing_leaves_what_is_there_as_it_is(store: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"one")
    (tmp_path / "two").write_bytes(b"two, longer")
    await store.put_file("videos/d/x", tmp_path / "one", replace=False)
    before = await store.head("videos/d/x")
    await asyncio.gather(*(store.put_file("videos/d/x", tmp_path / "two", replace=False) for _ in range(5)))
    assert await store.head("videos/d/x") == before
    assert await store.get("videos/d/x") == b"one"


async def test_what_is_not_there_is_said(store: BlobStore) -> None:
    assert await store.head("export/p/none") is None
    assert await store.delete("export/p/none") is False
    with pytest.raises(BlobNotFoundError):
        await store.get("export/p/none")
    with pytest.raises(BlobNotFoundError):
        await joined(store.stream("export/p/none"))
    with pytest.raises(BlobNotFoundError):
        await store.rename("export/p/none", "export/p/other")
    with pytest.raises(BlobNotFoundError):
        async with store.local("export/p/none"):
            pass


async def test_a_folder_is_not_an_object(store: BlobStore) -> None:
    await store.put_bytes("export/p/v1", b"x")
    assert await store.head("export/p") is None
    with pytest.raises(BlobNotFoundError):
        await store.get("export/p")
    assert await store.head("export/p/v1/deeper") is None


async def test_renaming_moves_and_replaces(store: BlobStore) -> None:
    await store.put_bytes("export/p/v1", b"new")
    await store.put_bytes("archive/x_v1", b"old")
    await store.rename("export/p/v1", "archive/x_v1")
    assert await store.get("archive/x_v1") == b"new"
    assert await store.head("export/p/v1") is None


async def test_deleting_removes_once(store: BlobStore) -> None:
    await store.put_bytes("export/p/v1", b"x")
    assert await store.delete("export/p/v1") is True
    assert await store.delete("export/p/v1") is False
    assert await store.head("export/p/v1") is None


async def test_a_list_shows_whole_words_and_nothing_unfinished(store: BlobStore) -> None:
    for key in ("export/p_1/v1", "export/p_1/v2", "export/p_10/v1", "proxy/p_1/v1"):
        await store.put_bytes(key, b"x")
    async with store.scratch() as folder:
        (folder / "half").write_bytes(b"x")
        assert await keys(store) == ["export/p_1/v1", "export/p_1/v2", "export/p_10/v1", "proxy/p_1/v1"]
        assert await keys(store, "export/p_1") == ["export/p_1/v1", "export/p_1/v2"]
        assert await keys(store, "export/p_1/") == ["export/p_1/v1", "export/p_1/v2"]
        assert await keys(store, "nothing") == []


async def test_an_object_is_at_hand_as_a_file(store: BlobStore) -> None:
    await store.put_bytes("videos/default/one.mp4", b"hello")
    async with store.local("videos/default/one.mp4") as path:
        assert path.read_bytes() == b"hello"
        assert path.suffix == ".mp4"


@pytest.mark.parametrize(
    "key",
    ["", "/", "a//b", "/etc/passwd", "../x", "a/../b", "a/./b", "a/", ".hidden", "a/.b", "a b", "a\\b", "a\0b",
     "ä", "a\n", "a?b", "a%2e", "x" * 600],
)  # fmt: skip
async def test_what_is_not_a_key_is_refused_everywhere(store: BlobStore, key: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for attempt in (
        store.put_bytes(key, b"x"), store.put_file(key, tmp_path / "file"), store.head(key), store.get(key),
        store.delete(key), store.rename(key, "a"), store.rename("a", key), joined(store.stream(key)), store.url(key),
    ):  # fmt: skip
        with pytest.raises(InvalidKeyError):
            await attempt


async def test_a_link_is_for_one_object_and_one_method(store: BlobStore) -> None:
    await store.put_bytes("export/p/v1", b"x")
    links = [
        await store.url("export/p/v1"),
        await store.url("export/p/v2"),
        await store.url("export/p/v1", "PUT"),
    ]
    assert len(set(links)) == 3
    assert all("export/p/v" in link for link in links)


async def test_many_writers_of_one_key_leave_one_whole_object(store: BlobStore) -> None:
    bodies = [bytes([n]) * 200_000 for n in range(16)]
    await asyncio.gather(*(store.put_bytes("segments/same", body, sync=False) for body in bodies))
    assert await store.get("segments/same") in bodies
    assert await keys(store) == ["segments/same"]


async def test_links_inside_the_local_store_are_not_followed(tmp_path: Path) -> None:
    store = LocalBlobs(tmp_path / "store", SECRET)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    (store.root / "export").symlink_to(tmp_path / "outside")
    (store.root / "videos").mkdir()
    (store.root / "videos" / "secret").symlink_to(tmp_path / "outside" / "secret")
    for key in ("export/secret", "videos/secret"):
        with pytest.raises(InvalidKeyError):
            await store.get(key)
        with pytest.raises(InvalidKeyError):
            await store.put_bytes(key, b"x")
    assert await keys(store) == []
    assert (tmp_path / "outside" / "secret").read_bytes() == b"secret"


async def test_unfinished_work_is_not_reachable_by_key(tmp_path: Path) -> None:
    store = LocalBlobs(tmp_path / "store", SECRET)
    with pytest.raises(InvalidKeyError):
        await store.put_bytes("temp/x", b"x")


async def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    store = LocalBlobs(tmp_path / "store", SECRET)
    await store.put_bytes("export/p/v1", b"whole")
    with pytest.raises(FileNotFoundError):
        await store.put_file("export/p/v1", tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        await store.put_bytes("export/p/v1/deeper", b"x")
    assert await store.get("export/p/v1") == b"whole"
    assert list((store.root / "temp").iterdir()) == []


async def test_a_sweep_takes_what_the_dead_left_and_spares_the_living(tmp_path: Path) -> None:
    store = LocalBlobs(tmp_path / "store", SECRET)
    temp = store.root / "temp"
    code = (
        "import sys, time; from pathlib import Path; from cutlog.blobs.scratch import scratch_file, scratch_folder\n"
        "temp = Path(sys.argv[1])\n"
        "with scratch_folder(temp) as folder, scratch_file(temp) as (path, _):\n"
        "    (folder / 'half').write_bytes(b'x'); print(flush=True); time.sleep(600)"
    )
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(temp), stdout=subprocess.PIPE)
    try:
        assert worker.stdout is not None
        await worker.stdout.readline()
        async with store.scratch() as living:
            assert len(list(temp.iterdir())) == 3
            assert await store.sweep() == 0
            worker.kill()
            await worker.wait()
            assert await store.sweep() == 2
            assert living.is_dir()
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
    assert list(temp.iterdir()) == []


def test_only_known_places_are_opened() -> None:
    assert isinstance(open_blobs("memory://", SECRET), ObstoreBlobs)
    with pytest.raises(ValueError, match="not a place for objects"):
        open_blobs("ftp://host/x", SECRET)
