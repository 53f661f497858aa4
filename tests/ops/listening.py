"""A listener of Server-Sent Events, as a browser's EventSource is one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from tests.ops.conftest import Client


@dataclass(frozen=True)
class Heard:
    """One event. `id` is None where it has none."""

    id: int | None
    event: str
    data: Any


class Listener:
    """An open stream of events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._lines = response.content

    async def next(self) -> Heard | None:
        """The next event; None when the server has ended the stream."""
        fields: dict[str, str] = {}
        while line := await self._lines.readline():
            text = line.decode().rstrip("\n")
            if text == "" and "data" in fields:
                position = int(fields["id"]) if "id" in fields else None
                return Heard(position, fields["event"], msgspec.json.decode(fields["data"]))
            if text and not text.startswith(":"):
                name, _, value = text.partition(": ")
                fields[name] = value
        return None

    async def __aiter__(self) -> AsyncIterator[Heard]:
        while (heard := await self.next()) is not None:
            yield heard

    async def take(self, count: int) -> list[Heard]:
        """The next so many events."""
        return [heard for _ in range(count) if (heard := await self.next()) is not None]


@asynccontextmanager
async def listening(
    client: Client, project: str, *, last_event_id: int | str | None = None, query: str = ""
) -> AsyncIterator[Listener]:
    """Follows a project while the context is open."""
    headers = {"Authorization": f"Bearer {client.token}"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = str(last_event_id)
    url = f"{client.url}/api/projects/{project}/events{query}"
    async with client.session.get(url, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield Listener(response)
