"""Captions as files: what is written is what is read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutlog.contract.time import Fps
from cutlog.contract.timeline import Caption
from services.ops.captions.reading import read
from services.ops.edits.captions import nearest_frame
from services.ops.interchange.subtitles import SubtitleFormat, subtitles

RATES = [Fps(24, 1), Fps(25, 1), Fps(30000, 1001), Fps(24000, 1001), Fps(60, 1), Fps(120, 1)]
LINES = st.lists(
    st.text("ab <>&'-1🎬é{\\", min_size=1, max_size=12).map(str.strip).filter(bool), min_size=1, max_size=3
)


@st.composite
def captions(draw: st.DrawFn) -> tuple[Caption, ...]:
    starts = sorted(draw(st.sets(st.integers(0, 500_000), min_size=1, max_size=8)))
    return tuple(
        Caption(id=f"x-c{n}", start=at, end=at + draw(st.integers(1, 400)), text="\n".join(draw(LINES)))
        for n, at in enumerate(starts, 1)
    )


@given(captions(), st.sampled_from(RATES))
def test_webvtt_says_the_same_captions_again(said: tuple[Caption, ...], fps: Fps) -> None:
    found = read("vtt", subtitles(said, fps, "vtt").encode())
    cues = [(nearest_frame(cue.start, fps), nearest_frame(cue.end, fps), cue.text) for cue in found.cues]
    assert cues == [(caption.start, caption.end, caption.text) for caption in said]
    assert not found.dropped and not found.lost


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_a_file_looks_as_players_want_it(kind: SubtitleFormat) -> None:
    said = (
        Caption(id="en-c1", start=3, end=30, text="Hi & bye\n\nnow"),
        Caption(id="en-c2", start=90_000, end=90_001, text="x"),
    )
    files = {
        "srt": "1\n00:00:00,120 --> 00:00:01,200\nHi & bye\nnow\n\n2\n01:00:00,000 --> 01:00:00,040\nx\n",
        "vtt": "WEBVTT\n\nen-c1\n00:00:00.120 --> 00:00:01.200\nHi &amp; bye\nnow\n\n"
        "en-c2\n01:00:00.000 --> 01:00:00.040\nx\n",
    }
    assert subtitles(said, Fps(25, 1), kind) == files[kind]


def test_nobody_s_captions_are_an_empty_file() -> None:
    assert (subtitles((), Fps(25, 1), "vtt"), subtitles((), Fps(25, 1), "srt")) == ("WEBVTT\n", "\n")
