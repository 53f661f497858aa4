"""The segments and chunks that exist, shared by all versions and projects of a tenant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.contract.keys import CacheKey
from services.render.cache.packets import DamagedSegmentError
from services.render.plan.segments import Digest

_AT_ONCE: Final = 16


class SegmentCache:
    """Sealed files at `segments/{tenant}/{first two of the digest}/{digest}.mp4`. Not synced: made again if need be."""

    def __init__(self, blobs: BlobStore, tenant: str) -> None:
        self._blobs = blobs
        self._tenant = tenant

    def key(self, digest: Digest) -> str:
        return str(CacheKey(self._tenant, digest, "mp4"))

    async def missing(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those that must be made."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def look(digest: Digest) -> Digest | None:
            async with slots:
                head = await self._blobs.head(self.key(digest))
            return digest if head is None or head.size == 0 else None

        return {digest for digest in await asyncio.gather(*map(look, set(digests))) if digest is not None}

    async def put(self, digest: Digest, sealed: bytes) -> None:
        await self._blobs.put_bytes(self.key(digest), sealed, sync=False)

    async def forget(self, digest: Digest) -> None:
        await self._blobs.delete(self.key(digest))

    @asynccontextmanager
    async def files(self, digests: Iterable[Digest]) -> AsyncIterator[dict[Digest, Path]]:
        """All of them on local disk while the context is open. Raises DamagedSegmentError for one that is gone."""
        async with AsyncExitStack() as opened:
            found: dict[Digest, Path] = {}
            for digest in digests:
                try:
                    found[digest] = await opened.enter_async_context(self._blobs.local(self.key(digest)))
                except BlobNotFoundError as error:
                    raise DamagedSegmentError(digest) from error
            yield found
