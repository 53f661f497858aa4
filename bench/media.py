"""M1: an upload of gigabytes through the gateway beside `cp` and `sha256sum`; many at once; the first thumbnail.

BENCH_GIB=4 is the size of the large file, in GiB. Each upload is one run of curl, as a user's would be.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from bench import films
from bench.shape import Bench, Row, Target
from cutlog.auth.roles import Role
from cutlog.auth.tokens import mint
from cutlog.operate.cli.own_stack import own_stack
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.secrets import Secrets
from cutlog.operate.stack.state import read_state

CLIP: Final = Path(__file__).parents[1] / "cutlog" / "cli" / "sample" / "bigbuckbunny.mp4"
MIB: Final = 1 << 20
GIB: Final = float(os.environ.get("BENCH_GIB", "4"))
ROUNDS: Final = 2
MANY: Final = 200
EACH: Final = 5 * MIB
POLL: Final = 0.02


def run(seconds: float) -> Iterator[Row]:
    """A film that is looked at, a large file in rounds, then many small ones."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        rows: list[Row] = []
        asyncio.run(_measure(folder, rows.append))
        yield from rows


@dataclass(frozen=True)
class Door:
    """The gateway of a running stack, and the process behind it that takes uploads."""

    url: str
    token: str
    pid: int

    async def curl(self, *rest: str) -> Any:
        """What a run of curl as this user is answered, as JSON."""
        told = ["--fail-with-body", "--retry", "3", "-H", f"Authorization: Bearer {self.token}"]
        with tempfile.NamedTemporaryFile() as answer:
            process = await asyncio.create_subprocess_exec("curl", "-sS", "-o", answer.name, *told, *rest)
            code, body = await process.wait(), answer.read()
        assert code == 0, body.decode()
        return msgspec.json.decode(body)

    async def upload(self, path: Path) -> Any:
        """The video that a file became."""
        return await self.curl("-F", f"file=@{path}", f"{self.url}/api/videos/upload")


async def _measure(folder: Path, tell: Callable[[Row], None]) -> None:
    data = folder / "data"
    async with own_stack(data) as url:
        token = mint(Secrets(Layout(data).secrets).signing, "bench", Role.editor, ttl=86_400)
        door = Door(url, token, read_state(data).pids["media"])
        await _seen(door, folder, tell)
        await _large(door, folder, tell)
        await _many(door, folder, tell)


async def _large(door: Door, folder: Path, tell: Callable[[Row], None]) -> None:
    """Each round with content of its own, the peer before the upload and after it."""
    large, copy = folder / "large.mp4", folder / "copy"
    for number in range(ROUNDS):
        _padded(large, int(GIB * 1024 * MIB))
        commands = [["cp", str(large), str(copy)], ["sha256sum", str(large)]]
        before = await _timed(_in_turn(*commands))
        copy.unlink()
        with _peak(door.pid) as most:
            ours = await _timed(door.upload(large))
        after = await _timed(_in_turn(*commands))
        copy.unlink()
        peer = (before + after) / 2
        tell({
            "figure": "M1", "round": number + 1, "gib": GIB, "cutlog_s": round(ours, 2), "peer_s": round(peer, 2),
            "ratio": round(peer / ours, 2), "memory_mib": round(most[0] / MIB),
            "command": ["curl", "-F", "file=@large.mp4", "/api/videos/upload"],
            "peer_command": ["cp", "large.mp4", "copy", "&&", "sha256sum", "large.mp4"],
        })  # fmt: skip
    large.unlink()


async def _many(door: Door, folder: Path, tell: Callable[[Row], None]) -> None:
    """Small files, all at once."""
    paths = [_padded(folder / f"{number}.mp4", EACH) for number in range(MANY)]
    with _peak(door.pid) as most:
        began = time.perf_counter()
        made = await asyncio.gather(*(door.upload(path) for path in paths))
        taken = time.perf_counter() - began
    files = [path for path in (folder / "data" / "objects" / "videos").rglob("*") if path.stat().st_size == EACH]
    assert len(files) == len({video["id"] for video in made})
    tell({
        "figure": "many", "uploads": MANY, "mib": EACH // MIB, "videos": len({video["id"] for video in made}),
        "lost": MANY - len(files), "seconds": round(taken, 1), "memory_mib": round(most[0] / MIB),
    })  # fmt: skip


async def _seen(door: Door, folder: Path, tell: Callable[[Row], None]) -> None:
    """From the answer of an upload to its first thumbnail and to the last of its renditions."""
    film = films.source(folder)
    video = await door.upload(film)
    began = time.perf_counter()
    path = f"{door.url}/api/videos/{video['id']}"
    await _until(lambda: _redirects(door, f"{path}/thumbnail"))
    thumbnail = time.perf_counter() - began
    await _until(lambda: _is_ready(door, path))
    ready = time.perf_counter() - began
    tell({
        "figure": "thumbnail", "film": f"{films.SOURCE_SECONDS} s of 1080p", "thumbnail_s": round(thumbnail, 2),
        "ready_s": round(ready, 1),
    })  # fmt: skip


async def _is_ready(door: Door, path: str) -> bool:
    return bool((await door.curl(path))["status"] == "ready")


async def _redirects(door: Door, path: str) -> bool:
    """Whether there is a link to a picture; until then it is a 404."""
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "-o", os.devnull, "-w", "%{http_code}", "-H", f"Authorization: Bearer {door.token}", path,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    return output == b"302"


async def _until(there: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    while not await there():
        await asyncio.sleep(POLL)


async def _timed(work: Coroutine[Any, Any, Any]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _in_turn(*commands: list[str]) -> None:
    for command in commands:
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
        assert await process.wait() == 0


def _padded(path: Path, size: int) -> Path:
    """The sample film and a box that players skip, of `size` bytes in all and of a content of its own."""
    shutil.copy(CLIP, path)
    left = size - path.stat().st_size - 16
    with path.open("ab") as file:
        file.write(b"\0\0\0\1free" + (left + 16).to_bytes(8, "big"))
        while left:
            left -= file.write(os.urandom(min(left, MIB)))
    return path


@contextmanager
def _peak(pid: int) -> Iterator[list[int]]:
    """The most memory over what it had before, in bytes, of a process in the block."""
    idle, most = _anonymous(pid), [0]

    async def watch() -> None:
        while True:
            most[0] = max(most[0], _anonymous(pid) - idle)
            await asyncio.sleep(POLL)

    task = asyncio.get_running_loop().create_task(watch())
    try:
        yield most
    finally:
        task.cancel()


def _anonymous(pid: int) -> int:
    """Bytes of memory of a process that are its own, files that are mapped left out."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise LookupError(pid)


BENCH: Final = Bench(
    "Uploads",
    run,
    targets=(
        Target("M1", "upload of 4 GiB through the gateway, hashed and looked into",
               "`cp` and `sha256sum`, one after the other",
               at_least=1.5, where={"figure": "M1"}),
        Target("M1", "the same: memory over idle, in MiB", column="memory_mib", at_most=64, where={"figure": "M1"}),
        Target("M1", "200 uploads of 5 MiB at once: lost", column="lost", at_most=0, where={"figure": "many"}),
    ),
)  # fmt: skip
