"""What tests of the HTTP layer send, and how they read what comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from cutlog.web import Server
from tests.support.waiting import PATIENCE

OPS = "/api/projects/p_1/ops"
GOOD: dict[str, Any] = {"ops": [{"op": "clip.trim", "clip": "c", "out": 5}]}


async def problem(response: aiohttp.ClientResponse) -> dict[str, Any]:
    assert response.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = await response.json(content_type=None)
    assert {"type", "title", "status"} <= document.keys()
    assert document["status"] == response.status
    assert document["type"].startswith("/problems/")
    return document


async def exchange(server: Server, raw: bytes) -> bytes:
    """Sends bytes as they are and reads what comes until the server closes the connection."""
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw)
    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    finally:
        writer.close()
