"""What is heard: planned without samples, then measured in films."""

from __future__ import annotations

import io
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.time import Fps, samples_at
from cutlog.contract.timeline import Timeline, Track
from services.render.audio.blocks import FRAME, LEAD
from services.render.audio.levels import Level
from services.render.audio.score import CHUNK, Chunk, Passage, Score, score
from services.render.audio.takes import Take, Tape
from services.render.cache.packets import unseal
from services.render.produce import aac
from services.render.produce.mix import mix
from tests.render.studio import Studio, packet_times
from tests.render.timelines import lane, media, sequence, sha, shot, solid, timeline
from tests.support.painting import TONES, Painter, read_tones, samples

Stereo = NDArray[np.float32]


def scored(of: Timeline, *, snap: bool = False) -> Score:
    return score(of, 96_000, "encoder", "filters", snap=snap)


def names(of: Timeline, *, snap: bool = False) -> list[str]:
    return [chunk.digest for chunk in scored(of, snap=snap).chunks]


def frame_of(chunk: Chunk, rate: Fraction = Fraction(25)) -> Fraction:
    """The frame of the film at which a chunk begins."""
    return Fraction(chunk.first * FRAME) / SAMPLE_RATE * rate


@given(st.integers(1, 5000), st.sampled_from([Fps(25, 1), Fps(24000, 1001), Fps(30000, 1001), Fps(60, 1)]))
def test_the_packets_of_all_chunks_hold_the_sound_and_not_a_frame_more(frames: int, rate: Fps) -> None:
    found = scored(timeline(lane(solid(0, frames)), fps=rate))
    assert found.samples == samples_at(frames, rate.fraction, SAMPLE_RATE)
    assert (found.packets - 2) * FRAME < found.samples <= (found.packets - 1) * FRAME


def test_an_edit_that_moves_no_sound_names_no_chunk_anew() -> None:
    before = timeline(lane(shot(0, 0, 2000), solid(2000, 100)), duration=2100)
    after = timeline(lane(shot(0, 0, 2000), solid(2000, 100, "#0000ff")), duration=2100)
    assert names(before) == names(after)


def test_a_changed_sound_names_anew_only_the_chunks_that_hold_it() -> None:
    before = names(timeline(sequence((0, 5000))))
    quieter = names(timeline(lane(shot(0, 0, 2000), shot(2000, 2000, 20, gain_db=-6.0), shot(2020, 2020, 2980))))
    changed = [index for index, pair in enumerate(zip(before, quieter, strict=True)) if pair[0] != pair[1]]
    assert changed == [2000 * 1920 // FRAME // CHUNK]


def test_without_a_shift_to_whole_packets_a_ripple_edit_moves_all_that_follows() -> None:
    before = names(timeline(sequence((0, 375), (500, 3000))))
    after = scored(timeline(sequence((0, 375 - 17), (500, 3000))))
    kept = [chunk for chunk in after.chunks if chunk.digest in before]
    assert all(frame_of(chunk) < 375 for chunk in kept)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 30)), max_size=60), st.booleans())
@example([(0, 1), (0, 8), (0, 16), (0, 18), (0, 30), (0, 30)], False)
def test_chunks_are_neither_short_nor_long(shots: list[tuple[int, int]], snap: bool) -> None:
    chunks = scored(timeline(sequence(*shots)), snap=snap).chunks
    assert chunks[0].first == 0
    assert all(left.first + left.packets == right.first for left, right in pairwise(chunks))
    # What lies over a joint of blocks goes on to the first line that none of the other's sound reaches.
    assert all(chunk.packets <= 2 * CHUNK + (2 * LEAD if snap else 0) for chunk in chunks)
    assert len(chunks) == 1 or all(chunk.packets >= LEAD for chunk in chunks)


def test_a_split_that_is_not_heard_names_no_chunk_anew() -> None:
    rate = Fps(30000, 1001)
    whole, split, slipped = (
        scored(timeline(sequence(*shots), fps=rate, library=[media(fps=rate)])).chunks
        for shots in ([(7, 90)], [(7, 40), (47, 50)], [(7, 40), (48, 50)])
    )
    assert split == whole
    changed = {chunk.digest for chunk in slipped} - {chunk.digest for chunk in whole}
    (cut,) = (chunk for chunk in slipped if len(chunk.passage.takes) == 2)
    assert cut.digest in changed
    assert cut.passage.takes[0].end == cut.passage.takes[1].start


