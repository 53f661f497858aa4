"""One running stack for all of these tests, and in it a tenant for each."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cutlog.client import Client
from tests.support.painting import Painter
from tests.support.stacks import RunningStack


@dataclass(frozen=True)
class Tenant:
    """A tenant of its own on the shared stack, with a client for its admin."""

    name: str
    token: str
    client: Client
    stack: RunningStack

    def object(self, key: str) -> Path:
        """Where an object lies on disk."""
        return self.stack.data / "objects" / key


@pytest.fixture
async def tenant(stack: RunningStack) -> AsyncIterator[Tenant]:
    name = f"t-{secrets.token_hex(6)}"
    token = stack.token("admin", tenant=name)
    async with Client.connect(stack.url, token) as client:
        yield Tenant(name, token, client, stack)


@pytest.fixture(scope="session")
def clip(painted: Painter) -> Path:
    """Two seconds at 25 fps, 160x90, with sound: frame k shows k and sounds like k."""
    return painted(fps=25, frames=50, size=(160, 90), audio=True, tag=1)
