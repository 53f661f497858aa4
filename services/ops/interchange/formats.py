"""What the writers of files share: words that may stand in them, marks of media, and which rates timecode can count."""

from __future__ import annotations

from cutlog.contract.timeline import Timeline
from services.ops.errors import OpsError
from services.ops.interchange.conform import TIMECODE_RATES


class CannotHoldError(OpsError):
    """The format has no room for this timeline at all. The message says why."""


def check_rate(timeline: Timeline, what: str) -> None:
    """Raises CannotHoldError at a rate that `what` can't count."""
    fps = timeline.canvas.fps
    if fps not in TIMECODE_RATES:
        raise CannotHoldError(
            f"{what} counts in timecode, which there is not at {fps.num}/{fps.den} frames per second."
        )


def mark(timeline: Timeline, media: str) -> str:
    """What finds the media again, as a comment."""
    reference = timeline.media.get(media)
    return f"cutlog:{media}" + (f" sha256:{reference.sha256}" if reference is not None else "")


def line(text: str) -> str:
    """Text on one line, of characters that XML may hold: else a name could begin a new event of an EDL."""
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """Text without characters that XML may not hold."""
    return "".join(char for char in text if char in "\t\n" or (char >= " " and char not in "\x7f\ufffe\uffff"))
