"""The sound of a film as blocks, which move as a whole, and the joints between them. Pure.

The sound of proxies may lie a little beside its picture. So all sounds that are mixed with each other form a block,
whose samples are counted in the source of its longest sound; a block lies in the film by whole packets, as near to its
place as can be, which is within half a packet. So its packets are named alike wherever it lies, and edges, fades and
the sounds of one block keep their distances to the sample.

Only the joint of two blocks depends on where they are: two neighbours are one of two whole numbers of packets apart,
since each is rounded for itself. See docs/decisions/237-joints-have-two-variants.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Final

import msgspec
from msgspec.structs import replace

from cutlog.contract.profiles import SAMPLE_RATE
from services.render.audio.takes import Sound, Take

FRAME: Final = 1024
"""Samples of one AAC frame, which is also how early the encoder starts."""
LEAD: Final = 8

#: Packets by which the sounds of a block may reach into the next one. Those that reach farther are one block with it.
_REACH: Final = 96
#: Packets that a block has, at least, after what reaches into it: room for a border whose lead has no other sound.
_LEAST: Final = 24
OPEN: Final = 1 << 60
"""The end of a take that lasts until the next block begins."""
#: Packets before a joint in which no chunk begins: what follows may begin to be heard that early.
MARGIN: Final = 2


class Block(msgspec.Struct, frozen=True):
    """Sounds that move as one, in frames [begin, end) of the film and maybe a little beyond. Their samples count from
    `shift` frames before it. `cuts`: whether, where it begins and where it ends, one sound follows another all at once.
    """

    begin: int
    end: int
    sounds: tuple[Sound, ...]
    shift: Fraction
    cuts: tuple[bool, bool]

    @property
    def name(self) -> bytes:
        """Equal for blocks that sound alike, wherever they lie."""
        lanes = {lane: number for number, lane in enumerate(sorted({sound.lane for sound in self.sounds}))}
        told = [sound.told(self.begin, lanes[sound.lane]) for sound in self.sounds]
        return msgspec.msgpack.encode([self.end - self.begin, self.cuts, told])

    def heard_until(self, rate: Fraction) -> int | None:
        """The sample, in its own count, up to which something is heard that does not end at a cut to the next block."""
        lasts = [sound.last for sound in self.sounds if not self._open(sound)]
        if not lasts:
            return None
        count, of = _packets(max(lasts) + self.shift, rate)
        return -(-count * FRAME // of)

    def first(self, rate: Fraction) -> int:
        """The packet, in its own count, that it begins with."""
        return _nearest(_packets(self.begin + self.shift, rate))

    def ahead(self, rate: Fraction) -> int:
        """By how many packets its own count is ahead of that of the film."""
        return _nearest(_packets(self.shift, rate))

    def takes(self, rate: Fraction) -> Iterator[Take]:
        """What is heard, track by track, in its own count. At a cut, all begins with the block's first packet, and the
        end of what comes before is OPEN."""
        first = self.first(rate) * FRAME
        for sound in sorted(self.sounds, key=lambda sound: sound.lane):
            take = sound.take(rate, self.shift)
            if self.cuts[0] and sound.first == self.begin and sound.begins_at_once:
                take = replace(take, start=first, offset=take.offset + first - take.start)
            yield replace(take, end=OPEN) if self._open(sound) else take

    def _open(self, sound: Sound) -> bool:
        """Whether it lasts until it is cut to the next block."""
        return self.cuts[1] and sound.last == self.end and sound.ends_at_once


class _Growing:
    """A block that grows. Sounds before it are heard up to frame `reach`; its own up to frame `last`."""

    def __init__(self, begin: int, reach: int) -> None:
        self.begin, self.reach, self.last = begin, reach, 0
        self.sounds: list[Sound] = []

    def add(self, sounds: Sequence[Sound]) -> None:
        self.sounds += sounds
        self.last = max(self.last, *(sound.last for sound in sounds))

    def room(self, end: int) -> int:
        """Frames before `end` in which nothing else is heard."""
        return end - max(self.begin, self.reach)


def blocks(sounds: Iterable[Sound], duration: int, rate: Fraction) -> list[Block]:
    """Covers frames [0, duration): as many blocks as there can be."""
    count, of = _packets(1, rate)
    least, reach = -(-_LEAST * of // count), _REACH * of // count
    found = [_Growing(0, 0)]
    ending: defaultdict[int, list[Sound]] = defaultdict(list)
    ordered = sorted(sounds, key=lambda sound: (sound.first, sound.lane))
    for at, group in groupby(ordered, key=lambda sound: sound.first):
        starting, last = list(group), found[-1]
        seamless = any(before.goes_on_in(sound) for sound in starting for before in ending[sound.clip.at])
        if last.room(at) >= least and last.last - at <= reach and not seamless:
            found.append(_Growing(at, last.last))
        found[-1].add(starting)
        for sound in starting:
            ending[sound.clip.at + sound.clip.frames].append(sound)
    while len(found) > 1 and found[-1].room(duration) < least:
        short = found.pop()
        found[-1].add(short.sounds)
    ends = [*(each.begin for each in found[1:]), duration]
    cuts = [False, *(_cut(left.sounds, right.sounds, right.begin) for left, right in pairwise(found)), True]
    return [
        Block(each.begin, end, tuple(each.sounds), _shift(each.sounds), around)
        for each, end, around in zip(found, ends, pairwise(cuts), strict=True)
    ]


def _cut(left: Sequence[Sound], right: Sequence[Sound], at: int) -> bool:
    ends = any(sound.last == at and sound.ends_at_once for sound in left)
    return ends and any(sound.first == at and sound.begins_at_once for sound in right)


def _shift(sounds: Sequence[Sound]) -> Fraction:
    """By how many frames the source of the longest sound is ahead: a trim changes it as little as a move of others."""
    return max(sounds, key=lambda sound: sound.last - sound.first).ahead if sounds else Fraction()


def joint(left: Block, right: Block, rate: Fraction) -> tuple[int, ...]:
    """The packets of the left block, in its own count, before which the right one can begin, whatever lies before."""
    count, of = _packets(right.shift - left.shift, rate)
    return tuple(right.first(rate) - each for each in sorted({-(-count // of), count // of}, reverse=True))


def _packets(frames: int | Fraction, rate: Fraction) -> tuple[int, int]:
    """The packets that so many frames last, as a fraction: whole numbers, since there are very many of them."""
    return frames.numerator * SAMPLE_RATE * rate.denominator, frames.denominator * rate.numerator * FRAME


def _nearest(packets: tuple[int, int]) -> int:
    """Halves go up, everywhere: so two are apart by the whole number below or above what they really are."""
    count, of = packets
    return (2 * count + of) // (2 * of)
