"""R7 and R8: what an edit costs in long timelines, against the same edit in a short one.

BENCH_FLAT_MINUTES=10,60 are the lengths, the one to compare with first; BENCH_SOURCE a film of your own at 24 frames
per second.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Final
from urllib.parse import urljoin

import aiohttp

from bench import films
from bench.films import FPS, Json
from bench.render import REPEATS, Studio, Tell, new_project, shortened, studio, told
from bench.shape import Bench, Plot, Row, Target
from cutlog.auth.roles import Role
from cutlog.auth.tokens import mint
from cutlog.contract.profiles import proxy_video_args
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.secrets import Secrets
from cutlog.operate.stack.state import read_state

MINUTES: Final = tuple(int(word) for word in os.environ.get("BENCH_FLAT_MINUTES", "10,60").split(","))


def run(_: float) -> Iterator[Row]:
    """Rows as they are known."""
    return told(_measure)


class _Film:
    """A timeline of some length, its version and the edits of it."""

    def __init__(self, minutes: int, project: str, parts: films.Cuts) -> None:
        self.minutes, self.project, self.parts, self.version = minutes, project, parts, 1
        self.trims: list[tuple[float, Json, int]] = []
        self.sights: list[float] = []

    def trim(self, repeat: int) -> list[Json]:
        """The end of the first clip, so that all others move."""
        return [{"op": "clip.trim", "clip": "c0", "out": self.parts[0][1] - 17 - 13 * repeat, "ripple": True}]

    def slip(self, repeat: int) -> list[Json]:
        """The beginning of a clip in the middle: up to a second of it must be encoded."""
        number = len(self.parts) // 2
        return [{"op": "clip.trim", "clip": f"c{number}", "in": self.parts[number][0] + 5 + 3 * repeat, "ripple": True}]


async def _measure(folder: Path, tell: Tell) -> None:
    async with studio(folder) as at:
        made = []
        for minutes in MINUTES:
            project, parts = await new_project(at, f"{minutes} minutes", 60 * minutes)
            made.append(_Film(minutes, project, parts))
            # Without its title, which stays where it is: other pictures would be under it.
            await at.edit(project, 1, [op for op in films.ops(at.video, parts) if op.get("clip") != "title"])
        # In turn, so that whatever else the machine does befalls all of them.
        for repeat in range(REPEATS):
            for film in made:
                await _trim(at, film, repeat)
        for repeat in range(REPEATS):
            for film in made:
                await _sight(at, film, repeat)
        for film in made:
            tell(_trimmed(at, film, made[0]))
        peer = _one_second(at.film, made[0].parts, folder / "peer.mp4")
        seconds = median([await asyncio.to_thread(films.timed, peer) for _ in range(REPEATS)])
        for film in made:
            tell({
                "figure": "R8", "minutes": film.minutes, "first_picture_s": round(median(film.sights), 3),
                "one_second_s": round(seconds, 3), "ratio": round(median(film.sights) / seconds, 2),
                "command": ["POST", "/api/projects/{project}/ops", "→", "proxy.m3u8?from=edit"],
                "peer_command": shortened(peer),
            })  # fmt: skip


async def _trim(at: Studio, film: _Film, repeat: int) -> None:
    process = Path(f"/proc/{read_state(at.data).pids['render']}")
    (process / "clear_refs").write_text("5")
    film.version += 1
    seconds, event = await at.edit(film.project, film.version, film.trim(repeat))
    film.trims.append((seconds, event, _peak(process)))


def _peak(process: Path) -> int:
    """The most memory that a process had since it was last cleared, in MiB."""
    lines = (process / "status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def _trimmed(at: Studio, film: _Film, short: _Film) -> Row:
    ours, theirs = (sorted(each.trims, key=lambda trim: trim[0]) for each in (film, short))
    seconds, event, _ = ours[REPEATS // 2]
    peak, least = (max(trim[2] for trim in trims) for trims in (ours, theirs))
    return {
        "figure": "R7", "minutes": film.minutes, "clips": len(film.parts), "cutlog_s": round(seconds, 3),
        "against_short": round(seconds / theirs[REPEATS // 2][0], 2), "memory_mib": peak,
        "memory_against_short": round(peak / least, 2), "size_mib": event["size"] >> 20, "encoded": event["encoded"],
        **at.phases(event["key"]), "command": ["POST", "/api/projects/{project}/ops", "→", "ProxyRendered"],
    }  # fmt: skip


async def _sight(at: Studio, film: _Film, repeat: int) -> None:
    """From POST to the first segment of a playlist that begins at the edit."""
    token = mint(Secrets(Layout(at.data).secrets).signing, "bench", Role.admin, ttl=3_600)
    film.version += 1
    done = asyncio.create_task(at.until(film.project, "ProxyRendered", film.version))
    await asyncio.sleep(0)
    url = f"{read_state(at.data).url}/api/projects/{film.project}/versions/{film.version}/proxy.m3u8"
    async with aiohttp.ClientSession() as session:
        began = time.perf_counter()
        await at.client.commit(film.project, film.slip(repeat))
        while True:
            async with session.get(url, params={"from": "edit"}, headers={"Authorization": f"Bearer {token}"}) as reply:
                text = await reply.text()
                if reply.status == 200:
                    break
        link = next(line for line in text.splitlines() if not line.startswith("#"))
        async with session.get(urljoin(url, link)) as reply:
            reply.raise_for_status()
            await reply.read()
        film.sights.append(time.perf_counter() - began)
    await done


def _one_second(film: Path, parts: films.Cuts, out: Path) -> list[str]:
    """One ffmpeg run that encodes a second from the source as a proxy has it."""
    start = str(parts[len(parts) // 2][0] / FPS)
    return [
        films.ffmpeg(), "-v", "error", "-y", "-nostdin", "-ss", start, "-i", str(film), "-t", "1", "-an",
        "-vf", "scale=-2:480", *proxy_video_args(Fraction(FPS)), str(out),
    ]  # fmt: skip


BENCH: Final = Bench(
    "What an edit costs in a long timeline",
    run,
    targets=(
        Target("R7", "one trim with ripple in 60 minutes of 240 clips: from POST to the playable proxy",
               "the same in 10 minutes", column="against_short", at_most=2.5, where={"figure": "R7", "minutes": 60}),
        Target("R7", "the same: memory of the worker", "the same", column="memory_against_short", at_most=1.3,
               where={"figure": "R7", "minutes": 60}),
        Target("R8", "from POST of an edit to the first new segment by HLS",
               "one ffmpeg run that encodes that second from the source at 480p", at_most=2, where={"figure": "R8"}),
    ),
    plots=(
        Plot("Seconds from a trim to its proxy, by minutes of film", "minutes", ("cutlog_s",)),
        Plot("Seconds from an edit to its first picture, by minutes of film", "minutes", ("first_picture_s",)),
    ),
)  # fmt: skip
