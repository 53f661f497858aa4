"""What a probed file is: rates, lengths, choices, refusals. By tables, without files."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from msgspec import UNSET

from cutlog.contract.time import Fps
from cutlog.ffmpeg import RawProbe, RawStream
from cutlog.ffmpeg.probing import Ratio
from cutlog.ffmpeg.typefaces import RawAxis, RawFace, RawFont
from services.media.facts.probed import UnusableError, decimal, judge, judge_font
from tests.media.probes import picture, probe, rounded, sound


@pytest.mark.parametrize("rate", [(24000, 1001), (25, 1), (30000, 1001), (30, 1), (50, 1), (60000, 1001), (12, 1)])
@pytest.mark.parametrize("time_base", [(1, 1000), (1, 90_000)])
def test_a_regular_source_keeps_its_exact_rate_in_any_clock(rate: Ratio, time_base: Ratio) -> None:
    exact = Fraction(*rate)
    starts = rounded(exact, 300, time_base)
    facts = judge(probe(picture(rate, starts, time_base))).facts
    assert (facts.fps, facts.vfr, facts.frames) == (Fps(*rate), False, 300)
    assert facts.duration == decimal(300 / exact)


@pytest.mark.parametrize("rate", [(24000, 1001), (24, 1), (30000, 1001), (30, 1)])
def test_a_rate_is_told_from_its_neighbour_without_any_claim(rate: Ratio) -> None:
    starts = rounded(Fraction(*rate), 300, (1, 90_000))
    facts = judge(probe(picture(None, starts, (1, 90_000)))).facts
    assert (facts.fps, facts.vfr) == (Fps(*rate), False)


def test_an_irregular_source_gets_its_usual_rate_and_fills_its_length() -> None:
    # A phone: mostly 30 a second, some pictures late.
    starts = [*range(0, 3000, 100), *range(3150, 6150, 100), *range(6500, 9500, 100)]
    facts = judge(probe(picture((90, 1), starts, (1, 3000), average=(29, 1), length=100))).facts
    assert (facts.fps, facts.vfr) == (Fps(30, 1), True)
    assert facts.frames == 95
    assert facts.duration == decimal(Fraction(95, 30))


def test_a_claimed_rate_that_the_packets_deny_does_not_count() -> None:
    facts = judge(probe(picture((50, 1), rounded(Fraction(25), 100), average=(25, 1)))).facts
    assert (facts.fps, facts.vfr, facts.frames) == (Fps(25, 1), False, 100)


def test_headers_alone_give_rate_and_frames() -> None:
    facts = judge(probe(picture((30000, 1001), frames=120))).facts
    assert (facts.fps, facts.frames, facts.duration) == (Fps(30000, 1001), 120, "4.004")


def test_absurd_rates_are_brought_into_reach() -> None:
    assert judge(probe(picture((90_000, 1), rounded(Fraction(1, 5), 4)))).facts.fps == Fps(1, 1)
    assert judge(probe(picture(None, rounded(Fraction(1000), 50, (1, 90_000)), (1, 90_000)))).facts.fps == Fps(60, 1)


def test_one_picture_is_a_film_of_one_frame() -> None:
    facts = judge(probe(picture((25, 1), [0], length=40))).facts
    assert (facts.fps, facts.frames, facts.vfr) == (Fps(25, 1), 1, False)


def test_a_cover_is_not_a_film() -> None:
    cover = picture((90_000, 1), [0], attached=True, codec="mjpeg", decoder="mjpeg")
    judged = judge(probe(cover, sound(), container="mp3"))
    assert (judged.kind, judged.video, judged.audio) == ("audio", None, 1)
    assert (judged.facts.width, judged.facts.duration) == (None, "2")


def test_the_first_real_picture_and_sound_are_meant_wherever_they_are() -> None:
    data = sound(0, kind="other", codec="bin_data", decoder=None, audio=None, decoded=False)
    cover = picture(index=2, attached=True)
    film = picture((25, 1), rounded(Fraction(25), 50), index=3)
    judged = judge(probe(data, sound(1), cover, film, sound(4)))
    assert (judged.kind, judged.video, judged.audio) == ("video", 3, 1)


def test_a_later_sound_is_told_as_an_offset() -> None:
    film = picture((25, 1), rounded(Fraction(25), 50))
    assert judge(probe(film, sound(start=24_000))).facts.start_offset == "0.5"
    late = picture((25, 1), [start + 80 for start in rounded(Fraction(25), 50)])
    judged = judge(probe(late, sound()))
    assert judged.facts.start_offset == "-0.08"
    assert (judged.start, judged.heard) == (Fraction(2, 25), Fraction(2, 25))
    assert judged.facts.frames == 50


def test_a_still_has_no_rate() -> None:
    judged = judge(probe(picture((25, 1), [0]), container="png_pipe"))
    assert (judged.kind, judged.facts.fps, judged.facts.duration) == ("image", None, "0")


def test_a_gif_is_a_film_only_when_it_moves() -> None:
    moving = picture((10, 1), [0, 10, 20, 30], (1, 100), codec="gif", decoder="gif")
    assert judge(probe(moving, container="gif")).kind == "video"
    assert judge(probe(picture((10, 1), [0], (1, 100)), container="gif")).kind == "image"


@pytest.mark.parametrize(
    ("streams", "why"),
    [
        ((), "neither video nor audio"),
        ((picture(attached=True),), "neither video nor audio"),
        ((picture(codec="mystery", decoder="mystery"),), "codec is not supported: mystery"),
        ((picture(decoded=False), sound(decoded=False)), "none of it can be decoded"),
        ((sound(duration=0),), "zero or unknown"),
        ((sound(duration=48_000 * 90_000),), "longer than 24 hours"),
    ],
)
def test_what_can_not_be_edited_is_refused_with_a_reason(streams: tuple[RawStream, ...], why: str) -> None:
    with pytest.raises(UnusableError, match=why):
        judge(RawProbe(container="mov", duration=None, streams=streams))


def test_a_picture_beyond_all_measure_is_refused() -> None:
    huge = picture()
    assert huge.video is not None
    wide = msgspec.structs.replace(huge, video=msgspec.structs.replace(huge.video, width=20_000, height=20_000))
    with pytest.raises(UnusableError, match="20000 × 20000"):
        judge(probe(wide))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(Fraction(5), "5"), (Fraction(1, 3), "0.333333"), (Fraction(-1, 50), "-0.02"), (Fraction(0), "0")],
)
def test_seconds_are_short_decimals(seconds: Fraction, text: str) -> None:
    assert decimal(seconds) == text


def test_a_font_is_its_faces_and_has_no_length() -> None:
    face = RawFace(
        family="Sans", style="Bold", weight=700, italic=True, axes=(RawAxis(tag="wght", low=1, default=400, high=900),)
    )
    judged = judge_font(RawFont(format="ttf", faces=(face,), coverage="20-7e"))
    assert (judged.kind, judged.video, judged.audio, judged.facts.duration) == ("font", None, None, "0")
    font = judged.facts.font
    assert font is not UNSET and font is not None
    (found,) = font.faces
    assert (found.family, found.style, found.weight, found.italic) == ("Sans", "Bold", 700, True)
    (axis,) = found.axes
    assert (axis.tag, axis.low, axis.default, axis.high) == ("wght", 1, 400, 900)
