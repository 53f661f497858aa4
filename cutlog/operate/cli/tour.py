"""The tour that `cutlog demo` makes: a real clip, four versions, two exports, a pin, a report of what may go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from cutlog.client import Client, Export
from cutlog.client.client import Progress
from cutlog.contract.base import Wire

FPS: Final = 25
KEEP_ONE: Final = {"ttlDays": 30, "keepLatest": 1, "keepTagged": False}
DAYS_LATER: Final = 31

Step = Callable[[str], AbstractContextManager[Progress]]
"""Begins a step that the audience sees: its name, and inside a function to tell how far it is."""


class TourFailed(Exception):
    """The demo failed."""


class Made(Wire):
    """A file that the tour made. `url` is signed and good for some minutes; `size` in bytes where it is known."""

    what: str
    version: int
    key: str
    url: str | None
    size: int | None = None
    message: str | None = None
    export_id: str | None = None
    pinned: bool = False
    path: str | None = None


class Fate(msgspec.Struct, frozen=True, rename="camel"):
    """What the collector says of an export on the day of the report. `verdict`: kept or candidate."""

    export_id: str
    version: int
    bytes: int
    verdict: str
    reasons: list[str]


class Report(Wire):
    """The simulated report: `at` a date when the time to live is over, with `policy`. Nothing was removed."""

    plan_id: str
    plan_hash: str
    position: int
    at: datetime
    policy: dict[str, Any]
    candidates: int
    kept: int
    bytes: int
    exports: list[Fate]


class Outcome(Wire):
    project_id: str
    video_id: str
    sha256: str
    duplicate: bool
    files: list[Made]
    report: Report


def edits(video: str, frames: int) -> list[tuple[str, list[dict[str, Any]]]]:
    """The versions of the tour: what each is called and the ops it consists of. `frames` is the clip's length."""
    cut, back = frames * 2 // 5, frames * 7 // 10
    end = cut + frames - back
    return [
        (
            "the whole clip",
            [
                {"op": "track.add", "track": "picture", "kind": "video"},
                {
                    "op": "clip.add", "clip": "bunny", "track": "picture", "at": 0,
                    "media": video, "in": 0, "out": frames,
                },
            ],
        ),
        (
            "the middle cut out",
            [
                {"op": "clip.split", "clip": "bunny", "at": cut, "new": "tail"},
                {"op": "clip.trim", "clip": "tail", "in": back, "ripple": True},
            ],
        ),
        (
            "a title on a second track",
            [
                {"op": "track.add", "track": "titles", "kind": "video"},
                {
                    "op": "clip.add", "clip": "title", "track": "titles", "at": 10, "frames": 2 * FPS,
                    "text": {"text": "An edit costs\nwhat it changes", "size": 0.12, "y": 0.75},
                },
            ],
        ),
        (
            "a card at the end, the tail quieter",
            [
                {"op": "clip.set", "clip": "tail", "gainDb": -9.0},
                {"op": "clip.add", "clip": "card", "track": "picture", "at": end, "color": "#203a43", "frames": FPS},
                {
                    "op": "clip.add", "clip": "credit", "track": "titles", "at": end, "frames": FPS,
                    "text": {"text": "Big Buck Bunny\n© Blender Foundation, CC BY 3.0", "size": 0.07},
                },
            ],
        ),
    ]  # fmt: skip


async def tour(client: Client, clip: Path, step: Step) -> Outcome:
    """Goes through it all on a running stack. Raises TourFailed, Refused, Unreachable."""
    with step(f"upload {clip.name}") as progress:
        video = await client.upload(clip, on_progress=progress)
    with step("ingest: facts, edit proxy, audio, thumbnail"):
        ready = await client.ready_video(video.id)
        if ready.status != "ready" or not ready.facts.frames:
            raise TourFailed(f"The video is {ready.status}.")
    project = await client.create_project("Bunny, cut", {"width": 1280, "height": 720, "fps": [FPS, 1]})
    files: list[Made] = []
    for number, (message, ops) in enumerate(edits(video.id, ready.facts.frames), 1):
        with step(f"version {number}: {message}") as progress:
            made = await client.commit(project.id, ops, message=message, expected_version=number - 1)
            rendered = await client.rendered_version(project.id, made.version, on_progress=progress)
        proxy = rendered.proxy
        if proxy.status != "ready" or proxy.key is None:
            raise TourFailed(f"The proxy of version {number} is {proxy.status}.")
        url = client.transport.url(proxy.url) if proxy.url else None
        files.append(Made(what="proxy", version=number, key=proxy.key, url=url, message=message))
    exports = [await _export(client, project.id, version, step) for version in (2, 4)]
    with step("pin version 4"):
        await client.pin(project.id, 4, "the cut that was signed off")
    exports = [await client.export(project.id, export.id) for export in exports]
    for export in exports:
        assert export.key is not None
        url = client.transport.url(export.url) if export.url else None
        files.append(
            Made(
                what="export",
                version=export.version,
                key=export.key,
                url=url,
                size=export.size,
                export_id=export.id,
                pinned=export.pinned,
            )
        )
    with step(f"garbage collection report, {DAYS_LATER} days from now"):
        report = await _report(client, exports)
    return Outcome(
        project_id=project.id,
        video_id=video.id,
        sha256=video.sha256,
        duplicate=video.duplicate,
        files=files,
        report=report,
    )


async def _export(client: Client, project_id: str, version: int, step: Step) -> Export:
    with step(f"export version {version} at full size") as progress:
        asked = await client.request_export(project_id, version)
        export = await client.finished_export(project_id, asked.id, on_progress=progress)
    if export.status != "ready" or export.key is None:
        raise TourFailed(f"The export of version {version} is {export.status}: {export.error}")
    return export


async def _report(client: Client, exports: list[Export]) -> Report:
    """Simulates the day after everything's time to live, keeping one export per project beside pinned ones."""
    at = datetime.now(UTC) + timedelta(days=DAYS_LATER)
    plan = await client.calculate_gc(KEEP_ONE, at)
    fates = []
    for export in exports:
        found = await client.explain_gc(export.id, plan.plan_id)
        reasons = [f"{reason.rule}: {reason.detail}" for reason in found.reasons]
        fates.append(Fate(export.id, export.version, export.size or 0, found.verdict, reasons))
    return Report(
        plan_id=plan.plan_id,
        plan_hash=plan.plan_hash,
        position=plan.position,
        at=plan.at,
        policy=KEEP_ONE,
        candidates=plan.candidate_count,
        kept=plan.kept_count,
        bytes=plan.bytes,
        exports=fates,
    )
