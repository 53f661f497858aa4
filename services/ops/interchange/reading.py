"""An OpenTimelineIO timeline, of whatever origin, as tracks of this project. Pure.

Our own metadata count as long as they agree with what OpenTimelineIO itself says of a clip: what another program has
changed wins. All other times are conformed: starts and ends are rounded to the nearest frame each, so that errors do
not add up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET

from cutlog.contract.answers.edits import Missing
from cutlog.contract.timeline import Canvas, Clip, Marker, Track
from services.ops.interchange import schema
from services.ops.interchange.clips import Absent, ClipReader
from services.ops.interchange.conform import frame, project_rate, seconds
from services.ops.interchange.documents import unwrap
from services.ops.interchange.flatten import Flattener, Laid, clips_of, reference_of
from services.ops.interchange.joining import Joiner
from services.ops.interchange.losses import Ledger
from services.ops.interchange.matching import Library, Wanted
from services.ops.interchange.names import Names
from services.ops.interchange.schema import MalformedError, known, noted, own
from services.ops.interchange.sound import attach


class Draft(msgspec.Struct):
    """What a file describes, in frames at `canvas.fps`. `exact` if the canvas is the one that we wrote."""

    name: str
    canvas: Canvas
    exact: bool
    tracks: list[Track]
    markers: list[Marker]
    missing: list[Missing]
    losses: Ledger


def opened(value: Any, losses: Ledger) -> schema.Timeline:
    """The timeline in a file: itself, or the first of a collection, or made of one composition. Raises
    MalformedError."""
    found = known(value)
    match found:
        case schema.Timeline():
            for loss in noted(found.metadata).losses:
                losses.add(loss.what, loss.where, loss.detail, loss.count)
            return found
        case schema.Collection():
            timelines = [child for child in map(known, found.children) if isinstance(child, schema.Timeline)]
            if not timelines:
                raise MalformedError("the file is a collection without a timeline")
            if more := len(found.children) - 1:
                losses.add("object", found.name or "the collection", "only the first timeline was imported", more)
            return timelines[0]
        case schema.Stack():
            return schema.Timeline(name=found.name, tracks=found)
        case schema.Track() | schema.Clip():
            return schema.Timeline(name=found.name, tracks=schema.Stack(children=[value]))
        case _:
            raise MalformedError("the file holds no timeline")


def wanted(timeline: schema.Timeline) -> list[Wanted]:
    """All media that a timeline names."""
    clips = (clip for child in timeline.tracks.children for clip in clips_of(child))
    found = {want for clip in clips if (want := ClipReader.wanted(clip)) is not None}
    return [*found, *(Wanted(each.sha256, each.id, (each.name,)) for each in _told(timeline).values())]


def _told(timeline: schema.Timeline) -> dict[str, schema.Own]:
    """What we wrote of media, by their ids then."""
    mine = own(timeline.metadata)
    found = {each.id: each for each in mine.media} if mine is not None else {}
    for child in timeline.tracks.children:
        for clip in clips_of(child):
            reference = reference_of(clip)
            told = None if isinstance(reference, schema.Unknown) else own(reference.metadata)
            if told is not None and told.id:
                found[told.id] = told
    return found


def canvas_of(timeline: schema.Timeline, otherwise: Canvas) -> tuple[Canvas, bool]:
    """The canvas that we wrote, or another one at the rate of the file; and whether it is ours."""
    if (canvas := unwrap(timeline.metadata, Canvas)) is not None:
        return canvas, True
    otherwise = _sized(timeline, otherwise)
    if timeline.global_start_time is not None and (fps := project_rate([timeline.global_start_time.rate])) is not None:
        return msgspec.structs.replace(otherwise, fps=fps), False
    rates = (
        clip.source_range.duration.rate
        for child in timeline.tracks.children
        for clip in clips_of(child)
        if clip.source_range is not None
    )
    return msgspec.structs.replace(otherwise, fps=project_rate(rates) or otherwise.fps), False


def _sized(timeline: schema.Timeline, canvas: Canvas) -> Canvas:
    """The canvas with the size that Final Cut tells, if it is one that a project can have."""
    notes: Any = timeline.metadata.told("fcp_xml")
    for name in ("media", "video", "format", "samplecharacteristics"):
        notes = notes.get(name) if isinstance(notes, dict) else None
    if not isinstance(notes, dict):
        return canvas
    try:
        size = {name: int(notes[name]) for name in ("width", "height")}
        return msgspec.convert({**msgspec.to_builtins(canvas), **size}, Canvas)
    except (KeyError, TypeError, ValueError):
        return canvas


def read(
    timeline: schema.Timeline, canvas: Canvas, exact: bool, library: Library, taken: Callable[[str], bool],
    losses: Ledger, absent: Absent = "color",
) -> Draft:  # fmt: skip
    """The draft of a timeline, in frames of `canvas`. Ids that are `taken` are not used. Raises MalformedError."""
    names = Names(taken)
    clips = ClipReader(canvas.fps, library, names, losses, _told(timeline), absent)
    return _Reader(timeline, canvas, clips, names, losses).draft(exact)


class _Reader:
    def __init__(
        self, timeline: schema.Timeline, canvas: Canvas, clips: ClipReader, names: Names, losses: Ledger
    ) -> None:
        self._timeline, self._canvas, self._names, self._losses = timeline, canvas, names, losses
        self._fps, self._clips = canvas.fps, clips
        self._joiner = Joiner(canvas.fps, clips, names, losses)
        self._links: dict[str, str] = {}

    def draft(self, exact: bool) -> Draft:
        lanes = Flattener(self._losses).timeline(self._timeline.tracks)
        tracks = [self._track(lane, number) for number, lane in enumerate(lanes)]
        if not noted(self._timeline.metadata).own_sound:
            tracks = attach(tracks, self._clips, self._losses)
        tracks = [self._linked(track) for track in tracks]
        markers = [self._marker(known(value)) for value in self._timeline.tracks.markers]
        if self._clips.named:
            self._losses.add("name", "clips", "clips have no names here, but ids made from them", self._clips.named)
        if self._names.renamed:
            self._losses.add("id", "timeline", "ids that the project has used have new ones", self._names.renamed)
        return Draft(
            name=self._timeline.name or "",
            canvas=self._canvas,
            exact=exact,
            tracks=tracks,
            markers=[*markers, *self._clips.markers],
            missing=self._clips.missing,
            losses=self._losses,
        )

    def _track(self, lane: Laid, number: int) -> Track:
        mine = unwrap(lane.track.metadata, Track) if lane.track is not None else None
        if mine is not None and mine.kind != lane.kind:
            mine = None
        base = mine or Track(id="", kind=lane.kind)
        if base.caption_font is not UNSET:
            base = msgspec.structs.replace(base, caption_font=self._clips.font(base.caption_font, base.id))
        ident = self._names.fresh(mine.id if mine else f"{lane.kind[0]}{number + 1}", mine is not None)
        clips, joints = self._joiner.join(self._laid(lane, ident), lane.cuts)
        track = msgspec.structs.replace(base, id=ident, clips=tuple(clips), transitions=tuple(joints))
        return self._switched(track, lane.track, mine)

    def _switched(self, track: Track, told: schema.Track | None, mine: Track | None) -> Track:
        """The track's switches; another program may have turned the one that OpenTimelineIO has."""
        if told is None:
            return track
        if mine is not None:
            switch = "hidden" if track.kind == "video" else "muted"
            return msgspec.structs.replace(track, **{switch: not told.enabled})
        notes = told.metadata.told("fcp_xml")
        off = not told.enabled or notes.get("enabled") == "FALSE"
        return msgspec.structs.replace(
            track,
            name=(told.name or "")[:200],
            locked=notes.get("locked") == "TRUE",
            muted=off,
            hidden=off and track.kind == "video",
        )

    def _laid(self, lane: Laid, track: str) -> list[Clip]:
        """The clips of a lane. What would overlap begins later, or is left out."""
        found: list[Clip] = []
        end = 0
        for span in lane.spans:
            start, stop = max(end, frame(span.start, self._fps)), frame(span.end, self._fps)
            if stop <= start:
                self._losses.add("clip", span.clip.name or track, "it is shorter than half a frame, or under another")
                continue
            clip = self._clips.clip(span, start, stop - start, lane.kind)
            if clip is None:
                continue
            found.append(clip)
            end = stop
            if clip.link is not None:
                mine = unwrap(span.clip.metadata, Clip)
                first = mine is not None and mine.id == clip.link
                self._links[clip.link] = clip.id if first else self._links.get(clip.link, clip.id)
        return found

    def _linked(self, track: Track) -> Track:
        """The track with links named after the clips that they have now."""
        clips = (
            clip if clip.link is None else msgspec.structs.replace(clip, link=self._links[clip.link])
            for clip in track.clips
        )
        return msgspec.structs.replace(track, clips=tuple(clips))

    def _marker(self, told: Any) -> Marker:
        if not isinstance(told, schema.Marker):
            raise MalformedError("here should be a marker")
        at = frame(seconds(told.marked_range.start_time), self._fps) if told.marked_range is not None else 0
        mine = unwrap(told.metadata, Marker)
        if mine is not None and mine.at == at and mine.label == told.name:
            return msgspec.structs.replace(mine, id=self._names.fresh(mine.id, True))
        return self._clips.marker(told, max(0, at))
