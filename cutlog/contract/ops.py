"""The edit language: what a client may do to a project. One struct per op, told apart by `op`.

Ids are the client's own and unique in a project for ever. `at` is a frame of the timeline; `in` and `out` are frames
of the source conformed to the project's rate, half-open. A property that was not given is `UNSET`: it stays as it is.

Each op stands in one of the three modules below, which end with the union of theirs; this is the namespace of all.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from cutlog.contract.clip_ops import *
from cutlog.contract.finishing_ops import *
from cutlog.contract.limits import *
from cutlog.contract.project_ops import *

Op = ProjectOp | ClipOp | FinishingOp
Ops = Annotated[tuple[Op, ...], msgspec.Meta(min_length=1, max_length=MAX_OPS)]
