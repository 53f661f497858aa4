"""The digest names what is seen and heard: every op that changes it changes the digest, and no other op does."""

from __future__ import annotations

import pytest

from cutlog.contract.ops import (
    CaptionSet,
    CaptionsImport,
    ClipAdd,
    ClipDetachAudio,
    ClipFreeze,
    ClipLink,
    ClipReplace,
    ClipReverse,
    ClipSet,
    ClipSlip,
    ClipSpeed,
    EffectAdd,
    EffectMove,
    EffectRemove,
    EffectSet,
    MarkerAdd,
    Op,
    TextSet,
    TrackAdd,
    TrackMove,
    TrackSet,
    TransitionAdd,
    TransitionRemove,
    TransitionSet,
)
from cutlog.contract.properties import Keyframe, Keyframes
from cutlog.contract.timeline import Crop, Shadow, TextStyle
from services.ops.edits.sequence import Sequence
from services.ops.timeline.resolve import digest
from tests.ops.drawing import drawn, run

START = run(
    drawn(v="aaaabbbb", w="cc", a1=""),
    ClipAdd(clip="t", track="w", at=2, text=TextStyle(text="Hi"), frames=3),
    EffectAdd(clip="a", effect="e1", kind="blur"),
    EffectAdd(clip="a", effect="e2", kind="hue"),
    TransitionAdd(transition="x", left="a", right="b", kind="dissolve", frames=2),
    CaptionsImport(track="v", format="srt", content="1\n00:00:00,000 --> 00:00:01,000\nHi"),
)

SEEN: list[Op] = [
    ClipSet(clip="a", x=0.4),
    ClipSet(clip="a", y=0.4),
    ClipSet(clip="a", scale=2),
    ClipSet(clip="a", rotation=9),
    ClipSet(clip="a", opacity=0.5),
    ClipSet(clip="a", opacity=Keyframes(keyframes=(Keyframe(frame=0, value=1),))),
    ClipSet(clip="a", crop=Crop(left=0.1)),
    ClipSet(clip="a", flip_h=True),
    ClipSet(clip="a", flip_v=True),
    ClipSet(clip="a", pan=1),
    ClipSet(clip="a", fade_in=2),
    ClipSet(clip="a", fade_out=2),
    ClipSet(clip="a", audio_fade_in=2),
    ClipSet(clip="a", audio_fade_out=2),
    ClipSet(clip="a", blend="screen"),
    ClipSpeed(clip="c", num=2, den=1),
    ClipReverse(clip="a", reversed=True),
    ClipFreeze(clip="c", at=1, frames=1, new="f", right="r"),
    ClipDetachAudio(clip="c", new="s", track="a1"),
    ClipReplace(clip="a", media="mute", start=40),
    ClipSlip(clip="a", by=1),
    TextSet(clip="t", shadow=Shadow()),
    EffectSet(clip="a", effect="e1", params={"radius": 0.1}),
    EffectMove(clip="a", effect="e2", index=0),
    EffectRemove(clip="a", effect="e1"),
    TransitionSet(transition="x", kind="radial"),
    TransitionRemove(transition="x"),
    CaptionSet(caption="v-c1", text="Bye"),
    TrackSet(track="v", captions="sidecar"),
    TrackMove(track="w", index=0),
]

UNSEEN: list[Op] = [
    ClipLink(clips=("a", "c")),
    MarkerAdd(marker="m", at=2),
    TrackSet(track="v", name="Main", locked=True),
    TrackAdd(track="n", kind="video"),
    ClipSet(clip="a", opacity=1.0, crop=None),
]


def named(sequence: Sequence) -> str:
    return digest(sequence, lambda media: f"sha of {media}")


@pytest.mark.parametrize("op", SEEN)
def test_what_can_be_seen_or_heard_changes_the_digest(op: Op) -> None:
    assert named(run(START, op)) != named(START)


@pytest.mark.parametrize("op", UNSEEN)
def test_what_can_not_does_not(op: Op) -> None:
    assert named(run(START, op)) == named(START)
