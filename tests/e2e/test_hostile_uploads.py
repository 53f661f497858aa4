"""What is no video is refused through the whole stack; nothing of it stays, and nobody is called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cutlog.client import Refused
from tests.e2e.conftest import Tenant
from tests.support.waiting import eventually


@pytest.fixture
async def listener() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A port on this machine that remembers who connected."""
    called: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(await reader.read(1000))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], called


def hostile(port: int) -> dict[str, bytes]:
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:{port}/x.ts\n#EXT-X-ENDLIST\n"
    concat = f"ffconcat version 1.0\nfile http://127.0.0.1:{port}/x.mp4\n"
    return {
        "garbage.mp4": bytes(range(256)) * 200,
        "empty.mp4": b"",
        "text.mp4": b"Dear diary, this is no film.\n" * 50,
        "playlist.m3u8": playlist.encode(),
        "playlist.mp4": playlist.encode(),
        "concat.txt": concat.encode(),
        "passwd.mp4": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "svg.svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:{port}/"/></svg>'.encode(),
    }


@pytest.mark.few(1, reason="each is one more upload to the whole stack")
@pytest.mark.parametrize("name", list(hostile(0)))
async def test_what_is_no_video_is_refused_and_leaves_nothing(
    tenant: Tenant, listener: tuple[int, list[bytes]], tmp_path: Path, name: str
) -> None:
    port, called = listener
    file = tmp_path / name
    file.write_bytes(hostile(port)[name])
    with pytest.raises(Refused) as error:
        await tenant.client.upload(file)
    assert error.value.status == 422 and error.value.document["detail"]
    objects = tenant.stack.data / "objects"
    assert not list((objects / "videos").glob(f"{tenant.name}/**/*"))
    # Renditions of other tests' clips may still be in the making there.
    await eventually(lambda: not any(path.is_file() for path in (objects / "temp").rglob("*")))
    listed = await tenant.client.transport.ask(dict[str, object], "GET", "/api/videos")
    assert listed["items"] == []
    assert called == []
