"""Tells of a scheduled plan over HTTP, signed so that the receiver can tell who it comes from."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import datetime
from typing import Any, Final

import aiohttp
import msgspec

from cutlog.contract.base import Wire

SIGNATURE: Final = "Cutlog-Signature"
TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


class PlanDue(Wire):
    """What is posted: a plan that the schedule calculated, and when it was due."""

    type: str
    tenant: str
    due: datetime
    plan_id: str
    plan_hash: str
    candidates: int
    bytes: int


def signature(secret: str, at: int, body: bytes) -> str:
    """`t=<seconds since the epoch>,v1=<HMAC-SHA256 in hex of "<t>.<body>">`."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Webhook:
    """Posts to one URL. The id of the plan comes as `Cutlog-Delivery`, the same for each attempt."""

    def __init__(self, session: aiohttp.ClientSession, url: str, secret: str) -> None:
        self._session, self._url, self._secret = session, url, secret

    async def __call__(self, plan: Any, due: datetime) -> None:
        """Raises OSError unless the answer is a 2xx."""
        said = PlanDue(
            type="gc.plan-calculated", tenant=plan.tenant, due=due, plan_id=plan.plan_id, plan_hash=plan.plan_hash,
            candidates=plan.candidates, bytes=plan.bytes,
        )  # fmt: skip
        body = msgspec.json.encode(said)
        headers = {
            "Content-Type": "application/json",
            "Cutlog-Delivery": plan.plan_id,
            SIGNATURE: signature(self._secret, int(time.time()), body),
        }
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as reply:
                if not 200 <= reply.status < 300:
                    raise OSError(f"the webhook answered {reply.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OSError(f"the webhook does not answer: {error!r}") from error
