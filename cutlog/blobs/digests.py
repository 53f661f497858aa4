"""The SHA-256 of what a store holds."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable

from cutlog.blobs.store import BlobStore


async def digest_of(blobs: BlobStore, key: str, read: Callable[[int], None] = lambda size: None) -> str:
    """Reads an object from its first byte to its last, in little memory; in hex. `read` is told of each piece's bytes.
    Raises BlobNotFoundError, OSError."""
    digest = hashlib.sha256()
    async for chunk in blobs.stream(key):
        await asyncio.to_thread(digest.update, chunk)
        read(len(chunk))
    return digest.hexdigest()
