"""Run inside the sandbox: reads a font with fontTools, and writes it as titles are drawn with it.

What is written is OpenType, one face or a collection, uncompressed, under a family name of its own: fonts of any name
lie side by side, and the name that a stranger chose is never looked up. A line is drawn with it by Typst, so that what
Typst can't draw with is refused here. Prints a space as soon as all is loaded, then a JSON report.
Imports the standard library, fontTools, brotli and Typst only, and never touches cutlog: the sandbox does not show it.
Usage: fonts.py FILE OUT FAMILY BROTLI_FOLDER FONTTOOLS_FOLDER TYPST_FOLDER
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
import math
import struct
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

#: What a font begins with, and how its format is called.
FORMATS = {
    b"\0\1\0\0": "ttf", b"true": "ttf", b"OTTO": "otf", b"ttcf": "ttc", b"wOFF": "woff", b"wOF2": "woff2",
}  # fmt: skip
#: Bytes of a font, packed or not.
MOST = 128 << 20
MOST_FACES, MOST_TABLES, MOST_AXES = 64, 256, 32
#: Bytes of the list of its characters: that of a font with all of Unicode's ideographs has a fifth.
MOST_COVERAGE = 100_000
LONGEST_NAME = 100
NEEDED = {"cmap", "head", "hhea", "hmtx", "maxp"}
DRAWN = ({"glyf", "loca"}, {"CFF "}, {"CFF2"}, {"CBDT", "CBLC"}, {"sbix"}, {"SVG "}, {"COLR"})
#: What does not hold any more when the file is written anew.
DROPPED = {"DSIG", "name"}
FAMILY, STYLE, BETTER_FAMILY, BETTER_STYLE = 1, 2, 16, 17

Tables = dict[str, bytes]


class RefusedError(Exception):
    """Why a font can't be used."""


def load(name: str, folder: str) -> Any:
    """A package, or a module that lies in a folder of its own."""
    package = (Path(folder) / "__init__.py").exists()
    file = f"{folder}/__init__.py" if package else folder
    places = [folder] if package else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=places)
    assert spec is not None, name
    assert spec.loader is not None, name
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Brotli:
    """What fontTools asks of brotli, which gives back no more than a font may have."""

    def __init__(self, native: Any) -> None:
        self._native = native

    def decompress(self, data: bytes) -> bytes:
        packed = self._native.Decompressor()
        found: bytes = packed.process(data, output_buffer_limit=MOST + 1)
        if len(found) > MOST:
            raise RefusedError(f"unpacked, it has more than {MOST >> 20} MiB")
        if not packed.is_finished():
            raise RefusedError("it is truncated")
        return found


def faces_in(data: bytes) -> int:
    """How many faces there are in a file."""
    if data[:4] != b"ttcf":
        return 1
    count = int.from_bytes(data[8:12], "big")
    if not 0 < count <= MOST_FACES:
        raise RefusedError(f"it has {count} faces; a collection has 1 to {MOST_FACES}")
    return count


def tables_of(font: Any, kept: dict[tuple[int, int], bytes]) -> Tables:
    """The tables of a face, unpacked; those that faces share are read once."""
    reader = font.reader
    if len(reader.tables) > MOST_TABLES:
        raise RefusedError(f"it has {len(reader.tables)} tables, more than {MOST_TABLES}")
    found: Tables = {}
    # The others of WOFF2 are made of the outlines, which are looked at first.
    for tag in sorted(reader.keys(), key=lambda tag: tag != "glyf"):
        entry = reader.tables[tag]
        if tag in DROPPED:
            continue
        place = (entry.offset, entry.length)
        if font.flavor is not None or place not in kept:
            data = reader[tag]
            if font.flavor is None and len(data) != entry.length:
                raise RefusedError("it is truncated")
            if sum(map(len, kept.values())) + len(data) > MOST:
                raise RefusedError(f"its tables have more than {MOST >> 20} MiB")
            kept[place if font.flavor is None else (-1, len(kept))] = data
            found[tag] = data
        else:
            found[tag] = kept[place]
    lacking = NEEDED - found.keys()
    if lacking:
        raise RefusedError(f"it has no table {', '.join(sorted(lacking))}")
    if not any(found.keys() >= some for some in DRAWN):
        raise RefusedError("it has no outlines or pictures of characters")
    return found


