"""Final Cut Pro 7 XML of other programs: what it says is on the timeline, and what is not there is told."""

from __future__ import annotations

import pytest

from cutlog.contract.time import Fps
from cutlog.contract.timeline import ColorSource, FreezeSource, Speed, TextSource
from services.ops.interchange.converter import Converter
from services.ops.interchange.readers.fcp7 import read
from services.ops.interchange.readers.otio import RefusedError
from tests.interchange.conftest import Bring, Brought, imported

RATE = "<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>"
FILE = f'<file id="f"><name>a.mov</name><pathurl>file:///x/a.mov</pathurl>{RATE}<duration>500</duration></file>'


def clip(start: int, end: int, first: int, more: str = "", file: str = FILE, rate: str = RATE) -> str:
    length = end - start if start >= 0 and end >= 0 else 30
    return (
        f"<clipitem><name>a.mov</name>{rate}<start>{start}</start><end>{end}</end><in>{first}</in>"
        f"<out>{first + length}</out>{file}{more}</clipitem>"
    )


def sequence(video: str, audio: str = "", more: str = "", rate: str = RATE, name: str = "S") -> str:
    sound = f"<audio><track>{audio}</track></audio>" if audio else ""
    return (
        f'<sequence id="{name}"><name>{name}</name>{rate}<media><video><track>{video}</track></video>{sound}</media>'
        f"{more}</sequence>"
    )


def brought(*sequences: str) -> Brought:
    return imported(read(f'<xmeml version="5">{"".join(sequences)}</xmeml>'.encode()))


def places(found: Brought) -> dict[str, list[tuple[object, ...]]]:
    return {track: [clip[1:] for clip in clips] for track, clips in found.lanes().items()}


async def test_a_sequence_in_a_sequence(bring: Bring) -> None:
    found = await bring("nested-sequence.xml")
    assert places(found) == {"v1": [(0, 24, 72), (24, 24, 48)]}
    assert (found.sequence.duration, found.sequence.canvas.width, found.sequence.canvas.height) == (48, 640, 360)
    assert found.lost() == {"nesting"}


def test_a_sequence_that_is_nested_twice_is_told_once_in_the_file() -> None:
    inner = sequence(clip(0, 100, 60), clip(0, 100, 60), name="N")
    first = clip(0, 24, 12, inner, file="")
    again = clip(24, 34, 0, '<sequence id="N"/>', file="")
    sound = clip(0, 24, 12, '<sequence id="N"/>', file="")
    found = brought(sequence(first + again, sound))
    assert places(found) == {"v1": [(0, 24, 72), (24, 10, 60)]}
    heard = {placed.piece.silent for placed in found.sequence.clips() if placed.at == 0}
    assert heard == {False}
    assert {placed.piece.silent for placed in found.sequence.clips() if placed.at == 24} == {True}


def test_the_tracks_of_a_nested_sequence_come_above_each_other() -> None:
    inner = sequence(clip(0, 50, 0), name="N").replace("</video>", f"<track>{clip(10, 20, 300)}</track></video>")
    assert places(brought(sequence(clip(5, 45, 0, inner, file="")))) == {"v1": [(5, 40, 0)], "v2": [(15, 10, 300)]}


def test_a_nested_sequence_plays_at_its_own_rate() -> None:
    rate = RATE.replace("24", "12")
    inner = sequence(clip(0, 50, 40, rate=rate), rate=rate, name="N")
    assert places(brought(sequence(clip(0, 24, 0, inner, file="")))) == {"v1": [(0, 24, 80)]}


def test_a_sequence_in_itself_is_refused() -> None:
    with pytest.raises(RefusedError, match="nested"):
        brought(sequence(clip(0, 24, 0, '<sequence id="S"/>', file="")))


def remap(percent: str, reverse: str = "FALSE", more: str = "") -> str:
    return (
        "<filter><effect><name>Time Remap</name><effectid>timeremap</effectid><parameter>"
        f"<parameterid>speed</parameterid><value>{percent}</value>{more}</parameter><parameter><parameterid>reverse"
        f"</parameterid><value>{reverse}</value></parameter></effect></filter>"
    )


def test_speed_direction_and_frozen_frames() -> None:
    found = brought(
        sequence(
            clip(0, 24, 48, remap("200"))
            + clip(24, 48, 48, remap("100", "TRUE"))
            + clip(48, 60, 7, "<stillframe>TRUE</stillframe>")
        )
    )
    fast, back, still = (placed.piece for placed in found.sequence.clips())
    assert fast.speed == Speed(num=2, den=1) and not fast.reversed
    assert back.speed is None and back.reversed
    assert isinstance(still.source, FreezeSource) and still.source.frame == 7
    assert found.lost() == set()


def joint(start: int, end: int, alignment: str, name: str = "Cross Dissolve") -> str:
    return (
        f"<transitionitem>{RATE}<start>{start}</start><end>{end}</end><alignment>{alignment}</alignment>"
        f"<effect><name>{name}</name><effectid>{name}</effectid></effect></transitionitem>"
    )


