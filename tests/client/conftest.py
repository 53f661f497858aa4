"""The client against the real ops service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cutlog.client import Client
from services.ops.bootstrap import serving
from tests.support.configuration import SettingsFactory


@pytest.fixture
async def ops_url(settings_for: SettingsFactory) -> AsyncIterator[str]:
    """The running service's base URL."""
    async with serving(settings_for("ops")) as server:
        yield server.url


@pytest.fixture
async def client(ops_url: str, settings_for: SettingsFactory) -> AsyncIterator[Client]:
    """An editor's client."""
    async with Client.connect(ops_url, settings_for.token("editor")) as connected:
        yield connected
