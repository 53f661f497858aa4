"""Mixes what is heard in a passage: reads samples, shapes them sample by sample, adds them up."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from cutlog.contract.profiles import CHANNELS
from cutlog.ffmpeg import samples
from services.render.audio.levels import Curve, Fade, Level, between
from services.render.audio.score import Passage
from services.render.audio.takes import Take, Tape
from services.render.audio.treatment import OVERLAP, SECTION, Treatment, section_start

Samples = NDArray[np.float32]
"""Samples × channels, -1 to 1."""

_FULL: Final = np.float32(1 / 32768)


def mix(passage: Passage, tapes: Mapping[str, Path], sections: Mapping[tuple[Treatment, int], Samples]) -> Samples:
    """Its samples, those of its lead included; what exceeds full scale is cut off.

    `tapes`: files by SHA-256; `sections`: treated sounds by what was done and the number of the section.
    """
    out = np.zeros((passage.samples, CHANNELS), np.float32)
    for take in passage.takes:
        sound = _sound(take, tapes, sections)
        shape(sound, take.level, take.start)
        out[take.start : take.end] += sound
    np.clip(out, -1, 32767 / 32768, out=out)
    return out


def read(path: Path, start: int, count: int, *, backwards: bool = False) -> NDArray[np.int16]:
    """Samples × channels of a tape from a position on; silence where it has none."""
    return samples.read(path, -start - count, count)[::-1] if backwards else samples.read(path, start, count)


def shape(sound: Samples, level: Level, start: int) -> None:
    """Applies a level to samples in place; the first is the level's sample `start`.

    Pan is a balance: of the side that it turns away from, it leaves cos(|pan| × 90°), of the other all. So in the
    middle nothing changes, and nothing gets louder than it was.
    """
    places = np.arange(start, start + len(sound))
    gain = values(level.gain, places)
    if isinstance(gain, float):
        sound *= np.float32(10 ** (gain / 20))
    else:
        sound *= np.power(10, gain / 20).astype(np.float32)[:, None]
    pan = values(level.pan, places)
    for side, away in ((0, np.maximum(pan, 0)), (1, np.maximum(np.negative(pan), 0))):
        if np.any(away):
            sound[:, side] *= np.cos(away * (np.pi / 2)).astype(np.float32)
    for fade in level.fades:
        _fade(sound, fade, start)


def values(curve: Curve, places: NDArray[np.int64]) -> float | NDArray[np.float64]:
    """The values of a curve at samples, which increase."""
    if not isinstance(curve, tuple):
        return float(curve)
    out = np.empty(len(places))
    edges = [0, *np.searchsorted(places, [knot.sample for knot in curve]).tolist(), len(places)]
    out[: edges[1]] = curve[0].value
    out[edges[-2] :] = curve[-1].value
    for (left, right), first, last in zip(pairwise(curve), edges[1:], edges[2:], strict=False):
        if first < last:
            out[first:last] = between(left, right, places[first:last])
    return out


def _fade(sound: Samples, fade: Fade, start: int) -> None:
    first, last = (min(max(0, edge - start), len(sound)) for edge in (fade.start, fade.end))
    places = np.arange(first, last) + start
    t = (places - fade.start) / max(1, fade.end - fade.start)
    if fade.rising:
        sound[:first] = 0
        sound[first:last] *= np.sin(t * (np.pi / 2)).astype(np.float32)[:, None]
    else:
        sound[last:] = 0
        sound[first:last] *= np.cos(t * (np.pi / 2)).astype(np.float32)[:, None]


def _sound(take: Take, tapes: Mapping[str, Path], sections: Mapping[tuple[Treatment, int], Samples]) -> Samples:
    count = take.end - take.start
    match take.source:
        case Tape(sha256=sha256, reversed=backwards):
            return read(tapes[sha256], take.offset, count, backwards=backwards) * _FULL
        case Treatment() as treated:
            out = np.zeros((count, CHANNELS), np.float32)
            for number in treated.sections(take.offset, take.offset + count):
                _add(out, sections[treated, number], section_start(number) - take.offset)
            return out
        case _:
            assert_never(take.source)


def _add(out: Samples, section: Samples, at: int) -> None:
    """Adds what lies inside; the ends of a section fade over those of its neighbours, which sound the same."""
    first, last = max(0, at), min(len(out), at + SECTION + OVERLAP)
    if first >= last:
        return
    part = section[first - at : last - at]
    places = np.arange(first - at, last - at)
    weight = np.clip(np.minimum(places, SECTION + OVERLAP - places) / OVERLAP, 0, 1).astype(np.float32)
    out[first:last] += part * weight[:, None]
