"""Writes cutlog/contract/shipped.py: the characters that the shipped fonts have. Run by `make letters`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from fontTools.ttLib import TTFont

from services.render.lettering import FONT_FILES, folders_of_fonts

TABLE = Path(__file__).parents[1] / "cutlog" / "contract" / "shipped.py"
HEAD = '''"""The characters that the shipped fonts have, as ranges of code points. Written by `make letters`."""

from __future__ import annotations

from typing import Final

RANGES: Final = (
'''


def characters(folders: Iterable[Path]) -> set[int]:
    """The code points that any font in the folders has."""
    found: set[int] = set()
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in FONT_FILES):
            found.update(TTFont(path, lazy=True, fontNumber=0).getBestCmap())
    return found


def ranges(points: set[int]) -> Iterator[tuple[int, int]]:
    """The first and last of each run of neighbours."""
    first = last = None
    for point in sorted(points):
        if last is not None and point == last + 1:
            last = point
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = point
    if first is not None and last is not None:
        yield first, last


def table() -> str:
    """The module's text."""
    words = [
        f"{first:x}" if first == last else f"{first:x}-{last:x}"
        for first, last in ranges(characters(folders_of_fonts()))
    ]
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) > 105:
            lines.append(line)
            line = ""
        line += f"{word} "
    return HEAD + "".join(f'    "{each}"\n' for each in [*lines, line.rstrip()]) + ")\n"


if __name__ == "__main__":
    TABLE.write_text(table())
