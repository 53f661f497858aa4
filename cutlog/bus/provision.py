"""Streams and consumers for services, which may make none themselves: whoever configures a stream or a consumer can
have the server publish on any subject (`republish`, `deliver_subject`, `sources`). ops makes them, from fixed
configurations; a service may only ask for its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from cutlog.bus.connection import Bus
from cutlog.bus.errors import CONSUMER_NOT_FOUND, STREAM_NOT_FOUND, ApiError, BusError
from cutlog.bus.micro import Endpoint, EndpointError
from cutlog.bus.pull import ensure_consumer
from cutlog.bus.streams import ConsumerConfig, StreamConfig, ensure
from cutlog.contract.base import Wire

MAX_START: Final = 2**63 - 1


class Provide(Wire):
    """Asks for the streams that are not the log's and, if one is named, for a consumer; `start` is the first sequence
    that it is to deliver, where its configuration leaves that open."""

    stream: str = ""
    consumer: str = ""
    start: int = 1


class Provided(Wire):
    """They are there."""


_PROVIDE: Final = msgspec.json.Decoder(Provide)


async def provide(bus: Bus, wish: Provide | None = None) -> None:
    """Asks ops. Raises BusError when it refuses, BusUnavailable when it does not answer."""
    reply = await bus.request(f"ops.provide.{bus.name}", msgspec.json.encode(wish or Provide()))
    if refusal := (reply.headers or {}).get("Nats-Service-Error"):
        raise BusError(f"ops did not provide {wish}: {refusal}")


async def own_consumer(bus: Bus, stream: str, consumer: str, start: int = 1) -> dict[str, Any]:
    """What the server says of a consumer of this service, which ops makes if it is missing. Raises BusError."""
    subject = f"CONSUMER.INFO.{stream}.{consumer}"
    try:
        return await bus.api(subject)
    except ApiError as error:
        if error.code not in (CONSUMER_NOT_FOUND, STREAM_NOT_FOUND):
            raise
    await provide(bus, Provide(stream=stream, consumer=consumer, start=start))
    return await bus.api(subject)


class Provider:
    """Makes `streams`, and for each service its `consumers`, by stream and name. `bus` is of a user that may."""

    def __init__(
        self,
        bus: Bus,
        streams: Sequence[StreamConfig],
        consumers: Mapping[str, Mapping[tuple[str, str], ConsumerConfig]],
    ) -> None:
        self._bus, self._streams, self._consumers = bus, tuple(streams), consumers

    async def ensure_streams(self) -> None:
        """Makes the streams that are missing. Raises BusError."""
        for stream in self._streams:
            await ensure(self._bus, stream)

    def endpoints(self) -> dict[str, Endpoint]:
        """For `micro`: one per service, since NATS lets each publish on the subject of its own only."""
        return {f"provide.{service}": partial(self._provide, service) for service in self._consumers}

    async def _provide(self, service: str, payload: bytes) -> Provided:
        wish = _PROVIDE.decode(payload)
        config = self._consumers[service].get((wish.stream, wish.consumer))
        if config is None and (wish.stream or wish.consumer):
            raise EndpointError("403", f"{service} has no consumer {wish.consumer!r} of {wish.stream!r}")
        if not 1 <= wish.start <= MAX_START:
            raise EndpointError("400", f"start must be 1 to {MAX_START}")
        try:
            await self.ensure_streams()
            if config is not None:
                if config["deliver_policy"] == "by_start_sequence":
                    config = config | {"opt_start_seq": wish.start}
                await ensure_consumer(self._bus, wish.stream, config)
        except BusError as error:
            raise EndpointError("503", f"JetStream does not provide it: {error}") from error
        return Provided()
