"""`ops.replay`: history out of PostgreSQL, once more, for whoever listens to subjects of its own."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from cutlog.bus import Bus, EndpointError, messages
from cutlog.bus.projection import Wanted
from cutlog.contract.base import Strict, Wire
from cutlog.contract.subjects import replayed
from services.ops.log.read import LogReader

PAGE: Final = 500
_TARGET: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKEN: Final = re.compile(r"[^\s.*>]+|\*")
POSITION: Final = "Cutlog-Position"
"""Header that tells an event's position, which is no sequence of a stream here."""


class Replay(Strict):
    """Which events, and where to: positions `from` to `to`, both included; those that a `subject` matches, such as
    `evt.project.p_1.>`; to `replay.<target>.` and the event's own subject."""

    target: str
    start: int = msgspec.field(name="from", default=1)
    to: int = 2**63 - 1
    subject: str = "evt.>"


class Replayed(Wire):
    """How many events were sent, and the position up to which the log was read."""

    events: int
    position: int


_REQUEST: Final = msgspec.json.Decoder(Replay)


class Replaying:
    """An endpoint for `cutlog.bus.micro`, to be served as `replay`."""

    def __init__(self, reader: LogReader, bus: Bus) -> None:
        self._reader, self._bus = reader, bus

    async def __call__(self, payload: bytes) -> Replayed:
        """Sends page by page, each at the server before the next is read, and answers when all are there."""
        wish = _REQUEST.decode(payload)
        _check(wish)
        wanted, position, sent = Wanted((wish.subject,)), wish.start - 1, 0
        while position < wish.to and (page := await self._reader.read(position, min(PAGE, wish.to - position))):
            for event in page:
                if wanted(event):
                    subject = replayed(wish.target, messages.subject(event))
                    headers = messages.headers(event) | {POSITION: str(event.position)}
                    await self._bus.client.publish(subject, bytes(event.data), headers=headers)
                    sent += 1
            await self._bus.client.flush()
            position = page[-1].position
        return Replayed(events=sent, position=position)


def _check(wish: Replay) -> None:
    """Raises EndpointError."""
    if not _TARGET.fullmatch(wish.target):
        raise EndpointError("400", "target must be 1 to 64 letters, digits, - and _")
    if not 1 <= wish.start <= wish.to:
        raise EndpointError("400", "from must be at least 1 and at most to")
    first, *rest = wish.subject.split(".")
    tokens = rest[:-1] if rest and rest[-1] == ">" else rest
    if first != "evt" or not rest or not all(_TOKEN.fullmatch(token) for token in tokens):
        raise EndpointError("400", "subject must be of events, such as evt.project.p_1.> or evt.media.*.MediaReady")
