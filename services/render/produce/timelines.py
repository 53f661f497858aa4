"""Timelines, fetched from ops."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import aiohttp
import msgspec

from cutlog.auth.credentials import Identity
from cutlog.contract.pieces import timeline
from cutlog.contract.timeline import Timeline
from services.render.errors import RenderError
from services.render.plan.streams import with_streams

#: Bytes of JSON that are decoded in a few milliseconds.
_LONG: Final = 32 << 10
#: Header by which ops says of a timeline that its project was deleted.
DELETED: Final = "Cutlog-Deleted"
#: Header by which ops says which revision of a draft a timeline is of.
REVISION: Final = "Cutlog-Revision"


class TimelineGoneError(RenderError):
    """ops has no such version or draft."""


class OpsAwayError(RenderError):
    """ops does not answer."""


class Timelines:
    """Versions as ops resolves them. `base` is the URL of ops, `identity` this service's own."""

    def __init__(self, session: aiohttp.ClientSession, base: str, identity: Identity) -> None:
        self._session, self._base, self._identity = session, base, identity

    async def fetch(self, project_id: str, version: int) -> Timeline:
        """A version of any tenant, deleted or not. Raises TimelineGoneError, OpsAwayError."""
        return (await self._asked(project_id, f"versions/{version}"))[0]

    async def shown(self, project_id: str, version: int, tenant: str) -> Timeline:
        """A version that a tenant can see. Raises TimelineGoneError, also for a deleted one, and OpsAwayError."""
        return (await self._seen(project_id, f"versions/{version}", tenant))[0]

    async def draft(self, project_id: str, draft_id: str, tenant: str) -> tuple[Timeline, int]:
        """A draft that a tenant can see, and its revision. Raises TimelineGoneError, OpsAwayError."""
        timeline, headers = await self._seen(project_id, f"drafts/{draft_id}", tenant)
        return timeline, int(headers[REVISION])

    async def _seen(self, project_id: str, what: str, tenant: str) -> tuple[Timeline, Mapping[str, str]]:
        timeline, headers = await self._asked(project_id, what)
        if headers.get(DELETED) == "true" or timeline.tenant != tenant:
            raise TimelineGoneError(f"{project_id} has no {what}")
        return timeline, headers

    async def _asked(self, project_id: str, what: str) -> tuple[Timeline, Mapping[str, str]]:
        url = f"{self._base}/internal/projects/{project_id}/{what}/timeline"
        try:
            async with self._session.get(url, headers=self._identity.headers()) as reply:
                body = await reply.read()
                status, headers = reply.status, reply.headers
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise OpsAwayError(f"{url}: {error!r}") from error
        if status == 404:
            raise TimelineGoneError(f"{project_id} has no {what}")
        if status != 200:
            raise OpsAwayError(f"{url} answered {status}: {body[:300].decode(errors='replace')}")
        if len(body) < _LONG:
            return with_streams(msgspec.json.decode(body, type=Timeline)), headers
        return await asyncio.to_thread(lambda: with_streams(timeline(body))), headers
