"""Small appends for tests of the log and of what follows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cutlog.contract.events import EventData, VersionCommitted
from services.ops.log.append import LogWriter
from services.ops.log.records import Append

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def committed(version: int, message: str | None = None) -> VersionCommitted:
    """An edit of little content."""
    ops = ({"op": "clip.trim", "clip": "c_1", "in": version, "out": version + 9},)
    return VersionCommitted(version=version, ops=ops, duration=9, digest=f"{version:064x}", message=message)


def edit(project: str, expected: int, *events: EventData, **rest: Any) -> Append:
    """An append to `project.<project>` after version `expected`: one edit unless `events` are given."""
    facts: Sequence[EventData] = events or (committed(expected + 1),)
    return Append(f"project.{project}", expected, facts, tenant="default", actor="tester", trace=TRACE, **rest)


async def fill(writer: LogWriter, count: int, *, projects: int = 10) -> None:
    """Appends `count` edits, spread over projects `p_0`, `p_1`, …"""
    per, more = divmod(count, projects)
    for number in range(projects):
        for start in range(0, per + (number < more), 500):
            size = min(500, per + (number < more) - start)
            facts = [committed(start + n + 1) for n in range(size)]
            await writer.append(edit(f"p_{number}", start, *facts))
