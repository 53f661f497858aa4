"""The timeline of any version."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

from cutlog.contract.base import Strict
from cutlog.contract.ids import Id
from cutlog.contract.timeline import Timeline
from cutlog.web import Api, ProblemError, Reply, Request, Role
from cutlog.web.problems import invalid
from services.ops.api.committing import VersionNumber
from services.ops.api.context import Ops
from services.ops.api.interchange import exported
from services.ops.api.problem_types import INTERCHANGE_REFUSED
from services.ops.decide.refusals import NotFoundError
from services.ops.edits.sequence import Sequence
from services.ops.interchange.subtitles import SubtitleFormat, subtitles
from services.ops.interchange.writing import MEDIA_TYPES
from services.ops.project.apart import apart
from services.ops.timeline.resolve import resolve

_MEDIA_TYPES: Final[dict[SubtitleFormat, str]] = {
    "vtt": "text/vtt; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
}


class TimelineQuery(Strict):
    """The newest version, unless one is named. `track`: whose captions, where several tracks have some."""

    version: VersionNumber | None = None
    format: Literal["json", "otio", "edl", "fcp7xml", "fcpxml", "kdenlive", "otioz", "vtt", "srt"] = "json"
    track: Id | None = None


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.get(
        "/api/projects/{project}/timeline",
        cost=5,
        role=Role.viewer,
        query=TimelineQuery,
        returns={200: Timeline},
        also=tuple(dict.fromkeys(kind.partition(";")[0] for kind in (*MEDIA_TYPES.values(), *_MEDIA_TYPES.values()))),
        problems=(INTERCHANGE_REFUSED,),
        summary="Shows the timeline of a version",
    )
    async def timeline(req: Request[None, TimelineQuery]) -> Reply:
        """`format`: `json`, or a file for other editors, whose losses the header `Cutlog-Losses` tells as JSON
        (docs/INTERCHANGE.md). `vtt` and `srt` are the captions of one track."""
        project_id = req.path["project"]
        owner = await ops.owner(req, project_id)
        version = owner.version if req.query.version is None else req.query.version
        found = await resolved(ops, project_id, owner.tenant, version)
        match req.query.format:
            case "json":
                return Reply(200, found, large=True)
            case "vtt" | "srt" as kind:
                wanted = req.query.track
                return await asyncio.to_thread(_captions, found, wanted, kind)
            case kind:
                return await exported(ops, found, kind)


def _captions(timeline: Timeline, wanted: str | None, kind: SubtitleFormat) -> Reply:
    """Raises NotFoundError, and Problem 422 when it is not clear whose captions are meant."""
    spoken = {track.id: track for track in timeline.tracks if track.captions}
    if wanted is None and len(spoken) > 1:
        detail = f"these tracks have captions: {', '.join(spoken)}; name one"
        raise invalid(ProblemError("?track", detail))
    track = next(iter(spoken.values()), None) if wanted is None else spoken.get(wanted)
    if track is None:
        raise NotFoundError(f"Version {timeline.version} has no captions{f' on a track {wanted}' if wanted else ''}.")
    file = f"{timeline.project_id}-v{timeline.version}-{track.id}.{kind}"
    headers = {"Content-Disposition": f'inline; filename="{file}"', "X-Content-Type-Options": "nosniff"}
    return Reply.raw(200, subtitles(track.captions, timeline.canvas.fps, kind).encode(), _MEDIA_TYPES[kind], headers)


async def resolved(ops: Ops, project_id: str, tenant: str, version: int) -> Timeline:
    """A version's timeline with its media as they are now. Raises NotFoundError."""
    return await shown(ops, await ops.history.at(project_id, version), project_id, tenant, version)


async def shown(ops: Ops, sequence: Sequence, project_id: str, tenant: str, version: int) -> Timeline:
    """A sequence with its media as they are now, as the timeline of that version."""
    media = await ops.catalog.references(tenant, sequence.uses)
    return await apart(sequence.size, lambda: resolve(sequence, project_id, tenant, version, media))
