"""Ops on text clips."""

from __future__ import annotations

import msgspec

from cutlog.contract.ops import TextSet
from cutlog.contract.timeline import TextSource
from services.ops.edits.errors import EditError
from services.ops.edits.given import some
from services.ops.edits.sequence import Sequence


def change(sequence: Sequence, op: TextSet) -> Sequence:
    """Changes what a text clip says and how it looks.

    before  v2 [Hello]          {clip: "t", text: "Bye", color: "#ff0000"}
    after   v2 [Bye  ]          in red; no clip moves
    """
    changes = some(op, "text", "font", "size", "color", "align", "x", "y")
    index, _, placed = sequence.open_clip(op.clip)
    source = placed.piece.source
    if not isinstance(source, TextSource):
        raise EditError("/clip", f"clip {op.clip} is not a text; text.set is for clips that clip.add made from text")
    text = msgspec.structs.replace(source.text, **changes)
    piece = msgspec.structs.replace(placed.piece, source=TextSource(text=text))
    return sequence.spliced(index, placed.rank, placed.rank + 1, ((placed.at, piece),))
