"""A file is refused for what is in it, and never because nobody could look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cutlog.ffmpeg import Ffmpeg, MediaRefusedError, NotExaminedError, process
from tests.corpus.records import FILES
from tests.support.painting import Painter


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, ffmpeg: Ffmpeg) -> None:
    monkeypatch.setattr(ffmpeg, "pauses", (0.0, 0.0))


@pytest.fixture
def blinded(monkeypatch: pytest.MonkeyPatch, ffmpeg: Ffmpeg) -> Callable[[int], None]:
    """The next so many examiners find the libraries of PyAV gone, as under a sandbox that is late to answer."""
    if ffmpeg.sandbox == "off":
        pytest.skip("without a sandbox there is nothing to hide")

    def blind(times: int) -> None:
        whole, left = ffmpeg.examining(), [times]

        def needs() -> tuple[Path, ...]:
            left[0] -= 1
            return whole if left[0] < 0 else tuple(path for path in whole if path.name not in ("av", "av.libs"))

        monkeypatch.setattr(ffmpeg, "examining", needs)

    return blind


async def test_an_examiner_that_does_not_come_to_the_file_is_started_again(
    ffmpeg: Ffmpeg, painted: Painter, blinded: Callable[[int], None]
) -> None:
    blinded(2)
    assert (await ffmpeg.probe(painted(25, 10))).streams[0].codec == "h264"


async def test_a_file_that_nobody_could_look_at_is_not_refused(
    ffmpeg: Ffmpeg, painted: Painter, blinded: Callable[[int], None]
) -> None:
    blinded(9)
    with pytest.raises(NotExaminedError):
        await ffmpeg.probe(painted(25, 10))


async def test_what_was_looked_at_and_is_no_media_is_refused(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no media")
    with pytest.raises(MediaRefusedError):
        await ffmpeg.probe(tmp_path / "text")


async def test_a_damaged_file_that_ffmpeg_calls_unreadable_is_refused(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    damaged = bytearray((FILES / "wmv1.wmv").read_bytes())
    damaged[432] ^= 0x80
    (tmp_path / "damaged.wmv").write_bytes(damaged)
    with pytest.raises(MediaRefusedError, match="Operation not permitted"):
        await ffmpeg.probe(tmp_path / "damaged.wmv")


@pytest.mark.slow(reason="one more process in the sandbox")
async def test_a_few_files_are_looked_at_at_a_time(
    ffmpeg: Ffmpeg, painted: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, most, begin = [0], [0], process.run

    async def counted(*args: Any) -> Any:
        now[0] += 1
        most[0] = max(most[0], now[0])
        try:
            return await begin(*args)
        finally:
            now[0] -= 1

    monkeypatch.setattr(process, "run", counted)
    monkeypatch.setattr(ffmpeg, "_probing", asyncio.Semaphore(2))
    found = await asyncio.gather(*(ffmpeg.probe(painted(25, 10)) for _ in range(6)))
    assert len(found) == 6 and most == [2]
