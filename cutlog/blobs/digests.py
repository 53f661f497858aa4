"""The digests of what a store holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cutlog.blobs.pieces import FilmDigest, PlainDigest, digester
from cutlog.blobs.store import BlobStore

_AT_ONCE: Final = 1 << 20


def reported_digest_in(path: Path, key: str) -> str:
    """The digest of a file on this machine, as if it were the object at `key`."""
    digest = digester(key)
    with path.open("rb") as file:
        while data := file.read(_AT_ONCE):
            digest.update(data)
    return digest.hexdigest()


async def digest_of(blobs: BlobStore, key: str, read: Callable[[int], None] = lambda size: None) -> str:
    """Reads an object from its first byte to its last, in little memory; its SHA-256 in hex. `read` is told of each
    piece's bytes. Raises BlobNotFoundError, OSError."""
    return await _digested(blobs, key, PlainDigest(), read)


async def reported_digest_of(blobs: BlobStore, key: str) -> str:
    """The digest of an object as whoever made it reported it, see `pieces`. Raises BlobNotFoundError, OSError."""
    return await _digested(blobs, key, digester(key), lambda size: None)


async def _digested(blobs: BlobStore, key: str, digest: PlainDigest | FilmDigest, read: Callable[[int], None]) -> str:
    async for chunk in blobs.stream(key):
        await asyncio.to_thread(digest.update, chunk)
        read(len(chunk))
    return digest.hexdigest()
