"""What only the store knows: which segments and leftovers of a tenant are there. The cache is one per tenant."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.blobs import BlobStore
from cutlog.contract.keys import ArchivedExportKey, CacheKey, cache_of, originals_of
from services.gc import tables
from services.gc.classes import Leftover, Segment
from services.gc.films import films
from services.gc.reading import listed


async def segments(connection: AsyncConnection, blobs: BlobStore, tenant: str) -> list[Segment]:
    """The segments of a tenant that are there, in the order of their keys. Raises ObjectUnreadable."""
    # A tenant's cache may seem to hold receipts.
    found = [(key, head) async for key, head in listed(blobs, cache_of(tenant)) if isinstance(key, CacheKey)]
    used = await films(connection, blobs, tenant, {key.digest for key, _ in found})
    return [
        Segment(head.key, head.size, head.modified, used[key.digest])
        for key, head in sorted(found, key=lambda each: each[1].key)
    ]


async def leftovers(connection: AsyncConnection, blobs: BlobStore, tenant: str) -> AsyncIterator[Leftover]:
    """Originals and files in the archive that nothing refers to: what an upload left that ended before it counted, or
    a move that came too late. Raises ObjectUnreadable."""
    media, export, project = tables.media, tables.export, tables.project
    known = set(await connection.scalars(select(media.c.key).where(media.c.tenant == tenant)))
    known |= set(await connection.scalars(select(media.c.home).where(media.c.tenant == tenant)))
    uploads = [head async for _, head in listed(blobs, originals_of(tenant))]
    for head in sorted(uploads, key=lambda head: head.key):
        if head.key not in known:
            yield Leftover(head.key, head.size, head.modified)
    mine = select(project.c.project_id).where(project.c.tenant == tenant)
    exports = (await connection.execute(select(export).where(export.c.project_id.in_(mine)))).all()
    archived = {key for row in exports for key in (row.key, row.archive) if key is not None}
    for row in sorted(exports, key=lambda row: str(row.export_id)):
        key = str(ArchivedExportKey(row.export_id, row.version, row.profile))
        if key in archived:
            continue
        head_ = await blobs.head(key)
        if head_ is not None:
            yield Leftover(key, head_.size, head_.modified)
