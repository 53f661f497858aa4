"""Media that edits ask for, when memory is full of others."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import create_async_engine

from cutlog.contract.events import MediaUploaded
from services.ops.log.append import LogWriter
from services.ops.log.records import Append
from services.ops.project.catalog import Catalog
from services.ops.readmodel.derive import derive
from tests.ops.conftest import FACTS, TRACE
from tests.support.database import Database


async def test_a_full_memory_is_emptied_and_the_edit_still_finds_all_of_its_media(database: Database) -> None:
    engine = create_async_engine(database.url("ops"))
    async with LogWriter(engine, inline=(derive,)) as log:
        for media_id in ("a", "b", "c"):
            uploaded = MediaUploaded(
                sha256="ab" * 32, size=1, name="film.mov", key=f"videos/default/{media_id}.1.mov", generation=1,
                kind="video", facts=FACTS, ref_count=1,
            )  # fmt: skip
            made = Append(
                stream=f"media.{media_id}", expected_version=0, events=(uploaded,), tenant="default", actor="tester",
                trace=TRACE,
            )  # fmt: skip
            await log.append(made)
    catalog = Catalog(engine, capacity=2)
    for asked in (["a"], ["a", "b", "c"], ["c", "a"]):
        shelf = await catalog.shelf("default", iter(asked))
        assert all(shelf.get(media_id) is not None for media_id in asked)
    await engine.dispose()
