"""Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html), over reconnects.

Each event has its position in the log as its id; a new connection asks for what follows the last one that was seen, so
that none is missed and none comes twice. Progress has no id: the next one says more than the one that was missed.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from datetime import datetime
from typing import Any

import msgspec

from cutlog.contract.answers.projects import EventShown
from cutlog.contract.base import Wire


class ProjectEvent(Wire):
    """Something that happened to a project, or with type `progress`, which has no position, how far a render is."""

    type: str
    data: dict[str, Any]
    position: int | None = None
    at: datetime | None = None
    actor: str | None = None


async def parsed(lines: AsyncIterable[bytes]) -> AsyncIterator[ProjectEvent]:
    """Events in the lines of a stream."""
    fields: list[tuple[str, str]] = []
    async for raw in lines:
        line = raw.decode().rstrip("\r\n")
        if line:
            name, _, value = line.partition(":")
            fields.append((name, value.removeprefix(" ")))
        elif fields:
            if (event := _event(fields)) is not None:
                yield event
            fields = []


def _event(fields: Iterable[tuple[str, str]]) -> ProjectEvent | None:
    data = "\n".join(value for name, value in fields if name == "data")
    kind = next((value for name, value in fields if name == "event"), "")
    if not data:
        return None  # a comment that keeps the connection open
    if kind == "progress":
        return ProjectEvent(type=kind, data=msgspec.json.decode(data, type=dict[str, Any]))
    shown = msgspec.json.decode(data, type=EventShown)
    content = msgspec.json.decode(shown.data, type=dict[str, Any])
    return ProjectEvent(type=shown.type, data=content, position=shown.position, at=shown.at, actor=shown.actor)
