"""The policy of each tenant and of the system, as append-only histories: the newest counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.commands import Command, RecordPolicy
from cutlog.contract.events import PolicyChanged, PolicyLevel
from services.gc import tables
from services.gc.report.plans import KeyedBehalf
from services.gc.rules.policy import Policy

SYSTEM: Final = "*"
"""In place of a tenant: the rules of all that have none of their own."""


async def current(connection: AsyncConnection, tenant: str) -> Policy:
    """The tenant's policy; the system's if it never set one, and the defaults if that is not set either."""
    policy = tables.policy
    newest = select(policy.c.policy).where(policy.c.tenant.in_((tenant, SYSTEM)))
    found = await connection.scalar(newest.order_by(policy.c.tenant == SYSTEM, policy.c.version.desc()).limit(1))
    return Policy() if found is None else msgspec.convert(found, Policy)


async def change(connection: AsyncConnection, behalf: KeyedBehalf, policy: Policy, level: PolicyLevel) -> Command:
    """Sets a policy; who set it and when is kept, as are all policies before it. The command that tells the log."""
    owner = SYSTEM if level == "system" else behalf.tenant
    # Two admins at once would take the same number, and one of them a refusal: they wait for each other instead.
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"gc.policy.{owner}", 0))))
    newest = select(func.coalesce(func.max(tables.policy.c.version), 0)).where(tables.policy.c.tenant == owner)
    version = int(await connection.scalar(newest) or 0) + 1
    document = msgspec.to_builtins(policy)
    await connection.execute(
        insert(tables.policy).values(tenant=owner, version=version, policy=document, actor=behalf.actor, at=func.now())
    )
    policy_id = "policy" if level == "system" else f"policy_{behalf.tenant}"
    body = RecordPolicy(policy_id=policy_id, event=PolicyChanged(level=level, version=version, policy=document))
    key = f"gc/{policy_id}/{version}"
    return Command(key=key, tenant=behalf.tenant, actor=behalf.actor, trace=behalf.trace, body=body)


async def tenants(connection: AsyncConnection) -> Sequence[str]:
    """Everybody who has anything."""
    both = select(tables.project.c.tenant).union(select(tables.media.c.tenant))
    return list((await connection.scalars(both.order_by("tenant"))).all())
