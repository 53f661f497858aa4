"""Ops on text clips."""

from __future__ import annotations

from typing import Final

import msgspec

from cutlog.contract.ops import TextSet
from cutlog.contract.timeline import TextSource, TextStyle
from services.ops.edits.errors import EditError
from services.ops.edits.given import some
from services.ops.edits.looks import check_value, ranges
from services.ops.edits.sequence import Sequence

RANGES: Final = ranges(TextStyle)
FIELDS: Final = TextStyle.__struct_fields__


def change(sequence: Sequence, op: TextSet) -> Sequence:
    """Changes what a text clip says and how it looks.

    before  v2 [Hello]          {clip: "t", text: "Bye", color: "#ff0000"}
    after   v2 [Bye  ]          in red; no clip moves
    """
    changes = some(op, *FIELDS)
    found = sequence.open_clip(op.clip)
    source = found.placed.piece.source
    if not isinstance(source, TextSource):
        raise EditError("/clip", f"clip {op.clip} is not a text; text.set is for clips that clip.add made from text")
    text = msgspec.structs.replace(source.text, **changes)
    check_style(text, "")
    return sequence.changed(found, msgspec.structs.replace(found.placed.piece, source=TextSource(text=text)))


def check_style(text: TextStyle, pointer: str) -> None:
    """Refuses keyframes out of order or out of range."""
    for name, limits in RANGES.items():
        check_value(getattr(text, name), limits.low, limits.high, f"{pointer}/{limits.name}")
