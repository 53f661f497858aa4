"""Errors that mean: something we depend on is down. They are answered 503, whichever service meets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import asyncpg
import nats.errors
import sqlalchemy.exc

from cutlog.blobs.store import StoreUnavailableError
from cutlog.web.problems import Problem, unavailable

# Classes of SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html): connection, transaction
# rollback (deadlock, serialization), resources, and shutdown or start-up. Any other error is a bug of ours.
_TRANSIENT: Final = ("08", "40", "53", "57P")


def _statement(error: sqlalchemy.exc.DBAPIError) -> Problem | None:
    lost = error.connection_invalidated or _transient(error.orig)
    return _database(error) if lost else None


def _postgres(error: asyncpg.PostgresError) -> Problem | None:
    return _database(error) if _transient(error) else None


def _transient(error: object) -> bool:
    return (getattr(error, "sqlstate", None) or "").startswith(_TRANSIENT)


def _database(_: Exception) -> Problem:
    return unavailable("The database does not answer.")


def _bus(_: Exception) -> Problem:
    return unavailable("The message bus does not answer.")


def _store(_: Exception) -> Problem:
    return unavailable("The object store is unavailable.")


def _peer(_: Exception) -> Problem:
    return unavailable("A part of cutlog does not answer.")


OUTAGES: Final[Mapping[type[BaseException], Callable[[Any], Problem | None]]] = {
    sqlalchemy.exc.DBAPIError: _statement,
    sqlalchemy.exc.TimeoutError: _database,
    asyncpg.PostgresError: _postgres,
    nats.errors.TimeoutError: _bus,
    nats.errors.NoRespondersError: _bus,
    nats.errors.NoServersError: _bus,
    nats.errors.ConnectionClosedError: _bus,
    nats.errors.ConnectionReconnectingError: _bus,
    nats.errors.OutboundBufferLimitError: _bus,
    StoreUnavailableError: _store,
    ConnectionError: _peer,
    TimeoutError: _peer,
}
