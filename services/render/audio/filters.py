"""Effects on sounds, as ffmpeg's filters: strings of names that are ours and numbers that were checked. Pure.

A parameter that moves is set anew every STEP samples, by commands to the running filter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from cutlog.contract.profiles import SAMPLE_RATE
from services.render.audio.levels import Curve, highest, level_at, lowest, within

#: Samples from one change of a moving parameter to the next: 5 ms.
STEP: Final = 240
#: Most commands for one option of a filter.
_MOST: Final = 50_000
#: How much later afftdn gives what it takes, in samples at SAMPLE_RATE.
_DENOISE_DELAY: Final = 1200
#: Time constants after which a filter has forgotten how it began: -100 dB.
_FORGOTTEN: Final = math.log(1e5)
_LONGEST: Final = 60.0
"""Seconds; no filter is given more to settle."""


#: The file that `noise` writes, the line of it that counts, and its range and head room in dB. What is never below -35
#: is not noise.
LEVELS: Final = "levels.txt"
_LEVEL: Final = "lavfi.astats.Overall.RMS_level"
_FLOORS: Final = (-80.0, -30.0)
_ABOVE: Final = 5.0


class Filter(msgspec.Struct, frozen=True, array_like=True):
    """An effect and the curves of its parameters."""

    kind: str
    params: tuple[tuple[str, Curve], ...]

    @property
    def curves(self) -> dict[str, Curve]:
        return dict(self.params)

    def within(self, start: int, end: int) -> Filter:
        """What of it matters to samples [start, end), counted from there."""
        return Filter(self.kind, tuple((name, within(each, start, end, start)) for name, each in self.params))


class Adjust(msgspec.Struct, frozen=True, array_like=True):
    """What brings a sound to its loudness: gain in dB and, where its true peak would be above it, a limit in dBTP."""

    gain: Curve
    limit: float | None

    def within(self, start: int, end: int) -> Adjust:
        """As that of `Filter`."""
        return Adjust(within(self.gain, start, end, start), self.limit)


class Option(NamedTuple):
    """An option of a filter, and from which parameter it gets which value."""

    name: str
    param: str
    value: Callable[[float], float]


class _Recipe(NamedTuple):
    """A filter of ffmpeg: options that never change, options by parameters; after how many seconds it does not matter
    any more how it began; what follows it."""

    name: str
    fixed: str
    options: tuple[Option, ...]
    settles: Callable[[Mapping[str, Curve]], float]
    after: str = ""


def _same(value: float) -> float:
    return value


def amplitude(db: float) -> float:
    return math.pow(10, db / 20)


def _pole_settles(params: Mapping[str, Curve]) -> float:
    return _FORGOTTEN / (math.pi * lowest(params["frequency"]))


def _band_settles(params: Mapping[str, Curve]) -> float:
    """By the quality of a band of so many octaves, and of its poles, which the gain makes sharper."""
    quality = 1 / (2 * math.sinh(math.log(2) / 2 * lowest(params["width"])))
    sharper = amplitude(max(0.0, highest(params["gain"]), -lowest(params["gain"])) / 2)
    return _FORGOTTEN * quality * sharper / (math.pi * lowest(params["frequency"]))


def _compressor_settles(params: Mapping[str, Curve]) -> float:
    """acompressor's times are those of four time constants."""
    return _FORGOTTEN * (highest(params["attack"]) + highest(params["release"])) / 4000


DENOISE: Final = "denoise"
"""The kind whose filter is told the noise that was found."""
RECIPES: Final[Mapping[str, _Recipe]] = {
    "highpass": _Recipe("highpass", "poles=2", (Option("frequency", "frequency", _same),), _pole_settles),
    "lowpass": _Recipe("lowpass", "poles=2", (Option("frequency", "frequency", _same),), _pole_settles),
    "eq": _Recipe(
        "equalizer",
        "width_type=o",
        (Option("frequency", "frequency", _same), Option("width", "width", _same), Option("gain", "gain", _same)),
        _band_settles,
    ),
    "compressor": _Recipe(
        "acompressor",
        "detection=rms:link=maximum",
        (
            Option("threshold", "threshold", amplitude),
            Option("ratio", "ratio", _same),
            Option("attack", "attack", _same),
            Option("release", "release", _same),
            Option("makeup", "makeup", amplitude),
        ),
        _compressor_settles,
    ),
    # All of `strength` takes 40 dB away. `floor` is measured: afftdn's own tracking hardly finds it.
    DENOISE: _Recipe(
        "afftdn",
        "noise_type=white",
        (
            Option("noise_reduction", "strength", lambda strength: max(0.01, 40 * strength)),
            Option("noise_floor", "floor", _same),
        ),
        lambda _: 3.0,
        f"atrim=start_sample={_DENOISE_DELAY},asetpts=PTS-STARTPTS",
    ),
}
"""The filter of each kind of effect on sounds, once all that it must know is measured."""


def settling(filters: Sequence[Filter | Adjust]) -> int:
    """Samples after which it does not matter any more how the filters began."""
    return math.ceil(SAMPLE_RATE * sum(min(_LONGEST, _settles(each)) for each in filters))


