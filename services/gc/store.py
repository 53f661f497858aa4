"""What only the store knows: which segments and leftovers are there, and which films are made of a segment.

A receipt that the renderer keeps beside its cache says what a film is made of. The cache is one per tenant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.blobs import BlobHead, BlobNotFoundError, BlobStore
from cutlog.contract.base import Wire
from cutlog.contract.keys import (
    ArchivedExportKey,
    CacheKey,
    ReceiptKey,
    UnknownKeyError,
    cache_of,
    originals_of,
    parse_key,
)
from services.gc import tables
from services.gc.classes import Leftover, Segment


class Receipt(Wire):
    """What a film is made of, as far as it matters here: digests of segments and of chunks of sound."""

    version: int
    profile: str
    segments: tuple[str, ...] = ()
    sound: tuple[str, ...] = ()


_RECEIPT: Final = msgspec.json.Decoder(Receipt)


async def films(connection: AsyncConnection, blobs: BlobStore, tenant: str) -> Counter[str]:
    """For each digest, of how many films that are kept it is a part: the proxies and exports whose files are there, or
    that are being rendered or archived."""
    used: Counter[str] = Counter()
    project, export, proxy = tables.project, tables.export, tables.proxy
    mine = select(project.c.project_id).where(project.c.tenant == tenant)
    kept = select(export.c.project_id, export.c.version, export.c.profile).where(
        export.c.project_id.in_(mine), export.c.status.in_(("queued", "ready", "archived"))
    )
    shown = select(proxy.c.project_id, proxy.c.version).where(proxy.c.project_id.in_(mine), ~proxy.c.deleted)
    places = [tuple(row) for row in await connection.execute(kept)]
    places += [(row.project_id, row.version, "proxy") for row in await connection.execute(shown)]
    for project_id, version, profile in places:
        try:
            receipt = _RECEIPT.decode(await blobs.get(str(ReceiptKey(project_id, version, profile))))
        except (BlobNotFoundError, msgspec.DecodeError):
            continue
        used.update({*receipt.segments, *receipt.sound})
    return used


async def segments(blobs: BlobStore, tenant: str, used: Mapping[str, int]) -> AsyncIterator[Segment]:
    """The segments of a tenant that are there, in the order of their keys."""
    found = [head async for head in blobs.list(cache_of(tenant))]
    for head in sorted(found, key=lambda head: head.key):
        try:
            key = parse_key(head.key)
        except UnknownKeyError:
            continue
        if isinstance(key, CacheKey):  # a tenant's cache may seem to hold receipts
            yield Segment(head.key, head.size, head.modified, used.get(key.digest, 0))


async def leftovers(connection: AsyncConnection, blobs: BlobStore, tenant: str) -> AsyncIterator[Leftover]:
    """Originals and files in the archive that nothing refers to: what an upload left that ended before it counted, or
    a move that came too late."""
    media, export, project = tables.media, tables.export, tables.project
    known = set(await connection.scalars(select(media.c.key).where(media.c.tenant == tenant)))
    known |= set(await connection.scalars(select(media.c.home).where(media.c.tenant == tenant)))
    uploads: list[BlobHead] = [head async for head in blobs.list(originals_of(tenant))]
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
