"""The characters of fonts that an operator has installed, as files in folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import structlog

from cutlog.contract.letters import Letters

log = structlog.get_logger(__name__)

FONT_FILES: Final = frozenset({".ttf", ".otf", ".ttc", ".otc"})


def files_in(folder: Path) -> list[Path]:
    """The fonts in a folder and those below it, in order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in FONT_FILES)


def characters(folders: Iterable[Path]) -> set[int]:
    """The code points that any font in the folders has. What can't be read has none."""
    # It takes memory, which a service without fonts of its own does not need.
    from fontTools.ttLib import TTFont, TTLibError

    found: set[int] = set()
    for folder in folders:
        for path in files_in(folder):
            try:
                found.update(TTFont(path, lazy=True, fontNumber=0).getBestCmap() or ())
            except (OSError, TTLibError, ValueError, KeyError, AssertionError) as error:
                log.warning("font.unreadable", path=str(path), why=str(error))
    return found


def ranges(points: Iterable[int]) -> Iterator[tuple[int, int]]:
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


def letters_in(*folders: Path) -> Letters:
    """The characters that any font in the folders has."""
    runs = list(ranges(characters(folders)))
    return Letters(tuple(first for first, _ in runs), tuple(last for _, last in runs))
