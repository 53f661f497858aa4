"""The segments and chunks that exist, shared by all versions and projects of a tenant."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.contract.keys import CacheKey
from services.render.cache.packets import DamagedSegmentError
from services.render.plan.segments import Digest

_AT_ONCE: Final = 16
#: Names in an index, of all tenants, and the bytes of each that count: it takes 30 MB at most.
_MOST: Final = 200_000
_BYTES: Final = 16


class Index:
    """Segments and chunks that were there when somebody last looked. A hint: what reads them notices that one is gone,
    and then all of its tenant's are looked at again. In memory; what another process made is looked at once."""

    def __init__(self) -> None:
        self._names: defaultdict[str, set[bytes]] = defaultdict(set)
        self._count = 0

    def lacking(self, tenant: str, digests: Iterable[Digest]) -> set[Digest]:
        """Those that must be looked at."""
        names = self._names.get(tenant, set())
        return {digest for digest in digests if _short(digest) not in names}

    def add(self, tenant: str, digests: Collection[Digest]) -> None:
        if self._count + len(digests) > _MOST:
            self._names.clear()
            self._count = 0
        names = self._names[tenant]
        before = len(names)
        names.update(map(_short, digests))
        self._count += len(names) - before

    def doubt(self, tenant: str) -> None:
        """Some are gone."""
        self._count -= len(self._names.pop(tenant, ()))


def _short(digest: Digest) -> bytes:
    return bytes.fromhex(digest[: 2 * _BYTES])


class SegmentCache:
    """Sealed files at `segments/{tenant}/{first two of the digest}/{digest}.mp4`. Not synced: made again if need be."""

    def __init__(self, blobs: BlobStore, tenant: str, index: Index | None = None) -> None:
        self._blobs = blobs
        self._tenant = tenant
        self._index = index or Index()

    def key(self, digest: Digest) -> str:
        return str(CacheKey(self._tenant, digest, "mp4"))

    async def missing(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those that must be made. What the index has is not looked at."""
        unknown = self._index.lacking(self._tenant, digests)
        slots = asyncio.Semaphore(_AT_ONCE)

        async def look(digest: Digest) -> Digest | None:
            async with slots:
                head = await self._blobs.head(self.key(digest))
            return digest if head is None or head.size == 0 else None

        absent = {digest for digest in await asyncio.gather(*map(look, unknown)) if digest is not None}
        self._index.add(self._tenant, unknown - absent)
        return absent

    async def put(self, digest: Digest, sealed: bytes) -> None:
        await self._blobs.put_bytes(self.key(digest), sealed, sync=False)
        self._index.add(self._tenant, (digest,))

    async def forget(self, digest: Digest) -> None:
        self._index.doubt(self._tenant)
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
                    self._index.doubt(self._tenant)
                    raise DamagedSegmentError(digest) from error
            yield found
