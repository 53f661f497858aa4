"""An editor that tries every op, as Hypothesis likes. What must hold of it is in `test_edit_laws_machine`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from cutlog.contract import ops as o
from cutlog.contract.clip_ops import PastedEffect, PastedSpeed
from cutlog.contract.properties import Keyframe, Keyframes
from cutlog.contract.timeline import (
    Canvas,
    ColorSource,
    FreezeSource,
    MediaSource,
    TextSource,
    TextStyle,
)
from services.ops.edits.apply import apply, apply_all
from services.ops.edits.errors import EditError
from services.ops.edits.excerpt import NORMAL
from services.ops.edits.lane import Piece
from services.ops.edits.looks import PROPERTIES
from services.ops.edits.sequence import Sequence
from tests.ops.drawing import MEDIA
from tests.ops.keeping import kept, timeline
from tests.ops.painting import cell, expected, paint, same

FRAMES = 100
TRACKS = ("v1", "v2", "a1")
SRT = "1\n00:00:00,000 --> 00:00:01,000\nOne\n\n2\n00:00:00,500 --> 00:00:02,000\nTwo"

SMALL = st.integers(0, 12)
AT = st.integers(0, 60)
BY = st.integers(-8, 8)
RIPPLE: st.SearchStrategy[o.Ripple] = st.sampled_from((False, True, "all"))
MODE: st.SearchStrategy[o.Mode] = st.sampled_from(("place", "insert", "overwrite"))
EASING = st.sampled_from(("hold", "linear", "ease-in", "ease-out", "ease-in-out"))


@st.composite
def animated(draw: Callable[[st.SearchStrategy[Any]], Any]) -> float | Keyframes:
    if draw(st.booleans()):
        return float(draw(st.integers(0, 10))) / 10
    frames = sorted(draw(st.sets(SMALL, min_size=1, max_size=4)))
    return Keyframes(
        keyframes=tuple(
            Keyframe(frame=frame, value=draw(st.integers(0, 10)) / 10, easing=draw(EASING)) for frame in frames
        )
    )


class Editing(RuleBasedStateMachine):
    """An editor that tries everything. Most of it applies; what does not must change nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.sequence = Sequence("p", Canvas())
        self.applied: list[o.Op] = []
        self.versions: list[Sequence] = [self.sequence]
        self.numbered = 0

    @initialize()
    def tracks(self) -> None:
        for track in TRACKS:
            self.does(o.TrackAdd(track=track, kind="audio" if track.startswith("a") else "video"))
        for at in (0, 10, 20):
            self.does(o.ClipAdd(clip=self.new(), track="v1", at=at, media="film", start=40, end=50))
        self.does(o.ClipAdd(clip=self.new(), track="v2", at=5, media="film", start=20, end=35))

    def new(self) -> str:
        self.numbered += 1
        return f"n{self.numbered}"

    def does(self, op: o.Op) -> bool:
        """Tries an op, and compares what it did with what it should have done."""
        before = self.sequence
        frozen = msgspec.json.encode(before, enc_hook=_plain)
        after = self.tried(op)
        assert msgspec.json.encode(before, enc_hook=_plain) == frozen, "what was is never changed"
        if after is None:
            return False
        self.compare(before, op, after)
        self.sequence = after
        self.applied.append(op)
        self.versions.append(after)
        return True

    def tried(self, op: o.Op, on: Sequence | None = None) -> Sequence | None:
        """The sequence after an op; None, if it is refused, as it should be: with a pointer and a sentence."""
        try:
            return apply(on or self.sequence, op, MEDIA, dict(enumerate(self.versions)).get)
        except EditError as error:
            refusal = error
        assert refusal.pointer == "" or refusal.pointer.startswith("/")
        assert len(refusal.detail.split()) > 3
        return None

    def compare(self, before: Sequence, op: o.Op, after: Sequence) -> None:
        if (model := expected(before, op)) is not None:
            for track, row in paint(after).items():
                assert same(row, model[track]), (op, track)
        assert set(before.taken) <= set(after.taken), "an id that was used stays taken"
        if isinstance(op, o.ClipRoll | o.ClipSlide):
            assert after.duration == before.duration, "roll and slide keep the duration"
        if isinstance(op, o.ClipRemove | o.ClipTrim | o.ClipSpeed) and op.ripple is True:
            self.order_and_gaps(before, op.clip, after)
        if isinstance(op, o.HistoryRevert):
            assert paint(after) == paint(self.versions[op.to_version])
        if isinstance(op, o.HistoryUndo):
            self.undone(before, op, after)

    def undone(self, before: Sequence, op: o.HistoryUndo, after: Sequence) -> None:
        """Undo of the newest is a revert to the one before; an undo can be redone."""
        newest = len(self.versions) - 1
        if op.versions == (newest,):
            assert timeline(after) == timeline(self.versions[newest - 1])
        for later, (was, is_) in enumerate(pairwise(self.versions)):
            if later + 1 > op.versions[-1]:
                assert kept(self.applied[later], was, is_, before, after)
        states = dict(enumerate((*self.versions, after)))
        redone = apply(after, o.HistoryUndo(versions=(newest + 1,)), MEDIA, states.get)
        assert timeline(redone) == timeline(before)

    def order_and_gaps(self, before: Sequence, clip: str, after: Sequence) -> None:
        """Ripple on one track: the clips after that one keep their order and their distances."""
        if clip in before.links:
            return
        found = before.clip(clip)
        kept = [(placed.piece.id, placed.at) for placed in found.track.lane if placed.rank > found.placed.rank]
        moved = [(placed.piece.id, placed.at) for placed in after.tracks[found.lane].lane][-len(kept) or 99_999 :]
        assert [name for name, _ in moved] == [name for name, _ in kept]
        assert len({now - then for (_, now), (_, then) in zip(moved, kept, strict=True)}) <= 1

    def clip(self, data: st.DataObject) -> str:
        ids = [placed.piece.id for placed in self.sequence.clips()]
        return str(data.draw(st.sampled_from(ids or ["n1"])))

    # --- what an editor may try ---

    @rule(track=st.sampled_from(TRACKS), at=AT, start=st.integers(0, 90), frames=st.integers(1, 12), mode=MODE)
    def add(self, track: str, at: int, start: int, frames: int, mode: o.Mode) -> None:
        self.does(
            o.ClipAdd(
                clip=self.new(), track=track, at=at, media="film", start=start, end=start + frames, mode=mode,
                split=self.new(),
            )
        )  # fmt: skip

    @rule(at=AT, frames=st.integers(1, 12), mode=MODE, x=animated())
    def title(self, at: int, frames: int, mode: o.Mode, x: float | Keyframes) -> None:
        text = TextStyle(text="Hello", x=x)
        self.does(o.ClipAdd(clip=self.new(), track="v2", at=at, text=text, frames=frames, mode=mode, split=self.new()))

    @rule(data=st.data(), ripple=RIPPLE)
    def remove(self, data: st.DataObject, ripple: o.Ripple) -> None:
        self.does(o.ClipRemove(clip=self.clip(data), ripple=ripple))

    @rule(data=st.data(), at=AT, track=st.sampled_from(TRACKS), mode=MODE)
    def move(self, data: st.DataObject, at: int, track: str, mode: o.Mode) -> None:
        self.does(o.ClipMove(clip=self.clip(data), at=at, track=track, mode=mode, split=self.new()))

    @rule(data=st.data(), start=st.none() | BY, end=st.none() | BY, ripple=RIPPLE)
    def trim(self, data: st.DataObject, start: int | None, end: int | None, ripple: o.Ripple) -> None:
        clip = self.clip(data)
        piece = self.sequence.clip(clip).placed.piece if clip in self.ids() else None
        edges = (0, 10)
        if piece is not None:
            edges = (0, piece.frames)
            if isinstance(piece.source, MediaSource):
                edges = (piece.source.start, piece.source.end)
        more: dict[str, Any] = {}
        if start is not None:
            more["start"] = max(0, edges[0] + start)
        if end is not None:
            more["end"] = max(0, edges[1] + end)
        self.does(o.ClipTrim(clip=clip, ripple=ripple, **more))

    @rule(data=st.data(), k=SMALL)
    def split_and_undo(self, data: st.DataObject, k: int) -> None:
        clip = self.clip(data)
        if clip not in self.ids():
            return
        before = self.sequence
        whole = before.clip(clip).placed
        right = self.new()
        if not self.does(o.ClipSplit(clip=clip, at=whole.at + k, new=right)):
            return
        source = whole.piece.source
        if not data.draw(st.booleans()) or clip in before.links:
            return
        ends: dict[str, int] = {"end": whole.piece.frames}
        if isinstance(source, MediaSource):
            ends = {"start": source.start} if whole.piece.reversed else {"end": source.end}
        undone = self.does(o.ClipRemove(clip=right)) and self.does(o.ClipTrim(clip=clip, **ends))  # type: ignore[arg-type]
        if undone and (not isinstance(source, MediaSource) or _whole(whole.piece, source)):
            assert paint(self.sequence) == paint(before), "undoing a split shows what was shown"

    @rule(data=st.data(), at=st.integers(60, 90))
    def copy(self, data: st.DataObject, at: int) -> None:
        clip = self.clip(data)
        if clip not in self.ids():
            return
        found = self.sequence.clip(clip)
        new = self.new()
        if self.does(pasted(found.placed.piece, new, found.track.id, at)):
            copy = self.sequence.clip(new).placed.piece
            frames = range(copy.frames)
            assert [cell(copy, k) for k in frames] == [cell(found.placed.piece, k) for k in frames]

    @rule(data=st.data(), by=BY)
    def slip(self, data: st.DataObject, by: int) -> None:
        self.does(o.ClipSlip(clip=self.clip(data), by=by))

    @rule(data=st.data(), by=BY)
    def slide(self, data: st.DataObject, by: int) -> None:
        self.does(o.ClipSlide(clip=self.clip(data), by=by))

    @rule(data=st.data(), by=BY)
    def roll(self, data: st.DataObject, by: int) -> None:
        left, right = self.neighbours(data)
        self.does(o.ClipRoll(left=left, right=right, by=by))

    def neighbours(self, data: st.DataObject) -> tuple[str, str]:
        """Two clips that follow each other, mostly without a gap."""
        pairs = []
        for track in self.sequence.tracks:
            placed = list(track.lane)
            pairs += [(a.piece.id, b.piece.id) for a, b in pairwise(placed)]
        pair: tuple[str, str] = data.draw(st.sampled_from(pairs or [("n1", "n2")]))
        return pair

    @rule(data=st.data(), num=st.integers(1, 5), den=st.integers(1, 5), ripple=RIPPLE)
    def speed(self, data: st.DataObject, num: int, den: int, ripple: o.Ripple) -> None:
        self.does(o.ClipSpeed(clip=self.clip(data), num=num, den=den, ripple=ripple))

    @rule(data=st.data(), backwards=st.booleans())
    def reverse(self, data: st.DataObject, backwards: bool) -> None:
        self.does(o.ClipReverse(clip=self.clip(data), reversed=backwards))

    @rule(data=st.data(), k=SMALL, frames=st.integers(1, 5))
    def freeze(self, data: st.DataObject, k: int, frames: int) -> None:
        clip = self.clip(data)
        if clip in self.ids():
            at = self.sequence.clip(clip).placed.at + k
            self.does(o.ClipFreeze(clip=clip, at=at, frames=frames, new=self.new(), right=self.new()))

    @rule(data=st.data())
    def detach(self, data: st.DataObject) -> None:
        self.does(o.ClipDetachAudio(clip=self.clip(data), new=self.new(), track="a1"))

    @rule(data=st.data(), media=st.sampled_from(["film", "mute", "song"]), start=SMALL)
    def replace(self, data: st.DataObject, media: str, start: int) -> None:
        self.does(o.ClipReplace(clip=self.clip(data), media=media, start=start))

    @rule(data=st.data(), opacity=animated(), gain=animated(), fade_in=SMALL, fade_out=SMALL)
    def set(
        self, data: st.DataObject, opacity: float | Keyframes, gain: float | Keyframes, fade_in: int, fade_out: int
    ) -> None:
        self.does(
            o.ClipSet(clip=self.clip(data), opacity=opacity, gain_db=gain, fade_in=fade_in, audio_fade_out=fade_out)
        )

    @rule(data=st.data())
    def link(self, data: st.DataObject) -> None:
        ids = self.ids()
        if len(ids) >= 2:
            clips = data.draw(st.lists(st.sampled_from(ids), min_size=2, max_size=3, unique=True))
            self.does(o.ClipLink(clips=tuple(clips)))

    @rule(data=st.data())
    def unlink(self, data: st.DataObject) -> None:
        self.does(o.ClipUnlink(clips=(self.clip(data),)))

    @rule(data=st.data(), amount=animated())
    def effect(self, data: st.DataObject, amount: float | Keyframes) -> None:
        kind, name = data.draw(st.sampled_from([("vignette", "amount"), ("denoise", "strength")]))
        params: dict[str, float | Keyframes | str] = {name: amount}
        self.does(o.EffectAdd(clip=self.clip(data), effect=self.new(), kind=kind, params=params))

    @rule(data=st.data(), frames=st.integers(1, 9))
    def transition(self, data: st.DataObject, frames: int) -> None:
        left, right = self.neighbours(data)
        self.does(o.TransitionAdd(transition=self.new(), left=left, right=right, kind="dissolve", frames=frames))

    @rule(data=st.data(), frames=st.integers(1, 9))
    def change_transition(self, data: st.DataObject, frames: int) -> None:
        if len(self.sequence.transitions):
            name = data.draw(st.sampled_from(sorted(self.sequence.transitions)))
            if data.draw(st.booleans()):
                self.does(o.TransitionSet(transition=name, frames=frames))
            else:
                self.does(o.TransitionRemove(transition=name))

    @rule(at=AT)
    def marker(self, at: int) -> None:
        self.does(o.MarkerAdd(marker=self.new(), at=at))

    @rule(track=st.sampled_from(["v1", "en", "a1"]))
    def captions(self, track: str) -> None:
        self.does(o.CaptionsImport(track=track, format="srt", content=SRT))

    @rule(data=st.data(), locked=st.booleans())
    def lock(self, data: st.DataObject, locked: bool) -> None:
        self.does(o.TrackSet(track=data.draw(st.sampled_from(TRACKS)), locked=locked and data.draw(st.booleans())))

    @rule(data=st.data())
    def revert(self, data: st.DataObject) -> None:
        self.does(o.HistoryRevert(to_version=data.draw(st.integers(0, len(self.versions)))))

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        newest = len(self.versions) - 1
        self.does(o.HistoryUndo(versions=(data.draw(st.integers(max(1, newest - 5), newest)),)))

    @rule(data=st.data(), at=AT, by=BY)
    def batch(self, data: st.DataObject, at: int, by: int) -> None:
        """Several ops as one version: wholly, or not at all with a pointer to the one that is wrong."""
        new = self.new()
        ops: list[o.Op] = [
            o.ClipAdd(clip=new, track="v1", at=at, media="film", start=10, end=20, mode="insert", split=self.new()),
            o.ClipSlip(clip=new, by=by),
            o.ClipRemove(clip=self.clip(data), ripple=data.draw(RIPPLE)),
            o.ClipSplit(clip=new, at=at + 4, new=self.new()),
        ]
        before, earlier = self.sequence, dict(enumerate(self.versions)).get
        single = before
        try:
            after = apply_all(before, ops, MEDIA, earlier)
        except EditError as error:
            wrong = int(error.pointer.split("/")[2])
            for op in ops[:wrong]:
                single = apply(single, op, MEDIA, earlier)
            assert self.tried(ops[wrong], single) is None
            assert self.sequence == before
            return
        for op in ops:
            self.does(op)
        assert self.sequence == after

    def ids(self) -> list[str]:
        return [placed.piece.id for placed in self.sequence.clips()]


