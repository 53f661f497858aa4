"""The ffmpeg that tests render and probe with."""

from __future__ import annotations

import asyncio
import copy
from functools import cache
from pathlib import Path

from cutlog.ffmpeg import Ffmpeg
from cutlog.ffmpeg.runner import PROBES
from cutlog.hosting.settings import Settings
from tests.support.running import complete


def bundled() -> Ffmpeg:
    """The bundled build in the best sandbox of this machine. Looked for once in a process; what tests of one event loop
    wait for is not shared with the next."""
    ffmpeg = copy.copy(_found())
    ffmpeg._probing = asyncio.Semaphore(PROBES)
    return ffmpeg


@cache
def _found() -> Ffmpeg:
    return complete(Ffmpeg.find(Settings(data=Path())))
