"""No field of a clip is dropped on its way: an edit, a snapshot, the timeline document, a pasted clip."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from cutlog.contract.ops import ClipPaste
from cutlog.contract.properties import Keyframe, Keyframes
from cutlog.contract.timeline import Canvas, Clip, ClipContent, Crop, Effect, MediaSource, Speed
from services.ops.decide.project_state import ProjectState
from services.ops.edits.apply import apply
from services.ops.edits.lane import OF_PICTURES, OF_SOUNDS, Lane, Piece
from services.ops.edits.sequence import Sequence, TrackState
from services.ops.edits.sources import TRUSTED
from services.ops.interchange.batch import _clip
from services.ops.project import snapshot
from services.ops.timeline.resolve import resolve

MOVES: Final = Keyframes(keyframes=(Keyframe(frame=0, value=0.25), Keyframe(frame=9, value=0.75)))
#: Each field of a clip, with a value that is not the usual one.
FIELDS: Final[dict[str, Any]] = {
    "id": "c", "frames": 10, "source": MediaSource(media="film", start=5, end=25),
    "enabled": False, "fit": "cover", "gain_db": -6.0, "x": MOVES, "y": 0.4, "scale": 0.5, "rotation": 10.0,
    "opacity": 0.5, "pan": -1.0, "crop": Crop(left=0.1), "flip_h": True, "flip_v": True, "fade_in": 3, "fade_out": 4,
    "audio_fade_in": 5, "audio_fade_out": 6, "head_cut": 2, "tail_cut": 1, "blend": "multiply",
    "effects": (Effect(id="e", kind="hue", params={"degrees": 90.0}),), "speed": Speed(num=2, den=1),
    "reversed": True, "silent": True,
}  # fmt: skip
PIECE: Final = Piece(**FIELDS)
SEQUENCE: Final = Sequence("Film", Canvas(), (TrackState("v", "video", Lane.of([(7, PIECE)])),))
#: Properties that are neither of pictures nor of sounds alone.
OF_BOTH: Final = {
    "id", "frames", "source", "enabled", "head_cut", "tail_cut", "effects", "speed", "reversed", "silent",
}  # fmt: skip


def test_a_clip_of_the_timeline_and_one_that_is_edited_have_the_same_fields() -> None:
    content = ClipContent.__struct_fields__
    assert set(FIELDS) == set(content)
    assert set(Clip.__struct_fields__) - set(content) == {"at", "link"}
    assert set(Piece.__struct_fields__) - set(content) == {"tail"}
    assert sorted([*OF_PICTURES, *OF_SOUNDS, *OF_BOTH]) == sorted(content)


def test_the_timeline_document_has_every_field() -> None:
    (track,) = resolve(SEQUENCE, "p", "default", 1, {}).tracks
    assert track.clips == (Clip(at=7, **FIELDS),)


def test_a_snapshot_has_every_field() -> None:
    state = ProjectState(tenant="default", sequence=SEQUENCE)
    assert [placed.piece for placed in snapshot.load(snapshot.dump(state)).sequence.clips()] == [PIECE]


def test_a_pasted_clip_has_every_field() -> None:
    op = _clip(Clip(at=7, **FIELDS), "v")
    assert isinstance(op, ClipPaste)
    empty = msgspec.structs.replace(SEQUENCE, tracks=(TrackState("v", "video"),))
    assert [placed.piece for placed in apply(empty, op, TRUSTED).clips()] == [PIECE]
