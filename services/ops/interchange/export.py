"""A timeline as OpenTimelineIO. Pure.

Times are frames at the project's rate. A clip's source range starts with the first source frame in the order of the
source and lasts as long as the clip does on the timeline; LinearTimeWarp tells the speed, negative when it is reversed.
Captions, and what else OpenTimelineIO has no words for, are in `metadata.cutlog`, which holds all of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from urllib.parse import quote

import msgspec

from cutlog.contract.media import conformed_frames
from cutlog.contract.time import Fps
from cutlog.contract.timeline import (
    Clip,
    ColorSource,
    FreezeSource,
    Marker,
    MediaRef,
    MediaSource,
    TextSource,
    Timeline,
    Track,
    Transition,
)
from services.ops.interchange import schema
from services.ops.interchange.colors import nearest_name
from services.ops.interchange.documents import wrap


def export(timeline: Timeline, name: str, names: Mapping[str, str]) -> schema.Timeline:
    """The whole timeline. `names` has the file names of media, by id."""
    writer = Writer(timeline.canvas.fps, timeline.media, file_names(timeline.media, names))
    tracks = [writer.track(track) for track in timeline.tracks]
    metadata = wrap(timeline.canvas, timeline.project_id)
    metadata.cutlog.media = [writer.known(media) for media in _unseen(timeline)]
    return schema.Timeline(
        name=name,
        metadata=metadata,
        global_start_time=writer.moment(0),
        tracks=schema.Stack(name="tracks", children=tracks, markers=[writer.marker(each) for each in timeline.markers]),
    )


def _unseen(timeline: Timeline) -> list[str]:
    """Media that are used and not shown."""
    shown = {
        clip.source.media
        for track in timeline.tracks
        for clip in track.clips
        if isinstance(clip.source, MediaSource | FreezeSource)
    }
    return sorted(timeline.media.keys() - shown)


def seen_or_heard(timeline: Timeline) -> list[str]:
    """The media of a timeline but for its fonts, in order."""
    return sorted(media for media, reference in timeline.media.items() if reference.kind != "font")


def file_names(media: Mapping[str, MediaRef], names: Mapping[str, str]) -> dict[str, str]:
    """A file name for every media, none twice: its own, or one made with its id."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for media_id, reference in sorted(media.items()):
        suffix = "." + reference.key.rpartition(".")[2] if "." in reference.key.rpartition("/")[2] else ""
        wanted = "".join(char for char in names.get(media_id, "") if char.isprintable() and char not in "/\\").strip()
        wanted = wanted or media_id + suffix
        if wanted.casefold() in used:
            wanted = f"{media_id}-{wanted}"
        used.add(wanted.casefold())
        found[media_id] = wanted
    return found


