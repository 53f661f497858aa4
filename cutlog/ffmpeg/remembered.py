"""What probes found, by the digest of the file: each file is looked at once in a process."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cutlog.ffmpeg.limits import PROBE, Limits
from cutlog.ffmpeg.probing import RawProbe
from cutlog.ffmpeg.runner import Ffmpeg

MOST: Final = 4096
"""Probes that are kept, of some KiB each."""


class Probes:
    """A probe loads PyAV in the sandbox, which takes as much processor time as a short run of the encoder; and what is
    in a file depends on its bytes alone."""

    def __init__(self, ffmpeg: Ffmpeg, most: int = MOST) -> None:
        self._ffmpeg, self._most = ffmpeg, most
        self._found: dict[tuple[str, bool], RawProbe] = {}

    async def probe(self, path: Path, sha256: str, *, times: bool = False, limits: Limits = PROBE) -> RawProbe:
        """As `Ffmpeg.probe`, of a file with that digest, which the caller vouches for."""
        key = sha256, times
        found = self._found.get(key)
        if found is None:
            found = await self._ffmpeg.probe(path, times=times, limits=limits)
            while len(self._found) >= self._most:
                del self._found[next(iter(self._found))]
            self._found[key] = found
        return found
