"""Drafts as services show them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cutlog.contract.base import Wire


class Draft(Wire):
    """Ops on a version, and what they make of it: `duration` frames. `revision` counts how often the ops were replaced.

    `frameUrl` shows a frame of this revision: add `at` and `width` to its query. A draft expires at `expiresAt`, unless
    it is used before."""

    id: str
    revision: int
    author: str
    version: int
    duration: int
    ops: tuple[dict[str, Any], ...]
    created_at: datetime
    expires_at: datetime
    frame_url: str
