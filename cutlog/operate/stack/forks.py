"""The supervisor's side of the fork server: starts it, and has it fork."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import msgspec

from cutlog.operate.stack.forkserver import ONE_THREAD, Order
from cutlog.process.program import Account, Passages, Program, Running, execute


def can_fork() -> bool:
    """Whether this kernel (5.3 or newer) lets us see the end of a process that is our child by adoption."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


class Forks:
    """One fork server, which `start` makes the process of `program`, and what is forked from it."""

    def __init__(self, cwd: Path, account: Account | None = None, passages: Passages = ()) -> None:
        """It loads as whoever we are, who may write caches of what Python compiles, and becomes `account` then."""
        self.program = Program(
            name="forkserver",
            argv=[sys.executable, "-m", "cutlog.operate.stack.forkserver", *_numbers(account)],
            env={**ONE_THREAD, "PYTHONUNBUFFERED": "1"},
            cwd=cwd,
            passages=passages,
            inherit=tuple(os.environ),
        )
        self._control: socket.socket | None = None
        self._loaded = False
        self._forking = 0

    @property
    def forking(self) -> bool:
        """Whether a process is being forked, which is our child and not known yet."""
        return self._forking > 0

    async def start(self, program: Program, log: TextIO) -> Running:
        """Starts the fork server, in the place of one that has died. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await execute(program, log, stdin=theirs.fileno())
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        self.close()
        self._control = ours
        return process

    async def loaded(self) -> bool:
        """Whether it has loaded what it forks."""
        assert self._control is not None
        with suppress(BlockingIOError):
            self._loaded = self._loaded or self._control.recv(1) != b""
        return self._loaded

    async def fork(self, program: Program, log: TextIO) -> Forked:
        """A process that is `program`, of which `argv` is a command line of `cutlog`. Waits for a fork server that
        still loads. Raises OSError."""
        if self._control is None:
            raise ConnectionError("there is no fork server")
        loop = asyncio.get_running_loop()
        self._forking += 1
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._control, [b"\n"], [theirs.fileno(), log.fileno()])
            ours.setblocking(False)
            async with asyncio.timeout(program.patience):
                pid = await loop.sock_recv(ours, 4)
                if not pid:
                    raise ConnectionError("the fork server did not fork")
                process = Forked(int.from_bytes(pid))
                await loop.sock_sendall(ours, msgspec.json.encode(_order(program)))
            return process
        finally:
            ours.close()
            self._forking -= 1

    def close(self) -> None:
        """The fork server, if there is one, ends."""
        if self._control is not None:
            self._control.close()


def _numbers(account: Account | None) -> list[str]:
    return [] if account is None else [str(account.uid), str(account.gid), str(account.umask)]


def _order(program: Program) -> Order:
    return Order(
        argv=[str(part) for part in program.argv],
        env=program.environment(),
        cwd=str(program.cwd) if program.cwd else None,
        death=int(program.death),
    )


class Forked:
    """A child of ours that the fork server made: `Running`. Made in a running loop, which collects it when it ends."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = os.pidfd_open(pid)
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._loop.add_reader(self._descriptor, self._collect)

    def _collect(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        _, status = os.waitpid(self.pid, 0)
        self.returncode = os.waitstatus_to_exitcode(status)
        self._ended.set_result(self.returncode)

    async def wait(self) -> int:
        """Its exit code, or the negative number of the signal that ended it."""
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        """Nothing, when it has ended."""
        if self.returncode is None:
            signal.pidfd_send_signal(self._descriptor, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)
