from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from cutlog.ffmpeg import Ffmpeg
from tests.support.encoders import bundled


@dataclass(frozen=True)
class Wanted:
    """The settings that choose an ffmpeg and its sandbox."""

    ffmpeg: Path | None = None
    sandbox: Literal["auto", "off"] = "auto"


@pytest.fixture
def ffmpeg() -> Ffmpeg:
    """The bundled build in the best sandbox of this machine."""
    return bundled()
