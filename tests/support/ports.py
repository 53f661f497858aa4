"""TCP ports on loopback that no other process of the tests is given, also before a server listens there."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from functools import cache
from typing import Final

from cutlog.operate.stack.ports import is_free

FIRST, LAST, EACH = 10_000, 20_000, 250
"""Below those that stacks choose from; so many for each process of pytest, one after the other."""
_HELD: Final[list[socket.socket]] = []


def free_ports(count: int) -> list[int]:
    """`count` different ports that nobody listens on."""
    return list(itertools.islice((port for port in _ours() if is_free("127.0.0.1", port)), count))


@cache
def _ours() -> Iterator[int]:
    """Round and round. What is ours is marked by a socket without a path, which ends with this process."""
    for first in range(FIRST, LAST, EACH):
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind(f"\0cutlog-tests-{first}")
        except OSError:
            mark.close()
            continue
        _HELD.append(mark)
        return itertools.cycle(range(first, first + EACH))
    raise RuntimeError(f"{(LAST - FIRST) // EACH} processes test cutlog on this machine already")
