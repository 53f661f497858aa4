"""Files of captions, and the ops that they become.

The log keeps what a file says, never the file: a version that was made from one stays as it is when reading improves.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Mapping
from collections.abc import Sequence as Several
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from cutlog.contract.fonts import DEFAULT
from cutlog.contract.letters import Letters, names
from cutlog.contract.limits import MAX_FRAMES
from cutlog.contract.ops import CaptionsAdd, CaptionsImport, NewCaption, Op
from cutlog.contract.time import Fps
from cutlog.ffmpeg import ScriptFailedError, ScriptRunner
from cutlog.ffmpeg.limits import GIB, MIB, Limits
from services.ops.captions.reading import CaptionFormat
from services.ops.edits.apply import apply
from services.ops.edits.captions import nearest_frame
from services.ops.edits.errors import EditError
from services.ops.edits.lettering import beyond, letters_of
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Earlier, Sources
from services.ops.interchange.losses import Ledger

#: Bytes of a file of captions.
MAX_CAPTION_FILE: Final = 4 * MIB
_LIMITS: Final = Limits(memory=GIB, seconds=30.0, output_bytes=MIB)
_SCRIPT: Final = Path(__file__).with_name("read_captions.py")
_PACKAGES: Final = ("services.ops.captions",)
_AT_ONCE: Final = 2
_DECLARED: Final = re.compile(r"""^(\s*<\?xml[^>]{0,100}?)\sencoding\s*=\s*["'][^"'>]{0,40}["']""")
_LOST: Final = {
    "style": "captions have no style of their own here",
    "stylesheet": "captions have no style of their own here",
    "position": "captions have no place of their own here",
    "region": "captions have no place of their own here",
    "time": "they begin before the film; they begin with it now",
    "encoding": "it is not in UTF-8, and was read as Windows-1252",
    "damaged-text": "characters that are not UTF-8 were replaced",
    "header": "a WebVTT file begins with the line WEBVTT",
}


class CaptionFile(msgspec.Struct, frozen=True, rename="camel"):
    """What a file of captions says: cues in milliseconds; what was dropped, by its line; what else is not kept."""

    cues: tuple[tuple[int, int, str], ...] = ()
    dropped: tuple[tuple[int, str], ...] = ()
    more_dropped: int = 0
    lost: dict[str, int] = {}
    refused: str = ""

    def note(self, losses: Ledger, where: str = "") -> None:
        """Tells what is not kept. `where` is the place of the file in a request."""
        prefix = f"{where}, " if where else ""
        for line, detail in self.dropped:
            losses.add("caption", f"{prefix}line {line}", detail)
        if self.more_dropped:
            losses.add("caption", where or "*", "in other lines", self.more_dropped)
        for what, count in self.lost.items():
            losses.add(what, where or "captions", _LOST[what], count)


class CaptionReader:
    """Reads files of captions, in a confined child."""

    def __init__(self, sandbox: Literal["auto", "off"]) -> None:
        self._runner = ScriptRunner(_SCRIPT, _PACKAGES, sandbox)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def read(self, files: Several[tuple[CaptionFormat, bytes]]) -> list[CaptionFile]:
        """What each file says."""
        document = await asyncio.to_thread(_packed, files)
        try:
            async with self._turns:
                with tempfile.TemporaryDirectory(prefix="cutlog-") as folder:
                    path = Path(folder) / "captions"
                    await asyncio.to_thread(path.write_bytes, document)
                    printed = await self._runner.run([str(path)], [path], _LIMITS, 64 * MIB)
        except ScriptFailedError as error:
            return [CaptionFile(refused=str(error))] * len(files)
        return await asyncio.to_thread(msgspec.json.decode, printed, type=list[CaptionFile])

    async def read_all(self, ops: Several[Op]) -> dict[int, CaptionFile]:
        """What the files in a batch say, by the index of their op."""
        wanted = {index: op for index, op in enumerate(ops) if isinstance(op, CaptionsImport)}
        if not wanted:
            return {}
        found = await self.read([(op.format, _bytes(op.content)) for op in wanted.values()])
        return dict(zip(wanted, found, strict=True))


def _packed(files: Several[tuple[CaptionFormat, bytes]]) -> bytes:
    # Bytes become base64.
    return msgspec.json.encode([{"kind": kind, "data": data} for kind, data in files])


def _bytes(content: str) -> bytes:
    """Text as a file in UTF-8, whatever its declaration says that it was."""
    return _DECLARED.sub(r"\1", content).encode()


def letters_on(track: str, sequence: Sequence, sources: Sources) -> Several[Letters] | None:
    """What can be drawn with the font of a track, which may be a new one."""
    font = next((each.caption_font for each in sequence.tracks if each.id == track), DEFAULT)
    try:
        return letters_of(font, sources, "")
    except EditError:
        # The op that names such a font is refused.
        return (sources.letters,)


def added(
    track: str, kind: CaptionFormat, file: CaptionFile, fps: Fps, letters: Several[Letters] | None, losses: Ledger,
    where: str = "",
) -> CaptionsAdd:  # fmt: skip
    """The op that a file becomes, at a rate, without captions that have characters beyond `letters`. Raises EditError
    if it has no caption."""
    captions = []
    late = 0
    undrawn: list[str] = []
    for begin, finish, text in file.cues:
        start = nearest_frame(begin, fps)
        end = max(start + 1, nearest_frame(finish, fps))
        if end > MAX_FRAMES:
            late += 1
        elif lacking := beyond(text, letters):
            undrawn.append(f"the one at {begin / 1000:g} s: no font has {names(lacking)}")
        else:
            captions.append(NewCaption(start=start, end=end, text=text))
    file.note(losses, where)
    for detail in undrawn:
        losses.add("caption", where or "captions", detail)
    if late:
        losses.add("caption", where or "*", f"it ends after frame {MAX_FRAMES}, the last that a project may have", late)
    if not captions:
        reasons = [*(f"line {line}: {detail}" for line, detail in file.dropped[:3]), *undrawn[:3]]
        why = file.refused or "; ".join(reasons) or ("every caption is too late" if late else "it is empty")
        raise EditError("/content", f"there is no caption in this {kind} file: {why}")
    return CaptionsAdd(track=track, captions=tuple(captions))


def with_captions(
    ops: Several[Op], sent: Several[dict[str, Any]], files: Mapping[int, CaptionFile], before: Sequence,
    sources: Sources, earlier: Earlier, losses: Ledger,
) -> tuple[tuple[Op, ...], tuple[dict[str, Any], ...]]:  # fmt: skip
    """A batch with what its files of captions say in place of the files. `before` is the timeline before it. Raises
    EditError with a pointer `/ops/<i>/…`."""
    typed, kept = list(ops), list(sent)
    sequence = before
    for index, op in enumerate(ops):
        if isinstance(op, CaptionsImport):
            fps, letters = sequence.canvas.fps, letters_on(op.track, sequence, sources)
            try:
                new = added(op.track, op.format, files[index], fps, letters, losses, f"/ops/{index}")
            except EditError as error:
                raise error.within(f"/ops/{index}") from None
            typed[index], kept[index] = new, msgspec.to_builtins(new)
        try:
            sequence = apply(sequence, typed[index], sources, earlier)
        except EditError:
            # It is refused where it is known which version it is for.
            break
    return tuple(typed), tuple(kept)
