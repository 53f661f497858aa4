"""Objects into a pool of files and out of it, each proven by its SHA-256; what is there already is not copied."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from cutlog.blobs import BlobNotFoundError, BlobStore, InvalidKeyError, StoreUnavailableError
from cutlog.blobs.digests import reported_digest_in, reported_digest_of
from cutlog.blobs.pieces import digester
from cutlog.operate.backup.place import BackupDamaged, Item, Place

T = TypeVar("T")

AT_ONCE: Final = 4
"""Objects that are copied side by side."""

Tell = Callable[[str, int], None]
"""Told the key and the bytes of each object that was copied."""


class ObjectUnusable(Exception):
    """An object in the store is missing or corrupt."""


@dataclass
class Copied:
    """Objects that were copied, with their bytes, and those that were there."""

    objects: int = 0
    bytes: int = 0
    there: int = 0
    proven: set[str] = field(default_factory=set)
    """SHA-256 of files of the pool that need no other look."""


class Saving:
    """From a store into a pool. With `read`, files that are there are read before they are trusted."""

    def __init__(self, blobs: BlobStore, place: Place, *, read: bool, tell: Tell) -> None:
        self._blobs, self._place, self._read, self._tell = blobs, place, read, tell
        self.copied = Copied()

    async def all(self, items: Collection[Item], sources: Mapping[str, str]) -> dict[str, str]:
        """Why objects can't be copied, by key. Raises StoreUnavailableError, and OSError where the pool fails."""
        slots = asyncio.Semaphore(AT_ONCE)
        same: dict[str, list[Item]] = {}
        for item in items:
            same.setdefault(item.sha256, []).append(item)

        async def one(some: list[Item]) -> dict[str, str]:
            """One of them is enough."""
            async with slots:
                faults: dict[str, str] = {}
                if await self._is_there(some[0]):
                    return faults
                for item in some:
                    for key in filter(None, (item.key, sources.get(item.key))):
                        try:
                            await self._copy(item, key)
                        except ObjectUnusable as error:
                            faults.setdefault(item.key, str(error))
                        else:
                            return {}
                return faults

        found: dict[str, str] = {}
        for faults in await _all_of([one(some) for some in same.values()]):
            found |= faults
        return found

    async def _is_there(self, item: Item) -> bool:
        if item.sha256 in self.copied.proven:
            return True
        path = self._place.pool(item.sha256)
        there = path.is_file() and path.stat().st_size == item.size
        if there and self._read:
            there = await asyncio.to_thread(reported_digest_in, path, item.key) == item.sha256
        if there:
            self.copied.there += 1
            self.copied.proven.add(item.sha256)
        return there

    async def _copy(self, item: Item, key: str) -> None:
        digest, size = digester(item.key), 0
        with self._place.new_file(item.sha256) as draft:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                chunks = self._blobs.stream(key)
                while True:
                    try:
                        chunk = await anext(chunks, None)
                    except StoreUnavailableError:
                        raise
                    except (BlobNotFoundError, InvalidKeyError):
                        raise ObjectUnusable("it was not found") from None
                    except OSError as error:
                        raise ObjectUnusable(f"it cannot be read: {error.strerror}") from error
                    if chunk is None:
                        break
                    size += len(chunk)
                    await asyncio.to_thread(_take, file.write, digest.update, bytes(chunk))
                if (size, digest.hexdigest()) != (item.size, item.sha256):
                    raise ObjectUnusable(f"it has {size} bytes of SHA-256 {digest.hexdigest()}, not {item.size} of"
                                         f" {item.sha256}")  # fmt: skip
                file.flush()
                await asyncio.to_thread(os.fsync, descriptor)
        self.copied.proven.add(item.sha256)
        self.copied.objects += 1
        self.copied.bytes += size
        self._tell(item.key, size)


class Restoring:
    """From a pool into a store."""

    def __init__(self, place: Place, blobs: BlobStore, *, tell: Tell) -> None:
        self._place, self._blobs, self._tell = place, blobs, tell
        self.copied = Copied()

    async def all(self, items: Collection[Item]) -> None:
        """Raises BackupDamaged, OSError."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(item: Item) -> None:
            async with slots:
                await self._one(item)

        await _all_of([one(item) for item in items])

    async def _one(self, item: Item) -> None:
        head = await self._blobs.head(item.key)
        there = head is not None and head.size == item.size
        if there and await reported_digest_of(self._blobs, item.key) == item.sha256:
            self.copied.there += 1
            return
        path = self._place.pool(item.sha256)
        if not path.is_file():
            raise BackupDamaged(f"{path} (object {item.key}) is missing")
        await self._blobs.put_file(item.key, path, sha256=item.sha256)
        arrived = await reported_digest_of(self._blobs, item.key)
        if arrived != item.sha256:
            await self._blobs.delete(item.key)
            raise BackupDamaged(f"{path} (object {item.key}) has the SHA-256 {arrived}")
        self.copied.objects += 1
        self.copied.bytes += item.size
        self._tell(item.key, item.size)


def _take(write: Callable[[bytes], object], update: Callable[[bytes], object], chunk: bytes) -> None:
    write(chunk)
    update(chunk)


async def _all_of(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """What each came to; the first failure ends the rest, and is raised as itself."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
