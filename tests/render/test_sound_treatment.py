"""Other speeds and effects: how long, how high, how loud, how bright; and what of it is made again."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from cutlog.contract.effects import EFFECTS, Number
from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.properties import Animated, Keyframe, Keyframes
from cutlog.contract.timeline import Clip, Effect, Pitch, Speed, Timeline
from services.render.audio.blocks import FRAME
from services.render.audio.filters import loudness, loudness_told
from services.render.audio.score import CHUNK, score
from services.render.audio.treatment import OVERLAP, SECTION, Treatment
from tests.render.listening import Booth, Stereo, band, bit, db, impulses, noise, pitch, places, sample, tone, track
from tests.render.studio import Studio
from tests.render.timelines import media, timeline
from tests.support.lanes import later

slow = pytest.mark.slow(reason="renders one more example of its kind")


@pytest.fixture
def booth(studio: Studio) -> Booth:
    return Booth(studio)


def effect(kind: str, name: str = "e", /, **params: Animated | str) -> Effect:
    """With the defaults of what is not given."""
    usual = {key: value.default for key, value in EFFECTS[kind].params.items() if isinstance(value, Number)}
    given = {"of": "sound"} if kind == "denoise" else {}
    return Effect(id=name, kind=kind, params={**usual, **given, **params})


def film(*clips: Clip, library: object = ()) -> Timeline:
    return timeline(track(*clips), library=library)  # type: ignore[arg-type]


def keys(*points: tuple[int, float]) -> Keyframes:
    return Keyframes(keyframes=tuple(Keyframe(frame=frame, value=value) for frame, value in points))


def at_speed(at: int, start: int, end: int, num: int, den: int, pitch: Pitch = "keep", **changes: object) -> Clip:
    """Source frames [start, end), as long as they last."""
    frames = -(-(end - start) * den // num)
    return bit(at, start, frames, end=end, speed=Speed(num=num, den=den, pitch=pitch), **changes)


SPEEDS = [
    (2, 1), (24, 25), *later("the same at speeds further off", (1, 2), (5, 4), (22, 7), (1, 10), (20, 1)),
]  # fmt: skip


@slow
@pytest.mark.parametrize(("num", "den"), SPEEDS)
async def test_the_pitch_is_kept_at_any_speed(booth: Booth, num: int, den: int) -> None:
    a = await booth.tape("a", tone(880, 52))
    clip = at_speed(3, 25, 25 + 60 * num // den if num > den else 125, num, den)
    found = await booth.listen(film(clip, library=[a]))
    assert len(found) == sample(3 + clip.frames)
    inside = found[sample(5) : sample(1 + clip.frames)][: 6 * SAMPLE_RATE]
    assert pitch(inside[:, 0]) == pytest.approx(880, rel=0.01)
    # A tone that races loses some of its level between windows.
    assert db(inside) == pytest.approx(db(tone(880, 1)), abs=1 if num < 8 * den else 5)


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize(("num", "den"), SPEEDS)
async def test_the_pitch_varies_as_that_of_a_tape(booth: Booth, num: int, den: int) -> None:
    high = 880 if num < 8 * den else 300
    a = await booth.tape("a", tone(high, 52))
    clip = at_speed(3, 25, 25 + 60 * num // den if num > den else 125, num, den, "vary")
    found = await booth.listen(film(clip, library=[a]))
    inside = found[sample(5) : sample(1 + clip.frames)][: 6 * SAMPLE_RATE]
    assert pitch(inside[:, 0]) == pytest.approx(high * num / den, rel=0.001, abs=0.1)
    assert db(inside) == pytest.approx(db(tone(high, 1)), abs=0.1)


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize(("num", "den"), SPEEDS)
@pytest.mark.parametrize("backwards", [False, True])
async def test_every_moment_is_heard_with_its_frame(booth: Booth, num: int, den: int, backwards: bool) -> None:
    start, end = 25, 25 + 100 * num // den if num > den else 225
    clicks = [sample(start + (end - start) * part // 10) for part in (2, 5, 8)]
    a = await booth.tape("a", impulses(end / 25 + 1, *clicks))
    for kind, tolerance in (("vary", 1.0), ("keep", sample(1))):
        clip = at_speed(3, start, end, num, den, kind, reversed=backwards)  # type: ignore[arg-type]
        found = await booth.listen(film(clip, library=[a]))
        power = np.square(found[:, 0])
        gone = (
            [sample(end) - 1 - click for click in reversed(clicks)]
            if backwards
            else [c - sample(start) for c in clicks]
        )
        for click in gone:
            place = sample(3) + click * den / num
            first = max(0, round(place) - 3 * sample(1))
            near = power[first : round(place) + 3 * sample(1)]
            peak = first + float((np.arange(len(near)) * near).sum() / near.sum())
            # What was one sample wide is den / num wide.
            assert abs(peak - place) <= tolerance * max(1, den / num), (kind, num, den)


@slow
async def test_the_parts_of_a_split_at_another_speed_sound_as_the_whole_did(booth: Booth) -> None:
    a = await booth.tape("a", noise(6))
    for kind in ("keep", "vary"):
        whole = at_speed(2, 10, 130, 3, 2, kind)
        at = 33
        first, phase = divmod(at * 3, 2)
        left = bit(2, 10, at, end=10 + first + 1, speed=whole.speed)
        right = bit(2 + at, 10 + first, 80 - at, end=130, speed=Speed(num=3, den=2, pitch=kind, phase=phase))
        one, two = film(whole, library=[a]), film(left, right, library=[a])
        assert names(one) == names(two)
        assert np.array_equal(await booth.listen(one), await booth.listen(two))


def names(of: Timeline) -> list[str]:
    return [chunk.digest for chunk in score(of, 96_000, "encoder", "filters").chunks]


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize(
    ("given", "bands"),
    [
        (effect("highpass", frequency=1000.0), {(50, 200): -30, (300, 500): -15, (4000, 8000): 0}),
        (effect("lowpass", frequency=1000.0), {(50, 200): 0, (3000, 5000): -22, (10000, 20000): -44}),
        (effect("eq", frequency=1000.0, gain=12.0, width=0.5), {(50, 200): 0, (980, 1020): 12, (8000, 9000): 0}),
        (effect("eq", frequency=3000.0, gain=-20.0, width=1.0), {(50, 200): 0, (2960, 3040): -20}),
    ],
    ids=lambda value: value.kind if isinstance(value, Effect) else "",
)
async def test_filters_shape_the_spectrum(booth: Booth, given: Effect, bands: dict[tuple[int, int], float]) -> None:
    a = await booth.tape("a", noise(6))
    dry = await booth.listen(film(bit(0, 10, 100), library=[a]))
    wet = await booth.listen(film(bit(0, 10, 100, effects=(given,)), library=[a]))
    for (low, high), change in bands.items():
        found = band(wet, low, high) - band(dry, low, high)
        assert found < change + 5 if change < -25 else found == pytest.approx(change, abs=2.5), (low, high)


@slow
async def test_effects_do_not_move_the_sound(booth: Booth) -> None:
    clicks = [sample(20), sample(30) + 77]
    a = await booth.tape("a", impulses(4, *clicks))
    for kind in ("highpass", "lowpass", "eq", "compressor", "denoise", "normalize"):
        found = await booth.listen(film(bit(0, 10, 60, effects=(effect(kind),)), library=[a]))
        far = [place - click + sample(10) for place, click in zip(places(found, 0.1), clicks, strict=True)]
        assert [abs(by) <= 2 for by in far] == [True, True], kind


async def test_a_compressor_makes_loud_softer_by_its_ratio(booth: Booth) -> None:
    loud = np.concatenate([tone(1000, 3, 0.05), tone(1000, 3, 0.8)])
    a = await booth.tape("a", loud)
    given = effect("compressor", threshold=-20.0, ratio=4.0, makeup=3.0)
    found = await booth.listen(film(bit(0, 0, 150, effects=(given,)), library=[a]))
    soft, hard = (db(found[sample(at) : sample(at + 25)]) for at in (40, 120))
    assert soft - db(tone(1000, 1, 0.05)) == pytest.approx(3, abs=0.3)
    # It listens to something between the mean and the peak.
    mean, peak = db(tone(1000, 1, 0.8)), 20 * np.log10(0.8)
    assert 3 - (peak + 20) * 3 / 4 < hard - mean < 3 - (mean + 20) * 3 / 4


@slow
async def test_denoising_takes_noise_and_leaves_the_voice(booth: Booth) -> None:
    hiss = noise(8, 0.01)
    voice = tone(1000, 8, 0.4) * (np.arange(8 * SAMPLE_RATE) > 4 * SAMPLE_RATE)[:, None]
    a = await booth.tape("a", hiss + voice)
    levels = []
    for strength in (0.0, 0.5, 1.0):
        found = await booth.listen(film(bit(0, 0, 200, effects=(effect("denoise", strength=strength),)), library=[a]))
        levels.append((db(found[sample(50) : sample(90)]), band(found[sample(125) :], 900, 1100)))
    dry = await booth.listen(film(bit(0, 0, 200), library=[a]))
    hissing, speaking = db(dry[sample(50) : sample(90)]), band(dry[sample(125) :], 900, 1100)
    assert levels[0][0] == pytest.approx(hissing, abs=1)
    assert levels[1][0] < hissing - 8
    assert levels[2][0] < levels[1][0] - 3
    assert [level[1] for level in levels] == [pytest.approx(speaking, abs=1)] * 3


def measure(studio: Studio, folder: Path, sound: Stereo) -> tuple[float, float]:
    """Integrated loudness and true peak, as ffmpeg's ebur128 says."""
    path = folder / "sound.raw"
    sound.astype("<f4").tofile(path)
    command = [
        str(studio.ffmpeg.binary.path), "-nostdin", "-hide_banner", "-f", "f32le", "-ar", "48000", "-ac", "2",
        "-i", str(path), "-af", ",".join(loudness(len(sound))), "-f", "null", "-",
    ]  # fmt: skip
    told = loudness_told(subprocess.run(command, capture_output=True, text=True, check=True).stderr)
    assert told is not None
    return told.lufs, told.peak


