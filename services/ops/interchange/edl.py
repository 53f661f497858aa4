"""The pictures of a timeline as a CMX 3600 edit list. Pure. `readers/cmx3600.py` reads what this writes.

An edit list holds one track: the lowest that shows something. A transition is two lines with one number: the end of
what it comes from, without length, and what it leads to, from the frame at which it begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

from cutlog.contract.time import Fps
from cutlog.contract.timeline import Clip, FreezeSource, MediaSource, TextSource, Timeline, Track
from services.ops.interchange.colors import nearest_name
from services.ops.interchange.export import file_names, rate_of, title
from services.ops.interchange.formats import CannotHoldError, check_rate, line, mark

_OTHER: Final = re.compile(r"[^A-Za-z0-9]+")
_NO_TAPE: Final = ("", "AX", "BL", "BLACK", "BARS")


def edl(timeline: Timeline, name: str, names: Mapping[str, str]) -> tuple[str, tuple[Track, ...]]:
    """The file, and the track that is in it. `names` has the file names of media. Raises CannotHoldError."""
    check_rate(timeline, "An EDL")
    shown = [track for track in timeline.tracks if track.kind == "video" and track.clips]
    shown.sort(key=lambda track: track.hidden)
    if not shown:
        raise CannotHoldError("An EDL holds one video track, and no video track of this timeline has clips.")
    writer = _Writer(timeline, file_names(timeline.media, names))
    return "\n".join(writer.lines(line(name), shown[0])) + "\n", (shown[0],)


class _Writer:
    def __init__(self, timeline: Timeline, names: Mapping[str, str]) -> None:
        self._timeline, self._names, self._fps = timeline, names, timeline.canvas.fps
        self._nominal = round(self._fps.fraction)
        self._markers = sorted(timeline.markers, key=lambda marker: marker.at, reverse=True)

    def lines(self, name: str, track: Track) -> Iterator[str]:
        """The file, line by line."""
        yield f"TITLE: {name}"
        yield f"FCM: {'DROP FRAME' if _drops(self._fps) else 'NON-DROP FRAME'}"
        yield ""
        clips = [clip for clip in track.clips if clip.enabled]
        there = {clip.id for clip in clips}
        joints = {joint.left: joint for joint in track.transitions if {joint.left, joint.right} <= there}
        before: Clip | None = None
        for number, clip in enumerate(clips, 1):
            into = joints.get(before.id) if before is not None else None
            after = joints.get(clip.id)
            earlier = into.frames // 2 if into is not None else 0
            later = after.frames // 2 if after is not None else 0
            yield from self._event(number, clip, earlier, later, before, into.frames if into is not None else 0)
            before = clip

    def _event(
        self, number: int, clip: Clip, earlier: int, later: int, before: Clip | None, transition: int
    ) -> Iterator[str]:
        """A clip from `earlier` frames before it, where a transition of so many frames begins, to `later` before its
        end."""
        reel, start, stop = self._reel(clip), clip.at - earlier, clip.at + clip.frames - later
        first, last = _sources(clip, -earlier, clip.frames - later)
        kind = "C       "
        if transition and before is not None:
            kind = f"D {transition:03}   "
            # Where what it comes from has been shown up to.
            _, shown = _sources(before, 0, before.frames - earlier)
            yield self._line(number, self._reel(before), "C       ", (shown, shown, start, start))
        yield self._line(number, reel, kind, (first, last, start, stop))
        rate = Fraction(0) if isinstance(clip.source, FreezeSource) else rate_of(clip)
        if rate != 1:
            yield f"M2   {reel:<8} {self._speed(rate):>11} {self._code(first):>26}"
        if transition and before is not None:
            yield f"* FROM CLIP NAME:  {line(title(before, self._names))}"
        yield f"* {'TO' if transition else 'FROM'} CLIP NAME:  {line(title(clip, self._names))}"
        match clip.source:
            case MediaSource(media=media) | FreezeSource(media=media):
                yield f"* {mark(self._timeline, media)}"
            case TextSource():
                yield f"* TEXT: {line(title(clip, self._names))}"
            case _:
                yield f"* COLOR: {line(title(clip, self._names))}"
        while self._markers and self._markers[-1].at < stop:
            marker = self._markers.pop()
            if marker.at >= start:
                yield f"* LOC: {self._code(marker.at)} {nearest_name(marker.color):<7} {line(marker.label)}".rstrip()

    def _line(self, number: int, reel: str, kind: str, frames: tuple[int, int, int, int]) -> str:
        return f"{number:03}  {reel:<8} V     {kind} {' '.join(map(self._code, frames))}"

    def _reel(self, clip: Clip) -> str:
        """A tape's name as EDLs have it: eight letters and digits, and none of the words that mean no tape."""
        if not isinstance(clip.source, MediaSource | FreezeSource):
            return "BL"
        name = title(clip, self._names)
        reel = _OTHER.sub("", name.rpartition(".")[0] or name).upper()[:8]
        return f"X{reel}"[:8] if reel in _NO_TAPE else reel

    def _speed(self, rate: Fraction) -> str:
        """Frames a second, with one digit after the point, as programs expect it, unless that is another speed."""
        told = abs(rate) * self._nominal
        digits = 1 if (told * 10).denominator == 1 else 4
        return f"{'-' if rate < 0 else ''}{float(told):0{digits + 4}.{digits}f}"

    def _code(self, frame: int) -> str:
        """The timecode of a frame; drop-frame at the rates that have it."""
        frame = max(0, frame)
        if drops := _drops(self._fps):
            # Two numbers of thirty are left out at the beginning of each minute, but of each tenth.
            dropped = self._nominal // 15
            tenths, rest = divmod(frame, self._nominal * 600 - dropped * 9)
            minutes = max(0, (rest - dropped) // (self._nominal * 60 - dropped))
            frame += dropped * (tenths * 9 + minutes)
        seconds, number = divmod(frame, self._nominal)
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{';' if drops else ':'}{number:02}"


def _drops(fps: Fps) -> bool:
    return fps.den == 1001 and round(fps.fraction) % 30 == 0


def _sources(clip: Clip, begin: int, end: int) -> tuple[int, int]:
    """The source frames that frames [begin, end) of a clip show, as EDLs have them: the first in the order of the
    source, and the one behind the last."""
    match clip.source:
        case FreezeSource(frame=held):
            return held, held + 1
        case MediaSource(start=start, end=stop):
            rate = rate_of(clip)
            if rate == 1:
                return start + begin, start + end
            # Where a clip is shown whole, its frames say what it shows.
            head = (begin * abs(rate)).__floor__()
            tail = (stop - start) - ((clip.frames - end) * abs(rate)).__floor__()
            if rate > 0:
                return max(0, start + head), start + tail
            return max(0, stop - tail), stop - head
        case _:
            return 0, end - begin
