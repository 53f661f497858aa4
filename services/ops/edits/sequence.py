"""What ops edit: the canvas, the tracks with their clips, and every id that was ever used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as Several
from typing import NamedTuple

import msgspec

from cutlog.contract.effects import EFFECTS
from cutlog.contract.fonts import DEFAULT, uploaded
from cutlog.contract.limits import MAX_CLIPS, MAX_FRAMES
from cutlog.contract.timeline import (
    Canvas,
    Caption,
    CaptionMode,
    ColorSource,
    FreezeSource,
    Marker,
    MediaSource,
    TextSource,
    TrackKind,
)
from services.ops.edits.errors import EditError, some_frames
from services.ops.edits.lane import Lane, OverlapError, Piece, Placed
from services.ops.edits.persistent import PersistentMap


class TrackState(msgspec.Struct, frozen=True):
    """A track with its clips, and its captions by id."""

    id: str
    kind: TrackKind
    lane: Lane = msgspec.field(default_factory=Lane)
    name: str = ""
    hidden: bool = False
    muted: bool = False
    locked: bool = False
    gain_db: float = 0.0
    captions: PersistentMap[Caption] = msgspec.field(default_factory=PersistentMap)
    caption_mode: CaptionMode = "burn"
    caption_font: str = DEFAULT


class Found(NamedTuple):
    """A clip in its place, on the track with index `lane`."""

    lane: int
    track: TrackState
    placed: Placed


class Sequence(msgspec.Struct, frozen=True):
    """One state of a project's picture and sound. Tracks stack from the bottom; `taken` holds every id ever used.

    What follows from the clips is kept by `settle`, not by the ops: `uses` counts, by media, the clips that show or
    sound it and the effects that use it; `links` has the clips that are linked with a clip, itself included, by its id;
    `transitions` has the left clip of each transition, by its id; `size` is how large its document is, in values, and
    `written` how many of them the ops of a batch have written so far.
    """

    name: str
    canvas: Canvas
    tracks: tuple[TrackState, ...] = ()
    taken: PersistentMap[None] = msgspec.field(default_factory=PersistentMap)
    uses: PersistentMap[int] = msgspec.field(default_factory=PersistentMap)
    links: PersistentMap[tuple[str, ...]] = msgspec.field(default_factory=PersistentMap)
    transitions: PersistentMap[str] = msgspec.field(default_factory=PersistentMap)
    markers: PersistentMap[Marker] = msgspec.field(default_factory=PersistentMap)
    size: int = 0
    written: int = 0

    @property
    def duration(self) -> int:
        """Frames until the end of the last clip."""
        return max((track.lane.end for track in self.tracks), default=0)

    @property
    def clip_count(self) -> int:
        return sum(len(track.lane) for track in self.tracks)

    def clips(self) -> Iterator[Placed]:
        """All clips, track by track."""
        for track in self.tracks:
            yield from track.lane

    # --- looking up, with the errors that ops share ---

    def track(self, track_id: str, pointer: str = "/track") -> tuple[int, TrackState]:
        """A track by id, with its index. Raises EditError."""
        for index, track in enumerate(self.tracks):
            if track.id == track_id:
                return index, track
        known = ", ".join(track.id for track in self.tracks[:20]) or "none; add one with track.add"
        raise EditError(pointer, f"there is no track {track_id}; the tracks are: {known}")

    def open_track(self, track_id: str, pointer: str = "/track") -> tuple[int, TrackState]:
        """A track that may be edited. Raises EditError."""
        index, track = self.track(track_id, pointer)
        if track.locked:
            raise EditError(pointer, f"track {track_id} is locked; unlock it with track.set")
        return index, track

    def find(self, clip_id: str) -> Found | None:
        """A clip by id, wherever it is."""
        for index, track in enumerate(self.tracks):
            if (placed := track.lane.find(clip_id)) is not None:
                return Found(index, track, placed)
        return None

    def clip(self, clip_id: str, pointer: str = "/clip") -> Found:
        """A clip by id, wherever it is. Raises EditError."""
        if (found := self.find(clip_id)) is not None:
            return found
        was = " any more" if clip_id in self.taken else ""
        raise EditError(pointer, f"there is no clip {clip_id}{was}; name one that is on the timeline")

    def open_clip(self, clip_id: str, pointer: str = "/clip") -> Found:
        """A clip on a track that may be edited. Raises EditError."""
        found = self.clip(clip_id, pointer)
        if found.track.locked:
            on = found.track.id
            raise EditError(pointer, f"clip {clip_id} is on track {on}, which is locked; unlock it with track.set")
        return found

    # --- making the next state ---

    def take(self, new_id: str, pointer: str) -> Sequence:
        """The same with an id marked as used. Raises EditError if it was before."""
        if new_id in self.taken:
            raise EditError(pointer, f"id {new_id} was used before; every id is unique in the project for ever")
        return msgspec.structs.replace(self, taken=self.taken.set(new_id, None))

    def room(self, clips: int = 1) -> Sequence:
        """The same, if so many more clips fit in. Raises EditError."""
        if self.clip_count + clips > MAX_CLIPS:
            raise EditError("", f"a project has at most {MAX_CLIPS} clips")
        return self

    def with_track(self, index: int, track: TrackState) -> Sequence:
        """The same with the track at `index` replaced."""
        return msgspec.structs.replace(self, tracks=(*self.tracks[:index], track, *self.tracks[index + 1 :]))

    def with_lane(self, index: int, lane: Lane) -> Sequence:
        """The same with other clips on the track at `index`. Raises EditError when they end too late."""
        if (end := lane.end) > MAX_FRAMES:
            track = self.tracks[index].id
            raise EditError("", f"track {track} would end at frame {end}; a project has at most {MAX_FRAMES} frames")
        return self.with_track(index, msgspec.structs.replace(self.tracks[index], lane=lane))

    def spliced(
        self, index: int, start: int, stop: int, clips: Several[tuple[int, Piece]], shift: int = 0, pointer: str = "/at"
    ) -> Sequence:
        """`Lane.splice` on the track at `index`. Raises EditError naming the clip in the way."""
        track = self.tracks[index]
        try:
            return self.with_lane(index, track.lane.splice(start, stop, clips, shift))
        except OverlapError as overlap:
            raise EditError(
                pointer,
                f"clip {overlap.clip} on track {track.id} is in the way by {some_frames(overlap.missing)}; "
                "clips of a track may not overlap",
            ) from None

    def changed(self, found: Found, piece: Piece) -> Sequence:
        """The same with another piece of the same length in the place of one."""
        lane = found.track.lane.put(found.placed.rank, piece)
        return self.with_track(found.lane, msgspec.structs.replace(found.track, lane=lane))


def media_of(piece: Piece) -> Iterator[str]:
    """The media that a clip uses, each as often as it does."""
    match piece.source:
        case MediaSource(media=media) | FreezeSource(media=media):
            yield media
        case TextSource(text=text):
            yield from uploaded(text.font)
        case ColorSource():
            pass
    for effect in piece.effects:
        yield from (str(effect.params[name]) for name in EFFECTS[effect.kind].media)


def caption_fonts(tracks: Iterable[TrackState]) -> list[str]:
    """The media with which captions are drawn, one for each track that names one."""
    return [media for track in tracks for media in uploaded(track.caption_font)]


def counted(uses: PersistentMap[int], more: Mapping[str, int]) -> PersistentMap[int]:
    """Uses after so many more, or fewer, of each media."""
    for media, by in more.items():
        if by:
            count = (uses.get(media) or 0) + by
            uses = uses.set(media, count) if count else uses.drop(media)
    return uses
