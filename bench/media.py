"""Uploads through the gateway beside `cp` and `sha256sum`; memory; many uploads at once; the first thumbnail.

.venv/bin/python -m bench.media --gib 4 --url URL --token TOKEN --pid PID-OF-MEDIA --objects DATA/objects
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

CLIP = Path(__file__).parents[1] / "cutlog" / "cli" / "sample" / "bigbuckbunny.mp4"
MIB = 1 << 20


def padded(path: Path, size: int) -> Path:
    """The sample film and a box that players skip, of `size` bytes in all and of a content of its own."""
    shutil.copy(CLIP, path)
    left = size - path.stat().st_size - 16
    with path.open("ab") as file:
        file.write(b"\0\0\0\1free" + (left + 16).to_bytes(8, "big"))
        while left:
            left -= file.write(os.urandom(min(left, MIB)))
    return path


def anonymous(pid: int) -> int:
    """Bytes of memory of a process that are its own, files that are mapped left out."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise LookupError(pid)


@contextlib.contextmanager
def peak(pid: int) -> Iterator[list[int]]:
    """The most memory over idle, in bytes, in the block."""
    idle, most = anonymous(pid), [0]

    async def watch() -> None:
        while True:
            most[0] = max(most[0], anonymous(pid) - idle)
            await asyncio.sleep(0.02)

    task = asyncio.get_running_loop().create_task(watch())
    try:
        yield most
    finally:
        task.cancel()


async def upload(session: aiohttp.ClientSession, url: str, path: Path) -> str:
    form = aiohttp.FormData()
    with path.open("rb") as file:
        form.add_field("file", file, filename=path.name)
        async with session.post(f"{url}/api/videos/upload", data=form) as answer:
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["id"])


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--url", "--token", "--objects"):
        parser.add_argument(name, required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--gib", type=float, default=1.0)
    parser.add_argument("--many", type=int, default=200)
    asked = parser.parse_args()
    headers = {"Authorization": f"Bearer {asked.token}"}
    timeout = aiohttp.ClientTimeout(total=None)
    with tempfile.TemporaryDirectory(dir=Path(asked.objects).parent) as name:
        folder = Path(name)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            large = padded(folder / "large.mp4", int(asked.gib * 1024 * MIB))
            begun = time.perf_counter()
            copy = str(folder / "copy")
            for command in (["cp", str(large), copy], ["sha256sum", str(large)]):
                process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
                assert await process.wait() == 0
            peer = time.perf_counter() - begun
            (folder / "copy").unlink()
            with peak(asked.pid) as most:
                begun = time.perf_counter()
                await upload(session, asked.url, large)
                ours = time.perf_counter() - begun
            print(f"{asked.gib:g} GiB: upload {ours:.2f} s, cp + sha256sum {peer:.2f} s, ratio {peer / ours:.2f}")
            print(f"memory over idle: {most[0] / MIB:.0f} MiB")
            large.unlink()
            small = [padded(folder / f"{number}.mp4", 5 * MIB) for number in range(asked.many)]
            with peak(asked.pid) as most:
                begun = time.perf_counter()
                ids = await asyncio.gather(*(upload(session, asked.url, path) for path in small))
                taken = time.perf_counter() - begun
            stored = [p for p in Path(asked.objects, "videos").rglob("*") if p.stat().st_size == 5 * MIB]
            print(f"{asked.many} uploads of 5 MiB at once: {taken:.1f} s, {len(set(ids))} videos, {len(stored)} files")
            print(f"memory over idle: {most[0] / MIB:.0f} MiB")


if __name__ == "__main__":
    asyncio.run(main())
