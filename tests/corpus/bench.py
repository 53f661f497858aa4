"""A file through the parts that users meet: ingest, a project's proxy, an export, single frames."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import av
import msgspec
import numpy as np

from cutlog.contract.commands import Output
from cutlog.contract.media import MediaKind, conformed_frames
from cutlog.contract.time import Fps
from cutlog.contract.timeline import MediaRef, Timeline
from cutlog.ffmpeg import Ffmpeg
from services.media.renditions.derive import Derive
from services.render.produce.still import Stills
from tests.corpus.records import ClipOf, Project
from tests.render.studio import Studio
from tests.render.timelines import lane, shot, timeline
from tests.support.painting import Image, pictures


class Bench:
    """One store, and what works on it."""

    def __init__(self, ffmpeg: Ffmpeg, studio: Studio) -> None:
        self._studio = studio
        self._derive = Derive(ffmpeg, studio.blobs)
        self._stills = Stills(studio.maker, studio.blobs, slots=2)

    async def ingest(self, path: Path) -> MediaRef:
        """What media makes of an upload. Raises UnusableError, MediaRefusedError."""
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        key = f"videos/default/{sha256}.0{path.suffix}"
        await self._studio.blobs.put_file(key, path)
        made = await self._derive.make(key, "default", sha256, 0)
        kind: MediaKind = "audio" if made.facts.width is None else "image" if made.facts.fps is None else "video"
        return MediaRef(
            id="m", sha256=sha256, kind=kind, status="ready",
            facts=made.facts, key=key, renditions=made.renditions,
        )  # fmt: skip

    def film(self, media: MediaRef, project: Project, clip: ClipOf) -> Timeline:
        """A timeline of that clip alone, at most as long as an edit may make it."""
        fps = Fps(*project.fps)
        length = conformed_frames(media.kind, media.facts, fps)
        assert length is None or clip.end <= length, f"the source has {length} frames at {fps.fraction}"
        return timeline(
            lane(shot(0, clip.start, clip.end - clip.start, media.id)), library=[media], fps=fps,
            size=(project.width, project.height), background=project.background,
        )  # fmt: skip

    async def proxy(self, film: Timeline) -> Path:
        return self._path(await self._studio.proxy(film))

    async def export(self, film: Timeline) -> Path:
        return self._path(await self._studio.export(film))

    async def still(self, film: Timeline, frame: int) -> Image:
        """As `GET …/frame?at=` answers."""
        data = (await self._stills.still(film, frame, None, "png")).data
        with av.open(io.BytesIO(data), "r") as container:
            return next(container.decode(video=0)).to_ndarray(format="rgb24").astype(np.uint8, copy=False)

    async def thumbnail(self, media: MediaRef, frame: int) -> Image:
        """As `GET /api/videos/{id}/thumbnail?at=` answers, of a frame at the video's own rate."""
        assert media.renditions.proxy is not None
        key = f"derived/default/at-{frame}.jpg"
        await self._derive.frame(media.renditions.proxy.key, media.facts, frame, key)
        return next(pictures(self._studio.blobs.path(key)))

    def path(self, key: str) -> Path:
        """The file of an object."""
        return self._studio.blobs.path(key)

    def _path(self, output: Output) -> Path:
        return self._studio.path(output)


def public(media: MediaRef) -> dict[str, object]:
    """Facts as the API shows them, with the kind."""
    found: dict[str, object] = msgspec.to_builtins(media.facts)
    return found | {"kind": media.kind}
