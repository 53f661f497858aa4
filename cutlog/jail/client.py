"""A service's side of the warden."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import msgspec

from cutlog.jail.orders import Order, Started, receive, receive_exactly, send, user_of
from cutlog.process.program import Account, Passages, Program

TRIES: Final = 5
PAUSE: Final = 0.2
"""A warden that died may have taken an order along: it is given again, after so many seconds."""
BACKLOG: Final = 256
PATIENCE: Final = 60.0
"""Seconds in which an order is answered."""
INHERITED: Final = ("PATH", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH")
"""What the warden gets of our environment, in which secrets may be. It has a HOME, which sandlock looks for, and which
users without a name do not have."""


class WardenUnavailableError(RuntimeError):
    """The process that starts programs in the sandbox does not answer."""


class Remote:
    """A program that the warden started: its pid leads a process group, unless it has joined another."""

    def __init__(self, connection: socket.socket, pid: int, stdout: IO[bytes], stderr: IO[bytes]) -> None:
        self._connection = connection
        self.pid, self.stdout, self.stderr = pid, stdout, stderr

    def kill(self) -> None:
        """Ends it with its group; nothing, when it has ended."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def wait(self) -> int:
        """Blocks; its exit code, or minus the signal that ended it."""
        with self._connection:
            code = receive_exactly(self._connection, 4)
        return -signal.SIGKILL if code is None else int.from_bytes(code, signed=True)


class Warden:
    """One for all programs of a process: a child of ours, made when it is first needed, which ends with us; or one that
    runs as another user, which several processes share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own: _Own | None = None
        self._shared: str | None = None

    def use(self, address: str) -> None:
        """From now on, programs are started by the warden that listens there, as its user. It is of our group."""
        self._shared = address

    @property
    def pid(self) -> int | None:
        """Its process, once it was needed."""
        return self._own.process.pid if self._own else None

    @property
    def address(self) -> str:
        """The name of its socket."""
        if self._shared is not None:
            return self._shared
        with self._lock:
            if self._own is None or self._own.process.poll() is not None:
                self._end()
                self._own = _Own.started()
            return self._own.address

    def start(self, order: Order) -> Remote:
        """Starts a program. Raises RuntimeError with what the jail said, WardenUnavailableError."""
        if self._shared is not None:
            let_in(order)
        for _ in range(TRIES):
            try:
                return ordered(self.address, order)
            except ConnectionRefusedError:
                if self._shared is not None:  # nobody starts it again but who started it with us, when we end
                    signal.raise_signal(signal.SIGTERM)
                    break
            except ConnectionError:
                pass
            self._settle()
        raise WardenUnavailableError(str(WardenUnavailableError.__doc__))

    def close(self) -> None:
        """Ends it; it is made again when it is needed."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._own is not None:
            self._own.lifeline.close()
            self._own.process.wait()
            self._own = None

    def _settle(self) -> None:
        """Waits a moment, so that the end of a warden that hung up is seen."""
        own = self._own
        if own is None:
            time.sleep(PAUSE)
        else:
            with suppress(subprocess.TimeoutExpired):
                own.process.wait(PAUSE)


@dataclass(frozen=True)
class _Own:
    """A warden that is our child."""

    process: subprocess.Popen[bytes]
    lifeline: socket.socket
    address: str

    @classmethod
    def started(cls) -> _Own:
        ours, theirs = socket.socketpair()
        with theirs, listening() as listener:  # ours is closed, so that its death refuses connections
            program = warden_program(os.geteuid(), theirs.fileno())
            try:
                process = subprocess.Popen(
                    program.argv,
                    stdin=listener.fileno(),
                    pass_fds=[theirs.fileno()],
                    env=program.environment(),
                    cwd="/",
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                raise
            return cls(process, ours, name_of(listener))


WARDEN: Final = Warden()


def warden_program(user: int, *descriptors: int, account: Account | None = None, passages: Passages = ()) -> Program:
    """A warden that takes orders of that user. Its stdin is the socket on which it listens; it ends when a descriptor
    is closed at its other end."""
    return Program(
        name="warden",
        argv=[sys.executable, "-P", "-m", "cutlog.jail.warden", str(user), *map(str, descriptors)],
        env={"HOME": "/"},
        cwd=Path("/"),
        account=account,
        passages=passages,
        inherit=INHERITED,
    )


def let_in(order: Order) -> None:
    """Gives our group, of which the warden is, what the order names and we own: to read, and to write in its folder."""
    for read in order.reads:
        _open_to_group(Path(read), stat.S_IRGRP)
    if order.folder:
        _open_to_group(Path(order.folder), stat.S_IRGRP | stat.S_IWGRP)


def _open_to_group(path: Path, wanted: int) -> None:
    """The path, and the way to it, as far as they are ours."""
    for each in (path, *path.parents):
        facts = each.lstat()
        ours = facts.st_uid == os.geteuid() and not stat.S_ISLNK(facts.st_mode)
        if not ours and each == path and stat.S_ISREG(facts.st_mode):  # a linked file has its owner still
            wanted = stat.S_IXGRP
            continue
        if not ours:
            return
        if stat.S_ISDIR(facts.st_mode):
            wanted |= stat.S_IXGRP
        if facts.st_gid != os.getegid():
            os.chown(each, -1, os.getegid())
        if wanted & ~facts.st_mode:
            each.chmod(stat.S_IMODE(facts.st_mode) | wanted)
        wanted = stat.S_IXGRP


def listening() -> socket.socket:
    """A socket without a path, whose name the kernel chooses."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("")
    listener.listen(BACKLOG)
    return listener


def name_of(listener: socket.socket) -> str:
    """Its name, without the leading zero."""
    name = listener.getsockname()
    assert isinstance(name, bytes)
    return name[1:].decode()


def ordered(address: str, order: Order) -> Remote:
    """Has the warden that listens there start a program. Raises RuntimeError with what the jail said, ConnectionError
    when the warden has died."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(b"\0" + address.encode())
        return _ordered(connection, order)
    except BaseException:
        connection.close()
        raise


def _ordered(connection: socket.socket, order: Order) -> Remote:
    if user_of(connection) not in (0, os.geteuid()):  # root's supervisor listens for the warden that is shared
        raise ConnectionError("another user has taken the name of a warden that died")
    connection.settimeout(PATIENCE)
    try:
        send(connection, msgspec.json.encode(order))
        answer = receive(connection)
        if answer is None:
            raise ConnectionError("the warden closed the connection")
        started = msgspec.json.decode(answer, type=Started)
        if started.error:
            raise RuntimeError(started.error)
        _, pipes, _, _ = socket.recv_fds(connection, 1, 2)
    except TimeoutError:
        raise WardenUnavailableError(str(WardenUnavailableError.__doc__)) from None
    if len(pipes) != 2:
        raise ConnectionError("the warden closed the connection")
    connection.settimeout(None)
    stdout, stderr = (os.fdopen(pipe, "rb", buffering=0) for pipe in pipes)
    return Remote(connection, started.pid, stdout, stderr)