def named(ttlib: Any, family: str) -> bytes:
    """A table of names: the family, in one style."""
    table: Any = ttlib.newTable("name")
    table.names = []
    for number, text in ((1, family), (2, "Regular"), (4, family), (6, family)):
        table.setName(text, number, 3, 1, 0x409)
    data: bytes = table.compile(None)
    return data


def written(faces: list[tuple[bytes, Tables]], checksum: Any) -> bytes:
    """Faces as one file: a font, or a collection of those that share tables."""
    out = io.BytesIO()
    if len(faces) > 1:
        out.write(struct.pack(">4sHHI", b"ttcf", 1, 0, len(faces)) + bytes(4 * len(faces)))
    starts = []
    for _, tables in faces:
        starts.append(out.tell())
        out.write(bytes(12 + 16 * len(tables)))
    places: dict[bytes, tuple[int, int]] = {}
    for _, tables in faces:
        for data in tables.values():
            if data not in places:
                places[data] = (out.tell(), checksum(data))
                out.write(data + bytes(-len(data) % 4))
    if len(faces) > 1:
        out.seek(12)
        out.write(struct.pack(f">{len(starts)}I", *starts))
    for start, (version, tables) in zip(starts, faces, strict=True):
        power = 1 << (len(tables).bit_length() - 1)
        out.seek(start)
        head = (version, len(tables), 16 * power, power.bit_length() - 1, 16 * (len(tables) - power))
        out.write(struct.pack(">4sHHHH", *head))
        for tag in sorted(tables):
            offset, total = places[tables[tag]]
            out.write(struct.pack(">4sIII", tag.encode("latin-1"), total, offset, len(tables[tag])))
    return out.getvalue()


def printable(text: str) -> str:
    """What of a name can be shown."""
    shown = "".join(c for c in unicodedata.normalize("NFC", text) if c.isprintable()).strip()
    return shown[:LONGEST_NAME].strip()


def name_of(font: Any, *numbers: int) -> str:
    """The first of some names that there is, in English if it is there."""
    table = font.get("name")
    for number in numbers:
        records = [each for each in table.names if each.nameID == number] if table else []
        for record in sorted(records, key=lambda each: each.langID not in (0, 0x409)):
            if shown := printable(record.toUnicode(errors="replace")):
                return shown
    return ""


def weight_of(font: Any) -> int:
    told = font["OS/2"].usWeightClass if "OS/2" in font else 400
    # Some old fonts count in hundreds.
    return min(max(told * 100 if 0 < told < 10 else told or 400, 1), 1000)


def axes_of(font: Any) -> Iterator[dict[str, Any]]:
    for axis in font["fvar"].axes[:MOST_AXES] if "fvar" in font else ():
        values = (axis.minValue, axis.defaultValue, axis.maxValue)
        if all(map(math.isfinite, values)) and values[0] <= values[1] <= values[2] and axis.axisTag.isascii():
            low, default, high = values
            yield {"tag": printable(axis.axisTag), "low": low, "default": default, "high": high}


def face_of(font: Any) -> dict[str, Any]:
    """What is told of a face."""
    axes = list(axes_of(font))
    weight = next((round(axis["default"]) for axis in axes if axis["tag"] == "wght"), weight_of(font))
    italic = "OS/2" in font and bool(font["OS/2"].fsSelection & 1)
    return {
        "family": name_of(font, BETTER_FAMILY, FAMILY) or "unnamed",
        "style": name_of(font, BETTER_STYLE, STYLE) or "Regular",
        "weight": min(max(weight, 1), 1000),
        "italic": italic or bool(font["head"].macStyle & 2),
        "axes": axes,
    }


