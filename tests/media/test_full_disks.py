"""Disks that are full or broken at any step of an upload: an honest answer, nothing left behind, and then it works."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.media.conftest import House
from tests.support.painting import Painter
from tests.support.waiting import eventually

#: Steps of a local write, and what of the operating system does each.
STEPS = {
    "a byte is written": "write",
    "the file is synced": "fsync file",
    "the object gets its name": "link",
    "the folder is synced": "fsync folder",
}


def broken(step: str, number: int, armed: list[bool]) -> Callable[[pytest.MonkeyPatch], None]:
    """Makes a step fail with an errno, once, as soon as `armed`."""

    def fails(real: Callable[..., Any], when: Callable[..., bool]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if armed and when(*arguments):
                armed.clear()
                raise OSError(number, os.strerror(number))
            return real(*arguments, **named)

        return call

    def is_folder(descriptor: int) -> bool:
        return Path(f"/proc/self/fd/{descriptor}").resolve().is_dir()

    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        match step:
            case "write":
                # What is hashed was just written: the write of that piece is what fails.
                monkeypatch.setattr(
                    "services.media.ingest.writing.memoryview", fails(memoryview, lambda _: True), raising=False
                )
            case "fsync file":
                monkeypatch.setattr(os, "fsync", fails(os.fsync, lambda fd: not is_folder(fd)))
            case "fsync folder":
                monkeypatch.setattr(os, "fsync", fails(os.fsync, is_folder))
            case _:
                names = lambda source, *_: "/temp/" in str(source)  # noqa: E731
                monkeypatch.setattr(os, "link", fails(os.link, names))

    return apply


@pytest.mark.slow(reason="each step of an upload fails in two ways")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
@pytest.mark.parametrize("step", STEPS.values(), ids=list(STEPS))
async def test_a_disk_that_fails_leaves_a_clean_state(
    running: House, painted: Painter, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    client, clip, armed = running.client(), painted(25, 20), [True]
    with monkeypatch.context() as patched:
        broken(step, number, armed)(patched)
        answer = await client.upload(clip)
    assert armed == [], "it happened"
    kind = "out-of-space" if number == errno.ENOSPC else "dependency-down"
    assert (answer.status, answer.body["type"]) == (507 if number == errno.ENOSPC else 503, f"/problems/{kind}")
    assert await running.rows("SELECT FROM video") == []
    assert await running.events() == []
    await eventually(lambda: not running.files("temp"))
    again = await client.upload(clip)
    assert again.status == 201 and (await client.ready(again.body["id"]))["status"] == "ready"
    stored = [row["key"] for row in await running.rows("SELECT key FROM video")]
    assert running.files("videos") == stored


@pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")
async def test_a_disk_that_is_really_full_refuses_and_says_that_it_is_not_ready(
    house: House, painted: Painter, disk_of: Callable[[str], Path]
) -> None:
    disk = disk_of("4m")
    await house.start("ops")
    await house.start("media", objects_url=disk.as_uri(), min_free_bytes=1 << 20)
    client, clip = house.client(), painted(25, 20)
    assert (await client("GET", "/readyz")).status == 200
    padding = b"\0\0\0\1free" + (6 << 20).to_bytes(8, "big") + bytes((6 << 20) - 16)
    answer = await client.upload(clip.read_bytes() + padding)
    assert (answer.status, answer.body["type"]) == (507, "/problems/out-of-space")
    assert await house.rows("SELECT FROM video") == []

    def empty() -> bool:
        return not [path for path in disk.rglob("*") if path.is_file()]

    await eventually(empty)
    (disk / "filler").write_bytes(bytes(7 << 19))
    ready = await client("GET", "/readyz")
    assert ready.status == 503 and ready.body["checks"]["disk"] == "down"
    (disk / "filler").unlink()
    assert (await client("GET", "/readyz")).status == 200
    assert (await client.upload(clip)).status == 201
    await house.stop("media", "ops")
