"""Fonts by name: those that are built in, and those among a tenant's media."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

#: Family and weight of the fonts that are built in. What they lack comes from the other fonts that are installed.
BUILT_IN: Final = {
    "sans": ("DejaVu Sans", 400),
    "sans-bold": ("DejaVu Sans", 700),
    "noto-sans": ("Noto Sans", 400),
    "noto-sans-bold": ("Noto Sans", 700),
}


DEFAULT: Final = "sans"
"""The font of texts and captions that name none."""


def uploaded(font: str) -> Iterator[str]:
    """The id of the media that a font is, if it is one."""
    if font not in BUILT_IN:
        yield font


def family_of(sha256: str) -> str:
    """What the faces of an uploaded font are called while titles are drawn, whatever it calls itself."""
    return f"cutlog-{sha256[:32]}"


def face_of(sha256: str, face: int) -> str:
    """The family name of one face."""
    return f"{family_of(sha256)}-x{face}"
