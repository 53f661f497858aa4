"""Work that would keep other requests waiting runs in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from cutlog.contract.ops import HistoryRevert, HistoryUndo
from services.ops.decide.commands import CommitOps, ProjectCommand
from services.ops.decide.project_state import ProjectState
from services.ops.edits.size import least

T = TypeVar("T")

#: Values of a timeline that are digested in about 15 ms.
_HEAVY: Final = 20_000
#: Bytes of an op for each value that it writes, at least.
_VALUE: Final = 3
#: What an op costs beside the keyframes that it writes, in values.
_OP: Final = 50


async def apart_if(heavy: bool, work: Callable[[], T]) -> T:
    """The result of `work`, which takes long if it is `heavy`."""
    return await asyncio.to_thread(work) if heavy else work()


async def apart(cost: int, work: Callable[[], T]) -> T:
    """The result of `work`, which looks at so many values of timelines."""
    return await apart_if(cost > _HEAVY, work)


def cost(state: ProjectState | None, command: ProjectCommand) -> int:
    """At most so many values are looked at to decide: an op writes what its clip has, and one has all keyframes."""
    if state is None or not isinstance(command, CommitOps):
        return 0
    sequence = state.sequence
    if any(isinstance(op, HistoryRevert | HistoryUndo) for op in command.ops):
        return _HEAVY + 1  # what it goes back to may be large, however little there is now
    written = command.size // _VALUE
    return written + len(command.ops) * (_OP + sequence.size - least(sequence.clip_count))
