"""The jail that untrusted media is parsed in: sandlock, else bubblewrap, else nothing unless it is asked for.

Programs are started in it by the warden (`cutlog.jail`). A killed service leaves no encoder behind.
"""

from __future__ import annotations

import contextlib
import resource
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Protocol

from cutlog.ffmpeg.limits import Limits
from cutlog.jail.client import WARDEN
from cutlog.jail.orders import Order

CHOICES = (
    "untrusted media is only opened in a sandbox, and none works here. Choose one: a Linux kernel of 6.7 or newer "
    "with Landlock for sandlock; bubblewrap (the command bwrap) with user namespaces; or CUTLOG_SANDBOX=off, which "
    "runs ffmpeg with the rights of this service"
)


class SandboxUnavailableError(Exception):
    """No sandbox is available on this machine. Set CUTLOG_SANDBOX=off to run without one."""


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
    """A running child: its pid leads a process group, which `kill` ends; `wait` blocks and gives the exit code, or
    minus the signal."""

    pid: int
    stdout: IO[bytes]
    stderr: IO[bytes]

    def kill(self) -> None: ...

    def wait(self) -> int: ...


class Jail(Protocol):
    """Starts children. Blocks until one has started."""

    name: str

    def start(self, argv: Sequence[str], room: Room, limits: Limits) -> Child: ...


def rlimits(limits: Limits) -> dict[int, int]:
    """Kernel limits: private memory, size of a file, no core dump."""
    return {
        resource.RLIMIT_DATA: limits.memory,
        resource.RLIMIT_FSIZE: limits.output_bytes,
        resource.RLIMIT_CORE: 0,
    }


class SandlockJail:
    """Landlock and seccomp, without root or namespaces: named paths only, no socket, no second process."""

    name = "sandlock"

    def start(self, argv: Sequence[str], room: Room, limits: Limits) -> Child:
        return _started("sandlock", argv, room, limits)


class BubblewrapJail:
    """Namespaces by bwrap, and seccomp: the same promises."""

    name = "bubblewrap"

    def __init__(self, bwrap: str) -> None:
        self._bwrap = bwrap

    def start(self, argv: Sequence[str], room: Room, limits: Limits) -> Child:
        return _started("bubblewrap", argv, room, limits, self._bwrap)


class OpenJail:
    """No jail: the limits only."""

    name = "off"

    def start(self, argv: Sequence[str], room: Room, limits: Limits) -> Child:
        return _started("off", argv, room, limits)


def _started(
    jail: Literal["sandlock", "bubblewrap", "off"], argv: Sequence[str], room: Room, limits: Limits, bwrap: str = ""
) -> Child:
    room.check()
    return WARDEN.start(
        Order(
            jail=jail,
            argv=list(argv),
            reads=list(map(str, room.reads)),
            folder=str(room.folder) if room.folder else None,
            rlimits=rlimits(limits),
            processes=limits.processes,
            bwrap=bwrap,
        )
    )


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
