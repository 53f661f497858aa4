"""What is not as a snapshot says: lost, or only changed since."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cutlog.blobs import LocalBlobs
from cutlog.operate.backup.copying import Saving
from cutlog.operate.backup.making import _lost
from cutlog.operate.backup.place import Item, Place
from cutlog.operate.backup.source import Named

KEY = "proxy/p/v1_proxy.mp4"


def item(content: bytes, key: str = KEY) -> Item:
    return Item(key, len(content), hashlib.sha256(content).hexdigest())


async def test_what_the_database_names_otherwise_by_now_is_no_loss_and_what_it_still_names_is(tmp_path: Path) -> None:
    blobs, before, after = LocalBlobs(tmp_path / "objects", ""), item(b"before"), item(b"after, it was rendered again")
    await blobs.put_bytes(KEY, b"after, it was rendered again")
    then, now = Named({KEY: before}, {}, "", 0), Named({KEY: after}, {}, "", 0)

    async def changed() -> Named:
        return now

    async def same() -> Named:
        return then

    with Place.made(tmp_path / "backups") as place:
        saving = Saving(blobs, place, read=True, tell=lambda key, size: None)
        faults = await saving.all([before], {})
        assert list(faults) == [KEY]
        assert await _lost(faults, then, changed, saving, (0, 0)) == ({}, {KEY})
        assert await _lost(faults, then, same, saving, (0, 0)) == (faults, set())
        await blobs.put_bytes(KEY, b"before")  # it was under way
        assert await _lost(faults, then, same, saving, (0, 0)) == ({}, set())


async def test_content_under_several_keys_is_copied_once_from_any_that_has_it(tmp_path: Path) -> None:
    blobs, other = LocalBlobs(tmp_path / "objects", ""), "archive/x_v1_final.mp4"
    await blobs.put_bytes(other, b"film")
    with Place.made(tmp_path / "backups") as place:
        saving = Saving(blobs, place, read=True, tell=lambda key, size: None)
        assert await saving.all([item(b"film"), item(b"film", other)], {}) == {}
        assert (saving.copied.objects, saving.copied.bytes) == (1, 4)
        assert await saving.all([item(b"film"), item(b"film", other)], {}) == {}
        assert (saving.copied.objects, saving.copied.there) == (1, 0)


async def test_an_object_on_its_way_is_taken_from_where_it_is(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "objects", "")
    await blobs.put_bytes(KEY, b"film")
    with Place.made(tmp_path / "backups") as place:
        saving = Saving(blobs, place, read=False, tell=lambda key, size: None)
        wanted = item(b"film", "archive/x_v1_final.mp4")
        assert await saving.all([wanted], {wanted.key: KEY}) == {}
        assert place.pool(wanted.sha256).read_bytes() == b"film"
