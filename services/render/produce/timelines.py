"""Timelines, fetched from ops."""

from __future__ import annotations

from typing import Final

import aiohttp
import msgspec

from cutlog.auth.credentials import Identity
from cutlog.contract.timeline import Timeline
from services.render.errors import RenderError
from services.render.plan.streams import with_streams

#: Header by which ops says of a timeline that its project was deleted.
DELETED: Final = "Cutlog-Deleted"


class TimelineGoneError(RenderError):
    """ops has no such version."""


class OpsAwayError(RenderError):
    """ops does not answer."""


class Timelines:
    """Versions as ops resolves them. `base` is the URL of ops, `identity` this service's own."""

    def __init__(self, session: aiohttp.ClientSession, base: str, identity: Identity) -> None:
        self._session, self._base, self._identity = session, base, identity

    async def fetch(self, project_id: str, version: int) -> Timeline:
        """A version of any tenant, deleted or not. Raises TimelineGoneError, OpsAwayError."""
        return (await self._asked(project_id, version))[0]

    async def shown(self, project_id: str, version: int, tenant: str) -> Timeline:
        """A version that a tenant can see. Raises TimelineGoneError, also for a deleted one, and OpsAwayError."""
        timeline, deleted = await self._asked(project_id, version)
        if deleted or timeline.tenant != tenant:
            raise TimelineGoneError(f"{project_id} has no version {version}")
        return timeline

    async def _asked(self, project_id: str, version: int) -> tuple[Timeline, bool]:
        url = f"{self._base}/internal/projects/{project_id}/versions/{version}/timeline"
        try:
            async with self._session.get(url, headers=self._identity.headers()) as reply:
                body = await reply.read()
                status, deleted = reply.status, reply.headers.get(DELETED) == "true"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise OpsAwayError(f"{url}: {error!r}") from error
        if status == 404:
            raise TimelineGoneError(f"{project_id} has no version {version}")
        if status != 200:
            raise OpsAwayError(f"{url} answered {status}: {body[:300].decode(errors='replace')}")
        return with_streams(msgspec.json.decode(body, type=Timeline)), deleted
