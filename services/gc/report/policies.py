"""The policy of each tenant and of the system, as append-only histories: the newest counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.answers.collection import Policy
from cutlog.contract.commands import Command, RecordPolicy
from cutlog.contract.events import PolicyChanged, PolicyLevel
from services.gc.report.plans import KeyedBehalf
from services.gc.sql import statement

SYSTEM: Final = "*"
"""In place of a tenant: the rules of all that have none of their own."""

_CURRENT: Final = statement("policy_current")
_LOCK: Final = statement("policy_lock")
_ADD: Final = statement("policy_add")
_TENANTS: Final = statement("tenants")


async def current(connection: AsyncConnection, tenant: str) -> Policy:
    """The tenant's policy; the system's if it never set one, and the defaults if that is not set either."""
    found = await connection.scalar(_CURRENT, {"tenant": tenant, "system": SYSTEM})
    return Policy() if found is None else msgspec.convert(found, Policy)


async def change(connection: AsyncConnection, behalf: KeyedBehalf, policy: Policy, level: PolicyLevel) -> Command:
    """Sets a policy; who set it and when is kept, as are all policies before it. The command that tells the log."""
    owner = SYSTEM if level == "system" else behalf.tenant
    await connection.execute(_LOCK, {"owner": owner})
    values = {"owner": owner, "policy": msgspec.json.encode(policy).decode(), "actor": behalf.actor}
    version = int((await connection.execute(_ADD, values)).scalar_one())
    policy_id = "policy" if level == "system" else f"policy_{behalf.tenant}"
    body = RecordPolicy(
        policy_id=policy_id, event=PolicyChanged(level=level, version=version, policy=msgspec.to_builtins(policy))
    )
    key = f"gc/{policy_id}/{version}"
    return Command(key=key, tenant=behalf.tenant, actor=behalf.actor, trace=behalf.trace, body=body)


async def tenants(connection: AsyncConnection) -> Sequence[str]:
    """Everybody who has anything."""
    return list(await connection.scalars(_TENANTS))
