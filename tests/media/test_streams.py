"""Which streams of a file are meant, what is told of the others, how long all of it is, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from cutlog.contract.media import Stream
from cutlog.contract.time import Fps
from cutlog.ffmpeg import RawProbe, RawStream
from services.media.facts.lengths import seconds_of
from services.media.facts.probed import Judged, UnusableError, judge, others, rewritten
from tests.media.probes import picture, probe, rounded, sound

PAL = Fraction(25)


def film(index: int = 0, seconds: int = 2, **changes: Any) -> RawStream:
    return picture((25, 1), rounded(PAL, 25 * seconds), length=40, index=index, **changes)


def timed(stream: RawStream, **changes: Any) -> RawStream:
    assert stream.times is not None
    return msgspec.structs.replace(stream, times=msgspec.structs.replace(stream.times, **changes))


def shaped(stream: RawStream, **changes: Any) -> RawStream:
    assert stream.video is not None
    return msgspec.structs.replace(stream, video=msgspec.structs.replace(stream.video, **changes))


def channels(count: int, index: int = 1) -> RawStream:
    stream = sound(index)
    assert stream.audio is not None
    return msgspec.structs.replace(stream, audio=msgspec.structs.replace(stream.audio, channels=count))


def heard(until: int, index: int = 1, start: int = 0) -> RawStream:
    """Sound whose packets were read: from and to those samples."""
    times = timed(picture(None, [start, until - 1024]), end=until).times
    return sound(index, start=start, times=times)


def chosen(*streams: RawStream) -> tuple[int | None, int | None]:
    judged = judge(probe(*streams))
    return judged.video, judged.audio


def told(raw: RawProbe) -> tuple[Stream, ...]:
    streams = judge(raw).facts.streams
    assert streams is not UNSET
    return streams


def test_of_streams_of_a_kind_the_default_one_is_meant_else_the_first() -> None:
    plain = film(0, default=False), film(1, default=False), sound(2, default=False), sound(3, default=False)
    assert chosen(*plain) == (0, 2)
    assert chosen(*plain[:1], film(1), *plain[2:3], sound(3)) == (1, 3)
    assert chosen(film(0), film(1)) == (0, None)


@pytest.mark.parametrize("why", [{"attached": True}, {"decoded": False}, {"decoder": "unheard-of"}, {"kind": "other"}])
def test_a_stream_that_cannot_be_used_is_passed_over(why: dict[str, Any]) -> None:
    assert chosen(film(0, **why), film(1, default=False)) == (1, None)
    found = told(probe(film(0, **why), film(1)))[0]
    assert not found.usable and not found.chosen and found.attached == ("attached" in why)


def test_a_single_picture_beside_something_that_lasts_is_a_cover() -> None:
    still = picture((25, 1), [0], index=0, single=True)
    judged = judge(probe(still, sound(1)))
    assert (judged.kind, judged.video) == ("audio", None) and told(probe(still, sound(1)))[0].attached
    assert chosen(still, film(1, default=False)) == (1, None)
    assert chosen(still, picture((25, 1), [0], index=1, single=True)) == (0, None), "nothing lasts"
    assert chosen(still, sound(1, decoded=False)) == (0, None), "nothing that can be heard lasts"


def test_sound_of_more_channels_than_can_be_mixed_is_not_used() -> None:
    assert chosen(film(), channels(64)) == (0, 1)
    assert chosen(film(), channels(65)) == (0, None)
    with pytest.raises(UnusableError, match="more than 64 channels"):
        judge(probe(channels(65)))
    with pytest.raises(UnusableError, match="none of it can be decoded"):
        judge(probe(msgspec.structs.replace(channels(64), decoded=False)))


def test_why_nothing_can_be_used_names_each_codec_once() -> None:
    streams = (
        film(0, codec="zz", decoder=None), film(1, codec="aa", decoder=None), film(2, codec="zz", decoder=None),
        film(3, codec="cover", decoder=None, attached=True), sound(4, kind="other", codec="data", decoder=None),
    )  # fmt: skip
    with pytest.raises(UnusableError, match=r"not supported: aa, zz$"):
        judge(probe(*streams))
    with pytest.raises(UnusableError, match="neither video nor audio"):
        judge(probe(*streams[3:]))


def test_streams_are_told_as_they_are_in_the_file() -> None:
    streams = (film(0, type="video"), sound(1, type="audio", language="de", default=False), sound(2, codec="mp3"))
    first, second, third = told(probe(*streams))
    assert (first.index, first.kind, first.codec, first.chosen, first.usable) == (0, "video", "h264", True, True)
    assert (second.kind, second.language, second.default, second.chosen, second.usable) == (
        "audio", "de", False, False, True,
    )  # fmt: skip
    assert (third.codec, third.chosen) == ("mp3", True)


def test_pictures_of_a_file_that_is_no_video_are_not_to_be_named() -> None:
    unusable = film(0, decoded=False)
    found = told(probe(unusable, sound(1), sound(2)))
    assert [each.usable for each in found] == [False, True, True]
    still = told(probe(picture((25, 1), [0]), picture((25, 1), [0], index=1), container="png_pipe"))
    assert [each.usable for each in still] == [True, False]


def test_what_is_beside_the_chosen_streams_can_be_had_too() -> None:
    raw = probe(film(0), film(1, 4), sound(2), channels(1, 3), film(4, decoded=False))
    judged = judge(raw)
    assert (judged.video, judged.audio) == (0, 2)
    second, mono = others(raw, judged)
    assert (second.video, second.audio, mono.video, mono.audio) == (1, None, None, 3)
    assert mono.sound is not None and mono.sound.channels == 1 and mono.facts == judged.facts
    assert second.facts.frames == 50 and second.facts.duration == "2", "as long as the file is"
    assert (second.facts.channels, second.facts.sample_rate, second.facts.audio_codec) == (2, 48_000, "aac")


def test_another_picture_begins_when_the_chosen_one_does() -> None:
    slow = picture((10, 1), rounded(Fraction(10), 20), length=100, index=1)
    late = picture((25, 1), [80 + start for start in rounded(PAL, 50)], length=40)
    raw = probe(late, slow, sound(2))
    judged = judge(raw)
    (other,) = others(raw, judged)
    assert (other.start, other.heard) == (judged.start, judged.heard) == (Fraction(2, 25), Fraction(2, 25))
    assert (other.facts.fps, other.facts.frames) == (Fps(10, 1), 20)
    assert other.facts.timing is not UNSET and other.facts.timing.start == "0.08"
    assert other.facts.start_offset == judged.facts.start_offset == "-0.08"
    assert other.clock is not None and other.clock.start == "0.08"
    shortest = probe(film(0, 2), picture((1, 1), [0, 1000], index=1))
    assert [each.facts.frames for each in others(shortest, judge(shortest))] == [2]
    single = probe(picture((25, 1), [0]), picture((25, 1), [0], index=1))
    assert [each.facts.frames for each in others(single, judge(single))] == [1]
    unread = probe(picture((25, 1), frames=50), picture((25, 1), frames=50, index=1))
    (other,) = others(unread, judge(unread))
    assert other.facts.timing is UNSET


def test_what_is_only_heard_has_no_other_pictures() -> None:
    raw = probe(sound(0), sound(1))
    assert [each.audio for each in others(raw, judge(raw))] == [1]
    gif = probe(picture((25, 1), [0]), picture((25, 1), [0], index=1), container="gif")
    assert list(others(gif, judge(gif))) == []


@pytest.mark.parametrize(("width", "height"), [(16_384, 4096), (4096, 16_384), (8192, 8192), (1, 1)])
def test_a_picture_may_be_as_large_as_that(width: int, height: int) -> None:
    assert judge(probe(shaped(film(), width=width, height=height))).facts.width == width


@pytest.mark.parametrize(("width", "height"), [(16_385, 1), (1, 16_385), (8192, 8193), (0, 9), (9, 0), (-9, -9)])
def test_a_picture_that_is_larger_or_none_is_refused(width: int, height: int) -> None:
    with pytest.raises(UnusableError, match=f"{width} × {height}"):
        judge(probe(shaped(film(), width=width, height=height)))


@pytest.mark.parametrize(
    ("sar", "found"),
    [
        (None, None), ((1, 0), None), ((0, 1), None), ((4, 3), (4, 3)), ((100, 1), (100, 1)), ((101, 1), None),
        ((1, 100), (1, 100)), ((1, 101), None), ((-4, 3), None),
    ],
)  # fmt: skip
def test_a_pixel_has_the_shape_that_the_file_says_if_any_pixel_has(sar: Any, found: Any) -> None:
    assert judge(probe(shaped(film(), sar=sar))).facts.sar == found
    assert judge(probe(shaped(film(), sar=sar), container="png_pipe")).facts.sar == found


def test_a_still_is_a_picture_without_time() -> None:
    raw = probe(shaped(film(), rotation=90, alpha=True, matte="black"), container="png_pipe")
    facts = judge(raw).facts
    assert (facts.frames, facts.duration, facts.fps, facts.rotation) == (1, "0", None, 90)
    assert (facts.alpha, facts.matte) == (True, "black") and facts.timing is UNSET
    plain = judge(probe(film(), container="jpeg_pipe")).facts
    assert plain.alpha is UNSET and plain.matte is UNSET


@pytest.mark.parametrize(
    ("container", "pictures", "animated", "kind"),
    [
        ("png_pipe", 1, False, "image"), ("avif", 9, False, "image"), ("avif", 9, True, "video"),
        ("gif", 1, False, "image"), ("gif", 2, False, "video"), ("apng", 1, False, "image"),
        ("apng", 2, False, "video"), ("mov,mp4", 1, False, "video"),
    ],
)  # fmt: skip
def test_a_picture_that_moves_is_a_video(container: str, pictures: int, animated: bool, kind: str) -> None:
    stream = picture((10, 1), [100 * n for n in range(pictures)], length=100)
    raw = RawProbe(container=container, duration=None, streams=(stream,), animated=animated)
    assert judge(raw).kind == kind


def test_a_gif_of_which_only_the_header_was_read_moves_if_that_counts_more_than_one() -> None:
    assert judge(probe(picture((10, 1), frames=1), container="gif")).kind == "image"
    assert judge(probe(picture((10, 1), frames=2), container="gif")).kind == "video"


@pytest.mark.parametrize(("bottom", "order"), [(False, "top"), (True, "bottom")])
def test_fields_are_told_in_their_order(bottom: bool, order: str) -> None:
    assert judge(probe(shaped(film(), interlaced=True, bottom_first=bottom))).facts.interlaced == order
    assert judge(probe(shaped(film(), bottom_first=bottom))).facts.interlaced is UNSET


def test_a_foreign_file_and_its_gain_map_are_noted() -> None:
    plain = judge(probe(film()))
    assert not plain.foreign and plain.facts.gain_map is UNSET
    raw = RawProbe(container="heif", duration=None, streams=(film(),), foreign=True, gain_map=True)
    assert judge(raw).foreign and judge(raw).facts.gain_map is True


def test_of_a_foreign_animation_its_rewritten_form_tells_how_it_moves() -> None:
    original = judge(RawProbe(container="avif", duration=None, streams=(film(),), foreign=True, animated=True))
    master = judge(probe(picture((10, 1), rounded(Fraction(10), 30), codec="apng", length=100), container="apng"))
    facts = rewritten(original, master)
    assert (facts.container, facts.video_codec, facts.streams) == ("avif", "h264", original.facts.streams)
    assert (facts.fps, facts.frames, facts.duration) == (Fps(10, 1), 30, "3")
    still = judge(RawProbe(container="heif", duration=None, streams=(film(),), foreign=True))
    assert rewritten(still, master) == still.facts


def facts_of(*streams: RawStream, duration: int | None = 2_000_000) -> Judged:
    return judge(RawProbe(container="mov,mp4", duration=duration, streams=streams))


@pytest.mark.parametrize(
    ("stream", "seconds"),
    [
        (heard(72_000), "1.5"), (heard(72_000, start=24_000), "1"), (sound(duration=24_000), "0.5"),
        (sound(duration=None), "2"), (sound(duration=48_000 * 86_400), "86400"),
        (sound(duration=1, time_base=None), "1"),
    ],
)  # fmt: skip
def test_sound_is_as_long_as_its_packets_else_its_header_else_its_container_says(
    stream: RawStream, seconds: str
) -> None:
    judged = facts_of(stream)
    assert (judged.facts.duration, judged.kind) == (seconds, "audio")
    assert (judged.facts.channels, judged.facts.sample_rate, judged.facts.audio_codec) == (2, 48_000, "aac")


@pytest.mark.parametrize("stream", [sound(duration=0), sound(duration=-5), heard(24_000, start=48_000)])
def test_what_has_no_length_is_refused(stream: RawStream) -> None:
    with pytest.raises(UnusableError, match="zero or unknown"):
        facts_of(stream)
    with pytest.raises(UnusableError, match="zero or unknown"):
        facts_of(sound(duration=None), duration=None)


def test_more_than_a_day_is_refused() -> None:
    assert facts_of(sound(duration=48_000 * 86_400)).facts.duration == "86400"
    with pytest.raises(UnusableError, match="longer than 24 hours"):
        facts_of(sound(duration=48_000 * 86_400 + 1))
    with pytest.raises(UnusableError, match="longer than 24 hours"):
        facts_of(picture((25, 1), frames=25 * 86_400 + 1))


def test_frames_of_a_header_count_where_pictures_come_regularly() -> None:
    assert facts_of(picture((25, 1), frames=75)).facts.frames == 75
    assert facts_of(picture((25, 1), duration=3000)).facts.frames == 75, "no frames are counted: its length"
    varying = picture((50, 1), average=(25, 1), frames=75, duration=3000)
    assert (facts_of(varying).facts.frames, facts_of(varying).facts.vfr) == (75, True)


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({}, Fraction(1, 25)), ({"first": 80}, Fraction(2, 25)), ({"first": 0}, Fraction(0)),
        ({"start": None}, Fraction(1, 25)), ({"start": 120}, Fraction(3, 25)),
    ],
)  # fmt: skip
def test_frame_0_is_the_first_picture_that_comes_out_of_the_decoder(changes: dict[str, Any], start: Fraction) -> None:
    stream = picture((25, 1), [40 + at for at in rounded(PAL, 50)], length=40)
    assert facts_of(msgspec.structs.replace(stream, **changes)).start == start
    assert facts_of(picture((25, 1), frames=50, start=None)).start == 0


def test_counted_pictures_begin_where_decoding_does_and_last_one_frame_each() -> None:
    stream = timed(film(), counted=True, decoding=80, moved=40)
    judged = facts_of(stream)
    assert (judged.start, judged.heard, judged.facts.frames) == (Fraction(2, 25), Fraction(2, 25), 50)
    assert judged.facts.timing is not UNSET and judged.facts.timing.pictures == "counted"
    assert judged.clock is not None and judged.clock.counted
    assert facts_of(timed(film(), counted=True)).start == 0


def test_pictures_that_are_shown_later_than_they_say_are_heard_later() -> None:
    judged = facts_of(timed(film(), moved=80), sound(start=48_000))
    assert (judged.start, judged.heard) == (Fraction(0), Fraction(2, 25))
    assert judged.facts.start_offset == "0.92"


def test_timing_says_how_early_decoding_begins_and_whose_times_pictures_have() -> None:
    timing = facts_of(timed(film(), lead=80, recovery=40)).facts.timing
    assert timing is not UNSET and (timing.lead, timing.pictures, timing.start) == ("0.12", "grid", "0")
    early = facts_of(timed(film(), lead=-80)).facts.timing
    assert early is not UNSET and early.lead == "0"
    own = facts_of(picture((25, 1), [0, 40, 95, 200], length=40)).facts
    assert own.timing is not UNSET and own.timing.pictures == "own" and own.vfr
    assert facts_of(picture((25, 1), frames=50)).facts.timing is UNSET


@pytest.mark.parametrize(("last", "pictures"), [(160, "grid"), (200, "own")])
def test_a_source_that_is_mostly_its_last_picture_has_pictures_of_their_own_times(last: int, pictures: str) -> None:
    """With two pictures, eight frames are four times as many, and nine are more."""
    stream = timed(picture((25, 1), [0, 40], length=40), end=last + 160)
    facts = facts_of(stream).facts
    assert facts.frames == (last + 160) // 40
    assert facts.timing is not UNSET and facts.timing.pictures == pictures


def test_the_last_picture_stands_as_long_as_it_says_or_one_frame() -> None:
    assert facts_of(picture((25, 1), rounded(PAL, 50), length=120)).facts.frames == 52
    assert facts_of(picture((25, 1), rounded(PAL, 50), length=0)).facts.frames == 50
    assert facts_of(picture((25, 1), rounded(PAL, 50), length=5)).facts.frames == 50
    own = picture((25, 1), [0, 40, 95, 200], length=100)
    assert facts_of(own).facts.duration == "0.3"
    silent = picture((25, 1), [0, 40, 95, 200])
    assert facts_of(silent).facts.duration == "0.24"


@pytest.mark.parametrize(
    ("changes", "read", "frames"),
    [
        ({"duration": 2400, "frames": 50}, 50, 60), ({"duration": 2400, "frames": 51}, 50, 50),
        ({"duration": 2400, "frames": 0}, 50, 50), ({"duration": None, "frames": 50}, 50, 50),
        ({"duration": 400, "frames": 50}, 50, 50), ({"duration": 2000, "frames": 50, "start": 400, "first": 0}, 50, 60),
        ({"duration": 2400, "frames": 1}, 50, 60), ({"duration": 2400, "frames": 50, "start": None}, 50, 60),
    ],
)  # fmt: skip
def test_the_header_of_a_whole_file_knows_when_its_last_picture_ends(
    changes: dict[str, Any], read: int, frames: int
) -> None:
    stream = msgspec.structs.replace(timed(film(), read=read), **changes)
    assert facts_of(stream).facts.frames == frames
    if frames == 60:
        assert facts_of(timed(stream, moved=80)).facts.frames == 58


@pytest.mark.parametrize(
    ("until", "frames"),
    [(96_000, 50), (98_399, 50), (98_400, 52), (144_000, 75), (48_000, 50)],
)
def test_sound_that_goes_on_is_part_of_the_film_unless_it_only_fills_a_packet(until: int, frames: int) -> None:
    assert facts_of(film(), heard(until)).facts.frames == frames
    assert facts_of(film(), sound(duration=9_600_000)).facts.frames == 50, "nobody read it to its end"


def test_of_slow_pictures_sound_goes_on_for_a_frame_before_it_counts() -> None:
    slow = picture((10, 1), rounded(Fraction(10), 20), length=100)
    assert facts_of(slow, heard(100_799)).facts.frames == 20
    assert facts_of(slow, heard(100_800)).facts.frames == 21


def test_sound_is_counted_from_frame_0_on() -> None:
    late = picture((25, 1), [400 + at for at in rounded(PAL, 50)], length=40)
    assert facts_of(late, heard(96_000 + 19_200)).facts.frames == 50
    assert facts_of(late, heard(96_000 + 24_000)).facts.frames == 53


@pytest.mark.parametrize(("duration", "seconds"), [("2", 2), ("2.04", 3), ("0", 0), ("0.001", 1), ("", 0)])
def test_a_file_counts_in_whole_seconds_that_it_has_begun(duration: str, seconds: int) -> None:
    assert seconds_of(msgspec.structs.replace(facts_of(film()).facts, duration=duration)) == seconds


def test_large_moving_pictures_that_name_no_matrix_are_bt709_and_stills_are_not() -> None:
    large, small = shaped(film(), width=1920, height=1080), film()
    assert [judge(probe(each)).coding.silent for each in (large, small)] == [True, False]
    assert not judge(probe(large, container="png_pipe")).coding.silent


def test_a_film_without_sound_says_nothing_of_any() -> None:
    facts = facts_of(film()).facts
    assert (facts.channels, facts.sample_rate, facts.audio_codec, facts.start_offset) == (None, None, None, "0")
    judged = facts_of(film())
    assert judged.audio is None and judged.sound is None


def test_alpha_and_its_matte_are_told_where_there_are_any() -> None:
    facts = facts_of(shaped(film(), alpha=True, matte="white")).facts
    assert (facts.alpha, facts.matte) == (True, "white")
    assert facts_of(film()).facts.alpha is UNSET and facts_of(film()).facts.matte is UNSET
