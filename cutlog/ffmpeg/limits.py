"""What one confined run may use."""

from __future__ import annotations

import msgspec

MIB = 1 << 20
GIB = 1 << 30


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Exceeding one ends the run.

    `memory` bytes of private writable memory, `seconds` of wall time, `output_bytes` of any one file it writes,
    `processes` at the same time (threads do not count).
    """

    memory: int = 3 * GIB
    seconds: float = 3600.0
    output_bytes: int = 64 * GIB
    processes: int = 1


#: What a run may use unless it says otherwise.
RUN = Limits()
#: A look into a file reads little and writes nothing.
PROBE = Limits(memory=GIB, seconds=60.0, output_bytes=MIB)
