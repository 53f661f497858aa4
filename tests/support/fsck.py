"""Proof, at the end of a test, that everything in a stack agrees."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cutlog.operate.fsck.run import fsck, proven
from cutlog.operate.fsck.stack import Stack, connected
from cutlog.operate.stack.nats import OPERATOR
from tests.support.configuration import SettingsFactory


async def assert_sound(what: Path | Stack) -> None:
    """Fails with what `cutlog fsck` finds, in the stack that runs on a folder or in some services."""
    report = await (fsck(what) if isinstance(what, Path) else proven(what, again=(0.2, 0.5, 1.0)))
    assert report.findings == (), "\n".join(f"{each.check} {each.name}: {each.detail}" for each in report.findings)


@asynccontextmanager
async def services(settings_for: SettingsFactory, *names: str) -> AsyncIterator[Stack]:
    """Those services of a test's own parts, to be proven as often as one likes."""
    settings = {name: settings_for(name) for name in names}
    async with connected(settings_for.owner_url, settings_for.seed(OPERATOR), settings) as stack:
        yield stack
