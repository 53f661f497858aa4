"""A hold on files: while somebody has it, nobody moves or removes any. It is a lease, so it ends with its holder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.db.lead import held
from cutlog.db.leases import TERMS, Lease, Terms

HOLD: Final = "files.hold"
KEY: Final = 0x6375746C6F68
"""Of the advisory lock that those who move files share, each for one transaction ("cutloh" in ASCII)."""
_GOOD: Final = "SELECT EXISTS (SELECT FROM lease WHERE name = $1 AND expires_at > clock_timestamp())"


class AlreadyHeld(Exception):
    """Somebody else has the hold."""


async def are_held(connection: AsyncConnection) -> bool:
    """Whether files must stay where they are. If not, they need not until the transaction of `connection` ends: whoever
    wants to hold them waits for that."""
    await connection.exec_driver_sql("SELECT pg_advisory_xact_lock_shared($1)", (KEY,))
    return bool((await connection.exec_driver_sql(_GOOD, (HOLD,))).scalar_one())


@asynccontextmanager
async def holding(engine: AsyncEngine, terms: Terms = TERMS) -> AsyncIterator[Lease]:
    """Has all files stay where they are, as long as the lease that it yields is good. `engine` is on the schema of the
    service that moves them. Raises AlreadyHeld, LeaseLost."""
    async with held(engine, HOLD, terms) as lease:
        if lease is None:
            raise AlreadyHeld(str(AlreadyHeld.__doc__))
        async with engine.begin() as connection:  # what began to move before has arrived
            await connection.exec_driver_sql("SELECT pg_advisory_xact_lock($1)", (KEY,))
        lease.check()
        yield lease
