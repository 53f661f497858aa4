"""One confined child, awaited: its output, the tail of its log, its end. Cancelling kills it and waits for that."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import IO, TypeVar

import msgspec

from cutlog.ffmpeg.limits import Limits
from cutlog.ffmpeg.sandbox import Child, Jail, Room

LOG_TAIL = 16 << 10
CHUNK = 64 << 10
STARVED = b"Cannot allocate memory"

T = TypeVar("T")


class Ended(msgspec.Struct, frozen=True):
    """`code`: the exit code, or minus the signal. `log`: the end of stderr. `late`: stopped by its limit of time.

    `starved`: it said that it was refused memory; ffmpeg may then end with 0 and half a file.
    """

    code: int
    log: str
    late: bool
    starved: bool


class _Keeper:
    """Starts the child and waits for it in a thread of its own, since both block."""

    def __init__(self, start: Callable[[], Child]) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = start
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._killed = False
        self.started: asyncio.Future[Child] = self._loop.create_future()
        self.ended: asyncio.Future[int] = self._loop.create_future()
        threading.Thread(target=self._live, name="ffmpeg", daemon=True).start()

    def kill(self) -> None:
        """Ends the whole process group, now or as soon as it exists."""
        with self._lock:
            self._killed = True
            self._signal()

    async def gone(self) -> int:
        """Waits for the end even when cancelled meanwhile: a killed child ends at once. Its exit code."""
        cancelled: asyncio.CancelledError | None = None
        while not self.ended.done():
            try:
                await asyncio.shield(self.ended)
            except asyncio.CancelledError as error:
                self.kill()
                cancelled = error
        if cancelled is not None:
            raise cancelled
        return self.ended.result()

    def close(self) -> None:
        """Closes what is left open of the child's pipes, and takes note of a failed start nobody waited for."""
        if self.started.done() and self.started.exception() is None:
            self.started.result().stdout.close()
            self.started.result().stderr.close()

    def _signal(self) -> None:
        if self._child is not None:
            self._child.kill()

    def _live(self) -> None:
        try:
            child = self._start()
        except BaseException as error:
            self._tell(self.started.set_exception, error)
            self._tell(self.ended.set_result, -1)
            return
        with self._lock:
            self._child = child
            if self._killed:
                self._signal()
        if not self._tell(self.started.set_result, child):
            self.kill()
        code = child.wait()
        with self._lock:
            self._child = None
        self._tell(self.ended.set_result, code)

    def _tell(self, settle: Callable[[T], None], value: T) -> bool:
        """Hands a result to the loop; False if that has been closed."""

        def settled() -> None:
            with contextlib.suppress(asyncio.InvalidStateError):
                settle(value)

        try:
            self._loop.call_soon_threadsafe(settled)
        except RuntimeError:
            return False
        return True


async def _drain(pipe: IO[bytes], take: Callable[[bytes], None]) -> None:
    """Feeds what comes through the pipe to `take` until its other end is closed."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        while chunk := await reader.read(CHUNK):
            take(chunk)
    finally:
        transport.close()


class _Tail:
    """The last bytes of a stream, and whether it ever spoke of a lack of memory."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self.starved = False

    def take(self, chunk: bytes) -> None:
        self.starved = self.starved or STARVED in self._kept[-len(STARVED) :] + chunk
        self._kept += chunk
        del self._kept[:-LOG_TAIL]

    def text(self) -> str:
        return self._kept.decode(errors="replace")


async def run(
    jail: Jail, argv: Sequence[str], room: Room, limits: Limits, take: Callable[[bytes], None] | None = None
) -> Ended:
    """Runs `argv` to its end; `take` gets stdout in pieces.

    Raises FileNotFoundError for a path of `room` that is not there. When cancelled, or when `take` raises, the child
    is killed with its group and gone before the exception goes on.
    """
    keeper = _Keeper(lambda: jail.start(argv, room, limits))
    tail, late = _Tail(), False
    pipes: list[asyncio.Task[None]] = []
    try:
        clock = asyncio.timeout(limits.seconds)
        try:
            async with clock:
                child = await asyncio.shield(keeper.started)
                pipes = [
                    asyncio.create_task(_drain(child.stdout, take or (lambda _: None))),
                    asyncio.create_task(_drain(child.stderr, tail.take)),
                ]
                await asyncio.gather(*pipes)
                await asyncio.shield(keeper.ended)
        except TimeoutError:
            if not clock.expired():
                raise
            late = True
    finally:
        keeper.kill()
        for pipe in pipes:
            pipe.cancel()
        code = await keeper.gone()
        keeper.close()
    return Ended(code, tail.text(), late, tail.starved)
