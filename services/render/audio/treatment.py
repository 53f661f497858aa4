"""Sounds that must be worked on before they are mixed: other speeds, effects. What is done, in which pieces. Pure.

A treated sound has positions of its own: sample p of it is what sample p × num / den of its source became, from the
source's first sample on; of a reversed one, p counts from the source's first sample backwards, so that all of it lies
before 0. It is made in sections on a grid in these positions, each from a little earlier, so that filters have settled.
So trims, splits and slips of a clip use the sections that exist, and a section is named by all that it depends on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

import msgspec

from cutlog.contract.effects import EFFECTS
from cutlog.contract.media import Rendition
from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.timeline import Clip, Effect, Speed
from services.render.audio.filters import DENOISE, Adjust, Filter, chain, loudness, noise, settling, speeding
from services.render.audio.levels import Curve, curve, lowest, raised, within
from services.render.plan.segments import Digest

#: Samples of a section, 21.8 s, and of its end, which lies over the beginning of the next.
SECTION: Final = 1 << 20
OVERLAP: Final = 2048

#: Changes whenever equal treatments would sound different from before.
REVISION: Final = 1

#: Samples by which a run hears ahead, and earlier than what it is for.
_AHEAD: Final = 12_000
_STRETCHED: Final = 24_000
#: Samples in which noise is looked for: ten minutes.
_KNOWN: Final = 600 * SAMPLE_RATE
#: By how much a limiter stays below: samples grow a little when they come back from its rate. In dB.
_MARGIN: Final = 0.2


def section_start(section: int) -> int:
    """The position of its first sample. What lies before the source's beginning is in no other section than 0."""
    return section * SECTION - OVERLAP


class Normalize(msgspec.Struct, frozen=True, array_like=True):
    """Brings positions [start, end), and with them all others, to a loudness in LUFS and below a peak in dBTP."""

    lufs: Curve
    true_peak: float
    start: int
    end: int

    def within(self, start: int, end: int) -> Normalize:
        """What of it matters to positions [start, end): its curve counts from there, what is measured does not."""
        return Normalize(within(self.lufs, start, end, start), self.true_peak, self.start, self.end)


class Denoise(msgspec.Struct, frozen=True, array_like=True):
    """Takes away the noise of positions [start, end), and what is like it everywhere."""

    strength: Curve
    start: int
    end: int

    def within(self, start: int, end: int) -> Denoise:
        """As that of `Normalize`."""
        return Denoise(within(self.strength, start, end, start), self.start, self.end)


class Measured(msgspec.Struct, frozen=True, array_like=True):
    """What a step must know. To normalise: how loud the sound is, in LUFS, whether its peaks must be limited, and the
    gain in dB that makes up for what the limiter takes; silence has no loudness, and stays. To denoise: the noise floor
    in dB."""

    level: float | None
    limited: bool = False
    extra: float = 0.0


