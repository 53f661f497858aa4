"""Time inside a timeline: integer frames at a rational rate. No floats, no seconds."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, NewType

import msgspec

#: A count of frames at a project's rate.
Frames = NewType("Frames", int)

Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Fps(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Frames per second as `[num, den]`, for example `[30000, 1001]`."""

    num: Positive
    den: Positive

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.num, self.den)

    @staticmethod
    def of(rate: Fraction) -> Fps:
        return Fps(rate.numerator, rate.denominator)


def frames_in(seconds: Fraction, rate: Fraction) -> int:
    """How many frame moments k / rate lie in [0, seconds): the length of a source conformed to `rate`."""
    return max(0, -(-(seconds * rate) // 1))


def source_frame(frame: int, rate: Fraction, source_rate: Fraction) -> int:
    """The source's own frame that is on screen at the moment `frame / rate`."""
    return int(frame * source_rate / rate // 1)


def samples_at(frame: int, rate: Fraction, sample_rate: int) -> int:
    """The first sample at or after the moment `frame / rate`."""
    return -(-(frame * sample_rate) * rate.denominator // rate.numerator)
