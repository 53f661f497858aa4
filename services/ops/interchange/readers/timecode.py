"""SMPTE timecode: https://www.itu.int/rec/R-REC-BR.780 says how drop-frame timecode counts."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_TIMECODE: Final = re.compile(r"(\d{1,3})[:;.,](\d{1,2})[:;.,](\d{1,2})([:;.,])(\d{1,3})")


class Timecode(NamedTuple):
    """A timecode as it is written. `dropping`: its last separator says that it drops frames."""

    hours: int
    minutes: int
    seconds: int
    frame_number: int
    dropping: bool

    def frame(self, nominal: int, drop: bool) -> int:
        """Frames from 0, at a rate that counts `nominal` frames in a second."""
        minutes = self.hours * 60 + self.minutes
        whole = (minutes * 60 + self.seconds) * nominal + self.frame_number
        if not drop:
            return whole
        # Two numbers of thirty are left out at the beginning of each minute, but of each tenth.
        return whole - nominal // 15 * (minutes - minutes // 10)


def parsed(text: str) -> Timecode | None:
    """The timecode that a text is."""
    match = _TIMECODE.fullmatch(text)
    if match is None:
        return None
    return Timecode(int(match[1]), int(match[2]), int(match[3]), int(match[5]), match[4] in ";,")
