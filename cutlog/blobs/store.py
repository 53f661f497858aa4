"""The protocol of a store of objects, and its values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

import msgspec

Method = Literal["GET", "PUT"]


class Blob(msgspec.Struct, frozen=True):
    """An object that was written: its key, bytes and SHA-256 in hex. `linked`: it is the very file that was put, under
    another name, so that there are no other bytes to read again."""

    key: str
    size: int
    sha256: str
    linked: bool = False


class BlobHead(msgspec.Struct, frozen=True):
    """An object that exists. `etag` changes with its content."""

    key: str
    size: int
    modified: datetime
    etag: str

    @property
    def state(self) -> str:
        """Differs from that of any other object that was at the key: a bucket's ETag is the same for the same bytes."""
        return f"{self.etag} {self.modified.timestamp()}"


class BlobNotFoundError(LookupError):
    """There is no object with that key."""


class StoreUnavailableError(OSError):
    """The object store is unavailable: it cannot be reached, is full or refuses; the same may succeed later."""


class BlobStore(Protocol):
    """All methods raise InvalidKeyError for a key that is not one, and OSError when the store itself fails: of a bucket
    always StoreUnavailableError.
    """

    async def check(self) -> None:
        """Returns when the store answers and, where it refused a write, takes one again. Raises OSError."""
        ...

    async def put_file(
        self, key: str, path: Path, *, sync: bool = True, sha256: str | None = None, replace: bool = True
    ) -> Blob:
        """Makes the file's bytes the object, replacing what was there; the file stays where it is.

        Without `replace` an object that is there already stays as it is, down to its inode or ETag: for keys that are
        made of what is in them.

        A file inside a `scratch` folder of this store is not copied: don't change it afterwards. With `sync` the object
        is on disk, name included, when this returns. `sha256`: the digest, where the caller has just computed it.
        """
        ...

    async def put_bytes(self, key: str, data: bytes, *, sync: bool = True) -> Blob:
        """Makes the bytes the object."""
        ...

    async def head(self, key: str) -> BlobHead | None:
        """What is known of an object without reading it; None if there is none."""
        ...

    async def get(self, key: str) -> bytes:
        """The whole object, for small ones. Raises BlobNotFoundError."""
        ...

    def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes [start, end) in pieces, up to the object's end. Raises BlobNotFoundError."""
        ...

    def local(self, key: str) -> AbstractAsyncContextManager[Path]:
        """The object as a plain file to read: the file itself, or a copy that goes away. Raises BlobNotFoundError."""
        ...

    async def delete(self, key: str) -> bool:
        """Removes the object; whether there was one."""
        ...

    async def rename(self, key: str, to: str) -> None:
        """Gives the object another key, replacing what was there. Raises BlobNotFoundError."""
        ...

    def list(self, prefix: str = "") -> AsyncIterator[BlobHead]:
        """All objects below a prefix of whole words (`export/p_1`), in no order. Unfinished ones are shown only where
        the prefix leads to them (`temp/resumable`).
        """
        ...

    def scratch(self) -> AbstractAsyncContextManager[Path]:
        """A fresh, empty folder for work, next to the objects where they are files; removed at the end."""
        ...

    async def room(self) -> int | None:
        """Bytes that still have room; None where nobody can say."""
        ...

    async def sweep(self) -> int:
        """Removes what processes that died left unfinished; how many things. Live ones are left alone."""
        ...

    def lasting(self) -> Path | None:
        """A folder for unfinished work that outlives its process, which no sweep touches, next to the objects, so that
        `put_file` does not copy from there. None where objects are not files: such work is objects below `temp/`.
        """
        ...

    async def url(self, key: str, method: Method = "GET", *, seconds: int = 600, filename: str | None = None) -> str:
        """A link that allows one method on one object for that long; `filename` is what a browser saves it as;
        a bucket can't be told and uses the key's last word.

        Absolute, or the path `/files/…` that the media service answers on the gateway.
        """
        ...
