"""Going back. The earlier state arrives as an argument: edits look nothing up."""

from __future__ import annotations

from typing import Final

import msgspec

from cutlog.contract.ops import HistoryRevert, HistoryUndo
from services.ops.edits import touching
from services.ops.edits.definition import Definition, with_history
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Earlier, Sources
from services.ops.edits.undoing import take_back


def revert(sequence: Sequence, op: HistoryRevert, earlier: Earlier) -> Sequence:
    """Brings back the timeline of an earlier version. Ids stay taken; the project's name stays.

    before  v1 [aa][cc]             {toVersion: 1}; at version 1 there was v1 [aa][bb]
    after   v1 [aa][bb]
    """
    then = earlier(op.to_version)
    if then is None:
        raise EditError("/toVersion", f"there is no version {op.to_version} to revert to; name one of this project")
    return msgspec.structs.replace(then, name=sequence.name, taken=sequence.taken, written=sequence.written)


def undo(sequence: Sequence, op: HistoryUndo, sources: Sources, earlier: Earlier) -> Sequence:
    """Takes back what versions did, wherever later ones have moved it. The project's name stays.

    before  v1 [aa][bb][xx]         {versions: [2]}; version 2 trimmed a, version 3 added x
    after   v1 [aaaa][bb][xx]
    """
    return take_back(sequence, op.versions, sources, earlier)


OPS: Final = (
    Definition(
        HistoryRevert, with_history(revert), lambda _op, _: touching.thing("project", "", "timeline"), settled=True
    ),
    Definition(HistoryUndo, undo, touching.nothing, settled=True),
)
