"""Whether a service can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
import structlog
from aiohttp import web

from cutlog.db.skipping import counted

log = structlog.get_logger("cutlog.web")

CHECK_SECONDS: Final = 2.0


class HealthReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `/readyz` answers: one word per check. `alarms` names what was put right or passed over, and
    somebody should look into: the service does its work."""

    service: str
    status: Literal["ok", "down"]
    checks: dict[str, Literal["ok", "down"]]
    alarms: list[str] = []

    @property
    def ready(self) -> bool:
        return self.status == "ok"

    def without_names(self) -> HealthReport:
        """The same, but for whose rows were passed over."""
        return msgspec.structs.replace(self, alarms=counted(self.alarms))

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


@dataclass(frozen=True)
class Health:
    """The readiness of one service: all its checks, asked at once, each within `seconds`."""

    service: str
    checks: Mapping[str, Callable[[], Awaitable[None]]]
    alarms: Sequence[Callable[[], Awaitable[list[str]]]] = ()
    seconds: float = CHECK_SECONDS

    async def report(self) -> HealthReport:
        """Asks every check. Why one is down goes to the log, not to the caller."""
        names = list(self.checks)
        up = await asyncio.gather(*(self._passes(name) for name in names))
        checks: dict[str, Literal["ok", "down"]] = {
            name: "ok" if passed else "down" for name, passed in zip(names, up, strict=True)
        }
        return HealthReport(self.service, "ok" if all(up) else "down", checks, await self._raised())

    async def _raised(self) -> list[str]:
        """What is known of alarms; a part that is down says nothing of them."""
        raised: list[str] = []
        for ask in self.alarms:
            try:
                async with asyncio.timeout(self.seconds):
                    raised += await ask()
            except Exception as error:
                log.debug("health.alarms_unknown", service=self.service, error=repr(error))
        return raised

    async def _passes(self, name: str) -> bool:
        try:
            async with asyncio.timeout(self.seconds):
                await self.checks[name]()
        except Exception as error:
            log.warning("health.not_ready", service=self.service, check=name, error=repr(error))
            return False
        return True


HEALTH: Final = web.AppKey("health", Health)
