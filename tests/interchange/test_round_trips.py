"""Export and import again give the same timeline."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import opentimelineio
from hypothesis import HealthCheck, given, settings

from cutlog.contract.timeline import Canvas, Timeline
from services.ops.edits.sequence import Sequence
from services.ops.interchange.batch import Batch
from services.ops.interchange.export import export
from services.ops.interchange.losses import Ledger
from services.ops.interchange.reading import canvas_of, opened, read
from tests.interchange.histories import FILES, LIBRARY, MEDIA, comparable, timeline_of, timelines
from tests.support.chance import examples

SLOW = settings(max_examples=examples(150), suppress_health_check=list(HealthCheck))


def through_otio(timeline: Timeline) -> Any:
    """What OpenTimelineIO makes of the file: its own reader and writer in between."""
    text = msgspec.json.encode(export(timeline, "film", FILES)).decode()
    return json.loads(opentimelineio.core.deserialize_json_from_string(text).to_json_string(indent=-1))


def imported(document: Any, into: Sequence) -> tuple[Sequence, Ledger]:
    losses = Ledger()
    told = opened(document, losses)
    canvas, exact = canvas_of(told, into.canvas)
    draft = read(told, canvas, exact, LIBRARY, into.taken.__contains__, losses)
    assert not draft.missing
    batch = Batch(into, MEDIA, losses)
    batch.build(draft, "replace")
    return batch.sequence, losses


@SLOW
@given(timelines())
def test_a_timeline_comes_back_from_opentimelineio_as_it_was(timeline: Timeline) -> None:
    sequence, losses = imported(through_otio(timeline), Sequence("new", Canvas()))
    assert losses.report() == ()
    assert comparable(timeline_of(sequence)) == comparable(timeline)