def speech(seconds: float, level: float) -> Stereo:
    """Bursts of noise and rests, some much louder."""
    made = noise(seconds, level)
    time = np.arange(len(made)) / SAMPLE_RATE
    return (made * (0.3 + np.abs(np.sin(time * 2.1)))[:, None]).astype(np.float32)


@slow
@pytest.mark.parametrize("lufs", [-30.0, -23.0, -14.0])
@pytest.mark.parametrize("level", [0.003, 0.2])
async def test_a_normalised_clip_has_its_loudness_and_no_peak_above(
    booth: Booth, studio: Studio, tmp_path: Path, lufs: float, level: float
) -> None:
    a = await booth.tape("a", np.concatenate([tone(200, 3, 0.9), speech(12, level)]))
    given = effect("normalize", lufs=lufs, truePeak=-2.0)
    found = await booth.listen(film(bit(0, 75, 300, effects=(given,)), library=[a]))
    loud, peak = measure(studio, tmp_path, found)
    assert loud == pytest.approx(lufs, abs=0.5)
    assert peak <= -1.9
    assert len(booth.measured()) == 1


@slow
async def test_what_is_too_short_to_be_measured_is_repeated_and_silence_stays(
    booth: Booth, studio: Studio, tmp_path: Path
) -> None:
    a = await booth.tape("a", np.concatenate([tone(1000, 1, 0.1), np.zeros((SAMPLE_RATE, 2), np.float32)]))
    given = (effect("normalize", lufs=-20.0),)
    found = await booth.listen(film(bit(0, 5, 5, effects=given), library=[a]))
    assert measure(studio, tmp_path, np.tile(found, (20, 1)))[0] == pytest.approx(-20, abs=0.5)
    assert db(await booth.listen(film(bit(0, 30, 20, effects=given), library=[a]))) < -200


