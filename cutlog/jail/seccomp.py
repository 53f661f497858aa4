"""The system calls that a program in the jail may not make, as a filter of the kernel (seccomp, classic BPF).

A filter only sees the numbers of a call, not what they point at, so a call that works on a process is allowed where it
names none: the caller. Calls that are newer than this list do not exist in the jail.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable
from typing import Final

_MACHINES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""Audit architectures (linux/audit.h), in the order of the numbers below."""
_CALLS: Final[dict[str, tuple[int | None, int | None]]] = {
    # new sockets, and io_uring, which makes them without these calls
    "socket": (41, 198), "socketpair": (53, 199), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # signals
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272), "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # devices, roots and clocks
    "mknod": (133, None), "mknodat": (259, 33), "chroot": (161, 51), "pivot_root": (155, 41),
    "clock_settime": (227, 112), "settimeofday": (164, 170), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    # links, by which a service that opens what a program wrote would be led elsewhere
    "link": (86, None), "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36),
    # file systems and namespaces
    "mount": (165, 40), "umount2": (166, 39), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268), "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    # users and capabilities
    "setuid": (105, 146), "setgid": (106, 144), "setreuid": (113, 145), "setregid": (114, 143),
    "setresuid": (117, 147), "setresgid": (119, 149), "setfsuid": (122, 151), "setfsgid": (123, 152),
    "setgroups": (116, 159), "capset": (126, 91),
    # memory that is shared by number or name, and keys
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "semop": (65, 193),
    "semtimedop": (220, 192), "semctl": (66, 191), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188),
    "msgctl": (71, 187), "mq_open": (240, 180), "mq_unlink": (241, 181),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # the kernel
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "syslog": (103, 116), "sethostname": (170, 161), "setdomainname": (171, 162),
    "iopl": (172, None), "ioperm": (173, None), "personality": (135, 92),
}  # fmt: skip
"""What is refused altogether: numbers on x86_64 and aarch64 (asm/unistd_64.h, asm-generic/unistd.h)."""
_OF_PROCESSES: Final[dict[str, tuple[int, int]]] = {
    "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
}
"""Refused unless the first argument is 0."""
_BY_KIND: Final[dict[str, tuple[int, int, int]]] = {"setpriority": (141, 140, 0), "ioprio_set": (251, 30, 1)}
"""Refused unless the first argument is the last number here, one process, and the second is 0."""
_FCNTL: Final = (72, 25)
_OWNERS: Final = (8, 15)
"""F_SETOWN, F_SETOWN_EX: the kernel sends signals to whoever is named so."""
_FORKS: Final[dict[str, tuple[int | None, int | None]]] = {"fork": (57, None), "vfork": (58, None)}
_CLONE: Final = (56, 220)
_CLONE3: Final = 435
_THREAD: Final = 0x10000
_NAMESPACES: Final = 0x7E020080
"""CLONE_NEW* flags."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _ARGUMENT = 0, 4, 16
"""Offsets in struct seccomp_data; an argument's lower half comes first, since both machines are little-endian."""
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EPERM
_MISSING: Final = 0x00050000 | errno.ENOSYS
_NEWEST: Final = 462
"""mseal, of Linux 6.10; beyond are newer calls, and those of x32 (0x40000000 and more)."""

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _MODE_FILTER = 22, 38, 2

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand: struct sock_filter."""


class SeccompUnavailableError(RuntimeError):
    """There is no filter for this machine, or the kernel takes none."""


def denied(machine: str | None = None) -> list[str]:
    """Names of the calls that are refused altogether on a machine. Raises SeccompUnavailableError."""
    which = _place(machine or platform.machine())
    return [name for name, numbers in _CALLS.items() if numbers[which] is not None]


def program(names: Iterable[str], *, only_process: bool, machine: str | None = None) -> bytes:
    """The filter that refuses the calls of these names, and those that work on other processes. `only_process`: threads
    may be made, but no process. Raises SeccompUnavailableError."""
    machine = machine or platform.machine()
    which = _place(machine)
    code: list[Instruction] = [
        (_LOAD, 0, 0, _MACHINE), (_EQUAL, 1, 0, _MACHINES[machine]), (_RETURN, 0, 0, _REFUSE), (_LOAD, 0, 0, _NUMBER),
    ]  # fmt: skip
    code += [(_AT_LEAST, 0, 1, _NEWEST + 1), (_RETURN, 0, 0, _MISSING)]
    for name in names:
        code += _refused(_CALLS[name][which], _REFUSE)
    for numbers in _OF_PROCESSES.values():
        code += _unless(numbers[which], {0: 0})
    for *kinds, kind in _BY_KIND.values():
        code += _unless(kinds[which], {0: kind, 1: 0})
    code += [
        (_EQUAL, 0, 5, _FCNTL[which]), (_LOAD, 0, 0, _ARGUMENT + 8), (_EQUAL, 1, 0, _OWNERS[0]),
        (_EQUAL, 0, 1, _OWNERS[1]), (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW),
    ]  # fmt: skip
    code += _refused(_CLONE3, _MISSING)  # its flags are not to be seen; who meets this takes clone
    if only_process:
        for forks in _FORKS.values():
            code += _refused(forks[which], _REFUSE)
    wanted: list[Instruction] = [(_ANY_BIT, 0, 1, _THREAD)] if only_process else []
    code += [
        (_EQUAL, 0, 4 + len(wanted), _CLONE[which]), (_LOAD, 0, 0, _ARGUMENT),
        (_ANY_BIT, 1 + len(wanted), 0, _NAMESPACES), *wanted, (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE),
    ]  # fmt: skip
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def install(filter_: bytes) -> None:
    """Puts the calling thread, and whatever it starts from now on, under the filter. Raises SeccompUnavailableError."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(filter_, len(filter_))
    whole = struct.pack("HxxxxxxQ", len(filter_) // 8, ctypes.addressof(code))
    for option, arguments in (
        (_PR_SET_NO_NEW_PRIVS, (1, 0)),
        (_PR_SET_SECCOMP, (_MODE_FILTER, ctypes.c_char_p(whole))),
    ):
        if libc.prctl(option, *arguments, 0, 0) != 0:
            raise SeccompUnavailableError(f"no filter of system calls: {os.strerror(ctypes.get_errno())}")


def _place(machine: str) -> int:
    if machine not in _MACHINES:
        raise SeccompUnavailableError(f"there is no filter of system calls for {machine}")
    return list(_MACHINES).index(machine)


def _refused(number: int | None, answer: int) -> list[Instruction]:
    """Nothing, for a call that this machine does not have."""
    return [] if number is None else [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, answer)]


def _unless(number: int, wanted: dict[int, int]) -> list[Instruction]:
    """Refuses a call unless its arguments (by place) are as wanted."""
    checks: list[Instruction] = []
    for place, value in wanted.items():
        checks += [(_LOAD, 0, 0, _ARGUMENT + 8 * place), (_EQUAL, 1, 0, value), (_RETURN, 0, 0, _REFUSE)]
    return [(_EQUAL, 0, len(checks) + 1, number), *checks, (_RETURN, 0, 0, _ALLOW)]
