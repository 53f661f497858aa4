"""What only the store knows: which segments, previews and leftovers of a tenant are there.

What each object is says `cutlog.contract.belonging`, from what the rows of this service refer to. Whoever asks for
objects by name (`only`) gets those of them that are there; else all, in the order of their keys.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec
from sqlalchemy import ColumnElement, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.blobs import BlobHead, BlobStore
from cutlog.contract.belonging import Held, place
from cutlog.contract.keys import (
    ARCHIVE,
    ArchivedExportKey,
    ArchivedVideoKey,
    CacheKey,
    Content,
    ObjectKey,
    RenditionKey,
    StreamKey,
    ThumbnailKey,
    cache_of,
    derived_of,
    originals_of,
    parse_key,
)
from services.gc import tables
from services.gc.report.films import films
from services.gc.report.reading import listed, named
from services.gc.rules.classes import Bare, Segment

AT_ONCE: Final = 500
"""Objects of the archive whose exports are looked up at once."""


async def segments(
    connection: AsyncConnection, blobs: BlobStore, tenant: str, only: Collection[str] | None = None
) -> list[Segment]:
    """The files of a tenant's render cache that renders are made of. Raises ObjectUnreadable."""
    found = [
        (key, head)
        async for key, head in _found(blobs, only, cache_of(tenant))
        if isinstance(key, CacheKey) and place(key, Held()) == "segment"
    ]
    used = await films(connection, blobs, tenant, {key.digest for key, _ in found})
    return [
        Segment(head.key, head.size, head.modified, used[key.digest])
        for key, head in sorted(found, key=lambda each: each[1].key)
    ]


async def previews(
    connection: AsyncConnection, blobs: BlobStore, tenant: str, only: Collection[str] | None = None
) -> list[Bare]:
    """Frames and thumbnails that were made because a viewer asked for them. Raises ObjectUnreadable."""
    held = await _held(connection, tenant)
    places = (cache_of(tenant), derived_of(tenant))
    found = [head async for key, head in _found(blobs, only, *places) if place(key, held) == "preview"]
    return _sorted(found)


async def leftovers(
    connection: AsyncConnection, blobs: BlobStore, tenant: str, only: Collection[str] | None = None
) -> list[Bare]:
    """Originals, what was made of some, and files in the archive that nothing refers to: what an upload left that ended
    before it counted, or a move that came too late. Raises ObjectUnreadable."""
    found = [head async for head, where in beside(connection, blobs, tenant, only) if where == "leftover"]
    revised = await _revised(connection, tenant)
    return [
        msgspec.structs.replace(each, written_at=max(each.written_at, revised.get(_folder(each.key), each.written_at)))
        for each in _sorted(found)
    ]


async def _revised(connection: AsyncConnection, tenant: str) -> dict[str, datetime]:
    """When the renditions of earlier examinations ceased to be used, by the folder of the content."""
    media = tables.media
    columns = (media.c.sha256, media.c.generation, media.c.revised_at)
    query = select(*columns).where(media.c.tenant == tenant, media.c.revised_at.is_not(None))
    return {
        Content(tenant, row.sha256, row.generation).folder: row.revised_at for row in await connection.execute(query)
    }


def _folder(key: str) -> str:
    """The folder of all that is made of a content, if the object is of that."""
    match parse_key(key):
        case RenditionKey(content=content) | StreamKey(content=content) | ThumbnailKey(content=content):
            return content.folder
        case _:
            return ""


