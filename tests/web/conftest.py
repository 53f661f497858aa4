"""A sample API on a real socket, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from cutlog.web import Server, serve_http
from tests.support.gates import make_gate
from tests.support.waiting import PATIENCE
from tests.web.sample import Address, Sample, sample_api


@pytest.fixture
def sample() -> Sample:
    return Sample()


@pytest.fixture
async def server(sample: Sample) -> AsyncIterator[Server]:
    async with serve_http(sample_api(sample), Address(), make_gate(), drain_seconds=5) as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
        yield session
