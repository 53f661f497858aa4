"""A draft as ops. Each op is tried on the state before it: one that does not apply is a loss, not a failure."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET

from cutlog.contract.clip_ops import PastedEffect, PastedSpeed
from cutlog.contract.lines import one_line
from cutlog.contract.ops import (
    CaptionsAdd,
    ClipAdd,
    ClipLink,
    ClipPaste,
    ClipProperties,
    MarkerAdd,
    MarkerRemove,
    NewCaption,
    Op,
    ProjectConfigure,
    TrackAdd,
    TrackRemove,
    TrackSet,
    TransitionAdd,
)
from cutlog.contract.timeline import (
    Canvas,
    Clip,
    ClipContent,
    ColorSource,
    FreezeSource,
    MediaSource,
    TextSource,
    Track,
)
from services.ops.edits.apply import apply
from services.ops.edits.errors import EditError
from services.ops.edits.lettering import check_letters, letters_of
from services.ops.edits.looks import PROPERTIES
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Sources
from services.ops.interchange.documents import usual
from services.ops.interchange.losses import Ledger
from services.ops.interchange.reading import Draft

Mode = Literal["replace", "append"]

_USUAL: Final = Clip(id="x", at=0, frames=1, source=ColorSource(color="#000000"))
_SPECIAL: Final = tuple(
    name for name in ClipContent.__struct_fields__ if name not in (*PROPERTIES, "id", "frames", "source")
)


class Batch:
    """Builds the ops of one import on top of a project's state."""

    def __init__(self, sequence: Sequence, sources: Sources, losses: Ledger) -> None:
        self.sequence = sequence
        self.ops: list[Op] = []
        self._sources, self._losses = sources, losses

    def build(self, draft: Draft, mode: Mode) -> None:
        """Everything of a draft, instead of what the project has, or on top of it."""
        if mode == "replace":
            self._clear()
            self._configure(draft.canvas)
        for track in draft.tracks:
            self._track(track)
        for marker in draft.markers:
            self._try(MarkerAdd(marker=marker.id, at=marker.at, label=marker.label, color=marker.color), marker.id)
        self._links(draft.tracks)
        for track in draft.tracks:
            if track.locked:
                self._try(TrackSet(track=track.id, locked=True), track.id)

    def _try(self, op: Op, where: str) -> bool:
        what = str(op.__struct_config__.tag).partition(".")[0]
        try:
            # As strict as if a client had sent it: the log must be able to read it again.
            sent = msgspec.convert(msgspec.to_builtins(op), type(op))
            self.sequence = apply(self.sequence, sent, self._sources)
        except EditError as error:
            self._losses.add(what, where, f"{error.detail} ({error.pointer})" if error.pointer else error.detail)
        except msgspec.ValidationError as error:
            self._losses.add(what, where, f"it is not what it may be: {error}")
        else:
            self.ops.append(sent)
            return True
        return False

    def _clear(self) -> None:
        for marker, _ in sorted(self.sequence.markers.items()):
            self._try(MarkerRemove(marker=marker), marker)
        for track in self.sequence.tracks:
            if track.locked:
                self._try(TrackSet(track=track.id, locked=False), track.id)
            self._try(TrackRemove(track=track.id), track.id)

    def _configure(self, canvas: Canvas) -> None:
        old = self.sequence.canvas
        changes = {
            name: getattr(canvas, name)
            for name in ("width", "height", "fps", "background")
            if getattr(canvas, name) != getattr(old, name)
        }
        if changes:
            self._try(ProjectConfigure(**changes), "canvas")

    def _track(self, track: Track) -> None:
        if not self._try(TrackAdd(track=track.id, kind=track.kind), track.id):
            return
        changes = {
            name: value
            for name in ("name", "muted", "hidden", "gain_db")
            if not usual(value := getattr(track, name), getattr(_PLAIN_TRACK, name))
        }
        if "name" in changes:
            changes["name"] = one_line(track.name)
        if track.caption_mode != "burn":
            changes["captions"] = track.caption_mode
        if track.caption_font is not UNSET:
            changes["caption_font"] = track.caption_font
        if changes:
            self._try(TrackSet(track=track.id, **changes), track.id)
        for clip in track.clips:
            self._try(_clip(clip, track.id), clip.id)
        for joint in track.transitions:
            op = TransitionAdd(
                transition=joint.id, left=joint.left, right=joint.right, kind=joint.kind, frames=joint.frames
            )
            self._try(op, joint.id)
        if track.captions:
            self._captions(track)

    def _captions(self, track: Track) -> None:
        """All captions of a track as one op, without those that can't be."""
        new: list[NewCaption] = []
        given: set[str] = set()
        for caption in track.captions:
            told: dict[str, Any] = {"start": caption.start, "end": caption.end, "text": caption.text}
            if caption.id not in self.sequence.taken and caption.id not in given:
                told["caption"] = caption.id
                given.add(caption.id)
            else:
                self._losses.add("id", caption.id, "its id was used before; it has another one")
            try:
                new.append(msgspec.convert(told, NewCaption))
            except msgspec.ValidationError as error:
                self._losses.add("caption", caption.id, f"it is not what it may be: {error}")
        there = [each for each in new if each.start < each.end]
        if empty := len(new) - len(there):
            self._losses.add("caption", track.id, "it has no length", empty)
        there = [each for each in there if self._drawable(each, track)]
        if there:
            self._try(CaptionsAdd(track=track.id, captions=tuple(there)), track.id)

    def _drawable(self, caption: NewCaption, track: Track) -> bool:
        """Whether there are fonts for a caption; one that has none does not keep the others out."""
        try:
            font = self.sequence.track(track.id)[1].caption_font
            check_letters(caption.text, letters_of(font, self._sources, ""), "")
        except EditError as error:
            self._losses.add("caption", track.id, error.detail)
            return False
        return True

    def _links(self, tracks: list[Track]) -> None:
        groups: dict[str, list[str]] = {}
        for track in tracks:
            for clip in track.clips:
                if clip.link is not None:
                    groups.setdefault(clip.link, []).append(clip.id)
        for first, members in groups.items():
            members.sort(key=lambda clip: clip != first)
            there = [clip for clip in members if any(track.lane.find(clip) for track in self.sequence.tracks)]
            if len(there) > 1:
                self._try(ClipLink(clips=tuple(there)), first)


