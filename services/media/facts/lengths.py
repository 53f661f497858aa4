"""How long a file is, as budgets count it. Pure."""

from __future__ import annotations

import math
from fractions import Fraction

from cutlog.contract.media import MediaFacts


def seconds_of(facts: MediaFacts) -> int:
    """Seconds, rounded up; a still or a font counts as none."""
    return math.ceil(Fraction(facts.duration)) if facts.duration else 0
