"""Work that would keep other requests waiting runs in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from services.ops.decide.commands import CommitOps, ProjectCommand
from services.ops.decide.project_state import ProjectState
from services.ops.edits.size import least

T = TypeVar("T")

#: Values of a timeline that are digested in about 15 ms.
_HEAVY: Final = 20_000
#: What an op costs beside the keyframes that it writes, in values.
_OP: Final = 50


async def apart(cost: int, work: Callable[[], T]) -> T:
    """The result of `work`, which looks at so many values of timelines."""
    return await asyncio.to_thread(work) if cost > _HEAVY else work()


def cost(state: ProjectState | None, command: ProjectCommand) -> int:
    """At most so many values are looked at to decide: an op writes what its clip has, and one has all keyframes."""
    if state is None or not isinstance(command, CommitOps):
        return 0
    sequence = state.sequence
    return len(command.ops) * (_OP + sequence.size - least(sequence.clip_count))
