"""The bus between an `ops` that holds the log and a service `probe` that derives rows from it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from alembic import op
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cutlog.bus import Bus, micro
from cutlog.bus.streams import ACK_WAIT
from cutlog.bus.tables import create_checkpoint, create_outbox
from cutlog.db.roles import prepare
from cutlog.db.tables import create_lease
from cutlog.operate.stack.postgres import service_url
from services.ops.log.append import LogWriter
from services.ops.log.read import LogReader
from services.ops.log.relay import Relay
from services.ops.nats.events import EventsRead
from tests.bus.backbone import Backbone
from tests.support.database import Database
from tests.support.messaging import NatsServer
from tests.support.provision import provider


@pytest.fixture
async def ops_engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database.url("ops"))
    yield engine
    await engine.dispose()


@pytest.fixture
async def ops_bus(nats: NatsServer) -> AsyncIterator[Bus]:
    async with await Bus.connect(nats.url, nats.seed("ops"), name="ops") as bus:
        yield bus


@pytest.fixture
async def bus(nats: NatsServer) -> AsyncIterator[Bus]:
    """A connection of the user `render`, which may do most of what a service does."""
    async with await Bus.connect(nats.url, nats.seed("render"), name="render") as bus:
        yield bus


@pytest.fixture
async def providing(ops_bus: Bus, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """The streams JOBS and DLQ, and an ops that provides them and consumers; a parameter is their `ack_wait`."""
    provided = provider(ops_bus, getattr(request, "param", ACK_WAIT))
    await provided.ensure_streams()
    async with micro(ops_bus, "ops", "1.0.0", provided.endpoints()):
        yield


@pytest.fixture
async def backbone(ops_bus: Bus, ops_engine: AsyncEngine) -> AsyncIterator[Backbone]:
    async with backbone_on(ops_bus, ops_engine) as backbone:
        yield backbone


@asynccontextmanager
async def backbone_on(bus: Bus, engine: AsyncEngine, ack_wait: float = ACK_WAIT) -> AsyncIterator[Backbone]:
    """A writer, a relay and `ops.events.read`, as ops runs them."""
    relay = Relay(bus, engine, look_again=0.5)
    reader = LogReader(engine)
    async with (
        LogWriter(engine, on_commit=relay.wake) as writer,
        Backbone(bus, relay, writer, reader) as backbone,
        micro(bus, "ops", "1.0.0", {"events.read": EventsRead(reader), **provider(bus, ack_wait).endpoints()}),
    ):
        yield backbone


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with probe(database) as engine:
        yield engine


@asynccontextmanager
async def probe(database: Database) -> AsyncIterator[AsyncEngine]:
    """Connections of a service of the test's own, with its checkpoint, its outbox and tables to derive."""
    password = secrets.token_hex(8)
    await prepare(database.owner_url, {"probe": password})
    owner = create_async_engine(database.owner_url.replace("postgresql:", "postgresql+asyncpg:"))
    async with owner.begin() as connection:
        await connection.run_sync(_migrate)
    await owner.dispose()
    engine = create_async_engine(service_url(database.cluster.postgres.port, "probe", password, database.name))
    yield engine
    await engine.dispose()


def _migrate(connection: Connection) -> None:
    connection.execute(text("SET LOCAL search_path = probe"))
    with Operations.context(MigrationContext.configure(connection)):  # as in a migration
        create_checkpoint(op, "cutlog_probe")
        create_outbox(op, "cutlog_probe")
        create_lease(op, "cutlog_probe")
        op.execute("CREATE TABLE edits (project text PRIMARY KEY, version int, count int)")
        op.execute("CREATE TABLE effects (position bigint)")
        op.execute("GRANT ALL ON edits, effects TO cutlog_probe")
