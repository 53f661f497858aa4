"""Pulses and tones in a file's sound."""

from __future__ import annotations

import numpy as np

from tests.support.painting import RATE, Samples

LOUD = 0.25
"""Of the loudest sample: a pulse's."""


def pulses(sound: Samples) -> list[float]:
    """The seconds at which pulses begin."""
    if not len(sound) or float(np.abs(sound).max()) < 0.02:
        return []
    loud = np.flatnonzero(np.abs(sound) > LOUD * float(np.abs(sound).max())) / RATE
    return [float(at) for at, before in zip(loud, [-1.0, *loud[:-1]], strict=True) if at - before > 0.1]


def tone(sound: Samples) -> float | None:
    """The frequency of the loudest tone in Hz; None for silence."""
    if not len(sound) or float(np.abs(sound).max()) < 0.02:
        return None
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum)) * RATE / len(sound)
