"""Fonts for tests: those that the project ships, one with a weight to choose, and what can be made of them."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import brotli
from fontTools.ttLib import TTCollection, TTFont
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

from services.render.produce.lettering import FONTS

#: Inter of the SIL Open Font License, Latin alone, with weights 100 to 900.
VARIABLE: Final = Path(__file__).with_name("fonts") / "inter-latin-wght-normal.woff2"
RUNIC: Final = FONTS / "noto" / "NotoSansRunic-Regular.ttf"
OGHAM: Final = FONTS / "noto" / "NotoSansOgham-Regular.ttf"


def cff() -> bytes:
    """A font whose outlines are PostScript's."""
    spec = find_spec("cvttf_NotoSansCJK_Regular")
    assert spec is not None and spec.origin is not None
    (font,) = Path(spec.origin).parent.glob("*.otf")
    return font.read_bytes()


def saved(font: TTFont, flavor: str | None = None) -> bytes:
    font.flavor = flavor
    font.recalcTimestamp = False
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def packed(path: Path, flavor: str) -> bytes:
    """The same font as WOFF or WOFF2."""
    return saved(TTFont(path), flavor)


def collection(*paths: Path) -> bytes:
    """A collection of fonts."""
    made, out = TTCollection(), io.BytesIO()
    made.fonts = [TTFont(path, recalcTimestamp=False) for path in paths]
    made.save(out)
    return out.getvalue()


def without(path: Path, *tables: str) -> bytes:
    """A font that lacks some tables."""
    font = TTFont(path)
    for table in tables:
        del font[table]
    return saved(font)


def called(path: Path, family: str) -> bytes:
    """The same font under another name."""
    font = TTFont(path)
    for record in [*font["name"].names]:
        if record.nameID in (1, 4, 16):
            font["name"].setName(family, record.nameID, record.platformID, record.platEncID, record.langID)
    return saved(font)


def scattered(path: Path, points: Sequence[int]) -> bytes:
    """The same font with a picture, of its last character, for just these."""
    font = TTFont(path)
    glyph = max(font.getBestCmap().items())[1]
    table = CmapSubtable.newSubtable(12)
    table.platformID, table.platEncID, table.language = 3, 10, 0
    table.cmap = dict.fromkeys(points, glyph)
    font["cmap"].tables = [table]
    return saved(font)


def bomb(size: int) -> bytes:
    """A WOFF2 of one table that unpacks to so many bytes, for which it says that it is small."""
    stream = brotli.compress(bytes(size), quality=5, lgwin=24)
    entry = bytes([0x3F]) + b"glob" + b"\x64"
    head = struct.pack(">4s4sIHHIIHHIIIII", b"wOF2", b"\0\1\0\0", 48 + len(entry) + len(stream), 1, 0, 112, len(stream),
                       1, 0, 0, 0, 0, 0, 0)  # fmt: skip
    return head + entry + bytes(stream)
