"""Ops on text clips."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET

from cutlog.contract.ops import TextSet
from cutlog.contract.timeline import TextSource, TextStyle
from services.ops.edits import touching
from services.ops.edits.definition import Definition, with_media
from services.ops.edits.errors import EditError
from services.ops.edits.given import some
from services.ops.edits.lettering import check_letters, letters_of
from services.ops.edits.looks import check_value, ranges
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Sources

RANGES: Final = ranges(TextStyle)
FIELDS: Final = TextStyle.__struct_fields__


def change(sequence: Sequence, op: TextSet, sources: Sources) -> Sequence:
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
    check_text(text, sources, "", "" if op.font is UNSET or op.text is not UNSET else "/font")
    return sequence.changed(found, msgspec.structs.replace(found.placed.piece, source=TextSource(text=text)))


def check_text(text: TextStyle, sources: Sources, pointer: str, blamed: str = "") -> None:
    """Refuses keyframes out of order or out of range, a font that can't be used, and characters that no font has.
    `blamed` is pointed to for these, unless it is the text itself."""
    for name, limits in RANGES.items():
        check_value(getattr(text, name), limits.low, limits.high, f"{pointer}/{limits.name}")
    check_letters(text.text, letters_of(text.font, sources, f"{pointer}/font"), blamed or f"{pointer}/text")


OPS: Final = (
    Definition(
        TextSet,
        with_media(change),
        lambda op, _: touching.clip(op.clip, *(f"text.{field}" for field in touching.given(op, "clip"))),
    ),
)
