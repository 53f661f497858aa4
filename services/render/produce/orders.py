"""What is asked of a maker of films."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext

import msgspec

from cutlog.contract.timeline import Timeline
from services.render.errors import RenderError
from services.render.plan.newest import Before
from services.render.plan.profiles import Profile


class GaveWayError(RenderError):
    """The film is not complete: what there is of it is kept, and somebody else's turn has come. `encoded` frames were
    added to it."""

    def __init__(self, encoded: int = 0) -> None:
        super().__init__(encoded)
        self.encoded = encoded


def gave_way(error: BaseException) -> bool:
    """Whether it is that, or a group of errors of which one is."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(gave_way, error.exceptions))
    return isinstance(error, GaveWayError)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A film to be made: of what, in which profile, and the key of its object. `sync`: on disk before it counts.
    `before` tells what was edited last, which is made first. `turn` is called whenever a part of the film has been
    kept; it raises GaveWayError when somebody else's turn has come. The object is written within `placing`.
    """

    timeline: Timeline
    profile: Profile
    key: str
    sync: bool
    before: Before | None = None
    turn: Callable[[], None] = lambda: None
    placing: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
