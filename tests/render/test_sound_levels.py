"""How loud, on which side, from when to when: to the sample."""

from __future__ import annotations

import math
from fractions import Fraction

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.properties import Easing, Keyframe, Keyframes, later, value_at
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Timeline, Transition
from services.render.audio.levels import Fade, Level, curve, level_at, within
from services.render.audio.score import score
from services.render.produce.mix import shape, values
from tests.render.listening import Booth, band, bit, db, impulses, noise, places, sample, tone, track
from tests.render.studio import Studio
from tests.render.timelines import lane, media, solid, timeline

slow = pytest.mark.slow(reason="renders one more example of its kind")

EASINGS: list[Easing] = ["hold", "linear", "ease-in", "ease-out", "ease-in-out"]
RATES = [Fps(25, 1), Fps(24000, 1001), Fps(30000, 1001), Fps(60, 1)]


@pytest.fixture
def booth(studio: Studio) -> Booth:
    return Booth(studio)


def keys(*points: tuple[int, float], easing: Easing = "linear") -> Keyframes:
    return Keyframes(keyframes=tuple(Keyframe(frame=frame, value=value, easing=easing) for frame, value in points))


animations = st.builds(
    lambda points, start, num, den: Keyframes(
        keyframes=tuple(
            Keyframe(frame=frame, value=value, easing=easing) for frame, (value, easing) in sorted(points.items())
        ),
        start=start,
        num=num,
        den=den,
    ),
    st.dictionaries(
        st.integers(0, 200), st.tuples(st.floats(-60, 12), st.sampled_from(EASINGS)), min_size=1, max_size=6
    ),
    st.integers(-50, 50),
    st.integers(1, 4),
    st.integers(1, 4),
)


@given(animations, st.integers(0, 500), st.integers(0, 300))
def test_a_curve_has_the_values_of_its_keyframes_on_every_frame(animated: Keyframes, at: int, frame: int) -> None:
    # Frames that are whole samples, so that no rounding stands between.
    rate = Fraction(25)
    found = level_at(curve(animated, Fraction(at), rate), sample(at + frame))
    moment = animated.start + frame * animated.num
    exact = all(
        (key.frame * animated.den - animated.start) * sample(1) % animated.num == 0 for key in animated.keyframes
    )
    if exact:
        assert math.isclose(found, value_at(animated, frame), abs_tol=1e-9), moment
    else:
        # A knot within half a sample of its keyframe.
        steep = max(abs(key.value) for key in animated.keyframes) * 2 + 1
        jumps = any(key.easing == "hold" for key in animated.keyframes)
        assert jumps or abs(found - value_at(animated, frame)) <= steep * 4 / sample(1)


@given(animations, st.integers(0, 400_000), st.integers(1, 60_000), st.integers(-5000, 5000))
def test_a_part_of_a_curve_is_the_curve_there_and_knows_nothing_else(
    animated: Keyframes, start: int, count: int, origin: int
) -> None:
    whole = curve(animated, Fraction(0), Fraction(25))
    part = within(whole, start, start + count, origin)
    at = np.unique(np.linspace(start, start + count - 1, 50).astype(np.int64))
    assert np.allclose(values(part, at - origin), values(whole, at), atol=1e-9)
    alone = [level_at(part, int(place) - origin) for place in at]
    assert alone == pytest.approx(np.broadcast_to(values(part, at - origin), at.shape))
    if isinstance(part, tuple):
        assert sum(knot.sample + origin <= start for knot in part) <= 1
        assert sum(knot.sample + origin >= start + count for knot in part) <= 1


@given(st.integers(0, 300), st.integers(1, 3000), st.booleans(), st.integers(-100, 3000), st.integers(1, 800))
def test_a_part_of_a_fade_is_the_fade_there(start: int, length: int, rising: bool, first: int, count: int) -> None:
    level = Level(fades=(Fade(start, start + length, rising),))
    whole = np.ones((4000, 2), np.float32)
    shape(whole, level, -100)
    wanted = whole[first + 100 : first + 100 + count]
    part = level.within(first, first + count, first)
    if part is None:
        assert np.all(np.abs(wanted) < 1e-6)
    else:
        found = np.ones((count, 2), np.float32)
        shape(found, part, 0)
        assert np.array_equal(found, wanted)


