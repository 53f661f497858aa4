"""A file is looked at once, however often somebody asks what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cutlog.ffmpeg import Ffmpeg, MediaRefusedError
from cutlog.ffmpeg.remembered import Probes
from tests.support.painting import Painter


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that a child looked at."""
    found: list[str] = []
    probe = Ffmpeg.probe

    async def noted(self: Ffmpeg, path: Path, **how: Any) -> Any:
        found.append(path.name)
        return await probe(self, path, **how)

    monkeypatch.setattr(Ffmpeg, "probe", noted)
    return found


@pytest.mark.slow(reason="one more process in the sandbox")
async def test_equal_bytes_are_looked_at_once_wherever_they_lie(
    ffmpeg: Ffmpeg, painted: Painter, tmp_path: Path, looks: list[str]
) -> None:
    clip, copy = painted(25, 10), tmp_path / "copy"
    copy.write_bytes(clip.read_bytes())
    probes = Probes(ffmpeg)
    first = await probes.probe(clip, "a")
    assert await probes.probe(copy, "a") == first
    assert looks == [clip.name]
    whole = await probes.probe(copy, "a", times=True)
    assert whole.streams[0].times is not None and first.streams[0].times is None
    assert looks == [clip.name, "copy"]


async def test_what_was_refused_is_looked_at_again(ffmpeg: Ffmpeg, tmp_path: Path, looks: list[str]) -> None:
    (tmp_path / "text").write_text("no film")
    probes = Probes(ffmpeg)
    for _ in range(2):
        with pytest.raises(MediaRefusedError):
            await probes.probe(tmp_path / "text", "b")
    assert looks == ["text"] * 2


@pytest.mark.slow(reason="one more process in the sandbox")
async def test_the_oldest_are_forgotten(ffmpeg: Ffmpeg, painted: Painter, looks: list[str]) -> None:
    probes = Probes(ffmpeg, most=2)
    for digest in ("a", "b", "c", "b", "a"):
        await probes.probe(painted(25, 10), digest)
    assert len(looks) == 4
