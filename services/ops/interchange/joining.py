"""Transitions of other programs, which may lie anywhere around a cut, as ours, which lie in its middle."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from cutlog.contract.effects import TRANSITIONS
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Clip, MediaSource, Transition
from services.ops.interchange import schema
from services.ops.interchange.clips import ClipReader
from services.ops.interchange.conform import frame, seconds
from services.ops.interchange.documents import unwrap
from services.ops.interchange.flatten import Cut
from services.ops.interchange.losses import Ledger
from services.ops.interchange.names import Names

_replace = msgspec.structs.replace
MAX_FRAMES: Final = 10_000


class Joiner:
    """Puts the transitions of one lane between its clips."""

    def __init__(self, fps: Fps, reader: ClipReader, names: Names, losses: Ledger) -> None:
        self._fps, self._reader, self._names, self._losses = fps, reader, names, losses

    def join(self, clips: list[Clip], cuts: list[Cut]) -> tuple[list[Clip], list[Transition]]:
        """The clips, some of them rolled or faded, and the transitions between them."""
        clips = list(clips)
        joints: list[Transition] = []
        starts = {clip.at: index for index, clip in enumerate(clips)}
        ends = {clip.at + clip.frames: index for index, clip in enumerate(clips)}
        for cut in cuts:
            at = frame(cut.at, self._fps)
            left, right = ends.get(at), starts.get(at)
            joint = self._join(clips, left, right, cut.transition)
            if joint is not None:
                joints.append(joint)
        return clips, joints

    def _join(
        self, clips: list[Clip], left: int | None, right: int | None, told: schema.Transition
    ) -> Transition | None:
        before, after = self._frames(told.in_offset), self._frames(told.out_offset)
        frames, where = before + after, told.name or "a transition"
        if not 1 <= frames <= MAX_FRAMES:
            self._losses.add("transition", where, f"it is {frames} frames long")
            return None
        if left is None or right is None:
            self._fade(clips, left, right, frames, where)
            return None
        roll = frames // 2 - before
        if roll and not self._rolled(clips, left, right, roll):
            self._losses.add("transition", where, "its clips lack the frames to put it in the middle of the cut")
            return None
        mine = unwrap(told.metadata, Transition)
        return Transition(
            id=self._names.fresh(mine.id, True) if mine is not None else self._names.fresh(where),
            left=clips[left].id,
            right=clips[right].id,
            kind=mine.kind if mine is not None and mine.kind in TRANSITIONS else self._kind(told, where),
            frames=frames,
        )

    def _frames(self, offset: schema.RationalTime | None) -> int:
        return max(0, frame(seconds(offset), self._fps)) if offset is not None else 0

    def _kind(self, told: schema.Transition, where: str) -> str:
        name = (told.transition_type or "").casefold()
        if told.name in TRANSITIONS:
            return str(told.name)
        if name == "smpte_dissolve":
            return "dissolve"
        kind = "wipe-left" if "wipe" in name else "dissolve"
        self._losses.add("transition-kind", where, f"{told.transition_type or 'an unnamed kind'} became {kind}")
        return kind

    def _fade(self, clips: list[Clip], left: int | None, right: int | None, frames: int, where: str) -> None:
        """A transition from or to nothing is a fade."""
        if right is not None:
            length = min(frames, clips[right].frames)
            clips[right] = _replace(clips[right], fade_in=length, audio_fade_in=length)
        elif left is not None:
            length = min(frames, clips[left].frames)
            clips[left] = _replace(clips[left], fade_out=length, audio_fade_out=length)
        else:
            self._losses.add("transition", where, "there are no clips at its cut")

    def _rolled(self, clips: list[Clip], left: int, right: int, by: int) -> bool:
        """Moves the cut, as `clip.roll` does; False if the clips lack the frames."""
        one, other = self._grown(clips[left], "end", by), self._grown(clips[right], "start", -by)
        if one is None or other is None:
            return False
        clips[left], clips[right] = one, other
        return True

    def _grown(self, clip: Clip, edge: Literal["start", "end"], by: int) -> Clip | None:
        frames = clip.frames + by
        at = clip.at - by if edge == "start" else clip.at
        if frames < 1 or at < 0:
            return None
        clip = _replace(clip, at=at, frames=frames)
        source = clip.source
        if not isinstance(source, MediaSource):
            return clip
        num, den = (clip.speed.num, clip.speed.den) if clip.speed is not None else (1, 1)
        if clip.reversed:
            return None
        phase = clip.speed.phase if clip.speed is not None else 0
        start = source.start
        if edge == "start":
            step, phase = divmod(phase - by * num, den)
            start += step
        length = ((frames - 1) * num + phase) // den + 1
        material = self._reader.material(source.media)
        total = material.frames(self._fps) if material is not None else None
        if start < 0 or (total is not None and start + length > total):
            return None
        speed = _replace(clip.speed, phase=phase) if clip.speed is not None else None
        return _replace(clip, speed=speed, source=_replace(source, start=start, end=start + length))
