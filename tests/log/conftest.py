"""The log on a database of the test's own, and the relay on a NATS server of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cutlog.bus import Bus
from services.ops.log.append import LogWriter
from services.ops.log.read import LogReader
from services.ops.log.relay import Relay
from tests.log.relays import relaying
from tests.support.database import Database
from tests.support.messaging import NatsServer


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """Connections of the role cutlog_ops."""
    engine = create_async_engine(database.url("ops"))
    yield engine
    await engine.dispose()


@pytest.fixture
async def writer(engine: AsyncEngine) -> AsyncIterator[LogWriter]:
    async with LogWriter(engine) as writer:
        yield writer


@pytest.fixture
def reader(engine: AsyncEngine) -> LogReader:
    return LogReader(engine)


@pytest.fixture
async def bus(nats: NatsServer) -> AsyncIterator[Bus]:
    """A connection of the user `ops`."""
    async with await Bus.connect(nats.url, nats.seed("ops"), name="ops") as bus:
        yield bus


@pytest.fixture
async def relay(bus: Bus, engine: AsyncEngine) -> AsyncIterator[Relay]:
    async with relaying(Relay(bus, engine, look_again=0.5)) as relay:
        yield relay
