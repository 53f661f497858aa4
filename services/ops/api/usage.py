"""What a tenant used of its budgets: each service answers for what it does, and ops for all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import aiohttp
import msgspec
import structlog

from cutlog.auth.credentials import Identity
from cutlog.contract.usage import BudgetUse, Usage, UsagePart
from cutlog.web import Api, Reply, Request, Role
from services.ops.api.context import Ops

log = structlog.get_logger(__name__)

SECONDS: Final = 5.0
"""Within which a service must answer."""
_PARTS: Final = ("media", "render", "gc")


def routes(
    api: Api,
    ops: Ops,
    look: Callable[[str], Awaitable[list[BudgetUse]]],
    peers: Mapping[str, str],
    identity: Identity,
) -> None:
    """Adds the route. `look` knows the budgets of ops itself."""
    others = {name: peers[name].rstrip("/") for name in _PARTS if name in peers}

    @api.get("/api/usage", role=Role.viewer, returns={200: Usage}, summary="Shows what was used of each budget")
    async def show(req: Request) -> Reply:
        """This hour, day and month, by project. A service that does not answer is named in `unavailable`, and its
        budgets are missing."""
        tenant = req.actor.tenant
        own, *parts = await asyncio.gather(
            look(tenant), *(_part(f"{url}/internal/tenants/{tenant}/usage", identity) for url in others.values())
        )
        budgets, unavailable = list(own or []), []
        for name, part in zip(others, parts, strict=True):
            if part is None:
                unavailable.append(name)
            else:
                budgets += part
        return Reply(200, Usage(at=ops.now(), budgets=budgets, unavailable=unavailable))


async def _part(url: str, identity: Identity) -> list[BudgetUse] | None:
    """What a service answers; None where it does not."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session,
            session.get(url, headers=identity.headers()) as response,
        ):
            response.raise_for_status()
            return msgspec.json.decode(await response.read(), type=UsagePart).budgets
    except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
        log.warning("usage.incomplete", url=url, why=repr(error))
        return None