class Writer:
    """Makes the objects of one timeline."""

    def __init__(self, fps: Fps, media: Mapping[str, MediaRef], names: Mapping[str, str]) -> None:
        self._fps, self._media, self._names = fps, media, names
        self._rate = float(fps.fraction)

    def moment(self, frame: int) -> schema.RationalTime:
        """A count of frames as a time."""
        return schema.RationalTime(float(frame), self._rate)

    def span(self, start: int, frames: int) -> schema.TimeRange:
        """So many frames from `start` on."""
        return schema.TimeRange(self.moment(frames), self.moment(start))

    def track(self, track: Track) -> schema.Track:
        """A track; its own metadata leave out the clips and transitions, which have theirs."""
        return schema.Track(
            name=track.name or track.id,
            kind="Video" if track.kind == "video" else "Audio",
            enabled=not (track.hidden if track.kind == "video" else track.muted),
            metadata=wrap(msgspec.structs.replace(track, clips=(), transitions=()), track.id),
            children=list(self._children(track)),
        )

    def _children(self, track: Track) -> Iterator[schema.Child]:
        joints = {transition.left: transition for transition in track.transitions}
        end = 0
        for clip in track.clips:
            if clip.at > end:
                yield schema.Gap(source_range=self.span(0, clip.at - end))
            yield self.clip(clip)
            if clip.id in joints:
                yield self.transition(joints[clip.id])
            end = clip.at + clip.frames

    def clip(self, clip: Clip) -> schema.Clip:
        """A clip, as other programs understand it, and the whole of it in its metadata."""
        start, reference = self._reference(clip)
        return schema.Clip(
            name=title(clip, self._names),
            source_range=self.span(start, clip.frames),
            effects=[*time_effects(clip), *_effects(clip)],
            enabled=clip.enabled,
            media_references={schema.DEFAULT_MEDIA: reference},
            metadata=wrap(clip, clip.id),
        )

    def _reference(self, clip: Clip) -> tuple[int, schema.Reference]:
        match clip.source:
            case MediaSource(media=media, start=start):
                return start, self.external(media)
            case FreezeSource(media=media, frame=frame):
                return frame, self.external(media)
            case ColorSource(color=color):
                return 0, schema.GeneratorReference(
                    generator_kind="SolidColor", parameters={"color": color}, name=color
                )
            case TextSource(text=text):
                return 0, schema.GeneratorReference(
                    generator_kind="Text", parameters={"text": text.text, "color": text.color}, name="text"
                )

    def external(self, media: str) -> schema.ExternalReference:
        """A media; its digest finds it again wherever it goes."""
        reference = self._media.get(media)
        name = self._names.get(media, media)
        frames = conformed_frames(reference.kind, reference.facts, self._fps) if reference is not None else None
        return schema.ExternalReference(
            name=name,
            target_url="media/" + quote(name),
            available_range=None if frames is None else self.span(0, frames),
            metadata=schema.Metadata(cutlog=self.known(media)),
        )

    def known(self, media: str) -> schema.Own:
        """What finds a media again."""
        name = self._names.get(media, media)
        reference = self._media.get(media)
        if reference is None:
            return schema.Own(id=media, name=name)
        return schema.Own(id=media, name=name, sha256=reference.sha256, key=reference.key, media_kind=reference.kind)

    def transition(self, transition: Transition) -> schema.Transition:
        """A transition around its cut."""
        before = transition.frames // 2
        return schema.Transition(
            name=transition.kind,
            transition_type="SMPTE_Dissolve" if transition.kind == "dissolve" else "Custom_Transition",
            in_offset=self.moment(before),
            out_offset=self.moment(transition.frames - before),
            metadata=wrap(transition, transition.id),
        )

    def marker(self, marker: Marker) -> schema.Marker:
        """A marker, on the stack of all tracks."""
        return schema.Marker(
            name=marker.label,
            color=nearest_name(marker.color),
            marked_range=self.span(marker.at, 0),
            metadata=wrap(marker, marker.id),
        )


def title(clip: Clip, names: Mapping[str, str]) -> str:
    """What people call a clip. `names` has the file names of media."""
    match clip.source:
        case MediaSource(media=media) | FreezeSource(media=media):
            return names.get(media, media)
        case TextSource(text=text):
            return text.text.split("\n", 1)[0][:100]
        case ColorSource(color=color):
            return color


def rate_of(clip: Clip) -> Fraction:
    """Source frames per frame of a clip, negative when it plays backwards."""
    speed = Fraction(clip.speed.num, clip.speed.den) if clip.speed is not None else Fraction(1)
    return -speed if clip.reversed else speed


def time_effects(clip: Clip) -> list[schema.LinearTimeWarp]:
    """What OpenTimelineIO says of the speed of a clip."""
    if isinstance(clip.source, FreezeSource):
        return [schema.FreezeFrame(effect_name="FreezeFrame", time_scalar=0.0)]
    rate = rate_of(clip)
    if rate == 1 or not isinstance(clip.source, MediaSource):
        return []
    return [schema.LinearTimeWarp(effect_name="LinearTimeWarp", time_scalar=float(rate))]


def _effects(clip: Clip) -> list[schema.Effect]:
    return [
        schema.Effect(
            name=effect.id, effect_name=effect.kind, metadata=schema.Metadata(cutlog=schema.Own(id=effect.id))
        )
        for effect in clip.effects
    ]
