"""What ops knows of rendering, which is not its own work: how far a proxy is, and how to ask for one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from cutlog.bus import Bus, BusError
from cutlog.contract.answers.projects import ProxyStatus
from cutlog.contract.jobs import ProxyAsked
from cutlog.contract.subjects import RENDER_PROXY
from services.ops.live.feed import Feed
from services.ops.readmodel.reads import VersionRow

PATIENCE: Final = 3.0
ASKED_FOR: Final = 30.0
"""Seconds for which a request for a proxy counts as queued before its renderer is heard of."""
REMEMBERED: Final = 10_000


class Renders:
    """Proxies of versions, asked for and under way."""

    def __init__(self, bus: Bus, feed: Feed, clock: Callable[[], float]) -> None:
        self._bus, self._feed, self._clock = bus, feed, clock
        self._asked: OrderedDict[tuple[str, int], float] = OrderedDict()

    def proxy_status(self, project_id: str, row: VersionRow) -> tuple[ProxyStatus, float]:
        """What has become of the proxy of a version, and how much of it is done, 0 to 1."""
        if row.proxy_key is not None:  # also of a version without frames, which came with a proxy
            return "ready", 1.0
        if row.duration == 0:
            return "none", 0.0
        progress = self._feed.progress(project_id, "proxy", row.version)
        if progress is not None:
            return "rendering", progress.fraction
        if row.proxy_failed is not None:
            return "failed", 0.0
        overtaken = row.latest_proxy_version is not None and row.version < row.latest_proxy_version
        if overtaken or row.imported:  # rendered when somebody asks
            asked = self._asked.get((project_id, row.version))
            recently = asked is not None and self._clock() - asked < ASKED_FOR
            return ("queued" if recently else "superseded"), 0.0
        return "queued", 0.0

    async def ask_proxy(self, project_id: str, version: int, tenant: str, trace: str) -> None:
        """Asks the render service for a proxy that it passed over. Raises BusError."""
        asked = ProxyAsked(project_id=project_id, version=version, tenant=tenant, trace=trace)
        reply = await self._bus.request(RENDER_PROXY, msgspec.json.encode(asked), timeout=PATIENCE)
        if refused := (reply.headers or {}).get("Nats-Service-Error"):
            raise BusError(f"render refused to make a proxy: {refused}")
        self._asked[project_id, version] = self._clock()
        self._asked.move_to_end((project_id, version))
        if len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