@slow
async def test_effects_work_one_after_the_other(booth: Booth, studio: Studio, tmp_path: Path) -> None:
    a = await booth.tape("a", speech(8, 0.1))
    dull, loud = effect("lowpass", frequency=300.0), effect("normalize", "n", lufs=-20.0)
    first = await booth.listen(film(bit(0, 0, 200, effects=(dull, loud)), library=[a]))
    last = await booth.listen(film(bit(0, 0, 200, effects=(loud, dull)), library=[a]))
    assert measure(studio, tmp_path, first)[0] == pytest.approx(-20, abs=0.5)
    assert measure(studio, tmp_path, last)[0] < -24


@slow
@pytest.mark.parametrize(
    ("kind", "moves"),
    [
        ("lowpass", {"frequency": keys((0, 100.0), (100, 20000.0))}),
        ("eq", {"frequency": 5000.0, "width": 4.0, "gain": keys((0, -30.0), (100, 20.0))}),
        ("compressor", {"makeup": keys((0, 0.0), (100, 20.0)), "threshold": 0.0}),
        ("normalize", {"lufs": keys((0, -50.0), (100, -25.0))}),
    ],
)
async def test_parameters_move_with_their_keyframes(booth: Booth, kind: str, moves: dict[str, Animated]) -> None:
    a = await booth.tape("a", noise(6, 0.02))
    given = effect(kind, **moves)
    found = await booth.listen(film(bit(0, 10, 110, effects=(given,)), library=[a]))
    levels = [band(found[sample(at) : sample(at + 10)], 3000, 7000) for at in range(0, 100, 10)]
    assert all(later > earlier - 0.7 for earlier, later in pairwise(levels))
    assert levels[-1] > levels[0] + 10
    # No step is heard: what one block of 5 ms is louder than the one before is next to nothing.
    steady = await booth.listen(film(bit(0, 10, 110, effects=(effect(kind),)), library=[a]))
    assert clicks(found) <= clicks(steady) + 6


def clicks(sound: Stereo) -> float:
    """How much the sharpest bend stands out, in dB."""
    bends = np.abs(np.diff(sound[sample(50) :, 0], 2))
    return float(20 * np.log10(bends.max() / np.sqrt(np.mean(np.square(bends)))))


