"""The one way to connect to PostgreSQL: a connection fails within seconds when the host at its other end has vanished,
and the server ends the session of a client that has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import asyncpg

from cutlog.process import sockets

if TYPE_CHECKING:  # the supervisor connects without loading SQLAlchemy
    from sqlalchemy.ext.asyncio import AsyncEngine


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that fails within seconds when the server's host has vanished."""

    def __init__(self, protocol: Any, transport: Any, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        sockets.notice_silence(transport)


async def connect(url: str, **options: Any) -> Connection:
    """A connection outside of any pool; `options` as for `asyncpg.connect`."""
    made: Connection = await asyncpg.connect(
        url, connection_class=Connection, server_settings=sockets.SERVER_SIDE, **options
    )
    return made


def open_engine(
    url: str, settings: Mapping[str, str], *, arguments: Mapping[str, Any] | None = None, **options: Any
) -> AsyncEngine:
    """An engine whose sessions have `settings`. `arguments` go to `asyncpg.connect`, `options` to SQLAlchemy's
    `create_async_engine`; `url` may be for either."""
    from sqlalchemy.ext.asyncio import create_async_engine

    return create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        connect_args={
            **(arguments or {}),
            "connection_class": Connection,
            "server_settings": {**settings, **sockets.SERVER_SIDE},
        },
        **options,
    )
