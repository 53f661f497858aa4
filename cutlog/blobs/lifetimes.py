"""How long links to files work. Pure."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Final

LINK_SECONDS: Final = 600
MAX_LINK_SECONDS: Final = 6 * 3600


def playing_seconds(frames: int, rate: Fraction) -> int:
    """For links to what is played while it is fetched: the length of the timeline and ten minutes, at most 6 hours."""
    return min(ceil(frames / rate) + LINK_SECONDS, MAX_LINK_SECONDS)
