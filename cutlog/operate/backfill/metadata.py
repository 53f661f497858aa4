"""What rows say that has no place here: kept as metadata, as far as it is small, and counted by the names of fields."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

import msgspec

from cutlog.operate.backfill.fields import Row
from cutlog.operate.backfill.index import Index
from cutlog.operate.backfill.oddities import Oddity

MOST: Final = 16_384
"""Bytes of JSON that one row keeps: small fields first, so that one large one costs no other."""

Count = Callable[[str, bool], None]
"""Takes the name of a field that has no place here, and whether it is kept."""


def rest(row: Row, carried: Collection[str], count: Count) -> dict[str, Any]:
    """The fields of a row that nothing else carries, but for those that are empty or too large."""
    others = {name: value for name, value in row.items() if name not in carried and value is not None}
    kept: dict[str, Any] = {}
    room = MOST
    for size, name in sorted((len(msgspec.json.encode({name: others[name]})), name) for name in others):
        room -= size
        count(name, room >= 0)
        if room >= 0:
            kept[name] = others[name]
    return {name: value for name, value in others.items() if name in kept}


def counting(index: Index, file: str) -> Count:
    """Counts the fields of the rows of a file."""

    def count(name: str, kept: bool) -> None:
        one = "INSERT INTO field VALUES (?, ?, ?, 1) ON CONFLICT (file, name, kept) DO UPDATE SET rows = rows + 1"
        index.do(one, file, name[:200], kept)

    return count


def tell_fields(index: Index) -> None:
    """Reports the fields that have no place here."""
    for row in list(index.all("SELECT file, name, kept, rows FROM field ORDER BY file, name, kept")):
        rows = "1 row" if row["rows"] == 1 else f"{row['rows']} rows"
        what = f"the field {row['name']!r} of {rows} has no place here"
        done = "kept as metadata" if row["kept"] else "left in the source"
        if not row["kept"] and row["file"] != "data/editOperations.json":
            what += f", and is too large for metadata, which is {MOST} bytes of a row"
        index.tell(Oddity(row["file"], "", what, done))
