"""Runs of ffmpeg: results, progress, limits, refusals, and an end that leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cutlog.ffmpeg import (
    BinaryNotFoundError,
    Ffmpeg,
    FfmpegFailedError,
    Limits,
    MemoryLimitError,
    OutputTooLargeError,
    Progress,
    TimeLimitError,
)
from tests.ffmpeg.conftest import Wanted
from tests.support.painting import Painter, read_frame_numbers
from tests.support.waiting import eventually, eventually_sync

slow = pytest.mark.slow(reason="one more run of ffmpeg in its sandbox")

ENDLESS = ("-re", "-f", "lavfi", "-i", "testsrc=s=64x36", "-f", "null", "-")


def children(ancestor: int | None = None) -> list[int]:
    """Pids of running encoders below a process, this one by default, whoever started them."""
    found: dict[int, int] = {}
    encoders = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            found[int(folder.name)] = int(parent)
            if state != "Z" and b"-progress" in (folder / "cmdline").read_bytes():
                encoders.append(int(folder.name))

    def below(pid: int) -> bool:
        parent = found.get(pid, 0)
        return parent == (ancestor or os.getpid()) or (parent > 1 and below(parent))

    return [pid for pid in encoders if below(pid)]


def alive(pid: int) -> bool:
    """Whether a process runs: it exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_run_makes_the_file_and_tells_how_far_it_is(ffmpeg: Ffmpeg, painted: Painter, tmp_path: Path) -> None:
    clip, told = painted(25, 30), list[Progress]()
    result = await ffmpeg.run(
        ["-i", str(clip), "-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "out.mp4"],
        reads=[clip], writes=tmp_path, on_progress=told.append,
    )  # fmt: skip
    assert read_frame_numbers(tmp_path / "out.mp4") == list(range(30))
    assert told[-1] == result.progress
    assert result.progress.done
    assert result.progress.frames == 30
    assert result.progress.size == (tmp_path / "out.mp4").stat().st_size


async def test_the_identity_names_the_exact_build(ffmpeg: Ffmpeg) -> None:
    again = await Ffmpeg.find(Wanted())
    version, digest = ffmpeg.identity.split()
    assert again.identity == ffmpeg.identity
    assert version == ffmpeg.binary.version
    assert len(digest) == 64


async def test_a_configured_binary_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BinaryNotFoundError, match=r"CUTLOG_FFMPEG names .*nowhere"):
        await Ffmpeg.find(Wanted(ffmpeg=tmp_path / "nowhere"))


async def test_a_failure_carries_the_last_words_of_ffmpeg(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    with pytest.raises(FfmpegFailedError) as failure:
        await ffmpeg.run(["-f", "lavfi", "-i", "color=d=1", "-c:v", "nosuchcodec", "out.mp4"], writes=tmp_path)
    assert failure.value.code > 0
    assert "nosuchcodec" in failure.value.log


@slow
async def test_a_missing_input_is_named(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mp4"):
        await ffmpeg.run(["-i", "nowhere.mp4"], reads=[tmp_path / "nowhere.mp4"], writes=tmp_path)


async def test_a_run_beyond_its_time_is_stopped(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    with pytest.raises(TimeLimitError):
        await ffmpeg.run(ENDLESS, writes=tmp_path, limits=Limits(seconds=0.3))
    assert children() == []


async def test_a_file_beyond_its_limit_is_stopped(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    args = ["-f", "lavfi", "-i", "testsrc=s=640x360:d=10", "-c:v", "rawvideo", "out.nut"]
    with pytest.raises(OutputTooLargeError):
        await ffmpeg.run(args, writes=tmp_path, limits=Limits(output_bytes=1 << 20))
    assert (tmp_path / "out.nut").stat().st_size <= 1 << 20


@slow
async def test_memory_beyond_the_limit_is_refused(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    args = ["-f", "lavfi", "-i", "testsrc=s=7680x4320:d=1", "-vf", "reverse", "-f", "null", "-"]
    with pytest.raises(MemoryLimitError):
        await ffmpeg.run(args, writes=tmp_path, limits=Limits(memory=200 << 20))


async def test_cancelling_ends_ffmpeg_at_once_and_leaves_nothing(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    task = asyncio.create_task(ffmpeg.run(ENDLESS, writes=tmp_path))
    await eventually(children)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == []


@slow
async def test_cancelling_before_the_start_leaves_nothing_either(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    for turns in range(12):
        task = asyncio.create_task(ffmpeg.run(ENDLESS, writes=tmp_path))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert children() == []


@slow
async def test_a_callback_that_raises_ends_the_run(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    def full(_: Progress) -> None:
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        await ffmpeg.run(ENDLESS, writes=tmp_path, on_progress=full)
    assert children() == []


@slow
@pytest.mark.parametrize("sandbox", ["auto", "off"])
def test_a_service_that_is_killed_takes_its_ffmpeg_with_it(sandbox: str, tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from cutlog.ffmpeg import Ffmpeg
        from tests.ffmpeg.conftest import Wanted

        async def main():
            ffmpeg = await Ffmpeg.find(Wanted(sandbox={sandbox!r}))
            await ffmpeg.run({ENDLESS!r}, writes=Path({str(tmp_path)!r}))

        asyncio.run(main())
    """)
    service = subprocess.Popen([sys.executable, "-c", script])
    try:
        running = eventually_sync(lambda: children(service.pid))
        os.kill(service.pid, signal.SIGKILL)
        eventually_sync(lambda: not any(map(alive, running)))
    finally:
        service.kill()
        service.wait()


@slow
async def test_several_runs_go_on_beside_each_other(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    async def one(number: int) -> int:
        folder = tmp_path / str(number)
        folder.mkdir()
        args = ["-f", "lavfi", "-i", f"testsrc=s=64x36:r=10:d={number}", "-f", "null", "-"]
        return (await ffmpeg.run(args, writes=folder)).progress.frames

    assert await asyncio.gather(*(one(n) for n in range(1, 7))) == [10, 20, 30, 40, 50, 60]
