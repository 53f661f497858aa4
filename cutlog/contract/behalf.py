"""Where a command comes from."""

from __future__ import annotations

import msgspec


class Behalf(msgspec.Struct, frozen=True):
    """On whose behalf: tenant, actor and W3C traceparent, as commands and events tell them."""

    tenant: str
    actor: str
    trace: str
