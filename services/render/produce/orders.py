"""What is asked of a maker of films."""

from __future__ import annotations

import msgspec

from cutlog.contract.timeline import Timeline
from services.render.plan.newest import Before
from services.render.plan.profiles import Profile


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A film to be made: of what, in which profile, and the key of its object. `sync`: on disk before it counts.
    `before` tells what was edited last, which is made first.
    """

    timeline: Timeline
    profile: Profile
    key: str
    sync: bool
    before: Before | None = None
