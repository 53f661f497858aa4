"""Errors that mean: something we depend on is down. They are answered 503, whichever service meets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import nats.errors
import sqlalchemy.exc

from cutlog.web.problems import Problem, unavailable


def _database(error: sqlalchemy.exc.DBAPIError) -> Problem:
    return unavailable("The database does not answer.")


def _bus(error: Exception) -> Problem:
    return unavailable("The message bus does not answer.")


def _peer(error: Exception) -> Problem:
    return unavailable("A part of cutlog does not answer.")


OUTAGES: Final[Mapping[type[BaseException], Callable[[Any], Problem]]] = {
    sqlalchemy.exc.OperationalError: _database,
    sqlalchemy.exc.InterfaceError: _database,
    sqlalchemy.exc.TimeoutError: _database,
    nats.errors.TimeoutError: _bus,
    nats.errors.NoRespondersError: _bus,
    nats.errors.NoServersError: _bus,
    nats.errors.ConnectionClosedError: _bus,
    ConnectionError: _peer,
    TimeoutError: _peer,
}
