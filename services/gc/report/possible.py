"""Exports that may go, as far as SQL can tell. It only leaves out what some rule surely keeps: whatever it gives is
judged by the rules of `policy`, so a fault here can keep an export too long and never let one go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.answers.collection import Policy
from cutlog.db.driver import driver
from services.gc.rules.plan import Basis
from services.gc.rules.policy import Ready, policy_of
from services.gc.rules.roots import Export
from services.gc.sql import plain, statement

AT_ONCE: Final = 2_000
"""Rows that are fetched and held at once."""

_POSSIBLE: Final = plain("exports_possible")
_COUNT: Final = statement("exports_count")


async def possible(
    connection: AsyncConnection, basis: Basis, erase: frozenset[str]
) -> AsyncIterator[tuple[str, Ready, Policy]]:
    """(project, facts, the policy that counts there), in the order of a plan. Memory stays flat."""
    own = {scope.project_id: policy_of(basis.policy, scope.project_id) for scope in basis.policy.scope}
    policies = (basis.policy, *own.values())
    arguments = (
        basis.tenant, basis.at, timedelta(days=min(policy.ttl_days for policy in policies)),
        min(policy.keep_latest for policy in policies), sorted(erase - {"*"}), "*" in erase,
        all(policy.keep_tagged for policy in policies),
    )  # fmt: skip
    async for row in _rows(connection, arguments):
        id_, version, profile, key, size, finished_at, project_id, deleted_at, newer, highest, message = row
        export = Export(id_, version, profile, "ready", key, size, finished_at)
        erasing = deleted_at is not None and bool(erase & {project_id, "*"})
        facts = Ready(export, newer, highest, (), deleted_at, message, erasing)
        yield project_id, facts, own.get(project_id, basis.policy)


async def _rows(connection: AsyncConnection, arguments: tuple[Any, ...]) -> AsyncIterator[Any]:
    """Rows of a cursor of the driver, which costs a third of what they cost through all layers. While some are judged,
    the next are fetched."""
    cursor = await (await driver(connection)).cursor(_POSSIBLE, *arguments)
    coming = asyncio.ensure_future(cursor.fetch(AT_ONCE))
    try:
        while rows := await coming:
            coming = asyncio.ensure_future(cursor.fetch(AT_ONCE))
            await asyncio.sleep(0)  # so that it is asked for before these are looked at
            for row in rows:
                yield row
    finally:
        coming.cancel()


async def count(connection: AsyncConnection, tenant: str) -> int:
    """How many exports of all states there are."""
    return int((await connection.execute(_COUNT, {"tenant": tenant})).scalar_one())
