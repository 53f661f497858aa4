"""What is asked of a maker of films."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cutlog.contract.timeline import Timeline
from services.render.plan.newest import Before
from services.render.plan.profiles import Profile


class GaveWayError(Exception):
    """The film is not complete: what there is of it is kept, and somebody else's turn has come."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A film to be made: of what, in which profile, and the key of its object. `sync`: on disk before it counts.
    `before` tells what was edited last, which is made first. `turn` is called whenever a part of the film has been
    kept; it raises GaveWayError when somebody else's turn has come.
    """

    timeline: Timeline
    profile: Profile
    key: str
    sync: bool
    before: Before | None = None
    turn: Callable[[], None] = lambda: None
