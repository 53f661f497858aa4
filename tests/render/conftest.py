"""A render service's hands without its ears: ffmpeg, a store, media that went through ingest."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutlog.blobs import LocalBlobs
from cutlog.ffmpeg import Ffmpeg
from cutlog.settings import Settings
from tests.render.studio import Studio


@pytest.fixture
async def studio(tmp_path: Path) -> Studio:
    """A store of the test's own, and a Maker on it."""
    ffmpeg = await Ffmpeg.find(Settings(data=tmp_path))
    return Studio(ffmpeg, LocalBlobs(tmp_path / "objects", "secret"))