async def beside(
    connection: AsyncConnection, blobs: BlobStore, tenant: str, only: Collection[str] | None = None
) -> AsyncIterator[tuple[BlobHead, Literal["leftover", "other"]]]:
    """All objects of a tenant where leftovers may lie, in no order. Raises ObjectUnreadable."""
    held = await _held(connection, tenant)
    archived: list[tuple[ArchivedExportKey, BlobHead]] = []
    async for key, head in _found(blobs, only, originals_of(tenant), derived_of(tenant), ARCHIVE):
        if isinstance(key, ArchivedExportKey):
            archived.append((key, head))
            if len(archived) == AT_ONCE:
                for each in await _exports(connection, tenant, archived, held):
                    yield each
                archived.clear()
        elif not isinstance(key, ArchivedVideoKey) or key.media_id in held.owners:
            yield head, _kind(key, held)
    for each in await _exports(connection, tenant, archived, held):
        yield each


def _kind(key: ObjectKey, held: Held) -> Literal["leftover", "other"]:
    return "leftover" if place(key, held) in ("leftover", "superseded") else "other"


async def _exports(
    connection: AsyncConnection, tenant: str, found: Sequence[tuple[ArchivedExportKey, BlobHead]], held: Held
) -> list[tuple[BlobHead, Literal["leftover", "other"]]]:
    """Of exports in the archive, those of the tenant."""
    project = tables.project
    mine = tables.export.c.export_id.in_({key.export_id for key, _ in found}) & (project.c.tenant == tenant)
    keys, owners = await _of_exports(connection, mine)
    both = msgspec.structs.replace(held, keys=held.keys | keys, owners=frozenset(owners))
    return [(head, _kind(key, both)) for key, head in found if key.export_id in owners]


async def _found(
    blobs: BlobStore, only: Collection[str] | None, *prefixes: str
) -> AsyncIterator[tuple[ObjectKey, BlobHead]]:
    if only is not None:
        async for found in named(blobs, only):
            yield found
        return
    for prefix in prefixes:
        async for found in listed(blobs, prefix):
            yield found


async def everything(connection: AsyncConnection) -> Held:
    """What the rows of all tenants refer to."""
    held = await _held(connection, None)
    keys, owners = await _of_exports(connection, true())
    return msgspec.structs.replace(held, keys=held.keys | keys, owners=held.owners | owners)


async def _held(connection: AsyncConnection, tenant: str | None) -> Held:
    """All but exports: videos, and files that are on their way. A video's home stays its own while it is elsewhere."""
    media, move = tables.media, tables.move
    columns = (
        media.c.media_id, media.c.tenant, media.c.status, media.c.key, media.c.home, media.c.sha256,
        media.c.generation, media.c.revision,
    )  # fmt: skip
    keys: set[str] = set()
    contents: set[Content] = set()
    owners: set[str] = set()
    revisions: dict[Content, int] = {}
    mine = true() if tenant is None else media.c.tenant == tenant
    rows = await connection.execute(select(*columns).where(mine))
    for media_id, whose, status, key, home, sha256, generation, revision in rows:
        owners.add(media_id)
        if status != "deleted":
            keys |= {key, home}
            content = Content(whose, sha256, generation)
            contents.add(content)
            revisions[content] = revision
    under_way = select(move.c.source, move.c.target).where(move.c.done_at.is_(None))
    keys |= {key for row in await connection.execute(under_way) for key in row if key is not None}
    return Held(frozenset(keys), frozenset(contents), frozenset(owners), revisions)


async def _of_exports(connection: AsyncConnection, where: ColumnElement[bool]) -> tuple[set[str], set[str]]:
    """Keys that some exports refer to, and their ids."""
    export, project = tables.export, tables.project
    columns = (export.c.export_id, export.c.status, export.c.key, export.c.home, export.c.archive)
    joined = select(*columns).join(project, project.c.project_id == export.c.project_id)
    keys: set[str] = set()
    owners: set[str] = set()
    for export_id, status, *places in await connection.execute(joined.where(where)):
        owners.add(export_id)
        if status != "deleted":
            keys.update(key for key in places if key is not None)
    return keys, owners


def _sorted(found: list[BlobHead]) -> list[Bare]:
    return [Bare(head.key, head.size, head.modified) for head in sorted(found, key=lambda head: head.key)]
