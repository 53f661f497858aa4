"""Objects in a bucket, or in memory, through obstore."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import mimetypes
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import MemoryStore, S3Store

from cutlog.blobs.keys import check_key, check_prefix
from cutlog.blobs.presigned import named
from cutlog.blobs.store import Blob, BlobHead, BlobNotFoundError, Method
from cutlog.web.signing import sign

CHUNK: Final = 1 << 20
ONE_REQUEST: Final = 64 << 20
"""Up to here a write is one request, which can be conditional; beyond it goes in parts."""


class ObstoreBlobs:
    """A bucket's URLs are signed by its own scheme; memory has them served by the media service.

    `secret` signs: a bucket's secret key, without which its links name no file, or the key of the media service's.
    """

    def __init__(self, store: MemoryStore | S3Store, secret: str | None = None) -> None:
        self._store = store
        self._secret = secret

    @classmethod
    def memory(cls, file_secret: str) -> ObstoreBlobs:
        """An empty store that ends with the process."""
        return cls(MemoryStore(), file_secret)

    @classmethod
    def s3(cls, url: str, secret: str = "") -> ObstoreBlobs:
        """`s3://bucket/prefix`; region, endpoint and credentials from AWS_* variables."""
        return cls(S3Store.from_url(url), secret)

    async def put_file(
        self, key: str, path: Path, *, sync: bool = True, sha256: str | None = None, replace: bool = True
    ) -> Blob:
        if sha256 is None:
            sha256 = await asyncio.to_thread(_digest, path)
        if replace or path.stat().st_size > ONE_REQUEST:
            if replace or await self.head(key) is None:
                await obstore.put_async(self._store, check_key(key), path, attributes=_attributes(key))
        else:
            with contextlib.suppress(AlreadyExistsError):
                await obstore.put_async(
                    self._store, check_key(key), path, attributes=_attributes(key), mode="create", use_multipart=False
                )
        return Blob(key, path.stat().st_size, sha256)

    async def put_bytes(self, key: str, data: bytes, *, sync: bool = True) -> Blob:
        await obstore.put_async(self._store, check_key(key), data, attributes=_attributes(key))
        return Blob(key, len(data), hashlib.sha256(data).hexdigest())

    async def head(self, key: str) -> BlobHead | None:
        try:
            return _head(await obstore.head_async(self._store, check_key(key)))
        except FileNotFoundError:
            return None

    async def get(self, key: str) -> bytes:
        try:
            found = await obstore.get_async(self._store, check_key(key))
        except FileNotFoundError as error:
            raise BlobNotFoundError(key) from error
        return bytes(await found.bytes_async())

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        head = await self.head(key)
        if head is None:
            raise BlobNotFoundError(key)
        stop = head.size if end is None else min(end, head.size)
        if start >= stop:
            return
        # Only the version that was looked at: another one may have another length.
        options: obstore.GetOptions = {"range": (start, stop)}
        if self._secret is None and head.etag:
            options["if_match"] = head.etag
        found = await obstore.get_async(self._store, key, options=options)
        async for chunk in found.stream(CHUNK):
            yield bytes(chunk)

    @asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        async with self.scratch() as folder:
            path = folder / key.rpartition("/")[2]
            with path.open("wb") as file:
                async for chunk in self.stream(key):
                    await asyncio.to_thread(file.write, chunk)
            yield path

    async def delete(self, key: str) -> bool:
        if await self.head(key) is None:
            return False
        await obstore.delete_async(self._store, key)
        return True

    async def rename(self, key: str, to: str) -> None:
        try:
            await obstore.rename_async(self._store, check_key(key), check_key(to))
        except FileNotFoundError as error:
            raise BlobNotFoundError(key) from error

    async def list(self, prefix: str = "") -> AsyncIterator[BlobHead]:
        async for batch in obstore.list(self._store, check_prefix(prefix) or None):
            for meta in batch:
                yield _head(meta)

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[Path]:
        with tempfile.TemporaryDirectory(prefix="cutlog-") as folder:
            yield Path(folder)

    async def room(self) -> int | None:
        return None

    async def sweep(self) -> int:
        return 0

    def lasting(self, otherwise: Path) -> Path:
        otherwise.mkdir(parents=True, exist_ok=True)
        return otherwise

    async def url(self, key: str, method: Method = "GET", *, seconds: int = 600, filename: str | None = None) -> str:
        match self._store:
            case S3Store() as bucket:
                link = await obstore.sign_async(bucket, method, check_key(key), timedelta(seconds=seconds))
                return named(link, self._secret, filename, method) if filename and self._secret else link
            case MemoryStore():
                return sign(self._secret or "", check_key(key), int(time.time()) + seconds, method, filename)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _attributes(key: str) -> obstore.Attributes:
    kind = mimetypes.guess_type(key)[0]
    # A bucket serves the file itself: as a download, whatever its name says.
    return {"Content-Type": kind or "application/octet-stream", "Content-Disposition": "attachment"}


def _head(meta: obstore.ObjectMeta) -> BlobHead:
    return BlobHead(meta["path"], meta["size"], meta["last_modified"], (meta["e_tag"] or "").strip('"'))
