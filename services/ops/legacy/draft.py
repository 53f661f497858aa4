"""The timeline on which a legacy version is being translated: ops of ours go onto it one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Sequence as Several
from fractions import Fraction
from typing import Any, Final

import msgspec

from cutlog.contract.ops import Op
from cutlog.contract.timeline import MediaSource
from services.ops.edits.apply import apply
from services.ops.edits.errors import EditError
from services.ops.edits.lane import Placed
from services.ops.edits.sequence import Sequence, TrackState
from services.ops.edits.sources import Sources
from services.ops.legacy.reading import CLIP, END, LENGTH, START, TRACK, Given, UntranslatableError

Json = dict[str, Any]
PICTURE: Final = "video"
"""The track of the film itself."""


class Draft:
    """`sequence` is where `ops` have led. `videos` has ids of media by their legacy ids; clips that get a name here are
    called after `fresh`."""

    def __init__(self, sequence: Sequence, videos: Mapping[str, str], sources: Sources, fresh: str) -> None:
        self.sequence, self.videos, self.sources = sequence, videos, sources
        self.ops: list[Json] = []
        self._fresh, self._made = fresh, 0

    @property
    def rate(self) -> Fraction:
        return self.sequence.canvas.fps.fraction

    def do(self, **op: Any) -> None:
        """Adds an op of ours; `into` stands for `in`. Raises UntranslatableError when it does not apply."""
        self.put({("in" if name == "into" else name): value for name, value in op.items()})

    def put(self, op: Json) -> None:
        """Adds an op of ours as it is. Raises UntranslatableError when it does not apply."""
        try:
            self.sequence = apply(self.sequence, msgspec.convert(op, Op), self.sources)
        except EditError as error:
            raise UntranslatableError(f"{op['op']} does not apply: {error.detail}") from None
        except msgspec.ValidationError as error:
            raise UntranslatableError(f"{op['op']}: {error}") from None
        self.ops.append(op)

    def fresh(self) -> str:
        """A name for a new clip."""
        self._made += 1
        return self._fresh if self._made == 1 else f"{self._fresh}-{self._made}"

    # --- what an op is about

    def track(self, given: Given, default: str) -> str:
        """The track that an op names, or the usual one; it is made where it is not there."""
        track = given.name("t", *TRACK) or default
        if all(each.id != track for each in self.sequence.tracks):
            kind = "audio" if re.fullmatch(r"audio.*|a\d+", track) else "video"
            self.do(op="track.add", track=track, kind=kind)
        return track

    def clip(self, given: Given) -> Placed:
        """The clip that an op is about: the one it names, or the only one there is. Raises UntranslatableError."""
        named = given.name("c", *CLIP)
        if named is not None:
            return self.named(named)
        every = list(self.sequence.clips())
        if len(every) != 1:
            raise UntranslatableError(f"it names no clip, and there are {len(every)}")
        return every[0]

    def named(self, clip: str) -> Placed:
        for track in self.sequence.tracks:
            if (placed := track.lane.find(clip)) is not None:
                return placed
        raise UntranslatableError(f"there is no clip {clip}")

    def film(self) -> TrackState:
        """The track of the film. Raises UntranslatableError where there is none, or nothing on it."""
        for track in self.sequence.tracks:
            if track.id == PICTURE and track.lane.end:
                return track
        raise UntranslatableError("there is no film yet")

    def parts(self, given: Given, *, sound: bool = False) -> list[str]:
        """The clips whose looks, or whose `sound`, an op changes: a range of the film is cut out first. Raises
        UntranslatableError."""
        span = span_of(given)
        if self.about_film(given):
            film = self.film()
            start, end = (0, film.lane.end) if span is None else span
            self._by_itself(start, end, sound=sound)
            return self.cut_out(start, end)
        placed = self.clip(given)
        if span is None:
            return [placed.piece.id]
        self.one_time(placed)
        if span[1] > placed.end:
            raise UntranslatableError(f"it ends at frame {span[1]}, and its clip at {placed.end}")
        return self.cut_out(*span)

    def neutral(self, given: Given, clips: Several[str], name: str, value: object) -> None:
        """Raises UntranslatableError where an op about the whole film finds a property changed already: whether the two
        add up or the later one counts is not sure."""
        if self.about_film(given) and any(getattr(self.named(clip).piece, name) != value for clip in clips):
            raise UntranslatableError(f"the film has another {name} already, and whether the two add up is not sure")

    def _by_itself(self, start: int, end: int, *, sound: bool) -> None:
        """Raises UntranslatableError where a change of the whole film would have to change what else is there, too."""
        for track in self.sequence.tracks:
            others = track.id != PICTURE and (track.kind == "audio" if sound else True)
            if others and any(placed.at < end and placed.end > start for placed in track.lane):
                raise UntranslatableError(f"whether it changes what is on track {track.id}, too, is not sure")

    def about_film(self, given: Given) -> bool:
        """Whether an op is about the whole film, or a range of it."""
        return given.conventions.whole_film and not given.has(*CLIP)

    def one_time(self, placed: Placed) -> None:
        """Raises UntranslatableError unless a time means the same in the film, in the clip and in its source."""
        source = placed.piece.source
        untouched = not isinstance(source, MediaSource) or source.start == 0
        film = next((track for track in self.sequence.tracks if track.id == PICTURE), None)
        alone = film is not None and film.lane.find(placed.piece.id) is not None
        if placed.at or not untouched or placed.piece.speed is not None or placed.piece.reversed or not alone:
            raise UntranslatableError(
                "whether its times are those of the film, of the clip or of its source is not sure"
            )

    def cut_out(self, start: int, end: int) -> list[str]:
        """Cuts the film at both ends of a range, which may end after it; the clips between. Raises
        UntranslatableError."""
        length = self.film().lane.end
        if not 0 <= start < min(end, length):
            raise UntranslatableError(f"frames {start} to {end} are no range of a film of {length}")
        end = min(end, length)
        for at in (start, end):
            for placed in self.film().lane:
                if placed.at < at < placed.end:
                    self.do(op="clip.split", clip=placed.piece.id, at=at, new=self.fresh())
        return [placed.piece.id for placed in self.film().lane if start <= placed.at and placed.end <= end]

    def alone(self) -> None:
        """Raises UntranslatableError where something lies over the film that a change of its time would have to
        move."""
        if any(track.lane.end or track.captions for track in self.sequence.tracks if track.id != PICTURE):
            raise UntranslatableError(
                "it changes the film's time, and what happens to what lies over the film is not sure"
            )


def span_of(given: Given) -> tuple[int, int] | None:
    """The range that an op names; None where it names none. Raises UntranslatableError."""
    start, end, length = given.frames(*START), given.frames(*END), given.frames(*LENGTH)
    if start is None and end is None and length is None:
        return None
    first = start or 0
    if end is None:
        if length is None:
            raise UntranslatableError("it says where it begins and not where it ends")
        end = first + length
    elif length is not None and end - first != length:
        raise UntranslatableError("its end and its length do not fit together")
    if first < 0 or end <= first:
        raise UntranslatableError(f"frames {first} to {end} are no range")
    return first, end