def test_muted_tracks_and_disabled_clips_are_silent_and_hidden_ones_are_not() -> None:
    clip = shot(0, 0, 50)
    off = msgspec.structs.replace(clip, enabled=False)
    assert scored(timeline(lane(clip, muted=True))).chunks[0].passage.takes == ()
    assert scored(timeline(lane(off))).chunks[0].passage.takes == ()
    assert len(scored(timeline(lane(clip, hidden=True))).chunks[0].passage.takes) == 1


def test_gains_of_clip_and_track_add_up() -> None:
    track = Track(id="a", kind="audio", gain_db=-4.0, clips=(shot(0, 0, 50, gain_db=-2.5),))
    assert scored(timeline(track)).chunks[0].passage.takes[0].level.gain == -6.5


def pcm(folder: Path, data: Stereo) -> tuple[str, Path]:
    path = folder / f"{len(list(folder.iterdir()))}.pcm"
    np.round(data * 32767).astype("<i2").tofile(path)
    return sha(path.name), path


def take(source: str, start: int, end: int, offset: int = 0, gain_db: float = 0.0) -> Take:
    return Take(
        source=Tape(key="k", sha256=source), start=start, end=end, offset=offset, level=Level(gain=float(gain_db))
    )


def passage(packets: int, lead: int, *takes: Take) -> Passage:
    length = (lead + packets + 1) * FRAME
    return Passage(packets=packets, lead=lead, takes=tuple(part for each in takes if (part := each.within(0, length))))


def test_the_mix_is_the_sum_cut_off_at_full_scale(tmp_path: Path) -> None:
    loud, soft = pcm(tmp_path, np.full((3000, 2), 0.75, np.float32)), pcm(tmp_path, np.full((500, 2), 0.5, np.float32))
    mixed = mix(
        passage(2, 0, take(loud[0], 100, 2000), take(soft[0], 1000, 3000, offset=-200, gain_db=-20 * np.log10(4))),
        {loud[0]: loud[1], soft[0]: soft[1]},
        {},
    )
    assert np.all(mixed[:100] == 0)
    assert np.allclose(mixed[100:1200], 0.75, atol=1e-3)
    # The soft one begins 200 samples into its clip, and is over after 500.
    assert np.allclose(mixed[1200:1700], 0.875, atol=1e-3)
    assert np.allclose(mixed[1700:2000], 0.75, atol=1e-3)
    assert np.all(mixed[2000:] == 0)
    louder = mix(passage(2, 0, take(loud[0], 0, 3000, gain_db=12.0)), {loud[0]: loud[1]}, {})
    assert float(louder.max()) == np.float32(32767 / 32768)


def decoded(chunks: list[bytes]) -> Stereo:
    """Samples × channels of sealed chunks, one after the other; the encoder's delay of one frame is in them."""
    decoder = av.CodecContext.create("aac", "r")
    blocks = []
    for sealed in chunks:
        with av.open(io.BytesIO(unseal(sealed)), "r", format="mp4") as container:
            decoder.extradata = container.streams.audio[0].codec_context.extradata
            for packet in container.demux(audio=0):
                if packet.size:
                    blocks += [frame.to_ndarray() for frame in decoder.decode(av.Packet(bytes(packet)))]
    return np.concatenate(blocks, axis=1).T.astype(np.float32)


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
def test_at_the_joints_of_chunks_nothing_is_heard_of_them(tmp_path: Path) -> None:
    frames, size = 300, 40
    noise = np.random.default_rng(7).standard_normal((frames * FRAME, 2)).cumsum(axis=0)
    sweep = np.sin(np.cumsum(np.linspace(0.01, 0.4, frames * FRAME)))[:, None]
    original = (0.3 * noise / np.abs(noise).max() + 0.3 * sweep).astype(np.float32)
    name, path = pcm(tmp_path, original)

    def sealed(first: int, count: int, longest: int) -> bytes:
        lead = min(longest, first)
        heard = take(name, 0, (lead + count + 1) * FRAME, offset=(first - lead) * FRAME)
        part = passage(count, lead, heard)
        whole = Chunk(digest=scored(timeline()).chunks[0].digest, first=0, passages=(part,))
        return aac.encode(whole, 96_000, [mix(part, {name: path}, {})])

    def joined(lead: int) -> Stereo:
        return decoded([sealed(at, min(size, frames - 2 - at), lead) for at in range(0, frames - 2, size)])

    def errors(of: Stereo) -> list[float]:
        """In dB, of the three frames around each joint."""
        parts = [
            slice(joint - FRAME, joint + 2 * FRAME) for joint in range(size * FRAME, len(of) - 4 * FRAME, size * FRAME)
        ]
        wrong = of[FRAME:] - original[: len(of) - FRAME]
        return [
            float(10 * np.log10((wrong[part] ** 2).sum() / (original[: len(wrong)][part] ** 2).sum())) for part in parts
        ]

    # As good as if the encoder had heard all that came before; with too short a lead, this measure tells.
    ours, patient, hasty = errors(joined(LEAD)), errors(joined(2 * size)), errors(joined(2))
    assert np.mean(ours) < np.mean(patient) + 2
    assert np.mean(hasty) > np.mean(patient) + 10


