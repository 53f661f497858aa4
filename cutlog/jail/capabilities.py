"""Takes the rights of root away from what is started."""

from __future__ import annotations

import ctypes
import errno
from typing import Final

from cutlog.stack.launcher import (
    CAPABILITY_VERSION_3,
    PR_CAP_AMBIENT,
    PR_CAPBSET_READ,
    check,
    libc,
)

_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 38, 4
_CAPABILITIES: Final = range(64)


def drop_capabilities() -> None:
    """Takes every capability from the calling thread, and from all that it starts, and the means to get others: a
    program of root's, or one that has capabilities of its own, gains nothing when it is executed. Raises OSError."""
    check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    for capability in _CAPABILITIES:
        if libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1:
            continue
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 and ctypes.get_errno() == errno.EPERM:
            break  # not root: with PR_SET_NO_NEW_PRIVS there is no way to what the set would allow
    libc.prctl(PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    check(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