Step = Filter | Normalize | Denoise


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of ffmpeg. It hears `count` samples of the source from `first` on (`Treatment` says which these are);
    of what comes out, the first `skip` samples are dropped, and `keep` are wanted. If `whole`, silence after the source
    counts."""

    first: int
    count: int
    filters: str
    commands: str
    skip: int
    keep: int
    whole: bool = False


class Treatment(msgspec.Struct, frozen=True, kw_only=True):
    """What is done to the PCM `key`: plays `num` / `den` samples for one, backwards if `reversed`, then the steps.

    Read backwards, sample i of a source is its sample -1 - i.
    """

    key: str
    sha256: str
    num: int
    den: int
    keep_pitch: bool
    reversed: bool
    steps: tuple[Step, ...]

    def sections(self, start: int, end: int) -> Iterator[int]:
        """The numbers of the sections that hold positions [start, end)."""
        yield from range(start // SECTION, (end - 1 + OVERLAP) // SECTION + 1)

    def name(self, section: int, engine: str) -> Digest:
        """`engine` is the identity of the ffmpeg build."""
        start = section_start(section)
        first = self._origin(start, self.steps)
        return self._digest([engine, "section", start, first], self.steps, first, start + SECTION + OVERLAP)

    def run(self, section: int, found: Mapping[int, Measured]) -> Run:
        """Makes a section; `found` is what was measured, by the number of the step."""
        start, length = section_start(section), SECTION + OVERLAP
        return self._run(self._resolved(len(self.steps), found), self._origin(start, self.steps), start, length)

    def measured(self) -> Iterator[int]:
        """The steps, by number, that must know how the sound is, in order."""
        return (number for number, step in enumerate(self.steps) if not isinstance(step, Filter))

    def measurement(self, number: int, engine: str) -> Digest:
        """The name of what is measured for a step."""
        step, before = self._measuring(number), self.steps[:number]
        first = self._origin(step.start, before)
        # However much noise is taken away, it is the same.
        wanted = step if isinstance(step, Normalize) else [step.start, step.end]
        return self._digest([engine, "measured", wanted, first], before, first, step.end)

    def measuring(self, number: int, found: Mapping[int, Measured], trial: Measured | None) -> Run:
        """Says how the sound is before a step, or behind it with what was measured on trial."""
        step = self._measuring(number)
        filters = (
            self._resolved(number, found) if trial is None else self._resolved(number + 1, {**found, number: trial})
        )
        first = self._origin(step.start, self.steps[:number])
        run = self._run(filters, first, step.start, step.end - step.start)
        cut = f"atrim=start_sample={run.skip}:end_sample={run.skip + run.keep},asetpts=PTS-STARTPTS"
        analysis = loudness(run.keep) if isinstance(step, Normalize) else noise()
        return msgspec.structs.replace(run, filters=",".join([run.filters, cut, *analysis]), whole=True)

    def _measuring(self, number: int) -> Normalize | Denoise:
        step = self.steps[number]
        assert not isinstance(step, Filter), "filters know all that they must"
        return step

    def _resolved(self, upto: int, found: Mapping[int, Measured]) -> list[Filter | Adjust]:
        return [
            step if isinstance(step, Filter) else _informed(step, found[number])
            for number, step in enumerate(self.steps[:upto])
        ]

    def _origin(self, start: int, steps: Sequence[Step]) -> int:
        """The position to begin at so that filters have settled, and at which a sample of the source lies exactly."""
        known = [step if isinstance(step, Filter) else _informed(step, Measured(0.0, limited=True)) for step in steps]
        settled = settling(known)
        stretched = _STRETCHED if self.num != self.den else 0
        return (start - settled - stretched) // self.den * self.den

    def _run(self, filters: Sequence[Filter | Adjust], first: int, start: int, length: int) -> Run:
        samples = start + length - first
        moved = [each.within(first, first + samples) for each in filters]
        effects, commands = chain(moved, samples)
        parts = [
            *speeding(self.num, self.den, keep=self.keep_pitch),
            "aformat=sample_fmts=dblp",
            *effects,
            "aformat=sample_fmts=flt:channel_layouts=stereo",
        ]
        return Run(
            first=first // self.den * self.num,
            count=-(-(samples + _AHEAD) * self.num // self.den),
            filters=",".join(parts),
            commands=commands,
            skip=start - first,
            keep=length,
        )

    def _digest(self, parts: list[object], steps: Sequence[Step], start: int, end: int) -> Digest:
        source = [self.sha256, self.num, self.den, self.keep_pitch and self.num != self.den, self.reversed]
        heard = [step.within(start, end) for step in steps]
        recipe = msgspec.json.encode([REVISION, *parts, source, heard], order="deterministic")
        return Digest(hashlib.sha256(recipe).hexdigest())


def treatment(clip: Clip, audio: Rendition, position: Fraction, rate: Fraction) -> Treatment | None:
    """What must be done to the sound of a clip; None if it can be mixed as it is.

    `position` is where in its source, at its speed and backwards if reversed, the clip begins, in frames, of which
    there are `rate` a second. The clip's place in the film does not matter.
    """
    effects = [effect for effect in clip.effects if EFFECTS[effect.kind].works_on(effect.params) == "sound"]
    if clip.speed is None and not effects:
        return None
    speed = clip.speed or Speed(num=1, den=1)
    length = (audio.samples or audio.size // 4) * speed.den // speed.num
    begins = -length if clip.reversed else 0
    known = begins, begins + max(1, min(length, _KNOWN))
    used = round(position * SAMPLE_RATE / rate), round((position + clip.frames) * SAMPLE_RATE / rate)
    return Treatment(
        key=audio.key,
        sha256=audio.sha256,
        num=speed.num,
        den=speed.den,
        keep_pitch=speed.pitch == "keep",
        reversed=clip.reversed,
        steps=tuple(_step(effect, position, rate, used, known) for effect in effects),
    )


def _step(effect: Effect, at: Fraction, rate: Fraction, used: tuple[int, int], known: tuple[int, int]) -> Step:
    """Frame 0 of the curves is at frame `at` of the source. A loudness is that of what is `used`, so that it is
    right; noise is that of what is `known` of all of the source, so that no trim changes it."""
    curves = {
        name: curve(value, at, rate) for name, value in sorted(effect.params.items()) if not isinstance(value, str)
    }
    measuring = MEASURING.get(effect.kind)
    return Filter(effect.kind, tuple(curves.items())) if measuring is None else measuring(curves, used, known)


MEASURING: Final[Mapping[str, Callable[[Mapping[str, Curve], tuple[int, int], tuple[int, int]], Step]]] = {
    "denoise": lambda curves, _, known: Denoise(curves["strength"], *known),
    # Of a limit that moves, the lowest: a limiter can't be told another while it works.
    "normalize": lambda curves, used, _: Normalize(curves["lufs"], lowest(curves["truePeak"]), *used),
}
"""Kinds of effect that must know how the sound is; all others are filters as they are."""


def _informed(step: Normalize | Denoise, found: Measured) -> Filter | Adjust:
    match step, found.level:
        case Denoise(strength=strength), level:
            return Filter(DENOISE, (("strength", strength), ("floor", level or 0.0)))
        case Normalize(), None:
            return Adjust(0.0, None)
        case Normalize(lufs=lufs, true_peak=true_peak), float(level):
            gain = raised(lufs, found.extra - level)
            return Adjust(gain, true_peak - _MARGIN if found.limited else None)