def pasted(piece: Piece, name: str, track: str, at: int) -> o.ClipPaste:
    """The op that puts down a copy of a clip."""
    source: dict[str, Any]
    match piece.source:
        case MediaSource(media=media, start=start, end=end):
            source = {"media": media, "start": start, "end": end}
        case FreezeSource(media=media, frame=frame):
            source = {"media": media, "freeze": frame}
        case TextSource(text=text):
            source = {"text": text}
        case ColorSource(color=color):
            source = {"color": color}
    if piece.speed is not None:
        source["speed"] = msgspec.convert(piece.speed, type=PastedSpeed, from_attributes=True)
    return o.ClipPaste(
        clip=name,
        track=track,
        at=at,
        frames=piece.frames,
        reversed=piece.reversed,
        silent=piece.silent,
        head_cut=piece.head_cut,
        tail_cut=piece.tail_cut,
        effects=tuple(PastedEffect(id=e.id, kind=e.kind, params=e.params) for e in piece.effects),
        properties=o.ClipProperties(**{field: getattr(piece, field) for field in PROPERTIES}),
        **source,
    )


def _whole(piece: Piece, source: MediaSource) -> bool:
    """Whether a clip lasts as long as its source frames do, so that a trim to them gives it back."""
    speed = piece.speed or NORMAL
    return piece.frames == -(-((source.end - source.start) * speed.den - speed.phase) // speed.num)


def _plain(value: Any) -> Any:
    return list(value.items()) if hasattr(value, "items") else [list(placed) for placed in value]
