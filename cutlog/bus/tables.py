"""Tables that the bus keeps in a service's schema, found through the role's search path."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Identity, Integer, LargeBinary, MetaData, Table, Text, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

_metadata: Final = MetaData()

checkpoint: Final = Table(
    "checkpoint",
    _metadata,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False, comment="all events up to here are in the derived rows"),
    Column("reacted", BigInteger, nullable=False, comment="up to here side effects have been written; never goes back"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)

outbox: Final = Table(
    "outbox",
    _metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False, unique=True, comment="of the command; it makes sending again harmless"),
    Column("command", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)


async def reached(connection: AsyncConnection, name: str, *, lock: bool = False) -> int:
    """How far a projection has read the log; 0 before its first event. With `lock`, it goes no further until the
    transaction ends."""
    query = select(checkpoint.c.position).where(checkpoint.c.name == name)
    return int(await connection.scalar(query.with_for_update() if lock else query) or 0)


def create_checkpoint(op: ModuleType, role: str) -> None:
    """For a service's migration, with `alembic.op`: makes `checkpoint` in the current schema, for the role to use."""
    checkpoint.create(op.get_bind())
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON checkpoint TO {role}")


def create_outbox(op: ModuleType, role: str) -> None:
    """For a service's migration, with `alembic.op`: makes `outbox` in the current schema, for the role to use."""
    outbox.create(op.get_bind())
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO {role}")