async def test_gain_is_exact_in_decibels(booth: Booth) -> None:
    a = await booth.tape("a", tone(1000, 2))
    for gain, on_track in ((-6.0, 0.0), (3.5, -10.0), (0.0, 4.0)):
        film = timeline(track(bit(0, 0, 50, gain_db=gain), gain_db=on_track), library=[a])
        assert db(await booth.listen(film)) - db(tone(1000, 2)) == pytest.approx(gain + on_track, abs=0.01)


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize("easing", EASINGS)
@pytest.mark.parametrize("rate", RATES, ids=str)
async def test_gain_moves_from_sample_to_sample_without_steps(booth: Booth, easing: Easing, rate: Fps) -> None:
    steady = np.full((SAMPLE_RATE * 2, 2), 0.5, np.float32)
    a = await booth.tape("a", steady, rate)
    ramp = keys((10, -30.0), (35, -3.0), easing=easing)
    film = timeline(track(bit(5, 2, 40, gain_db=ramp)), library=[a], fps=rate)
    found = await booth.listen(film)
    level = 20 * np.log10(np.abs(found[sample(5, rate) :, 0]) / (round(0.5 * 32767) / 32768))
    for frame in range(40):
        here = sample(5 + frame, rate) - sample(5, rate)
        assert level[here] == pytest.approx(value_at(ramp, frame), abs=0.02)
    steps = np.abs(np.diff(level))
    if easing == "hold":
        assert np.count_nonzero(steps > 0.001) == 1
        assert int(np.argmax(steps)) + 1 == pytest.approx(sample(40, rate) - sample(5, rate), abs=1)
    else:
        # Twice the mean slope is the steepest of any easing.
        assert steps.max() < 27 / (25 * SAMPLE_RATE / float(rate.fraction)) * 2.1 + 1e-4


