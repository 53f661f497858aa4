"""Of how many kept films each file of the render cache is a part, as their receipts say."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.contract.keys import ReceiptKey, receipts_of
from cutlog.contract.receipts import ReceiptUnreadable, read
from services.gc.report.reading import ObjectUnreadableError, listed
from services.gc.sql import statement

PROJECTS_AT_ONCE: Final = 200
AT_ONCE: Final = 16
"""Projects whose receipts are read side by side."""

_PROJECTS: Final = statement("project_ids")
_KEPT: Final = statement("kept_renders")


async def films(connection: AsyncConnection, blobs: BlobStore, tenant: str, digests: Collection[str]) -> Counter[str]:
    """For each of some digests, of how many kept films it is a part: the proxies and exports whose files are there, or
    that are being rendered or archived. A film without a receipt was not rendered here, or is not yet.

    List what the cache holds first: a film that is made meanwhile of what was listed counts. Raises
    ObjectUnreadableError for a key among the receipts that is none, and for a receipt of a kept film that can't be
    read."""
    used: Counter[str] = Counter()
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(project_id: str, kept: Collection[tuple[int, str]]) -> None:
        async with slots:
            async for key, _ in listed(blobs, receipts_of(project_id)):
                if isinstance(key, ReceiptKey) and (key.version, key.profile) in kept:
                    used.update(part for part in await _parts(blobs, key) if part in digests)

    last = ""
    while True:
        values = {"tenant": tenant, "last": last, "limit": PROJECTS_AT_ONCE}
        ids = (await connection.scalars(_PROJECTS, values)).all()
        if not ids:
            return used
        kept = await _kept(connection, ids)
        try:
            async with asyncio.TaskGroup() as tasks:
                for project_id in ids:
                    tasks.create_task(one(project_id, kept[project_id]))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # one is enough to say why
        last = ids[-1]


async def _parts(blobs: BlobStore, key: ReceiptKey) -> Iterable[str]:
    """What a film is made of; nothing if its receipt has just been removed."""
    try:
        return read(key, await blobs.get(str(key))).cached
    except BlobNotFoundError:
        return ()
    except ReceiptUnreadable as error:
        raise ObjectUnreadableError(str(key), str(error)) from error


async def _kept(connection: AsyncConnection, projects: Collection[str]) -> defaultdict[str, set[tuple[int, str]]]:
    """(version, profile) of the kept films of each project."""
    found: defaultdict[str, set[tuple[int, str]]] = defaultdict(set)
    for project_id, version, profile in await connection.execute(_KEPT, {"ids": list(projects)}):
        found[project_id].add((version, profile))
    return found