@pytest.mark.parametrize(
    ("alignment", "start", "end"), [("center", 18, 30), ("start", 24, 36), ("end-black", 12, 24), ("", 18, 30)]
)
def test_clips_that_leave_their_ends_to_a_transition(alignment: str, start: int, end: int) -> None:
    left = clip(0, -1, 10).replace("<out>40</out>", f"<out>{10 + end}</out>")
    found = brought(sequence(left + joint(start, end, alignment) + clip(-1, 60, 100)))
    one, other = found.sequence.clips()
    assert one.piece.tail is not None and one.piece.tail.frames == 12
    cut = (start + end) // 2
    assert (one.at, one.piece.frames, other.at, other.piece.frames) == (0, cut, cut, 60 - cut)
    # Frame 100 of the right one is where the transition begins, whatever part of it lies before the cut.
    assert places(found)["v1"][1][2] == 100 + cut - start


def test_a_transition_at_one_end_is_a_fade() -> None:
    found = brought(sequence(joint(0, 12, "start-black") + clip(-1, -1, 0) + joint(48, 60, "end-black")))
    (only,) = found.sequence.clips()
    assert (only.at, only.piece.frames, only.piece.fade_in, only.piece.fade_out) == (0, 60, 12, 12)


def test_effects_that_do_nothing_are_no_losses_and_others_are() -> None:
    usual = (
        "<filter><effect><name>Opacity</name><effectid>opacity</effectid><parameter><parameterid>opacity</parameterid>"
        "<value>100</value></parameter></effect></filter>"
    )
    found = brought(sequence(clip(0, 24, 0, usual) + clip(24, 48, 0, usual.replace("100", "50"))))
    assert [(loss.what, loss.count) for loss in found.losses if loss.what == "effect"] == [("effect", 1)]
    changing = remap("200", more="<keyframe/>").replace(
        "<parameter>", "<parameter><parameterid>variablespeed</parameterid><value>1</value></parameter><parameter>", 1
    )
    assert "speed" in brought(sequence(clip(0, 24, 0, changing))).lost()


def test_what_can_not_be_is_told() -> None:
    found = brought(
        sequence(clip(-1, 24, 0) + clip(30, 20, 0) + clip(40, 60, 0) + clip(50, 70, 0) + clip(80, 90, 0)
                 .replace("</clipitem>", "<compositemode>screen</compositemode></clipitem>")),
        sequence(clip(0, 10, 0), name="T"),
    )  # fmt: skip
    assert {(loss.what, loss.detail.split(";")[0]) for loss in found.losses if loss.what != "name"} == {
        ("object", "only the first sequence was imported, not T"),
        ("clip", "its start or end is not told"),
        ("clip", "it ends before it begins, and was left out"),
        ("clip", "it lies on another of its track"),
        ("blend", "the mode screen is not kept"),
    }
    assert places(found)["v1"] == [(40, 20, 0), (60, 10, 10), (80, 10, 0)]


def test_colours_words_and_switches() -> None:
    item = (
        "<generatoritem><name>g</name><start>{}</start><end>{}</end><in>0</in><effect><effectid>{}</effectid>"
        "<parameter><parameterid>{}</parameterid><value>{}</value></parameter></effect></generatoritem>"
    )
    red = "<red>255</red><green>0</green><blue>0</blue>"
    found = brought(
        sequence(
            item.format(0, 10, "Color", "fillcolor", red) + item.format(10, 20, "Text", "str", "Hi\nthere")
            + clip(20, 30, 0, "<enabled>FALSE</enabled>")
        )
    )  # fmt: skip
    color, words, off = (placed.piece for placed in found.sequence.clips())
    assert color.source == ColorSource(color="#ff0000")
    assert isinstance(words.source, TextSource) and words.source.text.text == "Hi\nthere"
    assert not off.enabled


def test_ntsc_rates_and_sources_of_another_rate() -> None:
    ntsc = RATE.replace("24", "30").replace("FALSE", "TRUE")
    found = brought(sequence(clip(0, 30, 50, rate=RATE.replace("24", "25")), rate=ntsc))
    assert found.sequence.canvas.fps == Fps(30000, 1001)
    assert places(found) == {"v1": [(0, 30, 60)]}


@pytest.mark.parametrize("text", ["<xmeml/>", "<fcpxml/>", "<xmeml><sequence/></xmeml>", "<xmeml"])
def test_what_holds_no_sequence_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        read(text.encode())


@pytest.mark.slow(reason="converts thousands of items")
async def test_four_thousand_items_are_four_thousand_clips(converter: Converter) -> None:
    items = "".join(clip(at, at + 24, 0, file=FILE if not at else '<file id="f"/>') for at in range(0, 96_000, 24))
    document = f'<?xml version="1.0"?><!DOCTYPE xmeml><xmeml>{sequence(items)}</xmeml>'
    found = imported(await converter.read("fcp7xml", Fps(24, 1), document.encode()))
    assert found.sequence.clip_count == 4_000 and found.lost() == set()
