"""The one way to make an engine: SQLAlchemy Core, async, over asyncpg."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cutlog.settings import Settings


def create_engine(
    settings: Settings, *, pool_size: int = 5, max_overflow: int = 5, patience: float = 30.0
) -> AsyncEngine:
    """An engine on the service's own role and schema. Nothing is connected until it is used.

    The role's `search_path` is its schema, so queries name tables without it. Call `dispose()` when done.
    `patience`: seconds that somebody waits for a connection while others have all of them.
    """
    return create_async_engine(
        settings.database_url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=patience,
        pool_pre_ping=True,
        connect_args={"timeout": 5, "server_settings": {"application_name": "cutlog", "jit": "off"}},
    )
