"""Migrations in a process of their own: what they load would else stay with a supervisor that never needs it again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import msgspec

from cutlog.db.migrate import behind


class MigrationFailed(RuntimeError):
    """A schema is not at its newest migration. The message is what the migration said."""


Migrate = Callable[[str, Mapping[str, str]], Awaitable[list[str]]]
"""As `cutlog.db.migrate.migrate`. Raises MigrationFailed, MigrationsMissing."""


@asynccontextmanager
async def migrator(*, early: bool = False) -> AsyncIterator[Migrate]:
    """What migrates, once. If that is asked for `early`, its process loads what it needs until it is told what to do;
    else there is one only where something is to be done."""
    child = await _started() if early else None

    async def migrate(owner_url: str, packages: Mapping[str, str]) -> list[str]:
        nonlocal child
        if not await behind(owner_url, packages):
            return []
        child = child or await _started()
        printed, errors = await child.communicate(msgspec.json.encode((owner_url, packages)))
        if child.returncode:
            raise MigrationFailed(errors.decode(errors="replace").strip())
        return msgspec.json.decode(printed, type=list[str])

    try:
        yield migrate
    finally:
        if child is not None and child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()


async def _started() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cutlog.db.migrate",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
