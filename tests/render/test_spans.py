"""Spans: the stack of layers over time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cutlog.contract.timeline import Caption
from services.render.plan.spans import Footage, Solid, Span, Title, spans
from tests.render.timelines import lane, media, sequence, shot, solid, timeline, title

BLACK = Solid("#000000")


def test_an_empty_timeline_has_no_spans() -> None:
    assert spans(timeline()) == ()


def test_a_gap_shows_the_background() -> None:
    found = spans(timeline(lane(shot(10, 0, 5), solid(20, 5, "#00ff00")), background="#112233"))
    background = Solid("#112233")
    assert found == (
        Span(0, 10, (background,)),
        Span(10, 5, (Footage("v", 0),)),
        Span(15, 5, (background,)),
        Span(20, 5, (Solid("#00ff00"),)),
    )


def test_tracks_stack_from_the_bottom_up() -> None:
    found = spans(timeline(lane(shot(0, 0, 100)), lane(title(20, 30), number=1)))
    assert [(span.at, span.end, len(span.layers)) for span in found] == [(0, 20, 1), (20, 50, 2), (50, 100, 1)]
    assert found[1].layers[0] == Footage("v", 20)
    assert isinstance(found[1].layers[1], Title)


def test_what_an_opaque_layer_covers_is_left_out() -> None:
    found = spans(timeline(lane(shot(0, 0, 30)), lane(shot(10, 200, 10, "w"), number=1), library=[media(), media("w")]))
    assert [span.layers for span in found] == [
        (Footage("v", 0),),
        (Footage("w", 200),),
        (Footage("v", 20),),
    ]


def test_a_picture_of_other_proportions_lets_through_what_lies_below() -> None:
    tall = media("tall", size=(608, 1080))
    found = spans(timeline(lane(shot(0, 0, 30)), lane(shot(0, 5, 30, "tall"), number=1), library=[media(), tall]))
    assert found == (Span(0, 30, (Footage("v", 0), Footage("tall", 5))),)


def test_hidden_tracks_and_disabled_clips_show_nothing() -> None:
    off = shot(0, 0, 10)
    clip = type(off)(id="off", at=0, frames=10, source=off.source, enabled=False)
    found = spans(timeline(lane(clip), lane(solid(0, 10), number=1, hidden=True)))
    assert found == (Span(0, 10, (BLACK,)),)


def test_a_track_without_clips_shows_its_captions_and_nothing_else() -> None:
    said = Caption(id="s", start=4, end=6, text="Hi")
    found = spans(timeline(lane(shot(0, 0, 10)), lane(number=1), lane(number=2, captions=(said,))))
    assert [(span.at, span.end, len(span.layers)) for span in found] == [(0, 4, 1), (4, 6, 2), (6, 10, 1)]


def test_a_sound_on_a_video_track_has_no_picture() -> None:
    found = spans(timeline(lane(shot(0, 0, 10, "a")), library=[media("a", kind="audio")]))
    assert found == (Span(0, 10, (BLACK,)),)


def test_a_split_that_changes_nothing_makes_no_new_span() -> None:
    assert spans(timeline(sequence((0, 40), (40, 60)))) == spans(timeline(sequence((0, 100))))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(1, 40), st.booleans()), max_size=12))
def test_spans_cover_the_whole_once(clips: list[tuple[int, int, int, bool]]) -> None:
    lanes: dict[int, list[tuple[int, int, bool]]] = {}
    for track, gap, frames, moving in clips:
        lanes.setdefault(track, []).append((gap, frames, moving))
    tracks = []
    for number, parts in sorted(lanes.items()):
        at, made = 0, []
        for gap, frames, moving in parts:
            made.append(shot(at + gap, gap, frames) if moving else solid(at + gap, frames))
            at += gap + frames
        tracks.append(lane(*made, number=number))
    whole = timeline(*tracks)
    found = spans(whole)
    assert [span.at for span in found[1:]] == [span.end for span in found[:-1]]
    assert sum(span.frames for span in found) == whole.duration
    assert all(span.frames > 0 and span.layers for span in found)
