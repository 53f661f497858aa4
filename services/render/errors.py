"""What the errors of render have in common."""

from __future__ import annotations

from datetime import datetime


class RenderError(Exception):
    """Something failed in render."""


class UsedUpError(RenderError):
    """The tenant has used up an hourly budget, which is whole again at `reset`."""

    def __init__(self, budget: str, used: int, limit: int, reset: datetime) -> None:
        super().__init__(budget)
        self.budget, self.used, self.limit, self.reset = budget, used, limit, reset
