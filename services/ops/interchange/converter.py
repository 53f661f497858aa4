"""Files of other editors to OpenTimelineIO's JSON, in a confined child: the parsers never see our process."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from cutlog.contract.time import Fps
from cutlog.ffmpeg import ScriptFailedError, ScriptRunner
from cutlog.ffmpeg.limits import GIB, MIB, Limits
from services.ops.errors import OpsError

ReadFormat = Literal["otio", "edl", "fcp7xml", "fcpxml", "kdenlive", "aaf"]

#: Bytes of a file that may be imported.
MAX_FILE: Final = 32 * MIB
#: Bytes of JSON that are decoded in a few milliseconds.
LONG: Final = 256 << 10
_MAX_PRINTED: Final = 128 * MIB
_LIMITS: Final = Limits(memory=GIB, seconds=60.0, output_bytes=MIB)
_SCRIPT: Final = Path(__file__).with_name("convert.py")
_PACKAGES: Final = ("opentimelineio", "otio_aaf_adapter", "aaf2", "services.ops.interchange.readers")
_AT_ONCE: Final = 2


class FileRefusedError(OpsError):
    """The file can't be read. The message says why."""


class CannotWriteError(OpsError):
    """The timeline can't be written in this format. The message says why."""


class Converter:
    """Converts a few files at a time."""

    def __init__(self, sandbox: Literal["auto", "off"]) -> None:
        self._runner = ScriptRunner(_SCRIPT, _PACKAGES, sandbox)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def read(self, kind: ReadFormat, fps: Fps, document: bytes) -> Any:
        """The OpenTimelineIO document in a file, as decoded JSON. EDLs are counted at `fps`. Raises
        FileRefusedError."""
        if len(document) > MAX_FILE:
            raise FileRefusedError(f"The file has {len(document)} bytes; at most {MAX_FILE} can be imported.")
        try:
            printed = await self._run(kind, fps, document)
        except ScriptFailedError as error:
            raise FileRefusedError(f"The file can't be read as {kind}: {error}") from None
        verdict, _, rest = printed.partition(b"\n")
        if verdict != b"ok":
            raise FileRefusedError(f"The file can't be read as {kind}: {rest.decode(errors='replace')}")
        return await asyncio.to_thread(_decoded, rest, kind)

    async def _run(self, kind: str, fps: Fps, document: bytes) -> bytes:
        async with self._turns:
            with tempfile.TemporaryDirectory(prefix="cutlog-") as folder:
                path = Path(folder) / "document"
                await asyncio.to_thread(path.write_bytes, document)
                args = ["read", kind, str(fps.fraction), str(path)]
                return await self._runner.run(args, [path], _LIMITS, _MAX_PRINTED)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Called for each object, at which other threads get their turns."""
    return dict(pairs)


def _decoded(document: bytes, kind: str) -> Any:
    try:
        # msgspec is faster, and would keep the interpreter to itself all the time.
        if len(document) > LONG:
            return json.loads(document, object_pairs_hook=_object)
        return msgspec.json.decode(document)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise FileRefusedError(f"The file can't be read as {kind}: {error}") from None
