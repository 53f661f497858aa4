"""Entries of the audit log of services other than ops: they reach it through the outbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.auth.audit import Entry
from cutlog.bus import Outbox
from cutlog.contract.commands import Command, RecordAudit
from cutlog.contract.ids import new_id
from cutlog.web.trace import child_of


def through(outbox: Outbox, engine: AsyncEngine) -> Callable[[Entry], Awaitable[None]]:
    """Stores an entry, which ops gets as soon as it answers."""

    async def keep(entry: Entry) -> None:
        body = RecordAudit(
            action=entry.action, target=entry.target, credential=entry.credential, address=entry.address,
            detail=entry.detail, at=entry.at or datetime.now(UTC),
        )  # fmt: skip
        command = Command(
            key=new_id("audit"), tenant=entry.tenant, actor=entry.subject, trace=child_of(None), body=body
        )
        async with engine.begin() as connection:
            await outbox.add(connection, command)
        outbox.wake()

    return keep
