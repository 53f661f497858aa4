"""Two media processes on one bucket, and a client of resumable uploads."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from cutlog.blobs import BlobStore, open_blobs
from cutlog.contract.keys import PARTS, PartKey, parse_key
from cutlog.hosting.settings import Settings
from cutlog.operate.fsck.stack import Stack, connected
from cutlog.operate.stack.nats import OPERATOR
from services.media import bootstrap
from tests.media.conftest import Answer, Client, House
from tests.support.painting import Painter
from tests.support.ports import free_ports

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {"Content-Type": "application/offset+octet-stream"}
FOREIGN = f"{PARTS}/what/is/this"


def padded(painted: Painter, size: int, *, frames: int = 25) -> bytes:
    """A video with a box of random bytes, which players skip: a zero in the wrong place changes the digest."""
    return painted(25, frames).read_bytes() + struct.pack(">I4s", size + 8, b"free") + os.urandom(size)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def checksum(data: bytes) -> dict[str, str]:
    return {"Upload-Checksum": f"sha256 {base64.b64encode(hashlib.sha256(data).digest()).decode()}"}


async def begin(client: Client, size: int) -> str:
    name = f"filename {base64.b64encode(b'Ferien.mp4').decode()}"
    answer = await client("POST", "/api/uploads", headers=TUS | {"Upload-Length": str(size), "Upload-Metadata": name})
    assert answer.status == 201
    return str(answer.headers["Location"])


async def add(client: Client, url: str, offset: int, data: object, **headers: str) -> Answer:
    return await client("PATCH", url, data=data, headers=TUS | CHUNK | {"Upload-Offset": str(offset)} | headers)


async def offset_of(client: Client, url: str) -> int:
    return int((await client("HEAD", url, headers=TUS)).headers["Upload-Offset"])


@dataclass
class Two:
    """Two media processes, a bucket that both use, and what is in it."""

    house: House
    settings: Settings
    urls: list[str]
    store: BlobStore

    def __iter__(self) -> Iterator[Client]:
        made = self.house.client()
        return iter([Client(made.session, url, made.token) for url in self.urls])

    async def parts(self) -> list[PartKey]:
        keys = [head.key async for head in self.store.list(PARTS)]
        parts = [parse_key(key) for key in keys if key != FOREIGN]
        return sorted((part for part in parts if isinstance(part, PartKey)), key=lambda part: part.start)

    async def left(self) -> list[str]:
        return [head.key async for head in self.store.list()] + [str(key) for key in await self.parts()]

    @asynccontextmanager
    async def proven(self) -> AsyncIterator[Stack]:
        """What fsck looks at."""
        settings = {"media": self.settings, "ops": self.house.settings_for("ops")}
        seed = self.house.settings_for.seed(OPERATOR)
        async with connected(self.house.settings_for.owner_url, seed, settings) as stack:
            yield stack


@asynccontextmanager
async def both(house: House, settings: Settings) -> AsyncIterator[Two]:
    async with AsyncExitStack() as parts:
        await house.start("ops")
        urls = []
        for port in free_ports(2):
            mine = settings.model_copy(update={"listen": f"127.0.0.1:{port}"})
            urls.append((await parts.enter_async_context(bootstrap.serving(mine))).url)
        yield Two(house, settings, urls, open_blobs(settings.objects, ""))
