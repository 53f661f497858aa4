"""Rows of a JSON file, one at a time whatever its size, as far as the file is JSON; and what it is where it is not."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import ijson

from cutlog.operate.backfill.fields import Row, storable
from cutlog.operate.backfill.oddities import Oddity, Tell

_ANYTHING: Final = ijson.get_backend("python")
"""Slower than the usual one, and reads whole numbers of any size and halves of surrogate pairs."""
_BOM: Final = b"\xef\xbb\xbf"
# Strings are matched so that commas inside of them are passed over, one that does not end included.
_COMMAS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|,(?=\s*[\]}])', re.DOTALL)


_ODD_TEXT: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""NUL, and surrogates, of which the other half may be missing."""


def rows(copy: Path, name: str, tell: Tell) -> Iterator[tuple[int, Row]]:
    """The objects of a copied file, with their places from 0."""
    file = f"data/{name}.json"
    start = _start(copy)
    if not start:
        tell(Oddity(file, "", "the file is empty", "read as an empty list"))
        return
    prefix = "item" if start == b"[" else f"{name}.item"
    odd_text = _has_odd_text(copy)
    place, mended, backend = -1, False, ijson
    while True:
        try:
            for each, value in enumerate(_values(copy, prefix, backend)):
                if each <= place:  # read before it had to begin anew
                    continue
                place = each
                if isinstance(value, dict):
                    yield place, storable(value) if odd_text else value
                else:
                    tell(Oddity(file, f"#{place}", f"a row that is {type(value).__name__} and no object", "left out"))
        except (ijson.JSONError, UnicodeDecodeError) as error:
            unread = "integer overflow" in str(error) or (odd_text and isinstance(error, UnicodeDecodeError))
            if unread and backend is ijson:
                backend = _ANYTHING
                continue
            if not mended and (commas := _without_trailing_commas(copy)):
                what = f"{_counted(commas, 'trailing comma')}, where JSON has none"
                tell(Oddity(file, f"#{place + 1}", what, "read as if they were not there"))
                mended = True
                continue
            tell(Oddity(file, f"#{place + 1}", *_broken(error, place + 1)))
        else:
            if place < 0 and prefix != "item":
                tell(Oddity(file, "", f"neither a list nor an object with a list `{name}`", "read as an empty list"))
        return


def _has_odd_text(copy: Path) -> bool:
    """Whether a file has characters that can't be stored: few have, and to look for them row by row takes long."""
    with copy.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return _ODD_TEXT.search(text) is not None


def _start(copy: Path) -> bytes:
    with copy.open("rb") as opened:
        return opened.read(64).removeprefix(_BOM).lstrip()[:1]


def _values(copy: Path, prefix: str, backend: Any) -> Iterator[Any]:
    with copy.open("rb") as opened:
        if opened.read(3) != _BOM:
            opened.seek(0)
        for value in backend.items(opened, prefix, use_float=True):
            yield _bounded(value) if backend is _ANYTHING else value


def _bounded(value: Any) -> Any:
    """The same with floats for whole numbers that take more than 64 bits."""
    match value:
        case int() if not -(2**63) <= value < 2**63:
            return float(value) if abs(value) < 10**300 else str(value)
        case dict():
            return {name: _bounded(each) for name, each in value.items()}
        case list():
            return [_bounded(each) for each in value]
        case _:
            return value


def _broken(error: Exception, taken: int) -> tuple[str, str]:
    """What is wrong with a file of which so many rows could be read, and what is done about it."""
    said = str(error)
    rows_taken = _counted(taken, "row")
    if "premature EOF" in said or "Incomplete" in said:
        return f"an incomplete write after {rows_taken}", "the rows before it are taken"
    if "trailing garbage" in said or "Additional data" in said:
        return f"something follows the list of {rows_taken}", "the rows of the list are taken"
    if isinstance(error, UnicodeDecodeError) or "UTF8" in said or "'utf-8' codec" in said:
        return f"bytes that are not UTF-8, after {rows_taken}", "the rows before them are taken"
    return f"broken JSON after {rows_taken}: {said.splitlines()[0]}", "the rows before it are taken"


def _without_trailing_commas(copy: Path) -> int:
    """Removes commas that nothing follows from a copy; how many there were."""
    found, written = 0, 0
    target = copy.with_suffix(".without-commas")
    with (
        copy.open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text,
        target.open("wb") as out,
    ):
        for match in _COMMAS.finditer(text):
            if text[match.start()] == ord(","):
                found += 1
                out.write(text[written : match.start()])
                written = match.end()
        out.write(text[written:])
    if found:
        target.replace(copy)
    else:
        target.unlink()
    return found


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
