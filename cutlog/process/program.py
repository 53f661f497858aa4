"""A program as the supervisor runs it: what to execute, as whom, and how it is asked to stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TextIO

LAUNCHER = Path(__file__).with_name("launcher.py")


Passages = tuple[tuple[str, tuple[str, ...]], ...]
"""Folders that are closed, and what in each is to be reached all the same: `launcher.open_passages`."""


@dataclass(frozen=True)
class Account:
    """A user to run as, without capabilities but for one. `umask` is taken from the modes of what it makes.
    `traverse`: it may enter folders that only root may enter, such as /root. `ports`: it may listen on those below
    1024."""

    uid: int
    gid: int
    umask: int = 0o077
    traverse: bool = False
    ports: bool = False


@dataclass(frozen=True)
class Program:
    """One child process. `death` is sent by the kernel when the supervisor dies, `stop` asks for a clean end,
    and after `grace` seconds the whole session is killed. It gets `patience` seconds to become ready."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path | None = None
    account: Account | None = None
    passages: Passages = ()
    stop: signal.Signals = signal.SIGTERM
    death: signal.Signals = signal.SIGKILL
    grace: float = 10.0
    patience: float = 60.0
    inherit: Sequence[str] = field(default=("PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"))
    """Variables of our own environment that the child gets, where set."""

    def command(self, *, child: bool = True) -> list[str]:
        """What to give to `subprocess`: our launcher, which becomes `argv`. Free of secrets. What is no `child` but
        takes our place keeps our session and our parent."""
        spec = {
            "argv": [str(part) for part in self.argv],
            "cwd": str(self.cwd) if self.cwd else None,
            "umask": self.account.umask if self.account else 0o077,
            "uid": self.account.uid if self.account else None,
            "gid": self.account.gid if self.account else None,
            "traverse": bool(self.account and self.account.traverse),
            "ports": bool(self.account and self.account.ports),
            "passages": self.passages,
            "death": int(self.death),
            "parent": os.getpid() if child else None,
        }
        return [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(spec)]

    def environment(self) -> dict[str, str]:
        """The child's whole environment."""
        return {name: os.environ[name] for name in self.inherit if name in os.environ} | {**self.env}


class Running(Protocol):
    """A child process, however it was made: as much of `asyncio.subprocess.Process` as is needed here."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def send_signal(self, number: int, /) -> None: ...

    def kill(self) -> None: ...


Spawn = Callable[[Program, TextIO], Awaitable[Running]]
"""Makes the process of a program, which logs to that file. Raises OSError."""


async def execute(program: Program, log: TextIO, *, stdin: int = asyncio.subprocess.DEVNULL) -> Running:
    """The process of a program that is executed."""
    return await asyncio.create_subprocess_exec(
        *program.command(), env=program.environment(), stdin=stdin, stdout=log, stderr=log
    )
