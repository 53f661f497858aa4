"""The sound of proxies lies on whole packets: what an edit names anew, and how far from its place anything is heard."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.time import Fps, samples_at
from cutlog.contract.timeline import Clip, Timeline, Track, Transition
from services.render.audio.blocks import FRAME, LEAD
from services.render.audio.score import Score, score
from services.render.audio.takes import Take
from tests.render.listening import bit, track
from tests.render.timelines import media, timeline

RATES = [Fps(24, 1), Fps(25, 1), Fps(24000, 1001), Fps(30000, 1001), Fps(60, 1)]


def scored(of: Timeline) -> Score:
    return score(of, 96_000, "encoder", "filters", snap=True)


def names(*films: Timeline) -> set[str]:
    return {chunk.digest for film in films for chunk in scored(film).chunks}


def cut(shots: list[tuple[int, int]], rate: Fps = RATES[0], **changes: object) -> Timeline:
    """Clips one after the other, each by its first frame in the source and its length."""
    starts = accumulate((length for _, length in shots), initial=0)
    clips = [bit(at, start, length, "v", **changes) for at, (start, length) in zip(starts, shots, strict=False)]
    return timeline(track(*clips), library=[media(fps=rate, frames=10_000)], fps=rate)


def heard(found: Score) -> Iterator[Take]:
    """What the film plays, counted in its samples, leads and all."""
    for chunk in found.chunks:
        at = (chunk.first - chunk.passage.lead) * FRAME
        for take in chunk.passage.takes:
            yield msgspec.structs.replace(take, start=take.start + at, end=take.end + at)


def long_film(seed: int) -> list[tuple[int, int]]:
    """240 clips of 10 to 20 s."""
    return [(137 * (number + seed) % 4000, 240 + (61 * number + 17 * seed) % 241) for number in range(240)]


@pytest.mark.parametrize("rate", [Fps(24, 1), Fps(30000, 1001)])
def test_a_trim_in_the_first_of_240_clips_encodes_at_most_4_chunks(rate: Fps) -> None:
    shots = long_film(1)
    before = names(cut(shots, rate))
    for by in (1, 17):
        (start, length), *others = shots
        for trimmed in ((start, length - by), (start + by, length - by), (start, length + by)):
            assert len(names(cut([trimmed, *others], rate)) - before) <= 4


shots_ = st.lists(st.tuples(st.integers(0, 3000), st.integers(16, 400)), min_size=2, max_size=30)


@given(shots_, st.data(), st.sampled_from(RATES))
def test_so_does_any_trim_cut_or_insertion_anywhere(
    shots: list[tuple[int, int]], data: st.DataObject, rate: Fps
) -> None:
    shots = [(start, max(length, round(rate.fraction) * 6 // 10 + 1)) for start, length in shots]
    number = data.draw(st.integers(0, len(shots) - 1))
    start, length = shots[number]
    by = data.draw(st.integers(1, 3))
    edited = {
        "trimmed": [*shots[:number], (start, length + by), *shots[number + 1 :]],
        "slipped": [*shots[:number], (start + by, length), *shots[number + 1 :]],
        "cut out": [*shots[:number], *shots[number + 1 :]],
        "repeated": [*shots[:number], shots[number], *shots[number:]],
    }
    before = names(cut(shots, rate))
    for name, edit in edited.items():
        new = names(cut(edit, rate)) - before
        # Around the two joints and at the end; a slip of a long clip moves no line of its grid.
        assert len(new) <= 4, name


def test_clips_that_cross_are_apart_by_either_of_two_distances_too() -> None:
    def crossing(first: int) -> Timeline:
        lengths = [first, *(200 + 7 * number for number in range(30))]
        starts = accumulate(lengths, initial=0)
        clips = [
            bit(at, 100 + 31 * number, length, "v")
            for number, (at, length) in enumerate(zip(starts, lengths, strict=False))
        ]
        across = tuple(
            Transition(id=f"t{number}", left=left.id, right=right.id, kind="dissolve", frames=20)
            for number, (left, right) in enumerate(pairwise(clips))
        )
        rate = Fps(24, 1)
        return timeline(track(*clips, transitions=across), library=[media(fps=rate, frames=10_000)], fps=rate)

    before = names(crossing(300))
    for first in (299, 290, 201):
        assert len(names(crossing(first)) - before) <= 4


def test_sounds_that_are_mixed_move_as_one() -> None:
    rate = Fps(30000, 1001)

    def film(first: int) -> Timeline:
        """A clip, and then two tracks that are moved by its length: voices over sounds that change at other places."""
        voices = [bit(first + 97 * number, 500 + 100 * number, 97, "v") for number in range(20)]
        around = [bit(first + 20 + 150 * number, 10 * number, 150, "w", gain_db=-12.0) for number in range(10)]
        library = [media(fps=rate, frames=10_000), media("w", fps=rate, frames=10_000)]
        lanes = track(bit(0, 0, first, "v"), *voices), track(*around, number=1)
        return timeline(*lanes, library=library, fps=rate)

    before = names(film(200))
    for first in (199, 198, 150):
        assert len(names(film(first)) - before) <= 4


@st.composite
def tracks(draw: st.DrawFn, number: int) -> Track:
    clips: list[Clip] = []
    transitions: list[Transition] = []
    at = draw(st.integers(0, 40))
    for index in range(draw(st.integers(0, 8))):
        frames = draw(st.integers(1, 120))
        start = draw(st.integers(10, 900))
        if draw(st.booleans()) and clips and not clips[-1].reversed:
            start = clips[-1].source.end  # type: ignore[union-attr]
        clip = bit(
            at,
            start,
            frames,
            "v",
            gain_db=draw(st.sampled_from([0.0, -6.0])),
            audio_fade_in=draw(st.sampled_from([0, 0, min(5, frames)])),
            audio_fade_out=draw(st.sampled_from([0, 0, min(5, frames)])),
            reversed=draw(st.integers(0, 5)) == 0,
        )
        clip = msgspec.structs.replace(clip, id=f"c{number}-{index}")
        touches = bool(clips) and clips[-1].at + clips[-1].frames == at
        if touches and min(frames, clips[-1].frames) > 20 and draw(st.booleans()):
            across = draw(st.integers(1, 10))
            transitions.append(
                Transition(id=f"t{number}-{index}", left=clips[-1].id, right=clip.id, kind="dissolve", frames=across)
            )
        clips.append(clip)
        at += frames + draw(st.sampled_from([0, 0, 1, 30]))
    return track(*clips, number=number, transitions=tuple(transitions))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=3), st.data(), st.sampled_from(RATES))
def test_all_that_is_heard_is_within_half_a_packet_of_its_place_and_cuts_within_one(
    lanes: list[int], data: st.DataObject, rate: Fps
) -> None:
    film = timeline(
        *(data.draw(tracks(number)) for number in range(len(lanes))),
        library=[media(fps=rate, frames=2000)],
        fps=rate,
    )
    found = scored(film)
    exact = [*heard(score(film, 96_000, "encoder", "filters"))]
    for take in heard(found):
        assert any(
            abs(take.offset - take.start - other.offset + other.start) <= FRAME // 2 + 1
            and other.start - FRAME - 2 <= take.start
            and min(take.end, found.samples) <= other.end + FRAME + 2
            for other in _pieced(exact)
        ), take
    samples = samples_at(film.duration, rate.fraction, SAMPLE_RATE)
    assert found.samples == samples
    assert (found.packets - 2) * FRAME < samples <= (found.packets - 1) * FRAME
    for left, right in pairwise(found.chunks):
        assert right.first == left.first + left.packets
        assert right.passage.lead == LEAD
        # Where two of them overlap, they hear the same.
        window = (right.first - right.passage.lead) * FRAME, (right.first + 1) * FRAME
        sides = (
            sorted(
                msgspec.json.encode(part)
                for take in side.passage.takes
                if (part := _moved(take, side.first - side.passage.lead).within(*window))
            )
            for side in (left, right)
        )
        assert next(sides) == next(sides)


def _moved(take: Take, packets: int) -> Take:
    """Counted from that many packets before; the level too."""
    by = packets * FRAME
    at = msgspec.structs.replace(take, start=take.start, end=take.end)
    moved = at.within(-by, 1 << 50)
    assert moved is not None
    return moved


def _pieced(takes: list[Take]) -> list[Take]:
    """Those that go on from each other, chunk by chunk, as one."""
    found: dict[tuple[int, str], Take] = {}
    for take in sorted(takes, key=lambda take: take.start):
        key = take.offset - take.start, str(take.source)
        last = found.get(key)
        found[key] = take if last is None else msgspec.structs.replace(last, end=max(last.end, take.end))
    return [*found.values()]


def test_no_error_accumulates_in_an_hour_of_cuts() -> None:
    rate = Fps(30000, 1001)
    shots = long_film(3)
    cuts = [*accumulate((length for _, length in shots), initial=0)]
    joints = {take.start: take for take in heard(scored(cut(shots, rate))) if take.start % FRAME == 0}
    places = sorted(joints)
    for at, (start, _) in zip(cuts, shots, strict=False):
        exact = Fraction(at * SAMPLE_RATE) / rate.fraction
        near = places[bisect_left(places, exact - FRAME) : bisect_right(places, exact + FRAME)]
        ahead = Fraction((start - at) * SAMPLE_RATE) / rate.fraction
        assert any(abs(joints[place].offset - place - ahead) <= Fraction(FRAME, 2) for place in near)


def test_at_a_cut_one_sound_ends_where_the_other_begins() -> None:
    for by in range(30):
        film = scored(cut([(500, 200 + by), (1000, 300), (40, 301), (999, 77)]))
        edges = [(take.start, take.end) for chunk in film.chunks for take in chunk.passage.takes]
        cuts = [chunk for chunk in film.chunks if len(chunk.passages) > 1]
        assert len(cuts) == 3
        for chunk in cuts:
            left, right = sorted(chunk.passage.takes, key=lambda take: take.start)
            assert left.end == right.start, edges
            assert right.start % FRAME == 0


def test_a_joint_is_one_object_wherever_it_lies() -> None:
    def joint(first: int) -> tuple[str, int]:
        (found,) = (
            chunk for chunk in scored(cut([(0, first), (500, 100), (1000, 100)])).chunks[-3:] if len(chunk.passages) > 1
        )
        return found.digest, found.played

    found = {joint(first) for first in range(200, 260)}
    assert len({digest for digest, _ in found}) == 1
    assert {played for _, played in found} == {0, 1}


def test_a_split_is_no_joint_even_if_the_halves_are_not_equally_loud() -> None:
    rate = Fps(30000, 1001)
    for at in range(60, 100):
        halves = bit(0, 7, at, "v"), bit(at, 7 + at, 200, "v", gain_db=-3.0)
        film = scored(timeline(track(*halves), library=[media(fps=rate)], fps=rate))
        assert len({take.offset - take.start for take in heard(film)}) == 1


def test_where_cuts_follow_each_other_fast_none_is_lost() -> None:
    film = scored(cut([(10 * number, 3) for number in range(100)]))
    assert len({take.offset - take.start for take in heard(film)}) == 100
