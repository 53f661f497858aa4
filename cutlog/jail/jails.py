"""The jails, as the warden starts programs in them. To be called in a process of the program's own, in its main thread:
what is limited or dropped here is so for all that this process does from now on.

Every jail gives the program an empty environment, no input, a process group of its own and kernel limits, and ends it
when this process ends (PR_SET_PDEATHSIG). All but `off` also let it see the named paths only, without capabilities,
sockets, other processes or the system calls of `seccomp`.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from cutlog.jail import seccomp
from cutlog.jail.orders import Order
from cutlog.process.launcher import PR_SET_PDEATHSIG, check, drop_capabilities, libc

SANDLOCK_OWN: Final = ("socket",)
"""Calls that sandlock sees to itself, and can't be told to refuse."""


@dataclass(frozen=True)
class Prisoner:
    """A started program. `wait` blocks and gives its exit code, or minus the signal that ended it."""

    pid: int
    stdout: IO[bytes]
    stderr: IO[bytes]
    wait: Callable[[], int]


def start(order: Order) -> Prisoner:
    """Raises RuntimeError, OSError, ImportError."""
    for limit, value in order.rlimits.items():
        resource.setrlimit(limit, (value, value))
    match order.jail:
        case "sandlock":
            return _sandlock(order)
        case "bubblewrap":
            return _bubblewrap(order)
        case "off":
            return _plain(order, order.argv)


def _sandlock(order: Order) -> Prisoner:
    """Landlock and seccomp, without root or namespaces. The program inherits a filter of this thread: sandlock's own
    refuses calls whatever their arguments are, and can't refuse `socket`."""
    import sandlock

    sandbox = sandlock.Sandbox(
        fs_readable=["/dev/null", *order.reads],
        fs_writable=[order.folder] if order.folder else [],
        cwd=order.folder or "/",
        clean_env=True,
        env={},
        max_processes=order.processes,
        no_coredump=True,
        extra_deny_syscalls=[name for name in seccomp.denied() if name not in SANDLOCK_OWN],
        # Scopes for signals and abstract sockets came with Linux 6.12; seccomp refuses signals and sockets anyway.
        allow_degraded=[sandlock.Protection.SIGNAL_SCOPE, sandlock.Protection.ABSTRACT_UNIX_SOCKET_SCOPE],
    )
    drop_capabilities()
    seccomp.install(seccomp.program(SANDLOCK_OWN, only_process=False))
    pipe, null = sandlock.StdioMode.PIPED, sandlock.StdioMode.NULL
    process = sandbox.popen(order.argv, stdin=null, stdout=pipe, stderr=pipe)

    def wait() -> int:
        result: Any = process.wait()
        if result.exit_code >= 0:
            return int(result.exit_code)
        return -int(result.signal) if result.signal > 0 else -signal.SIGKILL

    return Prisoner(process.pid, process.stdout, process.stderr, wait)


def _bubblewrap(order: Order) -> Prisoner:
    """Namespaces by bwrap: a root of named paths only, no network, no sight of other processes; and seccomp."""
    wrap = [
        order.bwrap, "--unshare-all", "--die-with-parent", "--clearenv", "--cap-drop", "ALL",
        "--dev", "/dev", "--proc", "/proc",
    ]  # fmt: skip
    for path in ("/lib", "/lib64"):
        if Path(path).is_symlink():
            wrap += ["--symlink", str(Path(path).readlink()), path]
    for read in order.reads:
        wrap += ["--ro-bind", read, read]
    if order.folder:
        wrap += ["--bind", order.folder, order.folder, "--chdir", order.folder]
    filter_ = os.memfd_create("filter")
    os.write(filter_, seccomp.program(seccomp.denied(), only_process=order.processes == 1))
    os.lseek(filter_, 0, os.SEEK_SET)
    return _plain(order, [*wrap, "--remount-ro", "/", "--seccomp", str(filter_), "--", *order.argv], filter_)


def _plain(order: Order, argv: list[str], *passed: int) -> Prisoner:
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
        cwd=order.folder or "/",
        process_group=0,
        pass_fds=passed,
        bufsize=0,
        preexec_fn=_die_with_us,
    )
    return Prisoner(process.pid, cast("IO[bytes]", process.stdout), cast("IO[bytes]", process.stderr), process.wait)


def _die_with_us() -> None:
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "PR_SET_PDEATHSIG")
