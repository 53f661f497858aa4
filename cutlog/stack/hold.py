"""How a service is started before what it stands on: it loads its code, and waits for a line before it connects.

Loading is most of a service's start, and PostgreSQL's first start mostly waits for the disk: side by side they take
little longer than one.
"""

from __future__ import annotations

import os
import sys

HOLD = "CUTLOG_HOLD"
"""Set by the supervisor for a process that shall wait."""


def wait_until_released() -> bool:
    """Returns when the supervisor says go, at once when nobody holds us; False when it went away instead."""
    return os.environ.pop(HOLD, None) is None or sys.stdin.readline() == "\n"
