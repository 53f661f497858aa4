"""Services that run alone, on a bucket: a backup of them becomes a database and a bucket of the same bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest

from cutlog.blobs import open_blobs
from cutlog.operate.backup.making import backup
from cutlog.operate.backup.place import Place
from cutlog.operate.backup.restoring import NotEmpty, restore_into
from cutlog.operate.backup.source import Source
from services.media.bootstrap import serving as serving_media
from services.ops.bootstrap import serving as serving_ops
from tests.support.buckets import SeaweedFS
from tests.support.configuration import SettingsFactory
from tests.support.database import Database
from tests.support.painting import Painter
from tests.support.waiting import eventually


@pytest.fixture
async def other(database: Database) -> AsyncIterator[str]:
    """The owner's URL of an empty database, of a server that has the roles."""
    connection = await asyncpg.connect(database.cluster.postgres.url("postgres"))
    name = f"other_{database.name}"
    await connection.execute(f"CREATE DATABASE {name}")
    try:
        yield database.cluster.postgres.url(name)
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


@pytest.mark.slow(reason="starts a server of S3 and a database beside it")
async def test_the_database_and_the_bucket_come_back_elsewhere_and_nothing_is_copied_twice(
    settings_for: SettingsFactory,
    database: Database,
    other: str,
    bucket: str,
    s3: SeaweedFS,
    painted: Painter,
    tmp_path: Path,
) -> None:
    clip, root = painted(25, 50, (160, 90), tag=1, audio=True), tmp_path / "backups"
    source = Source(database.owner_url, open_blobs(bucket, ""))
    async with AsyncExitStack() as parts:
        urls = {}
        for name, serving in (("ops", serving_ops), ("media", serving_media)):
            settings = settings_for(name).model_copy(update={"objects_url": bucket})
            urls[name] = (await parts.enter_async_context(serving(settings))).url
        headers = {"Authorization": f"Bearer {settings_for.token('admin')}"}
        http = await parts.enter_async_context(aiohttp.ClientSession(headers=headers))
        form = aiohttp.FormData()
        form.add_field("file", clip.read_bytes(), filename="clip.mp4")
        async with http.post(f"{urls['media']}/api/videos/upload", data=form) as answer:
            video = (await answer.json())["id"]

        async def ready() -> bool:
            async with http.get(f"{urls['media']}/api/videos/{video}") as answer:
                return bool((await answer.json())["status"] == "ready")

        await eventually(ready)
        made = await backup(source, root)
        again = await backup(source, root)
    assert made.objects > 3 and made.copied_bytes > clip.stat().st_size
    assert (again.copied_objects, again.copied_bytes) == (0, 0)

    place = f"s3://{s3.bucket()}/elsewhere"
    target = Source(other, open_blobs(place, ""))
    await target.blobs.put_bytes("videos/default/foreign", b"not of this backup")
    with Place.found(root) as backups:
        with pytest.raises(NotEmpty, match="foreign"):
            await restore_into(backups, None, target)
        await target.blobs.delete("videos/default/foreign")
        killed = next(iter(backups.items(made.name)))  # as if an attempt had ended after one object
        await target.blobs.put_file(killed.key, backups.pool(killed.sha256))
        done = await restore_into(backups, None, target)
        assert done.copied_objects == done.objects - 1
        with pytest.raises(NotEmpty, match="already has tables"):
            await restore_into(backups, None, target)
    assert await events(other) == await events(database.owner_url) != []
    connection = await asyncpg.connect(urlsplit(database.dsn("media"))._replace(path=urlsplit(other).path).geturl())
    assert await connection.fetchval("SELECT id FROM video") == video, "the service's own role reaches its rows"
    await connection.close()
    third = await backup(target, root)
    assert (third.copied_objects, third.objects, third.bytes) == (0, made.objects, made.bytes), "each byte is the same"


async def events(owner: str) -> list[Any]:
    connection = await asyncpg.connect(owner)
    try:
        return [tuple(row) for row in await connection.fetch("SELECT * FROM ops.event ORDER BY position")]
    finally:
        await connection.close()
