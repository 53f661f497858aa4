"""What only the store knows: which segments, previews and leftovers of a tenant are there.

What each object is says `cutlog.contract.belonging`, from what the rows of this service refer to. Whoever asks for
objects by name (`only`) gets those of them that are there; else all, in the order of their keys.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec
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
    SliceKey,
    StreamKey,
    ThumbnailKey,
    cache_of,
    derived_of,
    originals_of,
    parse_key,
)
from services.gc.report.films import films
from services.gc.report.reading import listed, named
from services.gc.rules.classes import Bare, Segment
from services.gc.sql import statement

AT_ONCE: Final = 500
"""Objects of the archive whose exports are looked up at once."""

_REVISED: Final = statement("media_revised")
_MEDIA: Final = statement("media_held")
_EXPORTS: Final = statement("exports_held")
_UNDER_WAY: Final = statement("moves_under_way")


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
    rows = await connection.execute(_REVISED, {"tenant": tenant})
    return {Content(tenant, row.sha256, row.generation).folder: row.revised_at for row in rows}


def _folder(key: str) -> str:
    """The folder of all that is made of a content, if the object is of that."""
    match parse_key(key):
        case RenditionKey() | StreamKey() | SliceKey() | ThumbnailKey() as made:
            return made.content.folder
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
    keys, owners = await _of_exports(connection, tenant, {key.export_id for key, _ in found})
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
    keys, owners = await _of_exports(connection, None)
    return msgspec.structs.replace(held, keys=held.keys | keys, owners=held.owners | owners)


async def _held(connection: AsyncConnection, tenant: str | None) -> Held:
    """All but exports: videos, and files that are on their way. A video's home stays its own while it is elsewhere."""
    keys: set[str] = set()
    contents: set[Content] = set()
    owners: set[str] = set()
    revisions: dict[Content, int] = {}
    rows = await connection.execute(_MEDIA, {"tenant": tenant})
    for media_id, whose, status, key, home, sha256, generation, revision in rows:
        owners.add(media_id)
        if status != "deleted":
            keys |= {key, home}
            content = Content(whose, sha256, generation)
            contents.add(content)
            revisions[content] = revision
    keys |= {key for row in await connection.execute(_UNDER_WAY) for key in row if key is not None}
    return Held(frozenset(keys), frozenset(contents), frozenset(owners), revisions)


async def _of_exports(
    connection: AsyncConnection, tenant: str | None, ids: Collection[str] = ()
) -> tuple[set[str], set[str]]:
    """Keys that some exports of a tenant refer to, or all of everybody, and their ids."""
    keys: set[str] = set()
    owners: set[str] = set()
    for export_id, status, *places in await connection.execute(_EXPORTS, {"tenant": tenant, "ids": list(ids)}):
        owners.add(export_id)
        if status != "deleted":
            keys.update(key for key in places if key is not None)
    return keys, owners


def _sorted(found: list[BlobHead]) -> list[Bare]:
    return [Bare(head.key, head.size, head.modified) for head in sorted(found, key=lambda head: head.key)]
