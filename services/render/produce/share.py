"""How the making of a film is shared out: what a maker asks for, whoever else takes part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from services.render.errors import RenderError
from services.render.plan.segments import Digest, Encoded

#: Parts that the owner makes side by side: while one begins, or is cut and stored, the other keeps the cores busy.
LANES: Final = 2

Group = Sequence[Encoded]
"""Segments for one process of ffmpeg."""


Run = Callable[[Sequence[Digest]], Awaitable[int]]
"""Makes what is missing of some segments here; how many frames it encoded. Raises ForeignPartError."""


class DeclinedError(RenderError):
    """This worker can't make the part, and that is no fault of the part."""


class ForeignPartError(DeclinedError):
    """This build of ffmpeg makes other segments of the film: others must make its parts."""


class PartFailedError(RenderError):
    """A part of the film could not be made by anybody."""


class Share(Protocol):
    """Has groups made, here and elsewhere."""

    async def under_way(self) -> set[Digest]:
        """Segments that somebody living is making for this film already."""
        ...

    async def made(self, groups: Sequence[Group], under_way: set[Digest], run: Run, tell: Callable[[int], None]) -> int:
        """Returns when every segment is in the cache, those that were `under_way` too; how many frames were encoded, by
        all. `tell` is told how many frames others have made. Raises PartFailedError."""
        ...
