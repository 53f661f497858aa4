"""The edit language as Python: one class per op, the same that the server validates with.

    from cutlog.client import ops

    await client.commit(project.id, [ops.ClipTrim(clip="a", end=60, ripple=True), ops.ClipRemove(clip="b")])

`in` and `out` of the wire are `start` and `end` here, for `in` is a word of Python.
"""

from __future__ import annotations

from cutlog.contract.ops import *
from cutlog.contract.properties import Keyframe, Keyframes
from cutlog.contract.timeline import Box, Crop, Shadow, Stroke, TextStyle
