"""Makes a file of a legacy store an object of ours."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cutlog.blobs import BlobStore, LocalBlobs


async def place(blobs: BlobStore, key: str, path: Path, sha256: str, *, link: bool) -> None:
    """Places a file under `key`: by a second name for it, where `link` asks for that and it can be had, or by a copy
    that is compared. Raises OSError when the file is not what it was."""
    if link and isinstance(blobs, LocalBlobs):
        async with _linked(blobs, path) as ours:
            if ours is not None:
                await blobs.put_file(key, ours, sync=True, sha256=sha256)
                return
    blob = await blobs.put_file(key, path, sync=True)
    if blob.sha256 != sha256:
        await blobs.delete(key)
        raise OSError(f"{path} has changed since it was read; run the backfill again")


@asynccontextmanager
async def _linked(blobs: LocalBlobs, path: Path) -> AsyncIterator[Path | None]:
    """A second name for a file, next to the objects; None where the file system has none to give, or where who owns
    the objects could not read it."""
    async with blobs.scratch() as folder:
        ours = folder / "linked"
        try:
            if folder.parent.stat().st_uid != os.geteuid() and not path.stat().st_mode & stat.S_IROTH:
                raise PermissionError(path)
            await asyncio.to_thread(os.link, path, ours, follow_symlinks=False)
        except OSError:
            yield None
        else:
            yield ours
