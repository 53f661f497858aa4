"""The sound of whole films: what an edit encodes, and that nothing of the chunks is heard."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest

from cutlog.contract.effects import EFFECTS, Number
from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Clip, Effect, MediaRef, Speed, Timeline, Transition
from services.render.audio.blocks import FRAME, LEAD
from services.render.audio.score import CHUNK, Chunk, score
from services.render.cache.packets import seal
from services.render.produce.aac import ENCODER
from services.render.produce.playlist import Previews, reel
from tests.render.listening import Booth, Stereo, bit, db, decoded, noise, sample, tone, track
from tests.render.studio import Studio
from tests.render.timelines import lane, solid, timeline
from tests.support.painting import TONES, Painter, read_tones, samples

slow = pytest.mark.slow(reason="renders one more example of its kind")

RATE = Fps(5, 1)
SMALL = (64, 64)


@pytest.fixture
def booth(studio: Studio) -> Booth:
    return Booth(studio)


def effect(kind: str) -> Effect:
    params = {name: value.default for name, value in EFFECTS[kind].params.items() if isinstance(value, Number)}
    return Effect(id=kind, kind=kind, params={**params})


def film(library: list[MediaRef], *clips: Clip, transitions: tuple[Transition, ...] = ()) -> Timeline:
    """With a picture that costs little."""
    length = max(clip.at + clip.frames for clip in clips)
    picture = lane(solid(0, length), number=1)
    return timeline(track(*clips, transitions=transitions), picture, library=library, fps=RATE, size=SMALL)


async def encodes(studio: Studio, of: Timeline) -> list[Chunk]:
    """The chunks of sound that a proxy makes because they were not there."""
    before = set(studio.segments())
    await studio.proxy(of)
    made = set(studio.segments()) - before
    found = score(of, 96_000, ENCODER, studio.ffmpeg.identity, snap=True)
    return [chunk for chunk in found.chunks if chunk.digest in made]


@slow
async def test_an_edit_encodes_the_chunks_in_which_it_is_heard(booth: Booth, studio: Studio) -> None:
    a = await booth.tape("a", noise(60), RATE)
    first, second, third = bit(0, 0, 80), bit(80, 100, 80), bit(160, 200, 80)
    whole = film([a], first, second, third)
    assert sum(chunk.packets for chunk in await encodes(studio, whole)) == 48 * SAMPLE_RATE // FRAME + 1
    replace = msgspec.structs.replace
    halves = (replace(second, frames=30, source=bit(0, 100, 30).source), bit(110, 130, 50))
    unheard = {
        "again": whole,
        "split": film([a], first, *halves, third),
        "looks": timeline(
            track(first, second, third), lane(solid(0, 240, "#00ff00"), number=1), library=[a], fps=RATE, size=SMALL
        ),
    }
    for name, edited in unheard.items():
        assert await encodes(studio, edited) == [], name
    # What is heard of each, in frames of the film; chunks go on to the next line of the grid, and their leads.
    heard = {
        "gain": (replace(second, gain_db=-3.0), 80, 160),
        "fade in": (replace(second, audio_fade_in=5), 80, 85),
        "fade out": (replace(second, audio_fade_out=5), 155, 160),
        "an effect": (replace(second, effects=(effect("highpass"),)), 80, 160),
        "backwards": (replace(second, reversed=True), 80, 160),
    }
    for name, (edited_clip, start, end) in heard.items():
        chunks = await encodes(studio, film([a], first, edited_clip, third))
        edges = sample(start, RATE) // FRAME, sample(end, RATE) // FRAME
        assert edges[0] - 2 * CHUNK <= chunks[0].first <= edges[0] + 1, name
        assert edges[1] <= chunks[-1].first + chunks[-1].packets <= edges[1] + 2 * CHUNK + LEAD, name
        assert all(left.first + left.packets == right.first for left, right in pairwise(chunks)), name
        assert await encodes(studio, film([a], first, edited_clip, third)) == [], name
    across = Transition(id="t", left=first.id, right=second.id, kind="dissolve", frames=6)
    assert len(await encodes(studio, film([a], first, second, third, transitions=(across,)))) <= 3


@slow
async def test_a_ripple_trim_encodes_sound_around_cuts_and_no_more(booth: Booth, studio: Studio) -> None:
    a = await booth.tape("a", noise(60), RATE)
    clips = [(0, 60), (100, 70), (200, 50), (30, 60)]

    def joined(first: int) -> Timeline:
        lengths = [first, *(length for _, length in clips[1:])]
        starts = accumulate(lengths, initial=0)
        return film(
            [a], *(bit(at, begin, length) for at, (begin, _), length in zip(starts, clips, lengths, strict=False))
        )

    await encodes(studio, joined(60))
    made = await encodes(studio, joined(57))
    assert sum(chunk.packets for chunk in made) < 4 * 1.5 * CHUNK
    assert all(chunk.passage.takes for chunk in made)
    path = studio.path(await studio.proxy(joined(57)))
    with av.open(str(path), "r") as container:
        assert container.streams.audio[0].frames == sample(57 + 70 + 50 + 60, RATE) // FRAME + 2


@slow
@pytest.mark.parametrize("kind", ["export", "proxy"])
async def test_the_film_sounds_as_one_mix_encoded_at_once(booth: Booth, studio: Studio, kind: str) -> None:
    a = await booth.tape("a", tone(330, 60, 0.2) + noise(60, 0.02, seed=1), RATE)
    b = await booth.tape("b", tone(550, 60, 0.2) + noise(60, 0.02, seed=2), RATE)
    clips = (
        bit(0, 10, 70, audio_fade_in=5, effects=(effect("compressor"),)),
        bit(70, 40, 60, "b", effects=(effect("normalize"),)),
        bit(130, 60, 50, end=160, speed=Speed(num=2, den=1)),
        bit(180, 0, 30, "b", reversed=True, pan=0.5, audio_fade_out=10),
    )
    across = tuple(
        Transition(id=f"t{number}", left=left.id, right=right.id, kind="dissolve", frames=6)
        for number, (left, right) in enumerate(pairwise(clips[:3]))
    )
    whole = film([a, b], *clips, transitions=across)
    proxy = kind == "proxy"
    bitrate = 96_000 if proxy else 192_000
    mixed = await booth.listen(whole, snap=proxy)
    output = await (studio.proxy if proxy else studio.export)(whole)
    found = decoded(studio.path(output))[: len(mixed)]
    once = decoded(encoded_at_once(mixed, studio.blobs.root / "once.mp4", bitrate))[: len(mixed)]
    assert len(found) == len(mixed)
    chunks = score(whole, bitrate, ENCODER, studio.ffmpeg.identity, snap=proxy).chunks
    if proxy:
        assert any(len(chunk.passages) > 1 for chunk in chunks)
    joints = [chunk.first * FRAME for chunk in chunks[1:] if chunk.first < len(mixed) // FRAME - 2]
    assert len(joints) > 15
    for joint in joints:
        around = slice(joint - 2 * FRAME, joint + 2 * FRAME)
        ours, theirs = db((found - mixed)[around]), db((once - mixed)[around])
        assert ours < theirs + 2, joint
        bends, usual = (np.abs(np.diff(sound[around], 2, axis=0)).max() for sound in (found, mixed))
        assert bends < 1.3 * usual + 0.01
    assert db(found - mixed) < db(once - mixed) + 0.5


@slow
async def test_fragments_wait_for_no_other_sound_than_the_proxy_has(booth: Booth, studio: Studio) -> None:
    """Sounds that were worked on are named by what worked on them."""
    a = await booth.tape("a", tone(440, 20), RATE)
    whole = film([a], bit(0, 0, 34, end=50, speed=Speed(num=3, den=2)))
    await studio.proxy(whole)
    found = reel(whole, studio.maker.plans)
    assert await Previews(studio.blobs).ready(found, "default") == len(found.fragments)


async def test_a_proxy_and_its_fragments_play_the_same_variant_of_each_joint(
    studio: Studio, painted: Painter, tmp_path: Path
) -> None:
    """What is heard is what is seen: the tones of painted frames tell their numbers."""
    a = await studio.ingest("a", painted(25, 110, (160, 90), tag=1, audio=True))
    played = set()
    for at in (20, 24):
        shots = bit(at, 60, 30), bit(at + 30, 5, 40)
        whole = timeline(lane(*shots), library=[a], size=(160, 90), version=at)
        path = studio.path(await studio.proxy(whole))
        film, previews = reel(whole, studio.maker.plans), Previews(studio.blobs)
        parts = [await previews.fragment(film, "default", number) for number in range(len(film.fragments))]
        joined = tmp_path / f"{at}.mp4"
        joined.write_bytes(parts[0][0] + b"".join(body for _, body in parts))
        # The packet before the first one, which a playlist leaves out, is needed for 1,024 samples alone.
        one, other = (decoded(each)[FRAME : sample(at + 70)] for each in (path, joined))
        assert np.array_equal(one, other)
        heard = read_tones(samples(path), Fraction(25), whole.duration)
        assert heard[at:] == [number % TONES for number in (*range(60, 90), *range(5, 45))]
        *_, joint = (chunk for chunk in film.sounds.chunks if len(chunk.passages) > 1)
        played.add((joint.digest, joint.played))
    assert len(played) == 2
    assert len({digest for digest, _ in played}) == 1


def encoded_at_once(sound: Stereo, path: Path, bitrate: int) -> Path:
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=SAMPLE_RATE, layout="stereo", options={"aac_coder": "fast"})
        stream.bit_rate = bitrate
        for start in range(0, len(sound), FRAME):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(sound[start : start + FRAME].T), format="fltp", layout="stereo"
            )
            frame.sample_rate, frame.pts = SAMPLE_RATE, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@slow
async def test_sound_at_another_speed_lasts_as_long_as_its_clip(booth: Booth, studio: Studio) -> None:
    a = await booth.tape("a", tone(440, 20), RATE)
    clip = bit(0, 0, 34, end=50, speed=Speed(num=3, den=2))
    path = studio.path(await studio.proxy(film([a], clip)))
    with av.open(str(path), "r") as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        seconds = [Fraction(stream.duration or 0) * (stream.time_base or 0) for stream in (picture, sound)]
    assert abs(seconds[0] - seconds[1]) * SAMPLE_RATE < 2
    heard = decoded(path)[: sample(34, RATE)]
    assert db(heard[-SAMPLE_RATE:]) == pytest.approx(db(tone(440, 1)), abs=1.5)


@slow
async def test_a_section_of_another_length_is_not_taken_for_sound(booth: Booth, studio: Studio) -> None:
    a = await booth.tape("a", noise(3))
    whole = timeline(track(bit(0, 0, 50, effects=(effect("highpass"),))), library=[a])
    first = await booth.listen(whole)
    for path in (studio.blobs.root / "segments").rglob("*.pcm"):
        path.write_bytes(seal(b"\0" * 80))
    assert np.array_equal(await booth.listen(whole), first)