@slow
async def test_moving_parameters_are_those_of_the_whole_after_a_split(booth: Booth) -> None:
    a = await booth.tape("a", noise(6, 0.02))
    moves = keys((0, 100.0), (100, 8000.0))
    whole = bit(7, 10, 110, effects=(effect("lowpass", frequency=moves),))
    later = msgspec.structs.replace(moves, start=40)
    left = msgspec.structs.replace(whole, frames=40, source=bit(0, 10, 40).source)
    right = bit(47, 50, 70, effects=(effect("lowpass", "f", frequency=later),))
    one, two = film(whole, library=[a]), film(left, right, library=[a])
    assert names(one) == names(two)
    assert np.array_equal(await booth.listen(one), await booth.listen(two))


@slow
async def test_sections_of_a_long_sound_join_unheard(booth: Booth) -> None:
    seconds = 2.2 * SECTION / SAMPLE_RATE
    a = await booth.tape("a", tone(440, seconds + 1) + noise(seconds + 1, 0.02))
    frames = int(seconds * 25)
    given = (effect("eq", frequency=30.0, gain=6.0), effect("compressor", release=1000.0))
    found = await booth.listen(film(bit(0, 0, frames, effects=given), library=[a]))
    assert len(booth.treated()) == 3
    # A section that begins elsewhere hears the same places from far inside.
    joints = [SECTION - OVERLAP, 2 * SECTION - OVERLAP]
    for joint in joints:
        around = found[joint - 2000 : joint + OVERLAP + 2000]
        far = found[joint + 100_000 : joint + 104_000 + OVERLAP]
        assert db(around) == pytest.approx(db(far), abs=0.3)
        assert np.abs(np.diff(around[:, 0], 2)).max() < 1.5 * np.abs(np.diff(far[:, 0], 2)).max()


@slow
async def test_a_trim_a_slip_and_a_move_treat_nothing_again(booth: Booth) -> None:
    a = await booth.tape("a", noise(10))
    given = (effect("highpass"),)
    await booth.listen(film(bit(0, 10, 150, effects=given), library=[a]))
    made = booth.treated()
    assert len(made) == 1
    for clip in (
        bit(0, 17, 143, effects=given),
        bit(40, 10, 150, effects=given),
        bit(0, 60, 150, effects=given),
        bit(0, 10, 150, effects=(effect("highpass", "other"),), gain_db=-3.0, audio_fade_in=10),
    ):
        await booth.listen(film(clip, library=[a]))
    assert booth.treated() == made
    await booth.listen(film(bit(0, 10, 150, effects=(effect("highpass", frequency=100.0),)), library=[a]))
    assert len(booth.treated()) == 2


@slow
async def test_a_torn_section_is_made_anew(booth: Booth, studio: Studio) -> None:
    a = await booth.tape("a", noise(3))
    whole = film(bit(0, 0, 50, effects=(effect("highpass"), effect("normalize", "n"))), library=[a])
    first = await booth.listen(whole)
    for path in (studio.blobs.root / "segments").rglob("*.*"):
        path.write_bytes(path.read_bytes()[:-7])
    assert np.array_equal(await booth.listen(whole), first)


def test_a_chunk_names_only_the_treatment_that_it_holds() -> None:
    ref = media(frames=5000)
    plain = timeline(track(bit(0, 0, 2000, "v"), bit(2000, 2000, 40, "v"), bit(2040, 2040, 2960, "v")), library=[ref])
    given = (effect("highpass"),)
    wet = timeline(
        track(bit(0, 0, 2000, "v"), bit(2000, 2000, 40, "v", effects=given), bit(2040, 2040, 2960, "v")), library=[ref]
    )
    changed = [index for index, pair in enumerate(zip(names(plain), names(wet), strict=True)) if pair[0] != pair[1]]
    assert changed == [2000 * 1920 // FRAME // CHUNK]
    # Late keyframes are of no account to early chunks.
    early, late = (
        timeline(
            track(bit(0, 0, 5000, "v", effects=(effect("highpass", frequency=keys((4000, 80.0), (4500, value))),))),
            library=[ref],
        )
        for value in (100.0, 200.0)
    )
    pairs = list(zip(names(early), names(late), strict=True))
    assert [one == two for one, two in pairs][:13] == [True] * 13
    assert pairs[-1][0] != pairs[-1][1]


def test_a_treatment_says_what_it_hears_exactly() -> None:
    treated = Treatment(key="k", sha256="s", num=22, den=7, keep_pitch=False, reversed=False, steps=())
    for section in (0, 1, 5):
        run = treated.run(section, {})
        # Its first sample and that of the source lie on one moment, exactly.
        start = section * SECTION - OVERLAP - run.skip
        assert run.first * 7 == start * 22
        assert run.count * 7 >= (run.skip + run.keep) * 22
