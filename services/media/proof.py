"""What `cutlog fsck` looks at of videos: uses, counts, originals and what was made of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus.shadow import Derived
from cutlog.contract.keys import DERIVED, ORIGINALS, PARTS, Content, parts_of, revised
from cutlog.contract.media import Renditions
from cutlog.hosting.proof import House, Kept, Proof
from services.media.records import learnt
from services.media.records.videos import DERIVE_ATTEMPTS
from services.media.tables import resumable, resumable_part, upload, video

PATIENCE: Final = 600.0
"""Seconds that processing a video again may take."""


async def _kept(connection: AsyncConnection) -> AsyncIterator[Kept]:
    columns = (video.c.id, video.c.key, video.c.size, video.c.sha256, video.c.renditions)
    for row in await connection.execute(select(*columns).where(video.c.stored.in_(("there", "archived")))):
        yield Kept(row.key, row.size, row.sha256, "original", row.id)
        for name, made in msgspec.convert(row.renditions, Renditions).files():
            yield Kept(made.key, made.size, made.sha256, name, row.id, made_by="media")
    for row in await connection.execute(select(resumable_part)):
        yield Kept(row.key, row.size, row.sha256, "part", row.upload_id)


async def _loose(connection: AsyncConnection) -> set[str]:
    """Where uploads go that are under way, the folders of their parts and of videos that are being processed, or were
    until a moment ago."""
    keys = set(await connection.scalars(select(upload.c.key).where(upload.c.key.is_not(None))))
    keys |= {f"{parts_of(upload_id)}/" for upload_id in await connection.scalars(select(resumable.c.id))}
    columns = (video.c.tenant, video.c.sha256, video.c.generation, video.c.revision)
    under_way = await connection.execute(
        select(*columns).where(video.c.derive_at.is_not(None) | video.c.tidy_at.is_not(None))
    )
    for tenant, sha256, generation, revision in under_way:
        content = Content(tenant, sha256, generation)
        keys |= {f"{revised(content, number)}/" for number in (revision, max(0, revision - 1))}
    return keys


async def _counts(connection: AsyncConnection) -> dict[str, int]:
    return {row.id: row.ref_count for row in await connection.execute(select(video.c.id, video.c.ref_count))}


async def _mend(house: House, kept: Kept) -> str | None:
    """All that is made of a video is made again, by the service itself, which tells the log; waits for it."""
    values = {"derive_at": func.clock_timestamp(), "derive_left": DERIVE_ATTEMPTS}
    async with house.engine.begin() as connection:
        await connection.execute(update(video).where(video.c.id == kept.owner).values(values))
    under_way = select(video.c.derive_at).where(video.c.id == kept.owner, video.c.derive_at.is_not(None))
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                await asyncio.sleep(0.2)
                async with house.engine.connect() as connection:
                    if await connection.scalar(under_way) is None:
                        return "made again of the original"
    except TimeoutError:
        return None


PROOF: Final = Proof(
    derived=Derived(
        tables=("use",),
        apply=learnt.apply,
        checkpoint=learnt.NAME,
        subjects=learnt.SUBJECTS,
    ),
    kept=_kept,
    loose=_loose,
    counts=_counts,
    owns=(ORIGINALS, DERIVED, PARTS),
    mend=_mend,
    passing=(upload.name, resumable.name, resumable_part.name),
)
