"""Each hostile file: the right status, nobody called, nothing beside its folder, little memory, and service goes on."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.files import NAMES, corpus
from tests.media.conftest import House
from tests.support.painting import Painter
from tests.support.waiting import PATIENCE, eventually

GROWTH = 96 << 20
"""Bytes that the service may grow by over the whole corpus."""


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Where nobody may call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def called(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@pytest.mark.slow(reason="each hostile file is uploaded")
async def test_every_hostile_file_is_answered_and_does_nothing(
    running: House, painted: Painter, listener: socket.socket, tmp_path: Path
) -> None:
    client, clip = running.client(), painted(25, 30)
    files = corpus(listener.getsockname()[1], clip)
    assert len(files) >= 40
    await client.upload(painted(25, 31))
    outside = set(tmp_path.iterdir())
    before, wrong = resident(), []
    for name, (content, statuses) in files.items():
        async with asyncio.timeout(PATIENCE):
            answer = await client.upload(content, name=name)
        if answer.status not in statuses:
            wrong.append((name, answer.status, answer.body))
        elif answer.status == 422:
            assert answer.body["errors"][0]["pointer"] == "/file" and answer.body["detail"], name
    assert wrong == []
    assert not called(listener)
    assert resident() - before < GROWTH
    assert set(tmp_path.iterdir()) == outside

    async def ended() -> bool:
        return not await running.rows("SELECT FROM video WHERE status = 'processing'")

    await eventually(ended)
    rows = await running.rows("SELECT key FROM video")
    stored = running.files("videos")
    assert sorted(stored) == sorted(row["key"] for row in rows), "what was refused left nothing"
    await eventually(lambda: not running.files("temp"))
    assert not called(listener)
    good = await client.upload(painted(25, 32))
    assert (good.status, (await client.ready(good.body["id"]))["status"]) == (201, "ready")


@pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")
async def test_a_name_is_data_and_nothing_else(running: House, painted: Painter) -> None:
    client, clip = running.client(), painted(25, 30)
    for number, name in enumerate(NAMES):
        # As tus metadata, where any bytes can be said.
        encoded = base64.b64encode(name.encode("utf-8", "surrogatepass")).decode()
        if len(encoded) > 6000:
            continue
        data = clip.read_bytes()
        headers = {
            "Tus-Resumable": "1.0.0", "Upload-Length": str(len(data)), "Upload-Metadata": f"filename {encoded}",
            "Content-Type": "application/offset+octet-stream",
        }  # fmt: skip
        answer = await client("POST", "/api/uploads", data=data, headers=headers)
        assert answer.status == 201, (number, answer.body)
        upload = (await client("GET", answer.headers["Location"])).body
        shown = upload["name"]
        assert shown and shown.isprintable() and "/" not in shown and "\\" not in shown and len(shown) <= 255
    (video,) = (await client("GET", "/api/videos")).body["items"]
    ready = await client.ready(video["id"])
    assert ready["status"] == "ready"
    assert [key.rpartition("/")[2] for key in running.files("videos")] == [f"{video['sha256']}.0.mp4"]
