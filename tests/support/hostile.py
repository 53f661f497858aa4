"""A program that tries what nothing in the jail may do. `python hostile.py PID` prints, as JSON, what became of each
attempt: "done", or the name of the error. PID is a process outside. Standard library only.

Attempts are system calls, whatever a library would make of them. Clocks are given what no clock can be set to.
"""

from __future__ import annotations

import ctypes
import errno
import json
import platform
import sys
from typing import Final

Argument = int | bytes | str | None
"""A str: PID, the process outside; ROOM, four zeroed kilobytes; CPUS, a mask of all of them."""

SOCKETS: Final = {
    "inet": (2, 1), "datagram": (2, 2), "inet6": (10, 1), "unix": (1, 1), "netlink": (16, 3), "packet": (17, 3),
    "crypto": (38, 5), "vsock": (40, 1), "bluetooth": (31, 3), "key": (15, 3),
}  # fmt: skip

NUMBERS: Final = {
    "x86_64": {
        "socket": 41, "socketpair": 53, "io_uring_setup": 425, "kill": 62, "tkill": 200, "tgkill": 234,
        "rt_sigqueueinfo": 129, "pidfd_open": 434, "prlimit64": 302, "setpriority": 141, "sched_setaffinity": 203,
        "sched_setscheduler": 144, "sched_setparam": 142, "sched_setattr": 314, "ioprio_set": 251, "mknodat": 259,
        "chroot": 161, "clock_settime": 227, "settimeofday": 164, "clock_adjtime": 305, "adjtimex": 159, "ptrace": 101,
        "process_vm_readv": 310, "unshare": 272, "setns": 308, "mount": 165, "bpf": 321, "keyctl": 250, "setuid": 105,
        "symlinkat": 266, "linkat": 265, "fcntl": 72, "semctl": 66, "msgctl": 71, "mq_unlink": 241,
    },
    "aarch64": {
        "socket": 198, "socketpair": 199, "io_uring_setup": 425, "kill": 129, "tkill": 130, "tgkill": 131,
        "rt_sigqueueinfo": 138, "pidfd_open": 434, "prlimit64": 261, "setpriority": 140, "sched_setaffinity": 122,
        "sched_setscheduler": 119, "sched_setparam": 118, "sched_setattr": 274, "ioprio_set": 30, "mknodat": 33,
        "chroot": 51, "clock_settime": 112, "settimeofday": 170, "clock_adjtime": 266, "adjtimex": 171, "ptrace": 117,
        "process_vm_readv": 270, "unshare": 97, "setns": 268, "mount": 40, "bpf": 280, "keyctl": 219, "setuid": 146,
        "symlinkat": 36, "linkat": 37, "fcntl": 25, "semctl": 191, "msgctl": 187, "mq_unlink": 181,
    },
}  # fmt: skip

HERE: Final = -100
HARMLESS: Final[dict[str, tuple[str, tuple[Argument, ...]]]] = {
    "own limits": ("prlimit64", (0, 7, 0, "ROOM")),
    "own priority": ("setpriority", (0, 0, 19)),
}
ATTEMPTS: Final[dict[str, tuple[str, tuple[Argument, ...]]]] = {
    **{f"socket {name}": ("socket", (*kind, 0)) for name, kind in SOCKETS.items()},
    "socketpair": ("socketpair", (1, 1, 0, "ROOM")),
    "socket by io_uring": ("io_uring_setup", (1, "ROOM")),
    "signal": ("kill", ("PID", 0)),
    "signal to all": ("kill", (-1, 0)),
    "signal to a thread": ("tkill", ("PID", 0)),
    "signal to a thread of": ("tgkill", ("PID", "PID", 0)),
    "queued signal": ("rt_sigqueueinfo", ("PID", 0, "ROOM")),
    "signal by a file": ("fcntl", (1, 8, "PID")),
    "signal by a file to a thread": ("fcntl", (1, 15, "ROOM")),
    "handle of a process": ("pidfd_open", ("PID", 0)),
    "limits": ("prlimit64", ("PID", 7, 0, "ROOM")),
    "limits of pid 1": ("prlimit64", (1, 7, 0, "ROOM")),
    "priority": ("setpriority", (0, "PID", 10)),
    "priority of a user": ("setpriority", (2, 0, 0)),
    "priority of a group": ("setpriority", (1, "PID", 10)),
    "affinity": ("sched_setaffinity", ("PID", 8, "CPUS")),
    "scheduler": ("sched_setscheduler", ("PID", 3, "ROOM")),
    "scheduler's parameter": ("sched_setparam", ("PID", "ROOM")),
    "scheduler's attributes": ("sched_setattr", ("PID", "ROOM", 0)),
    "priority of disks": ("ioprio_set", (1, "PID", 2 << 13 | 4)),
    "device": ("mknodat", (HERE, b"device", 0o020666, 0x103)),
    "disk": ("mknodat", (HERE, b"disk", 0o060666, 0x800)),
    "pipe": ("mknodat", (HERE, b"pipe", 0o010666, 0)),
    "root": ("chroot", (b".",)),
    "clock": ("clock_settime", (0, "CPUS")),
    "time of day": ("settimeofday", ("CPUS", 0)),
    "clock's rate": ("clock_adjtime", (0, "ROOM")),
    "rate of time": ("adjtimex", ("ROOM",)),
    "trace": ("ptrace", (16, "PID", 0, 0)),
    "memory": ("process_vm_readv", ("PID", "ROOM", 1, "ROOM", 1, 0)),
    "namespace of users": ("unshare", (0x10000000,)),
    "namespace": ("setns", (0, 0)),
    "mount": ("mount", (b"none", b".", b"tmpfs", 0, 0)),
    "program of the kernel": ("bpf", (0, "ROOM", 128)),
    "keyring": ("keyctl", (0, -3, 1)),
    "semaphores": ("semctl", (0, 0, 0, 0)),
    "messages": ("msgctl", (0, 0, 0)),
    "messages by name": ("mq_unlink", (b"queue",)),
    "another user": ("setuid", (12345,)),
    "symbolic link": ("symlinkat", (b"/etc/passwd", HERE, b"symbolic")),
    "hard link": ("linkat", (HERE, b"own", HERE, b"hard", 0)),
}


def main() -> None:
    numbers = NUMBERS[platform.machine()]
    call = ctypes.CDLL(None, use_errno=True).syscall
    values = {"PID": int(sys.argv[1])}
    became = {}
    for name, (system_call, arguments) in (ATTEMPTS | HARMLESS).items():
        given = [_given(each, values) for each in arguments]
        ctypes.set_errno(0)
        result = call(ctypes.c_long(numbers[system_call]), *given)
        became[name] = "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]
    sys.stdout.write(json.dumps(became))


def _given(argument: Argument, values: dict[str, int]) -> object:
    match argument:
        case "ROOM":
            return ctypes.create_string_buffer(4096)
        case "CPUS":
            return ctypes.create_string_buffer(b"\xff" * 16)
        case str():
            return ctypes.c_long(values[argument])
        case bytes():
            return ctypes.c_char_p(argument)
        case _:
            return ctypes.c_long(argument or 0)


if __name__ == "__main__":
    main()
