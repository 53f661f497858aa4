"""The store against what must be there: every object with its bytes, and none that nobody keeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final, assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.blobs.digests import reported_digest_of
from cutlog.contract.belonging import COLLECTED, Held, place
from cutlog.contract.keys import UnknownKeyError, parse_key
from cutlog.hosting.proof import Kept, Proof, Unreadable
from cutlog.operate.fsck.report import Finding
from cutlog.operate.fsck.stack import Stack

AT_ONCE: Final = 8
"""Objects read side by side."""
NO_WAY: Final = "it can't be recreated: restore it from a backup, or upload it again"
OFFERED: Final = "the garbage collector offers it when it is a day old"
BY_HAND: Final = "the garbage collector does not offer it; remove it if no running job may need it"
FOREIGN: Final = "it stops the garbage collector; start the version of cutlog that wrote it, or remove it"


class Wanted:
    """What must be there, by key, and whose it is; `loose` are keys of which nothing is said, `held` is what the
    garbage collector knows to be referred to."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.loose: set[str] = set()
        self.moved: dict[str, str] = {}
        self.held = Held()


async def wanted(proofs: Mapping[str, Proof], connection: AsyncConnection) -> Wanted:
    """What the services hold on to, in the connection's snapshot of their rows."""
    found = Wanted()
    for service, proof in proofs.items():
        await connection.exec_driver_sql(f'SET LOCAL search_path = "{service}"')
        if proof.kept is not None:
            found.kept |= {kept.key: kept async for kept in proof.kept(connection)}
        if proof.loose is not None:
            found.loose |= await proof.loose(connection)
        if proof.moved is not None:
            found.moved |= await proof.moved(connection)
        if proof.belonging is not None:
            found.held = await proof.belonging(connection)
    return found


async def damaged(stack: Stack, must: Wanted, read: bool, seen: dict[str, int]) -> AsyncIterator[Finding]:
    """Objects that are gone or are not what was written; without `read`, only those of another size."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def look(kept: Kept) -> Finding | None:
        async with slots:
            detail = await _wrong(stack.blobs, kept, must, read)
        if detail is None:
            return None
        remedy = "cutlog fsck --repair makes it again" if kept.made_by else NO_WAY
        return Finding("object", kept.key, f"{kept.what} of {kept.owner}: {detail}", remedy=remedy)

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
        found = await reported_digest_of(blobs, key)
    except BlobNotFoundError:
        return "it is not there"
    return None if found == kept.sha256 else f"its SHA-256 is {found}, not {kept.sha256}"


async def strays(stack: Stack, must: Wanted) -> AsyncIterator[Finding]:
    """Objects that nobody keeps."""
    known = must.kept.keys() | must.loose | must.moved.keys() | set(must.moved.values())
    for proof in stack.proofs.values():
        for prefix in proof.owns:
            async for head in stack.blobs.list(prefix):
                if head.key in known or f"{head.key.rpartition('/')[0]}/" in must.loose:
                    continue
                if (remedy := _way_out(head.key, must.held)) is not None:
                    detail = f"{head.size} bytes that nothing refers to, written {head.modified:%Y-%m-%dT%H:%M:%SZ}"
                    yield Finding("stray", head.key, detail, remedy=remedy)


def _way_out(key: str, held: Held) -> str | None:
    """What becomes of an object that nobody keeps; None if it is where it belongs all the same."""
    try:
        where = place(parse_key(key), held)
    except UnknownKeyError:
        return FOREIGN if key.partition("/")[0] in COLLECTED else BY_HAND
    match where:
        case "segment" | "preview" | "receipt" | "superseded":
            return None
        case "leftover":
            return OFFERED
        case "kept" | "stray":
            return BY_HAND
        case _:
            assert_never(where)


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
            try:
                whole = await asyncio.to_thread(proof.sound, head.key, data)
            except Unreadable as error:
                yield Finding("stray", head.key, str(error), remedy=FOREIGN)
                continue
            if not whole:
                detail = "it is not as it was written"
                yield Finding("cache", head.key, detail, remedy="cutlog fsck --repair removes it; it is made again")
