"""Pasting a clip as a timeline shows it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cutlog.contract import ops as o
from cutlog.contract.ops import Op
from services.ops.edits.apply import apply, apply_all
from services.ops.edits.errors import EditError
from services.ops.edits.lane import Piece
from services.ops.edits.sequence import Sequence
from tests.ops.drawing import MEDIA, drawn

BASE: dict[str, Any] = {"op": "clip.paste", "clip": "new", "track": "v", "at": 10}


def pasted(**fields: Any) -> Sequence:
    op = msgspec.convert({**BASE, **fields}, Op)
    return apply(drawn(v="aaaa", a=""), op, MEDIA)


def test_the_part_of_a_sped_clip_that_a_split_left_can_be_pasted_as_it_is() -> None:
    cut = apply_all(
        drawn(v="aaaaaaaaaa"),
        (
            o.ClipSpeed(clip="a", num=2, den=3),
            o.ClipSet(clip="a", fade_in=6),
            o.ClipSplit(clip="a", at=4, new="r"),
        ),
        MEDIA,
    )
    part: Piece = cut.clip("r").placed.piece
    assert part.speed is not None and part.speed.phase and part.head_cut
    source = msgspec.to_builtins(part.source)
    after = pasted(
        frames=part.frames, media="film", **{"in": source["in"], "out": source["out"]},
        speed=msgspec.to_builtins(part.speed), headCut=part.head_cut, tailCut=part.tail_cut,
        properties={"fadeIn": part.fade_in},
    )  # fmt: skip
    assert after.clip("new").placed.piece == msgspec.structs.replace(part, id="new")


def test_a_frozen_frame_with_an_effect_is_pasted() -> None:
    piece = pasted(frames=7, media="film", freeze=99, effects=[{"id": "e", "kind": "blur"}]).clip("new").placed.piece
    assert (piece.frames, piece.effects[0].params) == (7, {"radius": 0.01})


@pytest.mark.parametrize(
    ("pointer", "fields"),
    [
        ("", {"frames": 3}),
        ("", {"frames": 3, "media": "film", "in": 0}),
        ("/media", {"frames": 3, "media": "nothing", "in": 0, "out": 3}),
        ("/out", {"frames": 3, "media": "film", "in": 5, "out": 5}),
        ("/out", {"frames": 60, "media": "film", "in": 50, "out": 110}),
        ("/frames", {"frames": 4, "media": "film", "in": 0, "out": 3}),
        ("/frames", {"frames": 3, "media": "film", "in": 0, "out": 4, "speed": {"num": 2, "den": 1}}),
        ("/freeze", {"frames": 3, "media": "film", "freeze": 100}),
        ("/in", {"frames": 3, "media": "film", "freeze": 1, "in": 0}),
        ("/speed", {"frames": 3, "color": "#000000", "speed": {"num": 2, "den": 1}}),
        ("/speed/num", {"frames": 3, "media": "film", "in": 0, "out": 1, "speed": {"num": 1, "den": 101}}),
        ("/speed/den", {"frames": 3, "media": "film", "in": 0, "out": 9, "speed": {"num": 2, "den": 4}}),
        ("/silent", {"frames": 3, "color": "#000000", "silent": True}),
        ("/silent", {"track": "a", "frames": 3, "media": "film", "in": 0, "out": 3, "silent": True}),
        ("/at", {"at": 2, "frames": 3, "color": "#000000"}),
        ("/clip", {"clip": "a", "frames": 3, "color": "#000000"}),
        ("/track", {"track": "a", "frames": 3, "color": "#000000"}),
        ("/effects/0/kind", {"frames": 3, "color": "#000000", "effects": [{"id": "e", "kind": "nothing"}]}),
        ("/effects/0/kind", {"frames": 3, "color": "#000000", "effects": [{"id": "e", "kind": "eq"}]}),
        ("/effects/1/id", {"frames": 3, "color": "#000000", "effects": [{"id": "e", "kind": "blur"}] * 2}),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused_with_a_pointer(pointer: str, fields: dict[str, Any]) -> None:
    with pytest.raises(EditError) as refused:
        pasted(**fields)
    assert refused.value.pointer == pointer, refused.value
    assert len(refused.value.detail.split()) > 3
