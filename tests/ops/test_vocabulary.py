"""Each op is complete: declared once, and with all that the rest of the service asks of it."""

from __future__ import annotations

from collections import Counter
from typing import Any, get_args

import msgspec
import pytest

from cutlog.client import ops as client_ops
from cutlog.contract.clip_ops import ClipOp
from cutlog.contract.finishing_ops import FinishingOp
from cutlog.contract.ops import Op
from cutlog.contract.project_ops import ProjectOp
from docs.edit_language_examples import EXAMPLES, GROUPS
from docs.generate_edit_language import KINDS, beginning, run
from services.ops.edits import apply as applying
from services.ops.edits.touching import Touch
from services.ops.timeline.diff import diff
from services.ops.timeline.rebase import collisions
from services.ops.timeline.values import ABSENT, part

OPS: tuple[type[msgspec.Struct], ...] = get_args(Op)


def test_every_op_has_one_definition_one_class_for_clients_and_one_place_in_the_docs() -> None:
    definitions = Counter(definition.op for room in applying.ROOMS for definition in room.OPS)
    assert definitions == Counter(OPS)
    assert Counter(OPS) == sum((Counter(get_args(group)) for group in (ProjectOp, ClipOp, FinishingOp)), Counter())
    assert all(getattr(client_ops, op.__name__) is op for op in OPS)
    tags = Counter(str(op.__struct_config__.tag) for op in OPS)
    assert tags == Counter(list(EXAMPLES)) == Counter(tag for group in GROUPS.values() for tag in group)


def example(op: type[msgspec.Struct]) -> tuple[Any, Any, Any]:
    """The timeline of its example, the op, and the timeline after it."""
    shown = EXAMPLES[str(op.__struct_config__.tag)]
    before = run(shown.given, beginning()) if shown.given else beginning()
    return before, msgspec.convert(shown.op, Op), run([shown.op], before)


@pytest.mark.parametrize("op", OPS, ids=list(KINDS))
def test_an_op_touches_values_that_are_there_and_blames_an_argument_of_its_own(op: type[msgspec.Struct]) -> None:
    before, one, _ = example(op)
    definition = applying.DEFINITIONS[op]
    for touch in definition.touches(one, before):
        assert touch.of == "place" or part(before, touch.of, touch.id, touch.field) is not ABSENT, touch
    assert definition.to_blame(one) in {"", *(f"/{name}" for name in op.__struct_encode_fields__)}
    assert collisions((one,), 1, (before, before)) == []


@pytest.mark.parametrize("op", OPS, ids=list(KINDS))
def test_an_op_that_touches_nothing_only_adds(op: type[msgspec.Struct]) -> None:
    before, one, after = example(op)
    touched = list(applying.DEFINITIONS[op].touches(one, before))
    changed = {change.change for change in diff(before, after)}
    assert changed
    assert touched or changed == {"added"}


@pytest.mark.parametrize("op", OPS, ids=list(KINDS))
def test_an_op_that_changes_or_removes_something_does_not_go_on_top_of_its_own_change(
    op: type[msgspec.Struct],
) -> None:
    """Two authors do the same to one thing: the second is told, whatever the op."""
    before, one, after = example(op)
    own = {touch for touch in applying.DEFINITIONS[op].touches(one, before) if touch != _there(one)}
    assert not own or collisions((one,), 1, (before, after))


def _there(op: Any) -> Touch:
    """What an op only needs: a clip to add an effect to."""
    return Touch("clip", getattr(op, "clip", ""), "there")