async def test_pan_is_a_balance_that_makes_nothing_louder(booth: Booth) -> None:
    a = await booth.tape("a", tone(1000, 1))
    full = tone(1000, 1)[:, 0]
    for pan, left, right in ((0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (-1.0, 1.0, 0.0), (0.5, math.sqrt(0.5), 1.0)):
        found = await booth.listen(timeline(track(bit(0, 0, 25, pan=pan)), library=[a]))
        energy = np.square(found).sum(axis=0) / np.square(full).sum()
        assert energy == pytest.approx([left**2, right**2], abs=1e-3)


@slow
async def test_pan_wanders_with_its_keyframes(booth: Booth) -> None:
    a = await booth.tape("a", np.full((SAMPLE_RATE, 2), 0.5, np.float32))
    found = await booth.listen(timeline(track(bit(0, 0, 25, pan=keys((0, -1.0), (20, 1.0)))), library=[a]))
    middle, ends = found[sample(10)], (found[0], found[sample(20)])
    assert middle == pytest.approx([0.5, 0.5], abs=1e-3)
    assert ends[0] == pytest.approx([0.5, 0], abs=1e-4)
    assert ends[1] == pytest.approx([0, 0.5], abs=1e-4)
    assert np.all(np.diff(found[:, 1]) >= -1e-6)


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize("rate", RATES, ids=str)
async def test_fades_begin_and_end_at_their_very_samples(booth: Booth, rate: Fps) -> None:
    a = await booth.tape("a", np.full((SAMPLE_RATE * 2, 2), 0.5, np.float32), rate)
    film = timeline(track(bit(3, 1, 40, audio_fade_in=5, audio_fade_out=7)), library=[a], fps=rate)
    found = (await booth.listen(film))[:, 0] / (round(0.5 * 32767) / 32768)
    start, up, down, end = (sample(frame, rate) for frame in (3, 8, 36, 43))
    assert np.all(found[: start + 1] == 0)
    assert 0 < found[start + 1] < found[up - 100] < 1
    assert np.all(found[up : down + 1] == 1)
    assert found[down + 100] < 1
    assert np.all(found[end:] == 0)
    assert found[end - 1] < 0.01
    t = (np.arange(start, up) - start) / (up - start)
    assert np.allclose(found[start:up], np.sin(t * np.pi / 2), atol=1e-5)


@slow
async def test_the_parts_of_a_split_sound_as_the_whole_did(booth: Booth) -> None:
    a = await booth.tape("a", noise(4))
    gain = keys((10, -20.0), (60, 0.0), easing="ease-in-out")
    whole = bit(4, 3, 80, audio_fade_in=30, audio_fade_out=40, gain_db=gain, pan=keys((0, -1.0), (79, 1.0)))
    at = 27
    left = msgspec.structs.replace(whole, frames=at, source=bit(4, 3, at).source, tail_cut=80 - at)
    right = msgspec.structs.replace(
        whole,
        at=4 + at,
        frames=80 - at,
        source=bit(0, 3 + at, 80 - at).source,
        gain_db=later(gain, at),
        pan=later(whole.pan, at),
        head_cut=at,
    )
    one, two = (timeline(track(*clips), library=[a]) for clips in ((whole,), (left, right)))
    assert _names(one) == _names(two)
    assert np.array_equal(await booth.listen(one), await booth.listen(two))


def _names(of: Timeline) -> list[str]:
    return [chunk.digest for chunk in score(of, 96_000, "encoder", "filters").chunks]


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize("frames", [7, 20])
async def test_a_transition_keeps_the_power_of_the_sound(booth: Booth, frames: int) -> None:
    a, b = await booth.tape("a", noise(4, seed=1)), await booth.tape("b", noise(4, seed=2))
    cut = 40
    across = Transition(id="t", left="a-0", right="b-40", kind="dissolve", frames=frames)
    film = timeline(track(bit(0, 10, cut), bit(cut, 20, 40, "b"), transitions=(across,)), library=[a, b])
    found = await booth.listen(film)
    begins, ends = sample(cut - frames // 2), sample(cut + frames - frames // 2)
    # The two sounds alone, as far as they reach, tell the law.
    old = noise(4, seed=1)[sample(10) :][:ends]
    new = np.zeros_like(old)
    new[begins:] = noise(4, seed=2)[sample(20) - (sample(cut) - begins) :][: ends - begins]
    t = (np.arange(begins, ends) - begins) / (ends - begins)
    mixed = old[begins:] * np.cos(t * np.pi / 2)[:, None] + new[begins:] * np.sin(t * np.pi / 2)[:, None]
    assert np.allclose(found[:begins], old[:begins], atol=1e-4)
    assert np.allclose(found[begins:ends], mixed, atol=1e-4)
    around = [db(found[start : start + sample(4)]) for start in range(begins - sample(8), ends + sample(4), sample(2))]
    assert max(around) - min(around) < 0.6


@slow
async def test_a_transition_to_a_clip_without_sound_fades_the_other(booth: Booth) -> None:
    a = await booth.tape("a", np.full((SAMPLE_RATE * 2, 2), 0.5, np.float32))
    across = Transition(id="t", left="a-0", right="color-20", kind="fade-black", frames=8)
    film = timeline(lane(bit(0, 0, 20), solid(20, 20), transitions=(across,)), library=[a])
    found = await booth.listen(film)
    assert found[sample(16)][0] == pytest.approx(0.5, abs=1e-3)
    assert found[sample(20)][0] == pytest.approx(0.5 * math.sqrt(0.5), abs=1e-3)
    assert np.all(found[sample(24) :] == 0)


async def test_a_reversed_clip_plays_its_samples_backwards(booth: Booth) -> None:
    clicks = (sample(12) + 17, sample(20) + 400)
    a = await booth.tape("a", impulses(2, *clicks))
    film = timeline(track(bit(5, 10, 25, reversed=True)), library=[a])
    found = await booth.listen(film)
    # The clip shows [10, 35): the last sample of them comes first.
    assert places(found) == [sample(5) + sample(35) - 1 - click for click in reversed(clicks)]


async def test_muted_silent_disabled_and_frozen_are_not_heard_and_hidden_is(booth: Booth) -> None:
    a = await booth.tape("a", tone(1000, 2))
    heard = {
        "muted": timeline(track(bit(0, 0, 25), muted=True), library=[a]),
        "silent": timeline(track(bit(0, 0, 25, silent=True)), library=[a]),
        "disabled": timeline(track(bit(0, 0, 25, enabled=False)), library=[a]),
        "hidden": timeline(lane(bit(0, 0, 25), hidden=True), library=[a]),
    }
    levels = {name: db(await booth.listen(film)) for name, film in heard.items()}
    assert levels.pop("hidden") == pytest.approx(db(tone(1000, 1)), abs=0.01)
    assert max(levels.values()) < -200


async def test_tracks_add_up(booth: Booth) -> None:
    a, b = await booth.tape("a", tone(1000, 2, 0.2)), await booth.tape("b", tone(3000, 2, 0.2))
    film = timeline(
        track(bit(0, 0, 50)), track(bit(0, 0, 50, "b", gain_db=-6.0), number=1, gain_db=-4.0), library=[a, b]
    )
    found = await booth.listen(film)
    assert band(found, 2900, 3100) - band(found, 900, 1100) == pytest.approx(-10, abs=0.05)


def test_a_change_of_level_names_anew_only_the_chunks_in_which_it_is_heard() -> None:
    ref = media(frames=5000)
    steady = timeline(track(bit(0, 0, 5000, "v")), library=[ref])
    for changes in (
        {"audio_fade_in": 30},
        {"gain_db": keys((0, -3.0), (30, 0.0))},
        {"gain_db": keys((0, -3.0), (30, 0.0), easing="ease-out")},
        {"pan": keys((0, 1.0), (20, 0.0))},
    ):
        changed = timeline(track(bit(0, 0, 5000, "v", **changes)), library=[ref])
        pairs = list(zip(_names(steady), _names(changed), strict=True))
        assert [one == two for one, two in pairs] == [False] + [True] * (len(pairs) - 1)
    faded = timeline(track(bit(0, 0, 5000, "v", audio_fade_out=30)), library=[ref])
    pairs = list(zip(_names(steady), _names(faded), strict=True))
    assert [one == two for one, two in pairs] == [True] * (len(pairs) - 1) + [False]
