"""What can go wrong on the bus."""

from __future__ import annotations


class BusError(Exception):
    """The bus refused."""


class BusUnavailable(BusError):
    """Nobody answered in time. What was asked may still happen, so it should be asked again only under the same key."""


class ApiError(BusError):
    """JetStream answered with an error; `code` is its `err_code`.

    Codes: https://github.com/nats-io/nats-server/blob/main/server/errors.json
    """

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{description} ({code})")
        self.code = code


CONSUMER_NOT_FOUND = 10014
STREAM_NOT_FOUND = 10059
MESSAGE_NOT_FOUND = 10037
NAME_TAKEN = (10058, 10105, 10148)
"""A stream or consumer of that name exists, with another configuration."""
