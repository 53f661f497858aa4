"""What operators and ops ask over NATS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

import cutlog
from cutlog.bus import Bus, BusError, EndpointError, Projection
from cutlog.bus.history import read_history
from cutlog.bus.micro import Endpoint
from cutlog.contract.base import Strict, Wire
from cutlog.contract.jobs import ProxyAsked
from services.render.queue import jobs


class Taken(Wire):
    """The job that makes the proxy."""

    job_id: str


class Replay(Strict):
    """Events of positions `from` to `to`, both included."""

    start: int = msgspec.field(name="from", default=1)
    to: int = 2**63 - 1


class Replayed(Wire):
    """How many events were looked at again, up to which position."""

    events: int
    position: int


def endpoints(
    bus: Bus, engine: AsyncEngine, projections: Sequence[Projection], nudge: Callable[[], None]
) -> Mapping[str, Endpoint]:
    """`render.status`: where this process stands and what is to do; `render.cmd.proxy`: a proxy passed over;
    `render.replay`: jobs that events ask for and that are not known, as after a loss of this service's own rows.

    What is known stays as it is: each job is one, however often its event comes.
    """

    async def status(_: bytes) -> object:
        async with engine.connect() as connection:
            counted = await jobs.counts(connection)
        return {
            "service": "render",
            "version": cutlog.__version__,
            "jobs": counted,
            "projections": [projection.standing for projection in projections],
        }

    async def proxy(payload: bytes) -> object:
        asked = msgspec.json.decode(payload, type=ProxyAsked)
        async with engine.begin() as connection:
            await jobs.want_proxy(
                connection,
                tenant=asked.tenant,
                project_id=asked.project_id,
                version=asked.version,
                digest="",
                position=0,
                trace=asked.trace,
                asked=True,
            )
        nudge()
        return Taken(job_id=jobs.proxy_job(asked.project_id, asked.version))

    async def replay(payload: bytes) -> object:
        wish = msgspec.json.decode(payload, type=Replay)
        if not 1 <= wish.start <= wish.to:
            raise EndpointError("400", "from must be at least 1 and at most to")
        (projection,) = projections
        taken, at = 0, wish.start
        while at <= wish.to:
            try:
                page = await read_history(bus, at, limit=min(1000, wish.to - at + 1))
            except BusError:
                break  # the end of the log
            events = [event.decode() for event in page if projection.wants(event)]
            async with engine.begin() as connection:
                assert projection.react is not None, "rendering reacts to events"
                await projection.react(connection, events)
            taken, at = taken + len(events), page[-1].position + 1
        return Replayed(events=taken, position=at - 1)

    return {"status": status, "cmd.proxy": proxy, "replay": replay}
