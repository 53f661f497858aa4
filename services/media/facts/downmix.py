"""How the channels of a sound become two. Pure.

By the coefficients of ITU-R BS.775: left and right as they are, the centre and the surrounds at -3 dB, a surround in
the middle at -6 dB, no LFE. All of it is turned down by the sum of a side's coefficients, so that nothing clips
whatever the channels carry: 5.1 by 7.7 dB, 7.1 by 9.9 dB, mono and stereo by nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cutlog.ffmpeg.probing import RawAudio

MAX_CHANNELS: Final = 64
"""As many as ffmpeg mixes."""

_HALF_POWER: Final = 0.5**0.5
#: What the left and the right get of a channel, by ffmpeg's names of their places.
_FULL: Final = {"L": (1.0, 0.0), "R": (0.0, 1.0)}
_LOWER: Final = {"L": (_HALF_POWER, 0.0), "R": (0.0, _HALF_POWER)}
_MIDDLE: Final = (0.5, 0.5)
_COEFFICIENTS: Final = {
    "FC": (_HALF_POWER, _HALF_POWER),
    "LFE": (0.0, 0.0),
    "LFE2": (0.0, 0.0),
    "UNSD": (0.0, 0.0),
    "BC": _MIDDLE,
    **{name: _FULL[name[1]] for name in ("FL", "FR", "DL", "DR", "WL", "WR")},
    **{name: _FULL[name[1]] for name in ("FLC", "FRC")},
    **{name: _LOWER[name[-1]] for name in ("BL", "BR", "SL", "SR", "TFL", "TFR", "TBL", "TBR", "TSL", "TSR")},
    **{name: _LOWER[name[-1]] for name in ("SDL", "SDR", "BFL", "BFR", "SSL", "SSR", "TTL", "TTR")},
}
#: Of these, the resampler makes the same, and goes along when the channels change on the way.
_OWN: Final = frozenset({"FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "DL", "DR"})
#: The places of channels of which the file does not tell them, as FLAC, Vorbis and Opus have them.
_USUAL: Final = (
    (),
    ("FC",),
    ("FL", "FR"),
    ("FL", "FR", "FC"),
    ("FL", "FR", "BL", "BR"),
    ("FL", "FR", "FC", "BL", "BR"),
    ("FL", "FR", "FC", "LFE", "BL", "BR"),
    ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
)
_UNTOLD: Final = "NONE"


RESAMPLER: Final = "ochl=stereo:clev=0.70710678:slev=0.70710678:lfe_mix_level=0:rematrix_maxval=1"
"""Options of aresample that do the same with usual layouts."""


def stereo(sound: RawAudio) -> list[str]:
    """Filters to be put before the resampler: none where that does it. It would turn mono down, which may change to
    stereo on the way and is mono then, too."""
    places = sound.places
    if len(places) == 1:
        return ["aformat=channel_layouts=mono", "pan=stereo|c0=c0|c1=c0"]
    if set(places) == {_UNTOLD} and len(places) < len(_USUAL):
        places = _USUAL[len(places)]
        usual = len(places) == 2
    else:
        usual = _OWN.issuperset(places) and len(set(places)) == len(places)
    return [] if usual else ["pan=" + _panned(coefficients(places))]


def coefficients(places: Sequence[str]) -> list[tuple[float, float]]:
    """What left and right get of each channel. One that is nowhere is heard in the middle."""
    if all(place.startswith("AMBI") for place in places):
        return _ambisonic(len(places))
    found = [_COEFFICIENTS.get(place, _MIDDLE) for place in places]
    if not any(map(any, found)):
        found = [_MIDDLE for _ in places]
    most = max(sum(side) for side in zip(*found, strict=True))
    return [(left / most, right / most) for left, right in found]


def _ambisonic(channels: int) -> list[tuple[float, float]]:
    """Two cardioids to the sides: the first channel is all that sounds, the second what sounds left less right."""
    sides = [(0.5, 0.5), (0.5, -0.5)] if channels > 1 else [(1.0, 1.0)]
    return [*sides, *[(0.0, 0.0)] * (channels - len(sides))]


def _panned(shares: Sequence[tuple[float, float]]) -> str:
    sides = (
        "+".join(f"{share[side]:.6f}*c{channel}" for channel, share in enumerate(shares) if share[side])
        for side in (0, 1)
    )
    return "|".join(["stereo", *(f"c{side}={mixed}" for side, mixed in enumerate(sides))])
