"""Which process holds a lease: a text that another process on the same host can prove to be dead."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path


def here() -> str:
    """This process: host, run of the kernel with its namespace of pids, pid, start time. Asked for anew by each caller,
    because a forked process is another one."""
    return f"{socket.gethostname()} {_pids()} {os.getpid()} {_started(os.getpid())}"


def is_dead(holder: str) -> bool:
    """Whether the process is known to have ended. False where it can't be known, as on another host."""
    words = holder.split(" ")
    if len(words) != 4 or words[1] != _pids() or words[1] == "-" or not words[2].isdigit():
        return False
    pid = int(words[2])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    started = _started(pid)
    return started == "ended" or ("-" not in (started, words[3]) and started != words[3])


def _pids() -> str:
    """Names the space that pids are numbers of; `-` where the system does not tell."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    return "-"


def _started(pid: int) -> str:
    """When a process started, in ticks since boot; `-` where the system does not tell, `ended` for a zombie."""
    with suppress(OSError, ValueError):
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = text[text.rindex(")") + 2 :].split()  # the name before may hold anything
        return "ended" if fields[0] in "ZX" else fields[19]
    return "-"
