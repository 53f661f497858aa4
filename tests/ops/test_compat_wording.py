"""What old frontends are told to send in place of what can't be translated is taken, and ops keep their form."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from cutlog.contract.legacy import Conventions
from cutlog.contract.letters import shipped
from cutlog.contract.media import MediaFacts
from cutlog.contract.ops import Op
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas
from services.ops.decide.media import MediaState
from services.ops.edits.apply import apply
from services.ops.edits.sequence import Sequence
from services.ops.edits.size import Budget
from services.ops.legacy.draft import Draft
from services.ops.legacy.kinds import LOOKS, SOUNDS, TEXTS
from services.ops.legacy.reading import UntranslatableError
from services.ops.legacy.rules import RULES
from services.ops.legacy.translate import meant, opened_with
from services.ops.legacy.wording import begins_as_film, instead, settled, shown, unwrapped
from services.ops.project.catalog import Shelf

FACTS = MediaFacts(
    container="mov", duration="10", width=320, height=180, fps=Fps(30, 1), frames=300, audio_codec="aac", channels=2
)
STATE = MediaState(
    tenant="t", sha256="ab" * 32, kind="video", facts=FACTS, ref_count=1, key="k", size=1, name="film.mov", generation=0
)
SHELF = Shelf({"v_1": STATE}, "t", shipped(), Budget())
WHOLE = Conventions(whole_film=True)


def film() -> Sequence:
    return opened_with("v_1", None, Sequence("Film", Canvas()), SHELF)[1]


def advised(kind: str, sequence: Sequence) -> dict[str, Any]:
    found = re.search(r"`(\{.*?\})`", instead({"type": "effect", "effect": kind}, sequence))
    assert found is not None
    op: dict[str, Any] = json.loads(found[1])
    return op


def test_what_is_named_in_place_of_a_kind_is_taken() -> None:
    sequence, wrong = film(), {}
    for kind in {*RULES, *LOOKS, *SOUNDS, *TEXTS, "anything", "merge"}:
        op = advised(kind, sequence)
        if op.get("effect") in ("removetrack", "move") or op.get("kind") == "lut":
            continue  # about what is not there
        draft = Draft(sequence, {"VIDEO": "v_1", "AUDIO": "v_1"}, SHELF, "c1-0")
        try:
            meant(op, draft, WHOLE)
        except UntranslatableError as error:
            wrong[kind] = op, str(error)
    assert wrong == {}


def test_ops_of_ours_keep_what_they_say_in_the_form_of_the_old_backend() -> None:
    ops: list[dict[str, Any]] = [
        {"op": "clip.set", "clip": "film", "opacity": 0.5},
        {"op": "track.add", "track": "v2", "kind": "video"},
    ]
    assert [unwrapped(each) for each in shown(ops, 2)] == ops
    opening = opened_with("v_1", None, Sequence("Film", Canvas()), SHELF)[0]
    assert begins_as_film(opening) and shown([*opening, *ops], 1) == shown(ops, 2)
    assert not begins_as_film(ops) and not begins_as_film([])
    old: dict[str, Any] = {"type": "effect", "effect": "clip.set", "parameters": {"clip": "film"}, "strength": 2}
    assert unwrapped(old) == old, "a member that would be lost"
    for each in ops:
        apply(film(), msgspec.convert(unwrapped(each), Op), SHELF)


def test_an_edit_that_leaves_its_unit_open_is_read_as_a_store_of_it_would_be() -> None:
    def volume(level: float) -> str:
        return settled(
            [{"type": "effect", "effect": "volume", "parameters": {"volume": level}}], 10, whole_film=True
        ).volume

    assert [volume(level) for level in (0.5, 2, 5, 10, 150)] == ["factor", "factor", "unsure", "percent", "percent"]
    with pytest.raises(UntranslatableError, match="startMs"):
        settled([{"type": "trim", "start": 0, "end": 5000}], 10, whole_film=True)
