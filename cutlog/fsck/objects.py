"""The store against what must be there: every object with its bytes, and none that nobody keeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.blobs.digests import digest_of
from cutlog.fsck.proof import Kept
from cutlog.fsck.report import Finding
from cutlog.fsck.stack import Stack

AT_ONCE: Final = 8
"""Objects read side by side."""
NO_WAY: Final = "it can't be made again: restore it from a backup, or upload it again"


class Wanted:
    """What must be there, by key, and whose it is; `loose` are keys of which nothing is said."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.loose: set[str] = set()
        self.moved: dict[str, str] = {}


async def wanted(stack: Stack, connection: AsyncConnection) -> Wanted:
    """What the services hold on to, in the connection's snapshot of their rows."""
    found = Wanted()
    for service, proof in stack.proofs.items():
        await connection.exec_driver_sql(f'SET LOCAL search_path = "{service}"')
        if proof.kept is not None:
            found.kept |= {kept.key: kept async for kept in proof.kept(connection)}
        if proof.loose is not None:
            found.loose |= await proof.loose(connection)
        if proof.moved is not None:
            found.moved |= await proof.moved(connection)
    return found


async def damaged(stack: Stack, must: Wanted, read: bool, seen: dict[str, int]) -> AsyncIterator[Finding]:
    """Objects that are gone or are not what was written; without `read`, only those of another size."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def look(kept: Kept) -> Finding | None:
        async with slots:
            detail = await _wrong(stack.blobs, kept, must, read)
        if detail is None:
            return None
        way_out = "cutlog fsck --repair makes it again" if kept.made_by else NO_WAY
        return Finding("object", kept.key, f"{kept.what} of {kept.owner}: {detail}", way_out=way_out)

    tasks = [asyncio.create_task(look(kept)) for kept in must.kept.values()]
    seen["objects"] = len(tasks)
    for task in tasks:
        if (finding := await task) is not None:
            yield finding


async def _wrong(blobs: BlobStore, kept: Kept, must: Wanted, read: bool) -> str | None:
    key = kept.key
    head = await blobs.head(key)
    if head is None and key in must.moved:
        key = must.moved[key]
        head = await blobs.head(key)
    if head is None:
        return "it is not there"
    if head.size != kept.size:
        return f"it has {head.size} bytes in place of {kept.size}"
    if not read:
        return None
    try:
        found = await digest_of(blobs, key)
    except BlobNotFoundError:
        return "it is not there"
    return None if found == kept.sha256 else f"its SHA-256 is {found}, not {kept.sha256}"


async def strays(stack: Stack, must: Wanted) -> AsyncIterator[Finding]:
    """Objects that nobody keeps."""
    known = must.kept.keys() | must.loose | must.moved.keys() | set(must.moved.values())
    for proof in stack.proofs.values():
        for prefix in proof.owns:
            async for head in stack.blobs.list(prefix):
                if head.key not in known and f"{head.key.rpartition('/')[0]}/" not in must.loose:
                    detail = f"{head.size} bytes that nobody keeps, written {head.modified:%Y-%m-%dT%H:%M:%SZ}"
                    yield Finding("stray", head.key, detail, way_out="the garbage collector offers it, or remove it")


async def torn(stack: Stack, seen: dict[str, int]) -> AsyncIterator[Finding]:
    """Objects of caches that are not whole."""
    for proof in stack.proofs.values():
        if proof.cache is None or proof.sound is None:
            continue
        async for head in stack.blobs.list(proof.cache):
            seen["cached"] = seen.get("cached", 0) + 1
            try:
                data = await stack.blobs.get(head.key)
            except BlobNotFoundError:
                continue
            if not await asyncio.to_thread(proof.sound, head.key, data):
                detail = "it is not as it was written"
                yield Finding("cache", head.key, detail, way_out="cutlog fsck --repair removes it; it is made again")
