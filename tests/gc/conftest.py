"""The service at work: the real log and relay of ops beside it, and nothing of ops above them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from cutlog.bus import Bus, micro
from cutlog.contract.events import EventData
from cutlog.db.engine import create_engine
from services.gc.bootstrap import serving
from services.ops.log.append import LogWriter
from services.ops.log.read import LogReader
from services.ops.log.records import Append
from services.ops.log.relay import Relay
from services.ops.nats.events import EventsRead
from tests.support.configuration import SettingsFactory
from tests.support.provision import provider
from tests.support.waiting import eventually

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Log:
    """The log: what a test says happened."""

    writer: LogWriter
    reader: LogReader
    relay: Relay
    versions: dict[str, int] = field(default_factory=dict)

    async def say(self, project: str, *facts: EventData, tenant: str = "default") -> int:
        """Appends events to a project's stream; the position of the last one."""
        stream = f"project.{project}"
        before = self.versions.get(stream, 0)
        appended = await self.writer.append(Append(stream, before, facts, tenant=tenant, actor="tester", trace=TRACE))
        self.versions[stream] = appended.version
        self.relay.wake()
        return appended.position


@pytest.fixture
async def log(settings_for: SettingsFactory) -> AsyncIterator[Log]:
    settings, stop = settings_for("ops"), asyncio.Event()
    engine = create_engine(settings)
    seed = settings.nats_seed.get_secret_value()
    async with await Bus.connect(settings.nats_url, seed, name="ops") as bus, LogWriter(engine) as writer:
        reader, relay = LogReader(engine), Relay(bus, engine)
        async with micro(bus, "ops", "0.0.0", {"events.read": EventsRead(reader), **provider(bus).endpoints()}):
            relaying = asyncio.create_task(relay.run(stop))
            yield Log(writer, reader, relay)
            stop.set()
            await relaying
    await engine.dispose()


@dataclass
class Gc:
    """The service over HTTP, as a role of a tenant."""

    url: str
    session: aiohttp.ClientSession
    settings_for: SettingsFactory

    async def ask(
        self, method: str, path: str, body: Any = None, *, role: str = "admin", tenant: str = "default", key: str = ""
    ) -> tuple[int, Any]:
        """Status and JSON of `/api/admin/gc` + path."""
        headers = {"Authorization": f"Bearer {self.settings_for.token(role, tenant=tenant)}"}
        if key:
            headers["Idempotency-Key"] = key
        async with self.session.request(method, f"{self.url}/api/admin/gc{path}", json=body, headers=headers) as reply:
            return reply.status, await reply.json(content_type=None)

    async def calculate(self, body: Any = None, **how: Any) -> dict[str, Any]:
        """A plan, as soon as the service has read the whole log."""

        made: dict[str, Any] = {}

        async def calculated() -> bool:
            status, plan = await self.ask("POST", "/calculate", body, **how)
            assert status == 201, plan
            made.update(plan)
            return True

        await eventually(calculated)
        return made


@pytest.fixture
async def gc(log: Log, settings_for: SettingsFactory) -> AsyncIterator[Gc]:
    async with serving(settings_for("gc")) as server, aiohttp.ClientSession() as session:
        yield Gc(server.url, session, settings_for)


@pytest.fixture
async def impatient(log: Log, settings_for: SettingsFactory) -> AsyncIterator[Gc]:
    """The same, where nobody waits for the projection."""
    async with serving(settings_for("gc"), patience=0.1) as server, aiohttp.ClientSession() as session:
        yield Gc(server.url, session, settings_for)
