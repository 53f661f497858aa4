"""Timelines, fetched from ops."""

from __future__ import annotations

import aiohttp
import msgspec

from cutlog.contract.timeline import Timeline


class TimelineGoneError(Exception):
    """ops has no such version."""


class OpsAwayError(Exception):
    """ops does not answer."""


class Timelines:
    """Versions as ops resolves them. `base` is the URL of ops, `token` one with the role `service`."""

    def __init__(self, session: aiohttp.ClientSession, base: str, token: str) -> None:
        self._session, self._base = session, base
        self._headers = {"Authorization": f"Bearer {token}"}

    async def fetch(self, project_id: str, version: int) -> Timeline:
        """Raises TimelineGoneError, OpsAwayError."""
        url = f"{self._base}/internal/projects/{project_id}/versions/{version}/timeline"
        try:
            async with self._session.get(url, headers=self._headers) as reply:
                body = await reply.read()
                status = reply.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise OpsAwayError(f"{url}: {error!r}") from error
        if status == 404:
            raise TimelineGoneError(f"{project_id} has no version {version}")
        if status != 200:
            raise OpsAwayError(f"{url} answered {status}: {body[:300].decode(errors='replace')}")
        return msgspec.json.decode(body, type=Timeline)
