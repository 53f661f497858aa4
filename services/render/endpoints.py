"""What operators and ops ask over NATS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

import cutlog
from cutlog.bus import Projection
from cutlog.bus.micro import Endpoint
from cutlog.contract.base import Wire
from cutlog.contract.jobs import ProxyAsked
from services.render import jobs


class Taken(Wire):
    """The job that makes the proxy."""

    job_id: str


def endpoints(
    engine: AsyncEngine, projections: Sequence[Projection], nudge: Callable[[], None]
) -> Mapping[str, Endpoint]:
    """`render.status`: where this process stands and what is to do; `render.cmd.proxy`: a proxy passed over."""

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

    return {"status": status, "cmd.proxy": proxy}
