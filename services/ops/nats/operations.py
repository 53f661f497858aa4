"""What an operator asks of ops over NATS: `ops.status`, `ops.rebuild`."""

from __future__ import annotations

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

import cutlog
from cutlog.bus import Bus
from cutlog.bus.streams import stream_info
from cutlog.contract.base import Wire
from cutlog.contract.subjects import EVENTS
from services.ops.log.read import LogReader
from services.ops.log.relay import Relay
from services.ops.readmodel.rebuild import rebuild

log = structlog.get_logger(__name__)


class StatusShown(Wire):
    """`head` is the log's last position, `published` the last one in the stream EVENTS. `leads`: whether it is the
    process that answers which publishes; `rebuilt` counts how often it had to make the stream anew,
    `foreign` the messages in it that somebody else had published."""

    service: str
    version: str
    head: int
    leads: bool
    published: int
    rebuilt: int
    foreign: int
    error: str | None


class Rebuilt(Wire):
    """How many events the rows were derived from."""

    events: int


class Status:
    """How the log and its publication stand."""

    def __init__(self, bus: Bus, reader: LogReader, relay: Relay) -> None:
        self._bus, self._reader, self._relay = bus, reader, relay

    async def __call__(self, _: bytes) -> StatusShown:
        relay = self._relay.state
        return StatusShown(
            service="ops", version=cutlog.__version__, head=await self._reader.head(), leads=relay.leads,
            published=relay.published if relay.leads else await self._published(), rebuilt=relay.rebuilt,
            foreign=relay.foreign,
            error=relay.error,
        )  # fmt: skip

    async def _published(self) -> int:
        """What another process has published."""
        info = await stream_info(self._bus, EVENTS)
        return 0 if info is None else int(info["state"]["last_seq"])


class Rebuild:
    """Makes the read model anew from the log; appends wait meanwhile."""

    def __init__(self, engine: AsyncEngine, reader: LogReader) -> None:
        self._engine, self._reader = engine, reader

    async def __call__(self, _: bytes) -> Rebuilt:
        events = await rebuild(self._engine, self._reader)
        log.info("readmodel.rebuilt", events=events)
        return Rebuilt(events=events)