def characters(font: Any) -> set[int]:
    """The code points that a face has a picture of."""
    table = font.getBestCmap()
    if not table:
        raise RefusedError("it has no characters of Unicode")
    missing = font.getGlyphOrder()[0]
    return {point for point, glyph in table.items() if glyph != missing and not 0xD800 <= point < 0xE000}


def ranges(points: Iterable[int]) -> str:
    """Runs of neighbours: "20-7e a9"."""
    runs: list[list[int]] = []
    for point in sorted(points):
        if runs and point == runs[-1][1] + 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return " ".join(f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in runs)


def tried(typst: Any, folder: Path, family: str, faces: int, points: set[int]) -> None:
    """Draws a line with each face."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)])
    known = set(fonts.families())
    step = max(1, len(points) // 40)
    text = "".join(map(chr, sorted(points)[::step]))
    for number in range(faces):
        if (wanted := name_in(family, number)) not in known:
            raise RefusedError("it can't be rendered")
        source = (
            "#set page(width: 400pt, height: 60pt)\n"
            f'#set text(font: "{wanted}", fallback: false)\n#text(sys.inputs.at("text"))'
        )
        typst.Compiler(source.encode(), font_paths=fonts, sys_inputs={"text": text}).compile(format="png", ppi=36.0)


def name_in(family: str, number: int) -> str:
    """The family name of a face. Typst takes words such as "bold" off the end of names."""
    return f"{family}-x{number}"


def read(ttlib: Any, typst: Any, file: Path, out: Path, family: str) -> dict[str, Any]:
    """Writes the font to `out`; what there is to tell of it. Raises RefusedError."""
    if file.stat().st_size > MOST:
        raise RefusedError(f"a font has at most {MOST >> 20} MiB")
    data = file.read_bytes()
    sfnt = importlib.import_module("fontTools.ttLib.sfnt")
    faces, told = [], []
    common: set[int] | None = None
    kept: dict[tuple[int, int], bytes] = {}
    for number in range(faces_in(data)):
        font = ttlib.TTFont(io.BytesIO(data), fontNumber=number, lazy=True)
        tables = tables_of(font, kept)
        told.append(face_of(font))
        tables["name"] = named(ttlib, name_in(family, number))
        version = font.sfntVersion.encode("latin-1")
        faces.append((b"OTTO" if version == b"OTTO" else b"\0\1\0\0", tables))
    out.write_bytes(written(faces, sfnt.calcChecksum))
    for number in range(len(faces)):
        with out.open("rb") as again:
            font = ttlib.TTFont(again, fontNumber=number, lazy=True)
            common = characters(font) if common is None else common & characters(font)
    assert common is not None, "there is a face"
    if len(coverage := ranges(common)) > MOST_COVERAGE:
        raise RefusedError("its characters lie too far apart to be listed")
    if not common:
        raise RefusedError("its faces have no character in common")
    tried(typst, out.parent, family, len(faces), common)
    return {"format": FORMATS[data[:4]], "faces": told, "coverage": coverage}


def report(ttlib: Any, typst: Any, file: str, out: str, family: str) -> dict[str, Any]:
    try:
        return {"found": read(ttlib, typst, Path(file), Path(out), family)}
    except RefusedError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"refused": "it needs too much memory to be read"}
    except Exception as error:
        # fontTools raises whatever the bytes at hand make it raise.
        return {"refused": f"not readable as a font: {type(error).__name__}: {printable(str(error))}"}
    except BaseException as error:
        # So does Typst where it panics.
        return {"refused": f"it can't be rendered: {printable(str(error))}"}


if __name__ == "__main__":
    source, target, wanted, brotli, fonttools, typesetter = sys.argv[1:]
    native = load("_brotli", brotli)
    sys.modules["brotli"] = Brotli(native)  # type: ignore[assignment]
    load("fontTools", fonttools)
    library = importlib.import_module("fontTools.ttLib")
    importlib.import_module("fontTools.ttLib.woff2")
    drawing = load("typst", typesetter)
    sys.stdout.write(" ")
    sys.stdout.flush()
    sys.stdout.write(json.dumps(report(library, drawing, source, target, wanted)))
