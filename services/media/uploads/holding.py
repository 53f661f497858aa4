"""Where the bytes of unfinished uploads are, seen alike by every process: the protocol of such a place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

from services.media.errors import MediaError

if TYPE_CHECKING:
    import hashlib
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

    from services.media.uploads.resumable import Resumable


class BusyError(MediaError):
    """Another request is writing to this upload or ending it."""


class BytesLostError(MediaError):
    """Received bytes were lost; start the upload again."""


class Adding(Protocol):
    """The bytes of one request on their way. `row` is that of the upload, as it was counted last."""

    row: Resumable

    async def add(self, chunk: bytes) -> None:
        """Takes a chunk. Raises OSError, also that of an earlier chunk."""
        ...

    @property
    def unstored(self) -> int:
        """Bytes that came since the last `store`."""
        ...

    async def store(self) -> int:
        """Returns when all that came is durable: the offset where it ends. Raises OSError."""
        ...

    async def note(self, connection: AsyncConnection) -> None:
        """Writes what belongs to the stored bytes, in the transaction that counts them."""
        ...

    async def noted(self, row: Resumable) -> None:
        """That transaction is committed, with this row. One of which nobody knows whether it is may be tried again."""
        ...


class Held(Protocol):
    """The bytes of one upload."""

    def adding(self, row: Resumable, digest: hashlib._Hash | None) -> AbstractAsyncContextManager[Adding]:
        """Takes more, from `row.received` on; `digest` is fed with what comes. What is not counted when the block ends
        is gone. Raises BytesLostError where what was counted is not all there."""
        ...

    def whole(self, row: Resumable) -> AbstractAsyncContextManager[tuple[Path, str]]:
        """All bytes as a file on local disk, and the SHA-256 of what is stored. Raises BytesLostError."""
        ...


class Holding(Protocol):
    """The bytes of all uploads."""

    async def begin(self, upload_id: str) -> None:
        """Makes place for an upload. Raises OSError."""
        ...

    async def check(self, row: Resumable) -> None:
        """Whether what was counted is there. Raises BytesLostError; OffsetError where more was counted since."""
        ...

    def open(self, upload_id: str) -> AbstractAsyncContextManager[Held]:
        """Raises BusyError where one at a time may add to an upload, and somebody does."""
        ...

    async def drop(self, upload_id: str) -> None:
        """Removes the bytes of an upload that ended. Raises OSError."""
        ...

    async def sweep(self, known: Callable[[set[str]], Awaitable[set[str]]]) -> int:
        """Removes the bytes of uploads that are not `known` any more; how many uploads. Raises OSError."""
        ...
