"""When a stream's packets are shown, as examine.py reads them inside the sandbox: imports the standard library only."""

from __future__ import annotations

from array import array
from collections import Counter
from itertools import pairwise
from typing import Any

#: Usual rates, [num, den]; of these, irregular pictures may lie on the grid.
GRIDS = (
    (1, 1), (2, 1), (5, 1), (10, 1), (12, 1), (25, 2), (15, 1), (24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1),
    (48000, 1001), (48, 1), (50, 1), (60000, 1001), (60, 1),
)  # fmt: skip


class Times:
    """Presentation times of one stream's packets. What has none, as in AVI, is counted by the times of decoding."""

    def __init__(self) -> None:
        self.starts = array("q")
        self.keys = array("q")
        self.end: int | None = None
        self.lead = 0
        self.packets = 0
        self.decoding: int | None = None

    def take(self, packet: Any) -> None:
        self.packets += bool(packet.size)
        start = packet.dts if packet.pts is None else packet.pts
        if start is None:
            return
        if packet.dts is not None:
            self.lead = max(self.lead, start - packet.dts)
            if self.decoding is None:
                self.decoding = packet.dts
        if packet.is_keyframe:
            self.keys.append(start)
        if packet.is_discard:
            return
        self.starts.append(start)
        # Of the only page of an Ogg, ffmpeg gives the last packet a negative length, as one without a sign.
        length = packet.duration or 0
        end = start + (length if length < 1 << 31 else length - (1 << 32))
        self.end = end if self.end is None else max(self.end, end)

    def grids(self, starts: list[int], num: int, den: int) -> list[tuple[int, int]]:
        """The rates at which every picture begins with a frame of its own, give or take a millisecond or a tick."""
        return [rate for rate in GRIDS if self._fits(starts, rate[0] * num, rate[1] * den, rate[0] / rate[1])]

    def _fits(self, starts: list[int], num: int, den: int, rate: float) -> bool:
        off, before = max(den / 1000 * rate, num), -1
        for start in starts:
            frame, rest = divmod((start - starts[0]) * num + den // 2, den)
            if frame <= before or abs(rest - den // 2) > off:
                return False
            before = frame
        return True

    def report(self, num: int, den: int, *, closed: bool = False) -> dict[str, Any] | None:
        """`num` / `den`: seconds of a tick. `closed`: the end is as sure as the starts, and counts as one of them where
        they are compared."""
        if not self.starts:
            return None
        starts = sorted(self.starts)
        edges = [*starts, self.end] if closed and self.end is not None and self.end > starts[-1] else starts
        apart = sorted(after - before for before, after in pairwise(edges))
        gaps = Counter(apart)
        regular = not apart or apart[-1] - apart[0] <= 2
        return {
            "packets": len(starts),
            "grids": [] if regular else self.grids(edges, num, den),
            "first": starts[0],
            "last": starts[-1],
            "end": self.end,
            "gaps": gaps.most_common(16),
            "shortest": min(gaps, default=0),
            "longest": max(gaps, default=0),
            "brisk": apart[len(apart) // 50] if apart else 0,
            "key_frames": len(self.keys),
            "read": self.packets,
            "decoding": self.decoding,
            "lead": self.lead,
        }