_PLAIN_TRACK: Final = Track(id="x", kind="video")


def _clip(clip: Clip, track: str) -> Op:
    """The op that puts a clip on its track: a plain one where that says all."""
    looks = {name: value for name in PROPERTIES if not usual(value := getattr(clip, name), getattr(_USUAL, name))}
    where: dict[str, Any] = {"clip": clip.id, "track": track, "at": clip.at}
    if looks:
        where["properties"] = ClipProperties(**looks)
    plain = all(getattr(clip, name) == getattr(_USUAL, name) for name in _SPECIAL)
    match clip.source:
        case MediaSource(media=media, start=start, end=end):
            where |= {"media": media, "start": start, "end": end, "stream": clip.source.stream}
            if plain and end - start == clip.frames:
                return ClipAdd(**where)
        case FreezeSource(media=media, frame=held):
            where |= {"media": media, "freeze": held, "stream": clip.source.stream}
            plain = False
        case TextSource(text=text):
            where["text"] = text
        case ColorSource(color=color):
            where["color"] = color
    where["frames"] = clip.frames
    if plain and not isinstance(clip.source, MediaSource):
        return ClipAdd(**where)
    if clip.speed is not None:
        speed = clip.speed
        where["speed"] = PastedSpeed(num=speed.num, den=speed.den, pitch=speed.pitch, phase=speed.phase)
    return ClipPaste(
        **where,
        reversed=clip.reversed,
        silent=clip.silent,
        head_cut=clip.head_cut,
        tail_cut=clip.tail_cut,
        effects=tuple(PastedEffect(id=effect.id, kind=effect.kind, params=effect.params) for effect in clip.effects),
    )
