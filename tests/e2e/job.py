"""The main job on a painted clip, and what its films must show."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cutlog.client import Client, Committed, Export, Version, Video
from tests.support.waiting import PATIENCE

CANVAS: Final = {"width": 160, "height": 90, "fps": [25, 1]}

#: What each version shows, frame by frame.
WHOLE: Final = list(range(50))
CUT: Final = list(range(20)) + list(range(35, 50))
MOVED: Final[list[int | None]] = list(range(35, 50)) + [None] * 5 + list(range(20))


def edits(video: str) -> list[list[dict[str, Any]]]:
    """The clip whole; frames 20 to 34 cut out; the second part put before the first, with half a tail of black."""
    return [
        [
            {"op": "track.add", "track": "v", "kind": "video"},
            {"op": "clip.add", "clip": "a", "track": "v", "at": 0, "media": video, "in": 0, "out": 50},
        ],
        [
            {"op": "clip.split", "clip": "a", "at": 20, "new": "b"},
            {"op": "clip.trim", "clip": "b", "in": 35, "ripple": True},
        ],
        [
            {"op": "clip.move", "clip": "a", "at": 40},
            {"op": "clip.move", "clip": "b", "at": 0},
            {"op": "clip.move", "clip": "a", "at": 20},
        ],
    ]


SHOWN: Final[list[list[int] | list[int | None]]] = [WHOLE, CUT, MOVED]


@dataclass
class Done:
    video: Video
    project_id: str
    committed: list[Committed]
    versions: list[Version]
    export: Export


async def main_job(client: Client, clip: Path) -> Done:
    """Upload, three versions each with its proxy, the export of the last, a pin. Three minutes are patience enough."""
    async with asyncio.timeout(PATIENCE):
        video = await client.ready_video((await client.upload(clip)).id)
        assert video.status == "ready"
        project = await client.create_project("Main job", CANVAS)
        committed, versions = [], []
        for number, ops in enumerate(edits(video.id)):
            committed.append(await client.commit(project.id, ops, expected_version=number))
            versions.append(await client.rendered_version(project.id, number + 1))
        asked = await client.request_export(project.id, 3)
        await client.finished_export(project.id, asked.id)
        await client.pin(project.id, 3, "sign-off")
        export = await client.export(project.id, asked.id)
    return Done(video, project.id, committed, versions, export)