async def film(studio: Studio, of: Timeline, kind: str = "proxy") -> Path:
    return studio.path(await (studio.proxy(of) if kind == "proxy" else studio.export(of)))


async def test_every_frame_is_heard_while_it_is_seen(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 110, (160, 90), tag=1, audio=True))
    whole = timeline(
        lane(shot(0, 60, 13, "a"), shot(20, 5, 40, "a"), shot(60, 9, 50, "a")), library=[a], size=(160, 90)
    )
    for kind in ("proxy", "export"):
        path = await film(studio, whole, kind)
        heard = read_tones(samples(path), Fraction(25), whole.duration)
        numbers = [*range(60, 73), *[None] * 7, *range(5, 45), *range(9, 59)]
        assert heard == [None if number is None else number % TONES for number in numbers]


async def test_sample_0_is_heard_with_frame_0(studio: Studio, tmp_path: Path) -> None:
    # A click of a few samples, at a known place, seen through the encoder.
    rate = Fps(24000, 1001)
    data = np.zeros((SAMPLE_RATE * 2, 2), np.float32)
    click = 12_345
    data[click : click + 32] = 0.9
    name, path = pcm(tmp_path, data)
    blob = await studio.blobs.put_file("derived/default/click/audio.pcm", path)
    ref = media("c", kind="audio", fps=rate, frames=48)
    rendition = msgspec.structs.replace(ref.renditions.audio, key=blob.key, sha256=name, samples=len(data))  # type: ignore[type-var]
    ref = msgspec.structs.replace(ref, renditions=msgspec.structs.replace(ref.renditions, audio=rendition))
    whole = timeline(
        Track(id="s", kind="audio", clips=(shot(0, 0, 40, "c"),)),
        lane(solid(0, 40), number=1),
        library=[ref],
        fps=rate,
        size=(160, 90),
    )
    out = await film(studio, whole)
    sound = samples(out)
    peak = int(np.argmax(np.convolve(np.abs(sound), np.ones(32), "valid")))
    assert abs(peak - click) <= 8
    assert len(sound) >= scored(whole).samples
    with av.open(str(out), "r") as container:
        first = next(container.decode(audio=0))
        assert first.pts == 0
        assert container.streams.audio[0].start_time == 0
        assert container.streams.video[0].start_time == 0


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
async def test_the_sound_lasts_as_long_as_the_picture(studio: Studio, painted: Painter) -> None:
    rate = Fps(30000, 1001)
    a = await studio.ingest("a", painted(rate.fraction, 60, (160, 90), audio=True))
    for kind in ("proxy", "export"):
        path = await film(studio, timeline(sequence((3, 47), of="a"), library=[a], fps=rate, size=(160, 90)), kind)
        with av.open(str(path), "r") as container:
            picture, sound = container.streams.video[0], container.streams.audio[0]
            seconds = [Fraction(stream.duration or 0) * (stream.time_base or 0) for stream in (picture, sound)]
        assert abs(seconds[0] - seconds[1]) < Fraction(1, SAMPLE_RATE) * 2
        assert seconds[0] == 47 / rate.fraction


@pytest.mark.slow(reason="renders one more example of its kind")
async def test_a_film_of_silent_sources_has_a_silent_track(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 30, (160, 90)))
    path = await film(studio, timeline(sequence((0, 30), of="a"), library=[a], size=(160, 90)))
    sound = samples(path)
    assert float(np.abs(sound).max()) < 1e-4
    assert len(packet_times(path, "audio")) == 58
