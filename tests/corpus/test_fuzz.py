"""Files that broke off, or in which bits are wrong, are refused or of use; nothing hangs, and nothing else goes wrong.

The damage depends on the name of the file and the round alone. `make fuzz ROUNDS=4` tries more of it.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

import msgspec
import pytest

from cutlog.contract.media import conformed_frames
from cutlog.contract.time import Fps
from cutlog.contract.timeline import MediaRef
from cutlog.ffmpeg import FfmpegFailedError, MediaRefusedError
from services.media.facts.probed import UnusableError
from tests.corpus.bench import Bench
from tests.corpus.damage import damaged
from tests.corpus.records import FILES, ClipOf, Project

ROUNDS: Final = int(os.environ.get("FUZZ_ROUNDS", "1"))
PATIENCE: Final = 240.0
"""Seconds in which even a crowded machine is done with one damaged file."""
REFUSED: Final = (UnusableError, MediaRefusedError, FfmpegFailedError)
"""What the service says of an upload in words: it can't be used, and why."""
FPS: Final = Fps(24, 1)


@pytest.mark.fuzz
@pytest.mark.parametrize("name", sorted(path.name for path in FILES.iterdir()))
async def test_a_damaged_file_is_refused_or_of_use(bench: Bench, tmp_path: Path, name: str) -> None:
    for number, (done, data) in enumerate(damaged(name, ROUNDS)):
        if not data:
            continue
        file = tmp_path / f"{number}-{name}"
        file.write_bytes(data)
        try:
            async with asyncio.timeout(PATIENCE):
                await _tried(bench, file)
        except TimeoutError:
            pytest.fail(f"{name} with {done} takes for ever")
        except Exception as error:
            error.add_note(f"{name} with {done}")
            raise


async def _tried(bench: Bench, file: Path) -> None:
    try:
        media = await bench.ingest(file)
    except REFUSED:
        return
    assert float(media.facts.duration) >= 0
    msgspec.json.encode(media.facts)
    if media.kind != "audio":
        await _drawn(bench, media)


async def _drawn(bench: Bench, media: MediaRef) -> None:
    """Its first frame; where its beginning is damaged, that is refused in words."""
    assert conformed_frames(media.kind, media.facts, FPS) != 0
    film = bench.film(media, Project(fps=(FPS.num, FPS.den)), ClipOf(start=0, end=1))
    try:
        await bench.still(film, 0)
    except FfmpegFailedError:
        return
