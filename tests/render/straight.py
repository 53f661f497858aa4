"""A straight mix of a whole timeline, without chunks, curves or takes: each sample as the contract defines it."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.properties import Animated, Keyframes
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Clip, MediaSource, Timeline
from tests.render.listening import Stereo, sample

RATE = Fps(30000, 1001)


def straight(of: Timeline, source: Stereo) -> Stereo:
    """Every sample by the words of the contract, if `source` is that of the media "a" and others have none."""
    rate = of.canvas.fps.fraction
    out = np.zeros((sample(of.duration, RATE), 2))
    for lane in of.tracks:
        ends = {each.left: each for each in lane.transitions}
        starts = {each.right: each for each in lane.transitions}
        for clip in lane.clips:
            if lane.muted or clip.silent or getattr(clip.source, "media", None) != "a":
                continue
            before, after = starts.get(clip.id), ends.get(clip.id)
            first = clip.at - (before.frames // 2 if before else 0)
            last = clip.at + clip.frames + (after.frames - after.frames // 2 if after else 0)
            here = np.arange(sample(first, RATE), min(len(out), sample(last, RATE)))
            ahead = _ahead(clip, rate)
            heard = _source(clip, here + ahead, source)
            heard = heard * 10 ** ((_values(clip.gain_db, clip.at, here, rate) + lane.gain_db) / 20)[:, None]
            pan = _values(clip.pan, clip.at, here, rate)
            heard[:, 0] *= np.where(pan > 0, np.cos(pan * np.pi / 2), 1)
            heard[:, 1] *= np.where(pan < 0, np.cos(pan * np.pi / 2), 1)
            rises = [(clip.at - clip.head_cut, clip.audio_fade_in)] + ([(first, before.frames)] if before else [])
            end = clip.at + clip.frames + clip.tail_cut
            falls = [(end - clip.audio_fade_out, clip.audio_fade_out)]
            falls += [(last - after.frames, after.frames)] if after else []
            for begins, frames in rises:
                heard *= np.sin(_part(here, begins, frames, 1.0) * np.pi / 2)[:, None]
            for begins, frames in falls:
                heard *= np.cos(_part(here, begins, frames, 0.0) * np.pi / 2)[:, None]
            out[here] += heard
    return np.clip(out, -1, 32767 / 32768).astype(np.float32)


def _ahead(clip: Clip, rate: Fraction) -> int:
    """Samples by which its source, or that backwards, is ahead of the film."""
    assert isinstance(clip.source, MediaSource)
    begins = -clip.source.end if clip.reversed else clip.source.start
    return round((begins - clip.at) * SAMPLE_RATE / rate)


def _source(clip: Clip, places: Any, source: Stereo) -> Any:
    places = -1 - places if clip.reversed else places
    inside = (places >= 0) & (places < len(source))
    return np.where(inside[:, None], source[np.clip(places, 0, len(source) - 1)], 0).astype(np.float64)


def _part(here: Any, begins: int, frames: int, without: float) -> Any:
    if not frames:
        return np.full(len(here), without)
    first, last = sample(begins, RATE), sample(begins + frames, RATE)
    return np.clip((here - first) / (last - first), 0, 1)


def _values(animated: Animated, at: int, here: Any, rate: Fraction) -> Any:
    if not isinstance(animated, Keyframes):
        return np.full(len(here), animated)
    keys = [(round((at + key.frame) * SAMPLE_RATE / rate), key.value, key.easing) for key in animated.keyframes]
    out = np.full(len(here), keys[0][1])
    for (first, old, easing), (last, new, _) in pairwise(keys):
        t = np.clip((here - first) / (last - first), 0, 1)
        shaped = {
            "hold": 0 * t,
            "linear": t,
            "ease-in": t**2,
            "ease-out": 1 - (1 - t) ** 2,
            "ease-in-out": 3 * t**2 - 2 * t**3,
        }[easing]
        out = np.where(here >= first, old + (new - old) * shaped, out)
    return np.where(here >= keys[-1][0], keys[-1][1], out)
