"""All objects of one store into another, each read again where it arrived. Run again, it goes on."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from cutlog.blobs.digests import digest_of
from cutlog.blobs.store import BlobHead, BlobNotFoundError, BlobStore

AT_ONCE: Final = 4
"""Objects that are copied side by side."""


class DiffersError(Exception):
    """An object is not in the other store what it is in the first, although it was copied."""


class Migrated(msgspec.Struct, frozen=True):
    """Objects that were copied, with their bytes; those that were there already, the same; those that were removed from
    the first store meanwhile; and keys that only the other store has."""

    copied: int
    bytes: int
    there: int
    gone: int
    others: tuple[str, ...]


async def migrate(
    source: BlobStore, target: BlobStore, tell: Callable[[str, int], None] = lambda key, size: None
) -> Migrated:
    """Copies what `target` lacks or has otherwise; what it has the same stays as it is. `tell(key, bytes)` is told of
    each object that was copied. What is written to `source` meanwhile may be missed: run it again before you switch.

    Raises DiffersError, OSError.
    """
    slots = asyncio.Semaphore(AT_ONCE)
    heads = [head async for head in source.list()]

    async def one(head: BlobHead) -> str:
        async with slots:
            found = await _copied(source, target, head)
            if found == "copied":
                tell(head.key, head.size)
            return found

    async with asyncio.TaskGroup() as tasks:
        asked = [(head, tasks.create_task(one(head))) for head in heads]
    ends = [(head, task.result()) for head, task in asked]
    keys = {head.key for head in heads}
    return Migrated(
        copied=sum(end == "copied" for _, end in ends),
        bytes=sum(head.size for head, end in ends if end == "copied"),
        there=sum(end == "there" for _, end in ends),
        gone=sum(end == "gone" for _, end in ends),
        others=tuple(sorted([head.key async for head in target.list() if head.key not in keys])),
    )


async def _copied(source: BlobStore, target: BlobStore, head: BlobHead) -> str:
    """`copied`, `there` or `gone`."""
    try:
        async with source.local(head.key) as path:
            with path.open("rb") as file:
                digest = await asyncio.to_thread(hashlib.file_digest, file, "sha256")
            sha256 = digest.hexdigest()
            known = await target.head(head.key)
            if known is not None and known.size == head.size and await digest_of(target, head.key) == sha256:
                return "there"
            await target.put_file(head.key, path, sha256=sha256)
    except BlobNotFoundError:
        return "gone"
    if await digest_of(target, head.key) != sha256:
        raise DiffersError(f"{DiffersError.__doc__} {head.key}")
    return "copied"
