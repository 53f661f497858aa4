"""Which exports the garbage collector has marked: asked of it, since only it knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import aiohttp
import msgspec
import structlog

from cutlog.auth.credentials import Identity
from cutlog.contract.answers.internal import Marked

log = structlog.get_logger(__name__)

SECONDS: Final = 2.0


@dataclass(frozen=True)
class Marks:
    """`url` is the collector's, None where there is none; `identity` is this service's own."""

    url: str | None
    identity: Identity

    async def of(self, tenant: str, project_id: str) -> frozenset[str] | None:
        """The exports of a project that the tenant's newest plan names; None when nobody can tell just now."""
        if self.url is None:
            return None
        where = f"{self.url.rstrip('/')}/internal/tenants/{tenant}/projects/{project_id}/candidates"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session,
                session.get(where, headers=self.identity.headers()) as response,
            ):
                response.raise_for_status()
                return frozenset(msgspec.json.decode(await response.read(), type=Marked).export_ids)
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
            log.warning("compat.marks_unknown", project=project_id, error=repr(error))
            return None
