"""The colours that OpenTimelineIO has names for (`opentimelineio.schema.MarkerColor`)."""

from __future__ import annotations

from typing import Final

NAMES: Final = {
    "PINK": "#ff99cc", "RED": "#ff0000", "ORANGE": "#ff9900", "YELLOW": "#ffcc00", "GREEN": "#00cc00",
    "CYAN": "#00ffff", "BLUE": "#0066ff", "PURPLE": "#9933ff", "MAGENTA": "#ff00ff", "BLACK": "#000000",
    "WHITE": "#ffffff",
}  # fmt: skip


def nearest_name(color: str) -> str:
    """The name of the colour that is nearest in RGB."""
    wanted = _parts(color)
    return min(NAMES, key=lambda name: sum((a - b) ** 2 for a, b in zip(_parts(NAMES[name]), wanted, strict=True)))


def _parts(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
