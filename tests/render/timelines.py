"""Timelines for tests, written short."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from cutlog.contract.media import MediaFacts, MediaKind, Rendition, Renditions
from cutlog.contract.profiles import proxy_size
from cutlog.contract.time import Fps
from cutlog.contract.timeline import (
    Canvas,
    Clip,
    ColorSource,
    Fit,
    MediaRef,
    MediaSource,
    TextSource,
    TextStyle,
    Timeline,
    Track,
)

FPS = Fps(25, 1)


def sha(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def media(
    name: str = "v",
    *,
    kind: MediaKind = "video",
    fps: Fps = FPS,
    frames: int = 500,
    size: tuple[int, int] = (1920, 1080),
    audio: bool = True,
) -> MediaRef:
    """A ready media of which nothing exists but the facts."""
    width, height = proxy_size(*size)
    seconds = frames / fps.fraction
    return MediaRef(
        id=name,
        sha256=sha(name),
        kind=kind,
        status="ready",
        facts=MediaFacts(
            container="mov,mp4,m4a,3gp,3g2,mj2",
            duration=str(float(seconds)),
            width=size[0],
            height=size[1],
            fps=fps,
            frames=frames,
        ),
        key=f"videos/t/{name}.mp4",
        renditions=Renditions(
            proxy=Rendition(
                key=f"derived/t/{name}/proxy.mp4",
                size=1,
                sha256=sha(f"{name} proxy"),
                width=width,
                height=height,
                frames=frames,
            )
            if kind == "video"
            else None,
            audio=Rendition(
                key=f"derived/t/{name}/audio.pcm",
                size=1,
                sha256=sha(f"{name} audio"),
                samples=int(seconds * 48_000),
            )
            if audio
            else None,
        ),
    )


def shot(at: int, start: int, frames: int, of: str = "v", *, fit: Fit = "contain", gain_db: float = 0.0) -> Clip:
    """Frames [start, start + frames) of a media, at the timeline's frame `at`."""
    return Clip(
        id=f"{of}-{at}",
        at=at,
        frames=frames,
        source=MediaSource(media=of, start=start, end=start + frames),
        fit=fit,
        gain_db=gain_db,
    )


def solid(at: int, frames: int, color: str = "#ff0000") -> Clip:
    return Clip(id=f"color-{at}", at=at, frames=frames, source=ColorSource(color=color))


def title(at: int, frames: int, text: str = "Title", **style: object) -> Clip:
    return Clip(id=f"text-{at}", at=at, frames=frames, source=TextSource(text=TextStyle(text=text, **style)))  # type: ignore[arg-type]


def lane(*clips: Clip, number: int = 0, **of: object) -> Track:
    """A video track."""
    return Track(id=f"track{number}", kind="video", clips=clips, **of)  # type: ignore[arg-type]


def sequence(*shots: tuple[int, int], of: str = "v") -> Track:
    """A video track of shots (start, frames), one after the other."""
    clips, at = [], 0
    for start, frames in shots:
        clips.append(shot(at, start, frames, of))
        at += frames
    return lane(*clips)


def timeline(
    *tracks: Track,
    library: Sequence[MediaRef] | Mapping[str, MediaRef] = (),
    fps: Fps = FPS,
    size: tuple[int, int] = (1920, 1080),
    background: str = "#000000",
    version: int = 1,
    duration: int | None = None,
) -> Timeline:
    """A version that ends with its last clip."""
    found = dict(library) if isinstance(library, Mapping) else {ref.id: ref for ref in library or (media(),)}
    ends = [clip.at + clip.frames for track in tracks for clip in track.clips]
    return Timeline(
        project_id="p_1",
        tenant="default",
        version=version,
        canvas=Canvas(width=size[0], height=size[1], fps=fps, background=background),
        duration=max(ends, default=0) if duration is None else duration,
        tracks=tracks,
        media=found,
        digest=sha(repr((tracks, fps, size, background))),
    )
