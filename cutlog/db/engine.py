"""The one way to make an engine: SQLAlchemy Core, async, over asyncpg."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.db.connecting import open_engine


class DatabaseSettings(Protocol):
    """The part of a service's settings that matters here."""

    @property
    def database_url(self) -> str: ...


def create_engine(
    settings: DatabaseSettings, *, pool_size: int = 5, max_overflow: int = 5, patience: float = 30.0, idle: str = "5min"
) -> AsyncEngine:
    """An engine on the service's own role and schema. Nothing is connected until it is used.

    The role's `search_path` is its schema, so queries name tables without it. Call `dispose()` when done.
    `patience`: seconds that somebody waits for a connection while others have all of them. `idle`: how long a
    transaction may do nothing until the server rolls it back and frees what it has locked.
    """
    return open_engine(
        settings.database_url,
        {"application_name": "cutlog", "jit": "off", "idle_in_transaction_session_timeout": idle},
        arguments={"timeout": 5},
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=patience,
        pool_pre_ping=True,
    )
