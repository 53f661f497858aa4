"""A host that leads at the relay vanishes without a word: another one publishes, and the first stops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cutlog.bus import Bus
from cutlog.process.readiness import NotReady
from services.ops.log.append import LogWriter
from services.ops.log.read import LogReader
from services.ops.log.relay import Relay
from tests.log.relays import published, relaying
from tests.support.database import Database
from tests.support.edits import edit
from tests.support.messaging import NatsServer
from tests.support.streams import assert_stream_is_log
from tests.support.waiting import eventually
from tests.support.wires import Wire, wire


class Host:
    """Far away: what it sends and hears goes through two wires."""

    def __init__(self, database: Wire, nats: Wire, relay: Relay) -> None:
        self._wires, self.relay = (database, nats), relay

    def vanish(self) -> None:
        """No FIN, no RST: what is sent to it is taken, and nothing comes back."""
        for each in self._wires:
            each.silence()

    def return_(self) -> None:
        for each in self._wires:
            each.speak()


def leading(*relays: Relay) -> list[Relay]:
    return [relay for relay in relays if relay.state.leads]


@pytest.fixture
async def afar(database: Database, nats: NatsServer) -> AsyncIterator[Host]:
    async with AsyncExitStack() as parts:
        port = database.cluster.postgres.port
        one = await parts.enter_async_context(wire(lambda: port))
        two = await parts.enter_async_context(wire(lambda: nats.port))
        engine = create_async_engine(database.url("ops").replace(f":{port}/", f":{one.port}/"))
        parts.push_async_callback(engine.dispose)
        url = nats.url.replace(f":{nats.port}", f":{two.port}")
        bus = await parts.enter_async_context(await Bus.connect(url, nats.seed("ops"), name="ops"))
        host = Host(one, two, Relay(bus, engine))
        await parts.enter_async_context(relaying(host.relay))
        yield host


@pytest.mark.slow(reason="a lease has to end")
async def test_another_relay_publishes_when_the_host_of_the_first_vanishes(
    afar: Host, bus: Bus, engine: AsyncEngine, writer: LogWriter, reader: LogReader, nats: NatsServer
) -> None:
    await writer.append(edit("p_1", 0))
    await published(bus, 1)
    assert leading(afar.relay) == [afar.relay]
    async with relaying(Relay(bus, engine)) as near:
        afar.vanish()
        await writer.append(edit("p_1", 1))
        near.wake()
        await published(bus, 2)
        assert leading(afar.relay, near) == [near], "the first has stopped before the second began"
        afar.return_()
        await writer.append(edit("p_1", 2))
        afar.relay.wake()
        await eventually(lambda: afar.relay.standing.failing_since is None)
        await published(bus, 3)
        assert leading(afar.relay, near) == [near]
        await near.check()
        await afar.relay.check()
    await assert_stream_is_log(nats, reader)


@pytest.mark.slow(reason="starts NATS and a database for one more case of its kind")
async def test_where_no_relay_leads_or_its_lag_grows_ops_is_not_ready(
    bus: Bus, engine: AsyncEngine, writer: LogWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = Relay(bus, engine)
    await relay.check()
    at = 0.0

    async def look() -> None:
        nonlocal at
        relay.lag.saw(*await relay._measure(), at)
        at += 20.0

    for version in range(3):
        await writer.append(edit("p_1", version))
        await look()
    with pytest.raises(NotReady, match="3 events wait"):
        await relay.check()
    async with relaying(relay):
        relay.wake()
        await published(bus, 3)
        await look()
        await relay.check()
    relay.standing.grace = -1.0
    with pytest.raises(NotReady, match="no process has held the lease"):
        await relay.check()
