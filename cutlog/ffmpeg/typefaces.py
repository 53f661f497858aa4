"""What a font is, as a confined child reads it with fontTools; on the way it is rewritten for titles."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from cutlog.ffmpeg import process
from cutlog.ffmpeg.errors import MediaRefusedError, NotExaminedError
from cutlog.ffmpeg.fonts import FORMATS
from cutlog.ffmpeg.limits import GIB, MIB, Limits
from cutlog.ffmpeg.sandbox import Jail, Room
from cutlog.ffmpeg.scripts import interpreter, package

_SCRIPT = Path(__file__).with_name("fonts.py")
_LIMITS = Limits(memory=2 * GIB, seconds=120.0, output_bytes=256 * MIB)
_MOST_PRINTED = MIB


class RawAxis(msgspec.Struct, frozen=True):
    """An axis of a variable font, such as `wght`."""

    tag: str
    low: float
    default: float
    high: float


class RawFace(msgspec.Struct, frozen=True):
    """One of the fonts in a file. `weight` is 1 to 1000, 400 being regular and 700 bold."""

    family: str
    style: str
    weight: int
    italic: bool
    axes: tuple[RawAxis, ...]


class RawFont(msgspec.Struct, frozen=True):
    """`coverage`: the code points that each face has, such as "20-7e a9"."""

    format: Literal["ttf", "otf", "ttc", "woff", "woff2"]
    faces: tuple[RawFace, ...]
    coverage: str


class _Report(msgspec.Struct, frozen=True):
    """What the child prints: one of the two."""

    found: RawFont | None = None
    refused: str | None = None


def is_font(path: Path) -> bool:
    """Whether a file is a font, or was meant to be one, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) in FORMATS


async def rewrite_font(jail: Jail, path: Path, folder: Path, name: str, family: str) -> RawFont:
    """Writes a font to `name` in the folder, as OpenType whose faces are of the families `family`-x0, -x1 and so on.
    Raises MediaRefusedError, NotExaminedError."""
    argv = [
        str(interpreter()[0]), "-I", "-S", "-B", str(_SCRIPT), str(path), name, family, *map(str, _packages()),
    ]  # fmt: skip
    printed = bytearray()

    def take(chunk: bytes) -> None:
        printed.extend(chunk)
        if len(printed) > _MOST_PRINTED:
            raise MediaRefusedError("the report about the font is too large")

    room = Room((*interpreter(), *_packages(), _SCRIPT, path), folder)
    ended = await process.run(jail, argv, room, _LIMITS, take)
    if ended.late:
        raise MediaRefusedError(f"the font could not be read within {_LIMITS.seconds:g} seconds")
    if ended.code != 0 and not printed:
        raise NotExaminedError(f"reading a font ended with {ended.code}: {ended.log.strip()[-300:]}")
    if ended.code != 0:
        raise MediaRefusedError(f"reading the font ended with {ended.code}")
    report = msgspec.json.decode(bytes(printed), type=_Report)
    if report.found is None:
        raise MediaRefusedError(report.refused or "the file is not a font")
    return report.found


@cache
def _packages() -> tuple[Path, ...]:
    """What the script loads: one file, and two folders."""
    spec = importlib.util.find_spec("_brotli")
    assert spec is not None, "brotli is installed"
    assert spec.origin is not None
    return Path(spec.origin).resolve(), package("fontTools"), package("typst")
