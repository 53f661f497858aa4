"""Each export profile makes the file that its name promises: codec, size, frames, colours, and sound as long as it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

import av
import pytest
from av.container import InputContainer

from cutlog.contract.keys import ExportKey
from cutlog.contract.profiles import EXPORTS as NAMES
from cutlog.contract.profiles import ExportProfile
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Timeline
from cutlog.web import Problem
from cutlog.web.decode import decode_json
from services.ops.api.exports import NewExport
from services.render.plan.profiles import EXPORTS
from services.render.produce.finish import gif_step
from tests.render.studio import Studio, key_frames
from tests.render.timelines import lane, shot, solid, timeline
from tests.support.lanes import later
from tests.support.painting import Mark, Painter, read_marks

slow = pytest.mark.slow(reason="renders one more example of its kind")

HD = (320, 180)
RATE = Fps(25, 1)
#: A trim off the grid, a colour, one frame alone, and a stretch over a line of the grid.
SHOTS = [(13, 30), (0, 1), (100, 40)]
#: BT.709 of limited range, in the numbers of ISO/IEC 23091-2.
BT709 = (1, 1, 1, 1)

SEGMENTED: tuple[ExportProfile, ...] = ("mp4", "mp4-hevc", "webm", "prores")
#: The same encoders with alpha, of which test_alpha_exports.py says more.
CLEAR: tuple[ExportProfile, ...] = ("prores-4444", "webm-alpha")


async def film(studio: Studio, painted: Painter) -> tuple[Timeline, list[Mark | None]]:
    a = await studio.ingest("a", painted(25, 150, HD, audio=True, tag=1))
    marks: list[Mark | None] = []
    clips, at = [], 0
    for start, frames in SHOTS:
        clips.append(shot(at, start, frames, "a"))
        marks += [Mark(1, start + k) for k in range(frames)]
        at += frames
    return timeline(lane(*clips), library=[a], size=HD), marks


def looked_at(path: Path) -> InputContainer:
    return av.open(str(path), "r")


def seconds_of(path: Path, kind: Literal["video", "audio"]) -> Fraction:
    """How long the first stream of a kind lasts: as its header says, or else as much as is decoded of it."""
    with looked_at(path) as container:
        if kind == "audio":
            stream = container.streams.audio[0]
            if stream.duration is not None:
                assert stream.time_base is not None
                return stream.duration * stream.time_base
            return Fraction(sum(frame.samples for frame in container.decode(stream)), stream.rate)
        return sum(1 for _ in container.decode(video=0)) / RATE.fraction


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize(
    ("profile", "kind", "codec", "variant", "sound"),
    [
        ("mp4", "mov", "h264", "High", "aac"),
        ("mp4-hevc", "mov", "hevc", "Main", "aac"),
        ("webm", "matroska", "vp9", "Profile 0", "opus"),
        ("prores", "mov", "prores", "HQ", "pcm_s24le"),
        ("prores-4444", "mov", "prores", "4444", "pcm_s24le"),
        ("webm-alpha", "matroska", "vp9", "Profile 0", "opus"),
    ],
)
async def test_a_film_of_a_profile_has_its_codecs_frames_colours_and_length(
    studio: Studio, painted: Painter, profile: ExportProfile, kind: str, codec: str, variant: str, sound: str
) -> None:
    wanted, marks = await film(studio, painted)
    output = await studio.export(wanted, profile)
    path = studio.path(output)
    assert output.frames == output.encoded == len(marks)
    with looked_at(path) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert kind in container.format.name
        assert (video.codec_context.name, audio.codec_context.name) == (codec, sound)
        assert (video.width, video.height) == HD
        assert audio.rate == 48_000
        assert audio.channels == 2
        context = video.codec_context
        assert context.profile == variant
        first = next(container.decode(video))
        told = (context.colorspace, context.color_primaries, context.color_trc, context.color_range)
        assert told == BT709
        assert (first.colorspace, first.color_range) == (1, 1)
    assert read_marks(path) == marks
    assert seconds_of(path, "video") == Fraction(len(marks), 25)
    assert seconds_of(path, "audio") == Fraction(len(marks), 25)
    assert set(key_frames(path)) >= {0, 30, 31, 56}


@slow
@pytest.mark.parametrize("profile", [*SEGMENTED, *CLEAR])
async def test_pictures_follow_each_other_at_the_projects_rate(
    studio: Studio, painted: Painter, profile: ExportProfile
) -> None:
    rate = Fps(30000, 1001)
    a = await studio.ingest("a", painted(rate.fraction, 40, HD, tag=1))
    path = studio.path(
        await studio.export(timeline(lane(shot(0, 3, 31, "a")), library=[a], size=HD, fps=rate), profile)
    )
    exact = Fraction(1, 2000) if profile.startswith("webm") else Fraction(0)
    with looked_at(path) as container:
        times = [Fraction(frame.pts or 0) * (frame.time_base or 0) for frame in container.decode(video=0)]
    assert len(times) == 31
    assert all(abs(time - k / rate.fraction) <= exact for k, time in enumerate(times))


@slow
@pytest.mark.parametrize("profile", [SEGMENTED[0], *later("the same with other encoders", *SEGMENTED[1:], *CLEAR)])
async def test_an_edit_encodes_only_what_it_changes_in_every_profile(
    studio: Studio, painted: Painter, profile: ExportProfile
) -> None:
    a = await studio.ingest("a", painted(25, 150, HD, tag=1))
    await studio.export(timeline(lane(shot(0, 0, 140, "a")), library=[a], size=HD), profile)
    again = timeline(lane(solid(0, 3), shot(3, 0, 140, "a")), library=[a], size=HD, version=2)
    output = await studio.export(again, profile)
    assert output.frames == 143
    assert output.encoded == 3
    assert read_marks(studio.path(output))[3:] == [Mark(1, k) for k in range(140)]


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize("profile", ["mp4", "mp4-hevc", "prores", "audio", "mp4-360p"])
async def test_an_mp4_or_mov_has_its_index_first(studio: Studio, profile: ExportProfile) -> None:
    data = studio.path(await studio.export(timeline(lane(solid(0, 5)), size=HD), profile)).read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


async def test_a_webm_has_its_index_first(studio: Studio) -> None:
    data = studio.path(await studio.export(timeline(lane(solid(0, 5)), size=HD), "webm")).read_bytes()
    cues, cluster = bytes.fromhex("1c53bb6b"), bytes.fromhex("1f43b675")
    assert 0 < data.rindex(cues, 0, data.index(cluster)) < data.index(cluster)


@slow
async def test_hevc_is_tagged_as_apples_players_want_it(studio: Studio) -> None:
    data = studio.path(await studio.export(timeline(lane(solid(0, 1)), size=HD), "mp4-hevc")).read_bytes()
    assert b"hvc1" in data
    assert b"hev1" not in data


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize(
    ("profile", "canvas", "size"),
    [
        ("mp4-1080p", (320, 180), (1920, 1080)),
        ("mp4-720p", (320, 180), (1280, 720)),
        ("mp4-480p", (320, 180), (854, 480)),
        ("mp4-360p", (320, 180), (640, 360)),
        ("mp4-360p", (180, 320), (202, 360)),
        ("mp4-360p", (1998, 1080), (666, 360)),
    ],
)
async def test_a_size_is_the_height_and_the_canvas_gives_the_width(
    studio: Studio, profile: ExportProfile, canvas: tuple[int, int], size: tuple[int, int]
) -> None:
    output = await studio.export(timeline(lane(solid(0, 2)), size=canvas), profile)
    with looked_at(studio.path(output)) as container:
        video = container.streams.video[0]
        assert (video.width, video.height) == size
        assert video.codec_context.name == "h264"
        assert sum(1 for _ in container.decode(video)) == 2


@slow
async def test_a_gif_shows_every_frame_in_colours_of_its_own(studio: Studio, painted: Painter) -> None:
    wanted, marks = await film(studio, painted)
    output = await studio.export(wanted, "gif")
    path = studio.path(output)
    assert path.suffix == ".gif"
    assert read_marks(path) == marks
    with looked_at(path) as container:
        assert container.format.name == "gif"
        assert not container.streams.audio
        assert (container.streams.video[0].width, container.streams.video[0].height) == HD
    assert b"NETSCAPE2.0\x03\x01\x00\x00" in path.read_bytes()


@slow
async def test_a_fast_gif_shows_every_second_frame(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(50, 24, HD, tag=1))
    fast = timeline(lane(shot(0, 3, 20, "a")), library=[a], size=HD, fps=Fps(50, 1))
    assert read_marks(studio.path(await studio.export(fast, "gif"))) == [Mark(1, 3 + k) for k in range(0, 20, 2)]


@slow
async def test_a_gif_of_a_large_canvas_is_480_high(studio: Studio) -> None:
    with looked_at(studio.path(await studio.export(timeline(lane(solid(0, 3)), size=(1280, 720)), "gif"))) as container:
        video = container.streams.video[0]
        assert (video.width, video.height) == (854, 480)


@pytest.mark.parametrize(
    ("rate", "step"), [(Fps(25, 1), 1), (Fps(30, 1), 1), (Fps(50, 1), 2), (Fps(60, 1), 2), (Fps(120, 1), 4)]
)
def test_pictures_of_a_gif_last_at_least_three_hundredths_of_a_second(rate: Fps, step: int) -> None:
    assert gif_step(rate.fraction) == step


async def test_audio_is_the_sound_alone_and_encodes_no_picture(studio: Studio, painted: Painter) -> None:
    wanted, marks = await film(studio, painted)
    output = await studio.export(wanted, "audio")
    path = studio.path(output)
    assert path.suffix == ".m4a"
    assert output.encoded == 0
    assert output.frames == len(marks)
    with looked_at(path) as container:
        assert not container.streams.video
        assert container.streams.audio[0].codec_context.name == "aac"
    assert seconds_of(path, "audio") == Fraction(len(marks), 25)


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize("profile", [*SEGMENTED, *CLEAR, "gif", "audio", "mp4-360p"])
async def test_the_same_version_makes_the_same_bytes(studio: Studio, profile: ExportProfile) -> None:
    first = await studio.export(timeline(lane(solid(0, 3)), size=HD), profile)
    second = await studio.export(timeline(lane(solid(0, 3)), size=HD, version=2), profile)
    assert first.sha256 == second.sha256
    assert second.encoded == 0


def test_every_profile_has_a_name_a_file_and_a_recipe() -> None:
    assert set(get_args(ExportProfile)) == set(NAMES) == set(EXPORTS)
    assert [profile for profile in EXPORTS if EXPORTS[profile].name != profile] == []
    keys = {profile: str(ExportKey("p_1", 3, profile)) for profile in EXPORTS}
    assert keys["mp4"] == "export/p_1/v3_final.mp4"
    assert keys["prores"] == "export/p_1/v3_prores.mov"
    assert keys["mp4-720p"] == "export/p_1/v3_mp4-720p.mp4"
    assert len(set(keys.values())) == len(keys)


def test_an_unknown_profile_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(Problem) as refused:
        decode_json(b'{"profile": "vhs"}', NewExport)
    assert refused.value.status == 422
    (error,) = refused.value.errors
    assert error.pointer == "/profile"
    assert [name for name in get_args(ExportProfile) if name not in error.detail] == []
