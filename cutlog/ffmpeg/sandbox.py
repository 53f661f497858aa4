"""The jail that untrusted media is parsed in: sandlock, else bubblewrap, else nothing unless it is asked for.

Every jail gives the child an empty environment, no input, a process group of its own, the limits of `rlimits`, and
ends it when the thread that started it ends (PR_SET_PDEATHSIG): so a killed service leaves no encoder behind.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from cutlog.ffmpeg.limits import Limits

LAUNCHER = Path(__file__).with_name("launch.py")
CHOICES = (
    "untrusted media is only opened in a sandbox, and none works here. Choose one: a Linux kernel of 6.7 or newer "
    "with Landlock for sandlock; bubblewrap (the command bwrap) with user namespaces; or CUTLOG_SANDBOX=off, which "
    "runs ffmpeg with the rights of this service"
)


class SandboxUnavailableError(Exception):
    """No sandbox works on this machine, and none was not asked for."""


@dataclass(frozen=True)
class Room:
    """What the child sees of the disk: `reads` it may read, `folder`, its working folder, it may also write."""

    reads: tuple[Path, ...]
    folder: Path | None = None

    def check(self) -> None:
        """Raises FileNotFoundError for a path that is not there: sandlock itself would only say that it failed."""
        for path in (*self.reads, *((self.folder,) if self.folder else ())):
            if not path.exists():
                raise FileNotFoundError(f"can't be given to the sandbox, it does not exist: {path}")


class Child(Protocol):
    """A running child: its pid leads a process group; `wait` blocks and gives the exit code, or minus the signal."""

    pid: int
    stdout: IO[bytes]
    stderr: IO[bytes]

    def wait(self) -> int: ...


class Jail(Protocol):
    """Starts children. To be called in a thread that lives as long as the child."""

    name: str

    def start(self, argv: Sequence[str], room: Room, limits: Limits) -> Child: ...


def rlimits(limits: Limits) -> dict[int, int]:
    """Kernel limits: private memory, size of a file, no core dump."""
    return {
        resource.RLIMIT_DATA: limits.memory,
        resource.RLIMIT_FSIZE: limits.output_bytes,
        resource.RLIMIT_CORE: 0,
    }


class _SandlockChild:
    def __init__(self, process: Any) -> None:
        self._process = process
        self.pid: int = process.pid
        self.stdout: IO[bytes] = process.stdout
        self.stderr: IO[bytes] = process.stderr

    def wait(self) -> int:
        result = self._process.wait()
        if result.exit_code >= 0:
            return int(result.exit_code)
        return -int(result.signal) if result.signal > 0 else -signal.SIGKILL


class SandlockJail:
    """Landlock and seccomp, without root or namespaces: named paths only, no socket, no second process."""

    name = "sandlock"

    def start(self, argv: Sequence[str], room: Room, limits: Limits) -> Child:
        import sandlock

        room.check()
        pipe, null = sandlock.StdioMode.PIPED, sandlock.StdioMode.NULL
        process = sandlock.Sandbox(
            fs_readable=["/dev/null", *map(str, room.reads)],
            fs_writable=[str(room.folder)] if room.folder else [],
            cwd=str(room.folder) if room.folder else "/",
            clean_env=True,
            env={},
            max_processes=limits.processes,
            no_coredump=True,
            # Scopes for signals and abstract sockets came with Linux 6.12; sockets are refused by seccomp anyway.
            allow_degraded=[sandlock.Protection.SIGNAL_SCOPE, sandlock.Protection.ABSTRACT_UNIX_SOCKET_SCOPE],
        ).popen(list(argv), stdin=null, stdout=pipe, stderr=pipe)
        child = _SandlockChild(process)
        with contextlib.suppress(ProcessLookupError):
            for limit, value in rlimits(limits).items():
                resource.prlimit(child.pid, limit, (value, value))
        return child


class _PlainChild:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self.pid = process.pid
        self.stdout: IO[bytes] = process.stdout
        self.stderr: IO[bytes] = process.stderr

    def wait(self) -> int:
        return self._process.wait()


def _launched(argv: Sequence[str], folder: Path | None, limits: Limits) -> Child:
    """Runs `argv` through the launcher, which sets the death signal and the limits."""
    settings = [f"{limit}={value}" for limit, value in rlimits(limits).items()]
    return _PlainChild(
        subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *settings, "--", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={},
            cwd=folder or "/",
            process_group=0,
            bufsize=0,
        )
    )


class BubblewrapJail:
    """Namespaces by bwrap: a root of named paths only, no network, no sight of other processes."""

    name = "bubblewrap"

    def __init__(self, bwrap: str) -> None:
        self._bwrap = bwrap

    def start(self, argv: Sequence[str], room: Room, limits: Limits) -> Child:
        room.check()
        wrap = [self._bwrap, "--unshare-all", "--die-with-parent", "--clearenv", "--dev", "/dev", "--proc", "/proc"]
        for path in ("/lib", "/lib64"):
            if Path(path).is_symlink():
                wrap += ["--symlink", str(Path(path).readlink()), path]
        for read in room.reads:
            wrap += ["--ro-bind", str(read), str(read)]
        if room.folder:
            wrap += ["--bind", str(room.folder), str(room.folder), "--chdir", str(room.folder)]
        wrap += ["--remount-ro", "/"]
        return _launched([*wrap, "--", *argv], room.folder, limits)


class OpenJail:
    """No jail: the limits only."""

    name = "off"

    def start(self, argv: Sequence[str], room: Room, limits: Limits) -> Child:
        room.check()
        return _launched(argv, room.folder, limits)


def candidates(mode: Literal["auto", "off"]) -> list[Jail]:
    """The jails that may work here, best first; whether one does is known once it has run something."""
    if mode == "off":
        return [OpenJail()]
    jails: list[Jail] = []
    with contextlib.suppress(ImportError, OSError):
        import sandlock

        if sandlock.landlock_abi_version() >= 4:
            jails.append(SandlockJail())
    if bwrap := shutil.which("bwrap"):
        jails.append(BubblewrapJail(bwrap))
    return jails
