"""NATS micro services (ADR-32): what an operator sees with `nats micro ls`, `info`, `stats`, and asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import structlog
from nats.micro import add_service
from nats.micro.request import Request, ServiceError
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus.connection import Bus
from cutlog.bus.errors import BusError
from cutlog.bus.projection import Projection
from cutlog.bus.rebuild import ReplayUnderWay, rebuild
from cutlog.bus.shadow import Derived
from cutlog.bus.streams import stream_info
from cutlog.contract.envelope import UnknownEventTypeError
from cutlog.contract.subjects import EVENTS

log = structlog.get_logger(__name__)

Endpoint = Callable[[bytes], Awaitable[object]]
"""Takes a request's payload; what it returns is answered as JSON. Raises EndpointError to refuse."""


@dataclass
class EndpointError(Exception):
    """A request that is refused: a code to branch on (an HTTP status, such as "400") and a sentence."""

    code: str
    description: str


@asynccontextmanager
async def micro(
    bus: Bus,
    name: str,
    version: str,
    endpoints: Mapping[str, Endpoint],
    *,
    projections: Sequence[Projection] = (),
    derived: Derived | None = None,
    description: str = "",
    metadata: Mapping[str, str] | None = None,
) -> AsyncIterator[None]:
    """Serves `<name>.<endpoint>` for each of `endpoints` (dots allowed: `events.read`) while the context is open.

    `<name>.status` is there unless given; `<name>.checkpoint` where there are projections, and `<name>.rebuild` where
    it is told what the first of them derives.
    """

    async def status(_: bytes) -> object:
        return {"service": name, "version": version, "projections": [p.standing for p in projections]}

    async def checkpoint(_: bytes) -> object:
        return await _checkpoints(bus, projections)

    served: dict[str, Endpoint] = {"status": status}
    if projections:
        served["checkpoint"] = checkpoint
    if derived is not None:
        served["rebuild"] = partial(_rebuilt, bus, projections[0].engine, derived)
    served |= endpoints
    service = await add_service(
        bus.client,
        name=name,
        version=version,
        description=description or f"cutlog {name}",
        metadata=dict(metadata or {}),
    )
    try:
        for endpoint, handler in served.items():
            await service.add_endpoint(
                name=endpoint.replace(".", "-"), subject=f"{name}.{endpoint}", handler=_answering(endpoint, handler)
            )
        yield
    finally:
        if bus.connected:
            await service.stop()


def _answering(endpoint: str, handler: Endpoint) -> Callable[[Request], Awaitable[None]]:
    async def answer(request: Request) -> None:
        try:
            body = await handler(request.data)
        except EndpointError as error:
            raise ServiceError(error.code, error.description) from error
        except msgspec.ValidationError as error:
            raise ServiceError("400", str(error)) from error
        except msgspec.DecodeError as error:
            raise ServiceError("400", f"not JSON: {error}") from error
        except Exception as error:
            log.exception("endpoint.failed", endpoint=endpoint)
            raise ServiceError("500", "internal error; the service's log says more") from error
        await request.respond(body if isinstance(body, bytes) else msgspec.json.encode(body))

    return answer


async def _rebuilt(bus: Bus, engine: AsyncEngine, derived: Derived, _: bytes) -> object:
    try:
        return await rebuild(bus, engine, derived)
    except ReplayUnderWay as error:
        raise EndpointError("409", f"{error.__doc__} {error}") from error
    except BusError as error:
        raise EndpointError("503", f"the log can't be read: {error}") from error
    except UnknownEventTypeError as error:
        raise EndpointError("422", f"this build does not know the event type {error}") from error


async def _checkpoints(bus: Bus, projections: Sequence[Projection]) -> list[dict[str, Any]]:
    info = await stream_info(bus, EVENTS)
    last = info["state"]["last_seq"] if info else None
    return [
        msgspec.to_builtins(p.standing)
        | {"lastPosition": last, "lag": None if last is None else max(0, last - p.standing.position)}
        for p in projections
    ]
