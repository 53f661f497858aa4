"""Objects in a bucket, or in memory, through obstore."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import mimetypes
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import MemoryStore, S3Store

from cutlog.blobs.keys import check_key, check_prefix
from cutlog.blobs.presigned import named
from cutlog.blobs.signing import sign
from cutlog.blobs.store import Blob, BlobHead, BlobNotFoundError, Method, StoreUnavailableError
from cutlog.contract.keys import TEMP

if TYPE_CHECKING:
    from obstore.store import RetryConfig

CHUNK: Final = 1 << 20
ONE_REQUEST: Final = 16 << 20
"""Up to here a write is one request, which can be conditional; beyond it goes in parts. A request must end within the
client's timeout (30 s, or AWS_TIMEOUT), so that a silent server is noticed."""
RETRIES: Final[RetryConfig] = {
    "max_retries": 10,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
}
"""What is over sooner is not noticed; what lasts longer is for the caller to wait out."""
LEAST_PIECE: Final = 5 << 20
MOST_PIECES: Final = 10_000
"""S3 takes an object in pieces of so many bytes at least, the last one apart, and in so many of them at most.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""
IN_MEMORY: Final = 32 << 20
"""Bytes of a large file that are on their way at once."""
LOOKS: Final = 3
"""How often an object that is replaced while it is opened is looked at again."""


class ObstoreBlobs:
    """A bucket's URLs are signed by its own scheme; memory has them served by the media service.

    `secret` signs: a bucket's secret key, without which its links name no file, or the key of the media service's.
    """

    def __init__(self, store: MemoryStore | S3Store, secret: str | None = None) -> None:
        self._store = store
        self._secret = secret
        self._refused = False

    @classmethod
    def memory(cls, file_secret: str) -> ObstoreBlobs:
        """An empty store that ends with the process."""
        return cls(MemoryStore(), file_secret)

    @classmethod
    def s3(cls, url: str, secret: str = "") -> ObstoreBlobs:
        """`s3://bucket/prefix`; region, endpoint and credentials from AWS_* variables."""
        return cls(S3Store.from_url(url, retry_config=RETRIES), secret)

    async def check(self) -> None:
        with _available():
            async for _ in obstore.list(self._store, "health", chunk_size=1):
                break
        if self._refused:
            key = f"{TEMP}/health"
            await self.put_bytes(key, b"Does this bucket take objects again?\n")
            await self.delete(key)

    async def put_file(
        self, key: str, path: Path, *, sync: bool = True, sha256: str | None = None, replace: bool = True
    ) -> Blob:
        if sha256 is None:
            sha256 = await asyncio.to_thread(_digest, path)
        size = path.stat().st_size
        if replace or size > ONE_REQUEST:
            if replace or await self.head(key) is None:
                piece, at_once = pieces(size)
                with self._writing():
                    await obstore.put_async(
                        self._store, check_key(key), path, attributes=_attributes(key), chunk_size=piece,
                        max_concurrency=at_once,
                    )  # fmt: skip
        else:
            with contextlib.suppress(AlreadyExistsError), self._writing():
                await obstore.put_async(
                    self._store, check_key(key), path, attributes=_attributes(key), mode="create", use_multipart=False
                )
        return Blob(key, size, sha256)

    async def put_bytes(self, key: str, data: bytes, *, sync: bool = True) -> Blob:
        with self._writing():
            await obstore.put_async(self._store, check_key(key), data, attributes=_attributes(key))
        return Blob(key, len(data), hashlib.sha256(data).hexdigest())

    async def head(self, key: str) -> BlobHead | None:
        try:
            with _available(key):
                return _head(await obstore.head_async(self._store, check_key(key)))
        except BlobNotFoundError:
            return None

    async def get(self, key: str) -> bytes:
        with _available(key):
            found = await obstore.get_async(self._store, check_key(key))
            return bytes(await found.bytes_async())

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        opened = await self._opened(key, start, end)
        if opened is None:
            return
        found, left = opened
        with _available(key):
            async for chunk in found.stream(CHUNK):
                left -= len(chunk)
                yield bytes(chunk)
        if left:
            raise StoreUnavailableError(f"{key}: {left} bytes are missing from the response")

    @contextmanager
    def _writing(self, key: str | None = None) -> Iterator[None]:
        """As `_available`, and remembers until a write succeeds that one did not: a full bucket still lists objects."""
        try:
            with _available(key):
                yield
        except StoreUnavailableError:
            self._refused = True
            raise
        self._refused = False

    async def _opened(self, key: str, start: int, end: int | None) -> tuple[obstore.GetResult, int] | None:
        """A range of the object and its bytes; None where there are none. Of one version of the object: another one may
        have another length."""
        for _ in range(LOOKS):
            head = await self.head(key)
            if head is None:
                with _available(key):  # the answer to GET, unlike that to HEAD, tells a missing bucket
                    await obstore.get_async(self._store, key)
                continue
            stop = head.size if end is None else min(end, head.size)
            if start >= stop:
                return None
            with contextlib.suppress(PreconditionError), _available(key):
                options: obstore.GetOptions = {"range": (start, stop), "if_match": f'"{head.etag}"'}
                return await obstore.get_async(self._store, key, options=options), stop - start
        raise StoreUnavailableError(f"{key} was replaced repeatedly while it was read")

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
        with _available():
            await obstore.delete_async(self._store, key)
        return True

    async def rename(self, key: str, to: str) -> None:
        with self._writing(key):
            await obstore.rename_async(self._store, check_key(key), check_key(to))

    async def list(self, prefix: str = "") -> AsyncIterator[BlobHead]:
        unfinished = f"{prefix}/".startswith(f"{TEMP}/")
        with _available():
            async for batch in obstore.list(self._store, check_prefix(prefix) or None):
                for meta in batch:
                    if unfinished or not meta["path"].startswith(f"{TEMP}/"):
                        yield _head(meta)

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[Path]:
        with tempfile.TemporaryDirectory(prefix="cutlog-") as folder:
            yield Path(folder)

    async def room(self) -> int | None:
        return None

    async def sweep(self) -> int:
        return 0

    def lasting(self) -> Path | None:
        return None

    async def url(self, key: str, method: Method = "GET", *, seconds: int = 600, filename: str | None = None) -> str:
        match self._store:
            case S3Store() as bucket:
                with _available():  # credentials may have to be fetched
                    link = await obstore.sign_async(bucket, method, check_key(key), timedelta(seconds=seconds))
                return named(link, self._secret, filename, method) if filename and self._secret else link
            case MemoryStore():
                return sign(self._secret or "", check_key(key), int(time.time()) + seconds, method, filename)


def pieces(size: int) -> tuple[int, int]:
    """The bytes of each piece of a file that goes in several, and how many are on their way at once."""
    piece = max(LEAST_PIECE, -(-size // MOST_PIECES))
    return piece, max(1, IN_MEMORY // piece)


@contextmanager
def _available(key: str | None = None) -> Iterator[None]:
    """Turns what obstore raises into the errors of the protocol; with `key`, the object may be missing.

    AlreadyExistsError and PreconditionError are answers, and stay as they are.
    """
    try:
        yield
    except FileNotFoundError as error:
        if key is None or "NoSuchBucket" in str(error):
            raise StoreUnavailableError(_brief(error)) from error
        raise BlobNotFoundError(key) from error
    except (AlreadyExistsError, PreconditionError):
        raise
    except BaseError as error:
        raise StoreUnavailableError(_brief(error)) from error


def _brief(error: Exception) -> str:
    """What obstore says, without the dump of its structures."""
    return str(error).partition("\n\nDebug source")[0][:500]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _attributes(key: str) -> obstore.Attributes:
    kind = mimetypes.guess_type(key)[0]
    # A bucket serves the file itself: as a download, whatever its name says.
    return {"Content-Type": kind or "application/octet-stream", "Content-Disposition": "attachment"}


def _head(meta: obstore.ObjectMeta) -> BlobHead:
    return BlobHead(meta["path"], meta["size"], meta["last_modified"], (meta["e_tag"] or "").strip('"'))