def _settles(filter_: Filter | Adjust) -> float:
    """In seconds."""
    if isinstance(filter_, Adjust):
        return 0.0 if filter_.limit is None else 1.0
    return RECIPES[filter_.kind].settles(filter_.curves)


def chain(filters: Sequence[Filter | Adjust], samples: int) -> tuple[list[str], str]:
    """Filters for so many samples, whose curves count from the first, and the commands that move their parameters."""
    parts: list[str] = []
    commands: list[tuple[int, str]] = []
    for number, each in enumerate(filters):
        if isinstance(each, Adjust):
            recipe, curves = _adjusting(each), {"gain": each.gain}
        else:
            recipe, curves = RECIPES[each.kind], each.curves
        name = f"{recipe.name}@e{number}"
        options = [recipe.fixed]
        for option in recipe.options:
            moves = within(curves[option.param], 0, samples, 0)
            options.append(f"{option.name}={option.value(level_at(moves, 0))!r}")
            commands += _moving(moves, samples, option, name)
        parts.append(f"{name}={':'.join(options)}")
        if recipe.after:
            parts.append(recipe.after)
    if commands:
        parts[:0] = [f"asetnsamples=n={STEP}:p=0", "asendcmd=f=commands.txt"]
    return parts, "".join(f"{at / SAMPLE_RATE:.6f} {command};\n" for at, command in sorted(commands))


def _moving(moves: Curve, samples: int, option: Option, name: str) -> list[tuple[int, str]]:
    if not isinstance(moves, tuple):
        return []
    found = []
    before = option.value(level_at(moves, 0))
    # What is only measured may be hours long, and needs no such detail.
    step = STEP * -(-samples // (STEP * _MOST))
    for at in range(step, samples, step):
        value = option.value(level_at(moves, at))
        if value != before:
            found.append((at, f"{name} {option.name} {value!r}"))
        before = value
    return found


def _adjusting(adjust: Adjust) -> _Recipe:
    """The limiter hears four samples for one: peaks between samples count."""
    limiter = ""
    if adjust.limit is not None:
        limit = f"alimiter=limit={amplitude(adjust.limit)!r}:attack=5:release=100:level=0:latency=1"
        limiter = f"aresample={4 * SAMPLE_RATE},{limit},aresample={SAMPLE_RATE}"
    return _Recipe("volume", "precision=double", (Option("volume", "gain", amplitude),), lambda _: 0.0, limiter)


def speeding(num: int, den: int, *, keep: bool) -> list[str]:
    """num / den samples for one, exactly; with the pitch kept, or varied as that of a tape."""
    if num == den:
        return []
    if keep:
        # Both channels in one phase: else voices in the middle lose their place.
        # Of speech that races, attacks can't all be kept; trying to moves them by frames.
        attacks = "smooth" if num > 4 * den else "crisp"
        return [f"rubberband=tempo={num / den!r}:transients={attacks}:channels=together:pitchq=quality"]
    scale = -(-8000 // min(num, den))
    return [f"asetrate={num * scale}", f"aresample={den * scale}", f"asetrate={SAMPLE_RATE}"]


def loudness(samples: int) -> list[str]:
    """Says how loud so many samples are. Too short ones are repeated: loudness is that of blocks of 400 ms."""
    repeat = [] if samples >= SAMPLE_RATE else [f"aloop=loop={3 * SAMPLE_RATE // samples}:size={samples}"]
    return [*repeat, "ebur128=peak=true:framelog=quiet"]


def noise() -> list[str]:
    """Writes the level of every 100 ms to LEVELS."""
    return [
        f"asetnsamples=n={SAMPLE_RATE // 10}:p=0",
        "astats=metadata=1:reset=1:measure_perchannel=none:measure_overall=RMS_level",
        f"ametadata=mode=print:key={_LEVEL}:file={LEVELS}",
    ]


class Loudness(NamedTuple):
    """Integrated loudness in LUFS and the highest true peak in dBTP."""

    lufs: float
    peak: float


def loudness_told(log: str) -> Loudness | None:
    """What `loudness` said; None of silence. Raises ValueError when it said nothing."""
    found: dict[str, float] = {}
    for line in log.splitlines():
        name, _, rest = line.strip().partition(":")
        words = rest.split()
        if name in ("I", "Peak") and len(words) == 2:
            found[name] = float(words[0])
    if "I" not in found or "Peak" not in found:
        raise ValueError("ebur128 gave no summary")
    return None if found["I"] <= -70 or math.isinf(found["Peak"]) else Loudness(found["I"], found["Peak"])


def noise_told(text: str) -> float:
    """What afftdn should take for the noise floor, in dB, by what `noise` wrote: a little above the level that a tenth
    of all moments is below. Moments of no sound at all say nothing of it, unless most are so."""
    levels = [float(line.partition("=")[2]) for line in text.splitlines() if line.startswith(_LEVEL)]
    sounding = sorted(level for level in levels if math.isfinite(level))
    if 2 * len(sounding) <= len(levels):
        return _FLOORS[0]
    return min(_FLOORS[1], max(_FLOORS[0], sounding[len(sounding) // 10] + _ABOVE))
