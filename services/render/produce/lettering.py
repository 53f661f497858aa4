"""Draws titles: Typst lays the text out (shaping, direction, lines, fonts for every script) in a confined child."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

import msgspec

from cutlog.ffmpeg import ScriptFailedError, ScriptRunner
from cutlog.ffmpeg.limits import GIB, MIB, Limits
from cutlog.hosting.installed_fonts import files_in
from services.render.compile.titles import Drawing
from services.render.errors import RenderError

FONTS: Final = Path(__file__).with_name("fonts")
#: The package with the font for Chinese, Japanese and Korean, which is larger than all others together.
_CJK: Final = "cvttf_NotoSansCJK_Regular"
_SCRIPT: Final = Path(__file__).with_name("draw_titles.py")
_TEMPLATE: Final = Path(__file__).with_name("title.typ")
_LIMITS: Final = Limits(memory=2 * GIB, seconds=120.0, output_bytes=MIB)
_MOST: Final = 1 * GIB
_NO_FONTS: Final[Mapping[str, Path]] = {}


class LetteringFailedError(RenderError):
    """A title could not be drawn."""


class Letterer:
    """`mode`: whether a sandbox is needed. `extra`: a folder with more fonts, which come after the shipped ones."""

    def __init__(self, mode: Literal["auto", "off"], extra: Path | None = None) -> None:
        self._runner = ScriptRunner(_SCRIPT, ("typst",), mode)
        self._extra = extra
        self.identity = _identity(extra)
        """All that letters depend on beside the text: part of every render key."""

    async def draw(self, drawings: Mapping[str, Drawing], folder: Path, fonts: Mapping[str, Path] = _NO_FONTS) -> None:
        """Writes a PNG of each drawing to the file of its name in `folder`. `fonts` has the files of fonts that are not
        installed, by their SHA-256. Raises LetteringFailedError."""
        if not drawings:
            return
        own = folder / "fonts"
        await asyncio.to_thread(_laid_out, fonts, own)
        titles = folder / "titles.json"
        await asyncio.to_thread(titles.write_bytes, msgspec.json.encode(list(drawings.values())))
        folders = [*folders_of_fonts(self._extra), own]
        reads = [_TEMPLATE, titles, *folders]
        try:
            printed = await self._runner.run([str(each) for each in reads], reads, _LIMITS, _MOST)
        except ScriptFailedError as error:
            raise LetteringFailedError(f"{LetteringFailedError.__doc__} {error}") from error
        await asyncio.to_thread(_write, printed, list(drawings), folder)


def folders_of_fonts(extra: Path | None = None) -> list[Path]:
    """Where fonts are looked for."""
    spec = find_spec(_CJK)
    assert spec is not None, f"{_CJK} is installed"
    assert spec.origin is not None
    return [FONTS, Path(spec.origin).parent, *([extra] if extra else [])]


def _identity(extra: Path | None) -> str:
    """Typst's version, and the fonts: the shipped ones, which are pinned, by their sizes, others by their content."""
    found = hashlib.sha256()
    for folder in folders_of_fonts(extra):
        for path in files_in(folder):
            found.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode())
            if folder == extra:
                found.update(path.read_bytes())
    return f"typst-{version('typst')}-{found.hexdigest()[:16]}"


def _laid_out(fonts: Mapping[str, Path], folder: Path) -> None:
    """Typst finds fonts by the endings of their names. They are copied: ffmpeg may write to the folder later on."""
    folder.mkdir(exist_ok=True)
    for sha256, path in fonts.items():
        shutil.copyfile(path, folder / f"{sha256}.otf")


def _write(printed: bytes, names: Sequence[str], folder: Path) -> None:
    rest = memoryview(printed)
    for name in names:
        length = int.from_bytes(rest[:8], "big")
        (folder / name).write_bytes(rest[8 : 8 + length])
        rest = rest[8 + length :]
