"""Migrations in a process of their own: what they load would else stay with a supervisor that never needs it again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from cutlog.db.migrate import behind


class MigrationFailed(RuntimeError):
    """A schema is not at its newest migration. The message is what the migration said."""


async def migrator() -> asyncio.subprocess.Process:
    """A process that loads what migrations need, and waits to be told of them: `migrated` does."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cutlog.db.migrate",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


async def migrated(
    owner_url: str, packages: Mapping[str, str], child: asyncio.subprocess.Process | None = None
) -> list[str]:
    """As `cutlog.db.migrate.migrate`, in a `migrator`: `child`, where one was started before, which has ended then.
    Raises MigrationFailed, MigrationsMissing."""
    try:
        if not await behind(owner_url, packages):
            return []
        child = child or await migrator()
        printed, errors = await child.communicate(msgspec.json.encode((owner_url, packages)))
        if child.returncode:
            raise MigrationFailed(errors.decode(errors="replace").strip())
        return msgspec.json.decode(printed, type=list[str])
    finally:
        if child is not None and child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
