"""A tenant of its own on the shared stack for each test, and clips to move in."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cutlog.client import Client
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.postgres import Postgres
from tests.support.painting import Painter
from tests.support.stacks import CHECKOUT, RunningStack
from tests.support.waiting import PATIENCE


def cutlog(*arguments: object) -> subprocess.CompletedProcess[str]:
    """A command of the product, run as users run it."""
    command = [sys.executable, "-m", "cutlog", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, env=os.environ, timeout=PATIENCE)


Lines = list[dict[str, Any]]
OF_ONE_RUN = ("run", "dryRun", "resumed", "seconds")
"""What a run and a dry run can't have in common."""


def compared(dry: Lines, lines: Lines) -> None:
    """Every line of both, and every field."""
    assert dry[0]["dryRun"] and not lines[0]["dryRun"]
    for rehearsed, line in zip(dry[1:-1], lines[1:-1], strict=True):
        assert rehearsed == line
    said, was = ({key: value for key, value in each[-1].items() if key not in OF_ONE_RUN} for each in (dry, lines))
    assert said == was


@dataclass(frozen=True)
class House:
    """The stack that a store moves into, and a tenant there."""

    stack: RunningStack
    tenant: str
    client: Client

    def backfill(self, store: Path, *options: str) -> subprocess.CompletedProcess[str]:
        return cutlog("backfill", store, "--data", self.stack.data, "--tenant", self.tenant, *options)

    def lines(self, store: Path, *options: str) -> list[dict[str, Any]]:
        """Every line that a run prints; the last is its report."""
        result = self.backfill(store, "--json", *options)
        assert result.returncode == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    def rollback(self, run: str) -> subprocess.CompletedProcess[str]:
        return cutlog("rollback", run, "--data", self.stack.data)

    async def rows(self) -> dict[str, int]:
        """How many rows there are of the tenant, and events."""
        async with self._connected() as connection:
            return {
                table: await connection.fetchval(f"SELECT count(*) FROM {table} WHERE {whose} = $1", self.tenant)
                for table, whose in (
                    ("ops.event", "meta->>'tenant'"), ("ops.project", "tenant"), ("ops.media", "tenant"),
                    ("media.video", "tenant"), ("media.brought", "tenant"), ("media.upload", "tenant"),
                )
            }  # fmt: skip

    async def objects(self) -> set[str]:
        """Every file of the store that is no unfinished work, no rendition, and not what is being rendered for a
        project of another test."""
        async with self._connected() as connection:
            others = await connection.fetch("SELECT id FROM ops.project WHERE tenant <> $1", self.tenant)
        passing = {("proxy", each["id"]) for each in others} | {("export", each["id"]) for each in others}
        root = self.stack.data / "objects"
        files = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
        return {
            path.as_posix()
            for path in files
            if path.parts[0] not in ("temp", "derived", "segments") and path.parts[:2] not in passing
        }

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        state, secrets_ = self.stack.state, self.stack.secrets
        owner = Postgres.at(Layout(self.stack.data).postgres, state.postgres_port, secrets_.database("owner"))
        connection = await asyncpg.connect(owner.url())
        try:
            yield connection
        finally:
            await connection.close()


@pytest.fixture
async def house(stack: RunningStack) -> AsyncIterator[House]:
    tenant = f"m-{secrets.token_hex(6)}"
    async with Client.connect(stack.url, stack.token("admin", tenant=tenant)) as client:
        yield House(stack, tenant, client)


@pytest.fixture(scope="session")
def films(painted: Painter) -> tuple[bytes, bytes]:
    """Two small videos of two seconds at 25 fps."""
    made = [painted(fps=25, frames=50, size=(160, 90), audio=tag == 1, tag=tag) for tag in (1, 2)]
    return made[0].read_bytes(), made[1].read_bytes()
