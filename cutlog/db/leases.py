"""Leases as rows: taken, renewed and ended by the clock of the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.db import holders
from cutlog.db.sql import statement
from cutlog.db.standing import Standing, now

log = structlog.get_logger(__name__)

_END: Final = statement("lease_end")
_FORGET: Final = statement("lease_forget")
_GOOD: Final = statement("lease_good")
_RENEW: Final = statement("lease_renew")
_SEEN: Final = statement("lease_seen")
_TAKE: Final = statement("lease_take")


@dataclass(frozen=True)
class Terms:
    """Seconds. A lease lasts `lease` and is renewed every `renew`; its holder stops `margin` before it ends. Others
    look every `look` whether it is free, and what takes longer than `patience` is given up and tried again."""

    lease: float = 10.0
    renew: float = 2.5
    look: float = 1.0
    margin: float = 1.0
    patience: float = 4.0

    @property
    def takeover(self) -> float:
        """At most so long nobody leads after a holder has vanished: its lease ends, and one look of another may just
        have been made, and the next may meet a connection that fails."""
        return self.lease + self.look + self.patience


TERMS: Final = Terms()


class LeaseLost(Exception):
    """The lease has expired or is another process's; whoever held it must not go on."""


class Lease:
    """What a leader holds. `token` is greater than that of every holder before."""

    def __init__(self, name: str, token: int, until: float, standing: Standing) -> None:
        self.name, self.token, self.standing = name, token, standing
        self._until = until

    @property
    def left(self) -> float:
        """Seconds in which this process may still lead; none or fewer: it may not."""
        return self._until - now()

    def check(self) -> None:
        """To be called before acting: raises LeaseLost. It is the first thing that a process notices which was
        frozen."""
        if self.left <= 0:
            raise LeaseLost(f"the lease {self.name} of token {self.token} has expired")

    async def confirm(self, connection: AsyncConnection) -> None:
        """Asks the database, in the transaction of `connection`: raises LeaseLost."""
        self.check()
        if not (await connection.exec_driver_sql(_GOOD, (self.name, self.token))).scalar_one():
            raise self.lost()

    def completed(self) -> None:
        """Tells readiness that a round of the work was done."""
        self.standing.completed()

    def renewed(self, until: float) -> None:
        """It is good until then, by the clock of this process."""
        self._until = until
        self.standing.led()

    def lost(self) -> LeaseLost:
        return LeaseLost(f"the lease {self.name} of token {self.token} is another's")


async def take(connection: AsyncConnection, name: str, terms: Terms) -> int | None:
    """The token of a lease that was taken; None while it is another's."""
    seen = (await connection.exec_driver_sql(_SEEN, (name,))).one_or_none()
    if seen is not None and seen.good and not await _bury(connection, name, seen):
        return None
    taken = await connection.exec_driver_sql(_TAKE, (name, holders.here(), terms.lease))
    token: int | None = taken.scalar_one_or_none()
    return token


async def renew(connection: AsyncConnection, lease: Lease, terms: Terms) -> bool:
    """Whether the lease was still this holder's."""
    values = (lease.name, lease.token, terms.lease)
    return (await connection.exec_driver_sql(_RENEW, values)).one_or_none() is not None


async def end(connection: AsyncConnection, name: str, token: int) -> None:
    """Lets others take it at once."""
    await connection.exec_driver_sql(_END, (name, token))


async def forget_old(connection: AsyncConnection) -> None:
    """Removes leases that nobody has taken for a day."""
    await connection.exec_driver_sql(_FORGET)


async def bury(connection: AsyncConnection, names: Sequence[str]) -> list[str]:
    """Ends the leases, among those of `names`, whose holders are known to be dead; their names."""
    dead = []
    for name in names:
        seen = (await connection.exec_driver_sql(_SEEN, (name,))).one_or_none()
        if seen is not None and seen.good and await _bury(connection, name, seen):
            dead.append(name)
    return dead


async def _bury(connection: AsyncConnection, name: str, seen: Row[Any]) -> bool:
    if not holders.is_dead(seen.holder):
        return False
    log.info("lease.expired", name=name, holder=seen.holder, token=seen.token)
    await end(connection, name, seen.token)
    return True
