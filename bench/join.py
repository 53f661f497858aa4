"""R7's join: the file of a proxy after one edit, and from nothing, beside `cp` of the same file."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench import films
from bench.shape import Bench, Row, Target
from cutlog.blobs import LocalBlobs
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Timeline
from services.render.audio.score import score
from services.render.cache.earlier import Earlier
from services.render.cache.store import SegmentCache
from services.render.plan.profiles import PROXY
from services.render.plan.segments import plan
from services.render.produce import aac
from services.render.produce.join import Joining
from tests.render.studio import Studio
from tests.render.timelines import sequence, timeline
from tests.support.encoders import bundled
from tests.support.shelf import VARIABLE

MINUTES: Final = tuple(int(word) for word in os.environ.get("BENCH_MINUTES", "10,60").split(","))
REPEATS: Final = 5


def run(_seconds: float) -> Iterator[Row]:
    """A row for each length, joined after a trim of the first clip, and one for each that is joined from nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "shelf").mkdir()
        os.environ.setdefault(VARIABLE, str(folder / "shelf"))
        for minutes in MINUTES:
            yield from asyncio.run(_measure(folder, minutes))


async def _measure(folder: Path, minutes: int) -> list[Row]:
    studio = Studio(bundled(), LocalBlobs(folder / f"objects-{minutes}", "bench"))
    video = await studio.ingest("source", films.source(folder))
    cuts = films.cuts(minutes * 60, films.SOURCE_SECONDS * films.FPS)
    clips = [(start, end - start) for start, end in cuts]

    def version(number: int) -> Timeline:
        first, frames = clips[0]
        shots = [(first + number, frames - number), *clips[1:]]
        fps = Fps(films.FPS, 1)
        return timeline(sequence(*shots, of="source"), library=[video], fps=fps, size=(1920, 1080), version=number)

    made = [studio.path(await studio.proxy(version(number))) for number in (1, 2)]
    whole, rows = made[1].read_bytes(), list[Row]()
    for earlier in (made[0], None):
        pairs = [(_joined(studio, version(2), earlier, folder), _copied(made[1], folder)) for _ in range(REPEATS)]
        assert (folder / "film").read_bytes() == whole
        joined, copied = (sorted(times)[REPEATS // 2] for times in zip(*pairs, strict=True))
        rows.append({
            "minutes": minutes, "from": "nothing" if earlier is None else "the version before",
            "mib": round(len(whole) / 2**20), "join_s": round(joined, 3), "cp_s": round(copied, 3),
            "ratio": round(joined / copied, 2), "peer_command": ["cp", "v2_proxy.mp4", "copy"],
        })  # fmt: skip
    shutil.rmtree(folder / f"objects-{minutes}")
    return rows


def _joined(studio: Studio, of: Timeline, earlier: Path | None, folder: Path) -> float:
    pictures = plan(of, PROXY, studio.maker.engine)
    sound = score(of, PROXY.bitrate, aac.ENCODER, studio.ffmpeg.identity, snap=PROXY.snap)
    cache, out = SegmentCache(studio.blobs, "default"), folder / "film"
    out.unlink(missing_ok=True)
    began = time.perf_counter()
    with ExitStack() as opened:
        found = None if earlier is None else opened.enter_context(Earlier.opened(earlier, of.canvas.fps))
        joining = Joining(pictures, sound, found)
        digests, _ = joining.needs()
        files = {digest: studio.blobs.path(cache.key(digest)) for digest in digests}
        proxies = {sha256: studio.blobs.path(source.key) for sha256, source in pictures.copied().items()}
        joining.write(files, proxies, out, os.cpu_count() or 1)
    return time.perf_counter() - began


def _copied(film: Path, folder: Path) -> float:
    copy = folder / "copy"
    began = time.perf_counter()
    subprocess.run(["cp", film, copy], check=True)
    took = time.perf_counter() - began
    copy.unlink()
    return took


BENCH: Final = Bench(
    "Joining a proxy",
    run,
    targets=(
        Target(
            "R7", "joining the proxy of 60 minutes after a trim", peer="cp of the same file", at_most=1.5,
            where={"minutes": 60, "from": "the version before"},
        ),
    ),
)  # fmt: skip
