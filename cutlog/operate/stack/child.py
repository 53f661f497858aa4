"""One supervised child process: started, asked whether it is ready, started again when it dies, stopped."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from cutlog.operate.stack.leftovers import forget, record
from cutlog.operate.stack.processes import in_session, send
from cutlog.process.program import Program, Running, Spawn, execute

BACK_OFF = (0.1, 10.0)
"""Seconds before the first restart, doubling up to the last."""
SETTLED = 30.0
"""Seconds alive after which a death counts as the first again."""
LOG_LIMIT = 16 << 20
"""Bytes of log after which a start begins a new file; one older is kept."""

UNWELL = 5.0
"""Seconds for which a part may say that it can't do its work before it is ended and started again."""
LOOK = 1.0
"""Seconds between two looks whether it is well."""

Tell = Callable[[str], None]
Ask = Callable[[], Awaitable[bool]]


class ChildFailed(RuntimeError):
    """A part of the stack did not start."""


class Child:
    """A program under supervision, of which `spawn` makes a process. `ready` is asked until it answers True; where
    `well` answers False for UNWELL seconds, it is started again, since it does not come round by itself."""

    def __init__(
        self,
        program: Program,
        ready: Ask,
        *,
        logs: Path,
        pids: Path,
        tell: Tell,
        well: Ask | None = None,
        spawn: Spawn = execute,
    ) -> None:
        self.program = program
        self._well, self._make = well, spawn
        self.log = logs / f"{program.name}.log"
        self._ready, self._pids, self._tell = ready, pids, tell
        self._process: Running | None = None
        self._stopping = asyncio.Event()
        self._log_start = 0

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Starts it and returns when it is ready. Raises ChildFailed with the end of its log."""
        await self._spawn()
        assert self._process is not None
        process = self._process
        ended = asyncio.create_task(process.wait())
        try:
            deadline = time.monotonic() + self.program.patience
            while not await self._ready():
                await asyncio.wait([ended], timeout=0.02)
                if ended.done():
                    raise ChildFailed(f"{self.name} {_how(process.returncode)} before it was ready{self._tail()}")
                if time.monotonic() > deadline:
                    raise ChildFailed(f"{self.name} is not ready after {self.program.patience:.0f} s{self._tail()}")
        finally:
            ended.cancel()

    async def keep(self, changed: Callable[[], None]) -> None:
        """Waits for its death and starts it again, with back-off, until it is stopped. `changed` is called
        when its pid is another."""
        delay = BACK_OFF[0]
        while True:
            assert self._process is not None
            born = time.monotonic()
            await self._death(self._process)
            self._end_session()
            if self._stopping.is_set():
                return
            if time.monotonic() - born > SETTLED:
                delay = BACK_OFF[0]
            self._tell(f"{self.name} {_how(self._process.returncode)}; starting it again (log: {self.log})")
            await asyncio.sleep(delay)
            delay = min(delay * 2, BACK_OFF[1])
            if self._stopping.is_set():
                return
            try:
                await self._spawn()
            except OSError as error:  # a full disk, or no more processes: it is tried again
                self._tell(f"{self.name} cannot be started now: {error}")
                continue
            changed()

    async def _death(self, process: Running) -> None:
        """Returns when it has died. One that is unwell for too long is killed."""
        ended = asyncio.create_task(process.wait())
        well = time.monotonic()
        try:
            while self._well is not None and not (await asyncio.wait([ended], timeout=LOOK))[0]:
                if await self._well():
                    well = time.monotonic()
                elif time.monotonic() - well > UNWELL:
                    self._tell(f"{self.name} has been unhealthy for {UNWELL:.0f} s; ending it")
                    with suppress(ProcessLookupError):
                        process.kill()
                    break
            await ended
        finally:
            ended.cancel()

    async def stop(self, *, at_once: bool = False) -> None:
        """Asks it to end and waits; after its grace, or `at_once`, kills it. Its session goes with it."""
        self._stopping.set()
        if self._process is None:
            return
        if self.pid is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL if at_once else self.program.stop)
            try:
                await asyncio.wait_for(self._process.wait(), self.program.grace)
            except TimeoutError:
                self._tell(f"{self.name} did not end within {self.program.grace:.0f} s; killing it")
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        self._end_session()
        forget(self._pids, self.name)

    async def _spawn(self) -> None:
        if self._stopping.is_set():
            return
        with self._open_log() as log:
            self._process = await self._make(self.program, log)
        try:
            record(self._pids, self.name, self._process.pid)
        except OSError as error:  # only another run, after a kill of this one, would have read it
            self._tell(f"the process of {self.name} could not be noted: {error}")
        if self._stopping.is_set():  # asked meanwhile: whoever asked saw no process to end
            self._process.kill()

    def _end_session(self) -> None:
        assert self._process is not None
        for found in in_session(self._process.pid):
            send(found, signal.SIGKILL)

    def _open_log(self) -> TextIO:
        """The end of the log; what this run adds is told apart by where it starts."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.rename(self.log.with_suffix(".log.1"))
        self.log.touch(mode=0o600)
        self._log_start = self.log.stat().st_size
        return self.log.open("a")

    def _tail(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()[-15:]
        return "".join(f"\n    {line}" for line in lines)


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"
