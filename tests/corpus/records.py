"""What a record says of a file: see README.md."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

HERE: Final = Path(__file__).parent
FILES: Final = HERE / "files"
RECORDS: Final = HERE / "records"

_RUN: Final = re.compile(r"(\d+)(?:\.\.(\d+))?(?:x(\d+))?")


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A base for tables of a record: an unknown key is an error."""


class Project(Part, frozen=True):
    """The project that a file is tried in."""

    fps: tuple[int, int]
    width: int = 320
    height: int = 180
    background: str = "#000000"


class ClipOf(Part, frozen=True, rename={"start": "in", "end": "out"}):
    """Conformed frames [in, out) of the file, and the painted numbers that they show; `stills`: more frames to draw."""

    start: int
    end: int
    shows: tuple[str, ...] = ()
    stills: tuple[int, ...] = ()

    @property
    def numbers(self) -> list[int]:
        return [number for run in self.shows for number in _numbers(run)]


class ColorAt(Part, frozen=True):
    """The colour of a place (fractions of the picture) in a frame of the first clip."""

    frame: int
    x: float
    y: float
    rgb: tuple[int, int, int]
    within: int = 12


class Sound(Part, frozen=True):
    """What is heard of the first clip: pulses at these seconds, each within 0.03 s, or a tone in Hz all along."""

    pulses: tuple[float, ...] | None = None
    tone: float | None = None


class Bar(Part, frozen=True):
    """Each frame is one white bar from top to bottom, so many pixels further right than the one before, on a picture
    720 wide."""

    step: float


class Record(Part, frozen=True):
    """A file and what it must give. `film` is the number of the painted film."""

    name: str
    file: str
    about: str
    made: str
    facts: dict[str, Any]
    project: Project | None = None
    clips: tuple[ClipOf, ...] = ()
    film: int = 3
    colors: tuple[ColorAt, ...] = ()
    sound: Sound | None = None
    bar: Bar | None = None
    quick: bool = False

    @property
    def path(self) -> Path:
        return FILES / self.file


def records() -> list[Record]:
    """All of them, in the order of their names. Raises ValidationError naming what is wrong."""
    return [
        msgspec.convert(tomllib.loads(path.read_text()) | {"name": path.stem}, Record)
        for path in sorted(RECORDS.glob("*.toml"))
    ]


def _numbers(run: str) -> list[int]:
    """`5` is that number, `5..8` each from 5 to 8, `5x3` 5 three times, `5..8x2` each twice."""
    found = _RUN.fullmatch(run)
    assert found is not None, f"not a run of numbers: {run}"
    first, last, times = int(found[1]), int(found[2] or found[1]), int(found[3] or 1)
    return [number for number in range(first, last + 1) for _ in range(times)]
