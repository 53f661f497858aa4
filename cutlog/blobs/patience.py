"""A store for work in the background: an outage of the store is waited out, so that what was made is not lost."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import structlog

from cutlog.blobs.store import Blob, BlobHead, BlobNotFoundError, BlobStore, Method, StoreUnavailableError

log = structlog.get_logger(__name__)
T = TypeVar("T")

PATIENCE: Final = 1800.0
"""Seconds that one outage is waited out; then the caller hears of it, and others get their turn."""
LONGEST_PAUSE: Final = 5.0


class PatientBlobs:
    """Another store, each of whose operations is tried again while that is unavailable."""

    def __init__(self, store: BlobStore, patience: float = PATIENCE) -> None:
        self._store, self._patience = store, patience

    async def check(self) -> None:
        await self._store.check()

    async def put_file(
        self, key: str, path: Path, *, sync: bool = True, sha256: str | None = None, replace: bool = True
    ) -> Blob:
        return await self._outlast(partial(self._store.put_file, key, path, sync=sync, sha256=sha256, replace=replace))

    async def put_bytes(self, key: str, data: bytes, *, sync: bool = True) -> Blob:
        return await self._outlast(partial(self._store.put_bytes, key, data, sync=sync))

    async def head(self, key: str) -> BlobHead | None:
        return await self._outlast(partial(self._store.head, key))

    async def get(self, key: str) -> bytes:
        return await self._outlast(partial(self._store.get, key))

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        before: str | None = None
        pauses = _Pauses(self._patience)
        while True:
            try:
                head = await self._store.head(key)
                etag = "" if head is None else head.etag
                if before is not None and etag != before:
                    raise OSError(f"{key} was replaced while it was read")
                before = etag
                async with aclosing(self._store.stream(key, start, end)) as chunks:  # type: ignore[type-var]
                    async for chunk in chunks:
                        start += len(chunk)
                        yield chunk
                return
            except StoreUnavailableError as error:
                await pauses.after(error)

    @asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        async with AsyncExitStack() as opened:
            yield await self._outlast(lambda: opened.enter_async_context(self._store.local(key)))

    async def delete(self, key: str) -> bool:
        return await self._outlast(partial(self._store.delete, key))

    async def rename(self, key: str, to: str) -> None:
        begun = False

        async def act() -> None:
            nonlocal begun
            try:
                await self._store.rename(key, to)
            except StoreUnavailableError:
                begun = True
                raise
            except BlobNotFoundError:
                # An attempt whose answer was lost may have done it.
                if not begun or await self._store.head(to) is None:
                    raise

        await self._outlast(act)

    def list(self, prefix: str = "") -> AsyncIterator[BlobHead]:
        return self._store.list(prefix)

    def scratch(self) -> AbstractAsyncContextManager[Path]:
        return self._store.scratch()

    async def room(self) -> int | None:
        return await self._store.room()

    async def sweep(self) -> int:
        return await self._store.sweep()

    def lasting(self) -> Path | None:
        return self._store.lasting()

    async def url(self, key: str, method: Method = "GET", *, seconds: int = 600, filename: str | None = None) -> str:
        return await self._store.url(key, method, seconds=seconds, filename=filename)

    async def _outlast(self, act: Callable[[], Awaitable[T]]) -> T:
        pauses = _Pauses(self._patience)
        while True:
            try:
                return await act()
            except StoreUnavailableError as error:
                await pauses.after(error)


class _Pauses:
    """Growing pauses with jitter, for as long as patience lasts."""

    def __init__(self, patience: float) -> None:
        self._until = time.monotonic() + patience
        self._pause = 0.2

    async def after(self, error: StoreUnavailableError) -> None:
        """Raises the error when it has lasted too long."""
        if time.monotonic() > self._until:
            raise error
        log.warning("store.unavailable", why=str(error), again_in=self._pause)
        await asyncio.sleep(self._pause * random.uniform(0.5, 1.0))
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)
