"""Objects as plain files below one folder. Writing: temporary file → sync → rename → sync of the folder."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import shutil
import stat
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cutlog.blobs.keys import InvalidKeyError, check_key, check_prefix
from cutlog.blobs.scratch import hand_over, scratch_file, scratch_folder, sweep_folder
from cutlog.blobs.signing import sign
from cutlog.blobs.store import Blob, BlobHead, BlobNotFoundError, Method
from cutlog.contract.keys import TEMP

LASTING: Final = "resumable"
CHUNK: Final = 1 << 20


class LocalBlobs:
    """Files below `root`, readable with any player. Links inside the store are never followed."""

    def __init__(self, root: Path, file_secret: str) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        self._secret = file_secret
        self._temp = self.root / TEMP
        self._temp.mkdir(exist_ok=True)
        hand_over(self._temp, self.root)

    async def check(self) -> None:
        await asyncio.to_thread(os.statvfs, self._temp)

    def path(self, key: str) -> Path:
        """Where the object of that key is, or would be. Raises InvalidKeyError, also for a way through a link."""
        words = check_key(key).split("/")
        if words[0] == TEMP:
            raise InvalidKeyError(f"unfinished work has no key: {key!r}")
        path = self.root
        for word in words:
            path = path / word
            if path.is_symlink():
                raise InvalidKeyError(f"leads through a link: {key!r}")
        return path

    async def put_file(
        self, key: str, path: Path, *, sync: bool = True, sha256: str | None = None, replace: bool = True
    ) -> Blob:
        return await asyncio.to_thread(self._put_file, key, path, sync, sha256, replace)

    async def put_bytes(self, key: str, data: bytes, *, sync: bool = True) -> Blob:
        return await asyncio.to_thread(self._put_bytes, key, data, sync)

    async def head(self, key: str) -> BlobHead | None:
        path = self.path(key)
        return await asyncio.to_thread(self._head, key, path)

    async def get(self, key: str) -> bytes:
        path = self.path(key)
        with _missing(key):
            return await asyncio.to_thread(path.read_bytes)

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        path = self.path(key)
        with _missing(key):
            file = await asyncio.to_thread(path.open, "rb")
        with file:
            file.seek(start)
            left = None if end is None else max(0, end - start)
            while left is None or left > 0:
                chunk = await asyncio.to_thread(file.read, CHUNK if left is None else min(CHUNK, left))
                if not chunk:
                    return
                left = None if left is None else left - len(chunk)
                yield chunk

    @asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        path = self.path(key)
        if not path.is_file():
            raise BlobNotFoundError(key)
        yield path

    async def delete(self, key: str) -> bool:
        path = self.path(key)
        try:
            await asyncio.to_thread(path.unlink)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    async def rename(self, key: str, to: str) -> None:
        await asyncio.to_thread(self._rename, key, self.path(key), self.path(to))

    async def list(self, prefix: str = "") -> AsyncIterator[BlobHead]:
        folder = self.root / check_prefix(prefix)
        if folder.is_relative_to(self._temp):
            return  # unfinished work has no keys
        for batch in _batches(await asyncio.to_thread(self._walk, folder)):
            for key, path in batch:
                head = self._head(key, path)
                if head is not None:
                    yield head
            await asyncio.sleep(0)

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[Path]:
        with scratch_folder(self._temp) as folder:
            yield folder

    async def room(self) -> int | None:
        return (await asyncio.to_thread(shutil.disk_usage, self.root)).free

    async def sweep(self) -> int:
        return await asyncio.to_thread(sweep_folder, self._temp, frozenset({LASTING}))

    def lasting(self) -> Path | None:
        folder = self._temp / LASTING
        folder.mkdir(exist_ok=True)
        return folder

    async def url(self, key: str, method: Method = "GET", *, seconds: int = 600, filename: str | None = None) -> str:
        return sign(self._secret, check_key(key), int(time.time()) + seconds, method, filename)

    def _put_file(self, key: str, source: Path, sync: bool, sha256: str | None, replace: bool) -> Blob:
        target = self.path(key)
        with contextlib.ExitStack() as stack:
            # Not through a link: what ran in a scratch folder is not trusted.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = stack.enter_context(os.fdopen(os.open(source, flags), "rb"))
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "not a plain file", str(source))
            if source.absolute().is_relative_to(self._temp) and status.st_uid == os.geteuid():
                # Ours already: another name for the same bytes. What a decoder wrote stays its own, and is copied.
                path, descriptor = source.with_name(os.urandom(8).hex()), file.fileno()
                if status.st_nlink == 1:
                    hand_over(source, self._temp)
                os.link(source, path, follow_symlinks=False)
                stack.callback(path.unlink, missing_ok=True)
                if not os.path.samestat(path.lstat(), status):
                    raise OSError(errno.EINVAL, "was exchanged while it was read", str(source))
            else:
                path, descriptor = stack.enter_context(scratch_file(self._temp))
                with os.fdopen(os.dup(descriptor), "wb") as copy:
                    shutil.copyfileobj(file, copy, CHUNK)
                file = stack.enter_context(path.open("rb"))
            if sha256 is None:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            if sync:
                os.fsync(descriptor)
            placed = self._place(path, target, sync, replace)
            return Blob(key, os.fstat(descriptor).st_size, sha256, linked=placed and path.parent != self._temp)

    def _put_bytes(self, key: str, data: bytes, sync: bool) -> Blob:
        target = self.path(key)
        with scratch_file(self._temp) as (path, descriptor):
            with os.fdopen(os.dup(descriptor), "wb") as file:
                file.write(data)
            if sync:
                os.fsync(descriptor)
            self._place(path, target, sync)
        return Blob(key, len(data), hashlib.sha256(data).hexdigest())

    def _rename(self, key: str, path: Path, target: Path) -> None:
        with _missing(key):
            path.stat()
            self._place(path, target, sync=True)
        _sync_folder(path.parent)

    def _place(self, path: Path, target: Path, sync: bool, replace: bool = True) -> bool:
        """Renames, or adds a name that is free, and makes it last: each new folder on the way, and the last one.
        Whether the object is that file now."""
        new = [folder for folder in target.relative_to(self.root).parents if not (self.root / folder).exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        for folder in reversed(new):
            hand_over(self.root / folder, self.root)
        placed = True
        if replace:
            path.rename(target)
        else:
            try:
                os.link(path, target, follow_symlinks=False)
            except FileExistsError:
                placed = False
        if sync:
            _sync_folder(target.parent)
            for folder in new:
                _sync_folder((self.root / folder).parent)
        return placed

    def _head(self, key: str, path: Path) -> BlobHead | None:
        try:
            status = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        modified = datetime.fromtimestamp(status.st_mtime, UTC)
        return BlobHead(key, status.st_size, modified, f"{status.st_mtime_ns:x}-{status.st_size:x}")

    def _walk(self, folder: Path) -> Iterator[tuple[str, Path]]:
        for parent, folders, files in os.walk(folder):
            if Path(parent) == self.root:
                folders[:] = [name for name in folders if name != TEMP]
            for name in files:
                path = Path(parent) / name
                if not path.is_symlink():
                    yield path.relative_to(self.root).as_posix(), path


def _batches(items: Iterator[tuple[str, Path]], size: int = 200) -> Iterator[list[tuple[str, Path]]]:
    batch: list[tuple[str, Path]] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    yield batch


@contextlib.contextmanager
def _missing(key: str) -> Iterator[None]:
    """Turns the errors of a missing file into ours."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise BlobNotFoundError(key) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
