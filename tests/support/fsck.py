"""Proof, at the end of a test, that everything in a stack agrees."""

from __future__ import annotations

from pathlib import Path

from cutlog.fsck.run import fsck


async def assert_sound(data: Path) -> None:
    """Fails with what `cutlog fsck` finds in the stack that runs on `data`."""
    report = await fsck(data)
    assert report.findings == ()
