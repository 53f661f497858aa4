"""The filter of system calls, asked as the kernel would ask it, for both machines."""

from __future__ import annotations

import errno
import struct
from typing import Final

import pytest

from cutlog.jail import seccomp

ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "i386": 0x40000003, "arm": 0x40000028}
MACHINES: Final = ("x86_64", "aarch64")
ALLOWED: Final = "allowed"
NUMBERS: Final = {
    "x86_64": {
        "read": 0, "openat": 257, "mmap": 9, "futex": 202, "prlimit64": 302, "setpriority": 141, "ioprio_set": 251,
        "sched_setaffinity": 203, "fcntl": 72, "clone": 56, "clone3": 435, "socket": 41, "kill": 62, "mknodat": 259,
        "chroot": 161, "clock_settime": 227,
    },
    "aarch64": {
        "read": 63, "openat": 56, "mmap": 222, "futex": 98, "prlimit64": 261, "setpriority": 140, "ioprio_set": 30,
        "sched_setaffinity": 122, "fcntl": 25, "clone": 220, "clone3": 435, "socket": 198, "kill": 129, "mknodat": 33,
        "chroot": 51, "clock_settime": 112,
    },
}  # fmt: skip
THREAD: Final = 0x3D0F00
"""The flags with which glibc makes one."""


def becomes(filter_: bytes, architecture: str, number: int, *arguments: int) -> str:
    """What the kernel makes of a call: ALLOWED or the name of an error. A machine for classic BPF, of the instructions
    that the filter has (linux/filter.h)."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, ARCHITECTURES[architecture], 0, *(each % 2**64 for each in padded))
    code = [struct.unpack_from("<HBBI", filter_, at) for at in range(0, len(filter_), 8)]
    accumulator, at = 0, 0
    while True:
        kind, if_true, if_false, operand = code[at]
        at += 1
        match kind:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, operand)
            case 0x06:
                return ALLOWED if operand == 0x7FFF0000 else errno.errorcode[operand - 0x00050000]
            case _:
                met = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: accumulator & operand != 0}
                at += if_true if met[kind] else if_false


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def filter_of(machine: str, *, only_process: bool = True) -> bytes:
    return seccomp.program(seccomp.denied(machine), only_process=only_process, machine=machine)


@pytest.mark.parametrize(
    ("call", "arguments", "result"),
    [
        ("read", (0,), ALLOWED),
        ("openat", (), ALLOWED),
        ("mmap", (), ALLOWED),
        ("futex", (), ALLOWED),
        ("socket", (1, 1, 0), "EPERM"),
        ("kill", (1, 0), "EPERM"),
        ("mknodat", (), "EPERM"),
        ("chroot", (), "EPERM"),
        ("clock_settime", (), "EPERM"),
        ("prlimit64", (0, 7), ALLOWED),
        ("prlimit64", (1, 7), "EPERM"),
        ("prlimit64", (2**32, 7), ALLOWED),  # the kernel takes the lower half too
        ("sched_setaffinity", (0, 8), ALLOWED),
        ("sched_setaffinity", (99, 8), "EPERM"),
        ("setpriority", (0, 0, 10), ALLOWED),
        ("setpriority", (0, 99, 10), "EPERM"),
        ("setpriority", (2, 0, 10), "EPERM"),
        ("ioprio_set", (1, 0, 0), ALLOWED),
        ("ioprio_set", (3, 0, 0), "EPERM"),
        ("fcntl", (1, 3), ALLOWED),
        ("fcntl", (1, 8, 99), "EPERM"),
        ("fcntl", (1, 15, 99), "EPERM"),
        ("clone", (THREAD,), ALLOWED),
        ("clone", (17,), "EPERM"),
        ("clone", (0x10000000 | THREAD,), "EPERM"),
        ("clone3", (), "ENOSYS"),
    ],
)
def test_a_call_becomes(machine: str, call: str, arguments: tuple[int, ...], result: str) -> None:
    assert becomes(filter_of(machine), machine, NUMBERS[machine][call], *arguments) == result


def test_where_processes_may_be_made_they_get_no_namespaces(machine: str) -> None:
    filter_ = filter_of(machine, only_process=False)
    assert becomes(filter_, machine, NUMBERS[machine]["clone"], 17) == ALLOWED
    assert becomes(filter_, machine, NUMBERS[machine]["clone"], 0x10000000 | 17) == "EPERM"


def test_calls_of_another_machine_are_refused(machine: str) -> None:
    """The same processor may take those of its older sister, whose numbers mean something else."""
    for other in ARCHITECTURES.keys() - {machine}:
        assert {becomes(filter_of(machine), other, number) for number in range(500)} == {"EPERM"}


def test_calls_that_the_list_does_not_know_yet_do_not_exist(machine: str) -> None:
    filter_ = filter_of(machine)
    assert becomes(filter_, machine, 462) == ALLOWED
    x32 = 0x40000000
    for number in (463, 1000, x32 + 41, x32 + 520, 0xFFFFFFFF):
        assert becomes(filter_, machine, number) == "ENOSYS"


def test_there_is_no_filter_for_a_machine_that_is_not_known() -> None:
    with pytest.raises(seccomp.SeccompUnavailableError):
        seccomp.denied("vax")
