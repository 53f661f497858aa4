"""Going back. The earlier state arrives as an argument: edits look nothing up."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cutlog.contract.ops import HistoryRevert
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence

Earlier = Callable[[int], Sequence | None]
"""The sequence of an earlier version of the project; None, if there is no such version."""


def nothing_earlier(_version: int) -> Sequence | None:
    """For where history is not at hand: no version can be reverted to."""
    return None


def revert(sequence: Sequence, op: HistoryRevert, earlier: Earlier) -> Sequence:
    """Brings back the timeline of an earlier version. Ids stay taken; the project's name stays.

    before  v1 [aa][cc]             {toVersion: 1}; at version 1 there was v1 [aa][bb]
    after   v1 [aa][bb]
    """
    then = earlier(op.to_version)
    if then is None:
        raise EditError("/toVersion", f"there is no version {op.to_version} to go back to; name one of this project")
    return msgspec.structs.replace(then, name=sequence.name, taken=sequence.taken)
