"""What the errors of PostgreSQL mean, through SQLAlchemy or straight from asyncpg."""

from __future__ import annotations

from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

DATABASE_ERRORS: Final = (
    DBAPIError,
    NoConnectionFree,  # within the patience of the pool
    PendingRollbackError,  # what a connection that was lost says when it is asked again
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

_LOST: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a connection that the server has ended, and that is not closed yet
)

_AWAY: Final = ("08", "53", "57", "58")
"""SQLSTATE classes: connection, insufficient resources, operator intervention, system error."""


def _cause(error: BaseException) -> BaseException:
    """asyncpg's error in SQLAlchemy's."""
    orig = error.orig if isinstance(error, DBAPIError) else error
    return getattr(orig, "__cause__", None) or orig or error


def _sqlstate(error: BaseException) -> str:
    return getattr(_cause(error), "sqlstate", None) or ""


def is_away(error: BaseException) -> bool:
    """Whether the database could not be reached, so that the same may succeed later."""
    if isinstance(error, PendingRollbackError | NoConnectionFree) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return True
    cause = _cause(error)
    return isinstance(cause, _LOST) or _sqlstate(error).startswith(_AWAY)


def is_unstorable(error: BaseException) -> bool:
    """Whether a value is one that PostgreSQL cannot hold (SQLSTATE classes 22, 54)."""
    return _sqlstate(error).startswith(("22", "54"))


def constraint(error: BaseException) -> str | None:
    """The name of the unique or check constraint that was violated, if that is the error."""
    if _sqlstate(error) not in ("23505", "23514"):
        return None
    return getattr(_cause(error), "constraint_name", None) or ""
