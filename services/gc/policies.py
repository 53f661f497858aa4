"""The policy of each tenant, as an append-only history: the newest counts."""

from __future__ import annotations

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gc import tables
from services.gc.policy import Policy


async def current(connection: AsyncConnection, tenant: str) -> Policy:
    """The tenant's policy; the defaults if it never set one."""
    found = await connection.scalar(
        select(tables.policy.c.policy)
        .where(tables.policy.c.tenant == tenant)
        .order_by(tables.policy.c.version.desc())
        .limit(1)
    )
    return Policy() if found is None else msgspec.convert(found, Policy)


async def change(connection: AsyncConnection, tenant: str, policy: Policy, actor: str) -> None:
    """Sets the tenant's policy; who set it and when is kept, as are all policies before it."""
    # Two admins at once would take the same number, and one of them a refusal: they wait for each other instead.
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"gc.policy.{tenant}", 0))))
    newest = select(func.coalesce(func.max(tables.policy.c.version), 0)).where(tables.policy.c.tenant == tenant)
    await connection.execute(
        insert(tables.policy).values(
            tenant=tenant,
            version=newest.scalar_subquery() + 1,
            policy=msgspec.to_builtins(policy),
            actor=actor,
            at=func.now(),
        )
    )
