"""The warden: starts each program that is ordered in a process of its own, forked from this one.

`python -m cutlog.jail.warden USER [LIFELINE]` has the socket on which it listens as its stdin, takes orders of that
user only, and ends when the descriptor LIFELINE is closed at its other end.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

import msgspec

from cutlog.jail.jails import Prisoner, start
from cutlog.jail.orders import PIPES, Order, Started, receive, send, user_of

SAID: Final = 2000
"""Bytes of what a jail said when it could not start."""


def main() -> None:
    """Serves until the lifeline is closed."""
    user, *lifelines = map(int, sys.argv[1:])
    listener = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    with suppress(ImportError, OSError):
        import sandlock  # noqa: F401 - once for all
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel collects them
    poll = select.poll()
    for descriptor in (listener.fileno(), *lifelines):
        poll.register(descriptor, select.POLLIN)
    while all(ready == listener.fileno() for ready, _ in poll.poll()):
        connection, _ = listener.accept()
        with connection:
            if user_of(connection) == user and _forked():
                listener.close()
                for lifeline in lifelines:
                    os.close(lifeline)
                attend(connection, user)


def attend(connection: socket.socket, user: int) -> NoReturn:
    """Carries out one order of a user, in a process of its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message = receive(connection)
    if message is None:
        sys.exit()
    said = os.memfd_create("said")
    os.dup2(said, 2)  # sandlock tells there why it can't, and that there are no sockets
    try:
        order = msgspec.json.decode(message, type=Order)
        prisoner = start(order)
    except Exception as error:
        told = os.pread(said, SAID, 0).decode(errors="replace").strip()
        send(connection, msgspec.json.encode(Started(error=f"{error}; {told}" if told else str(error))))
        sys.exit()
    pipes = [prisoner.stdout.fileno(), prisoner.stderr.fileno()]
    with suppress(OSError):  # it has hung up, which the thread will see
        send(connection, msgspec.json.encode(Started(prisoner.pid)))
        socket.send_fds(connection, [PIPES], pipes)
    prisoner.stdout.close()
    prisoner.stderr.close()
    threading.Thread(target=_end_with, args=(connection, prisoner), daemon=True).start()
    code = prisoner.wait()
    if order.folder and user != os.geteuid():
        _give_back(order.folder)
    with suppress(OSError):
        connection.sendall(code.to_bytes(4, signed=True))
    os._exit(0)


def _end_with(connection: socket.socket, prisoner: Prisoner) -> None:
    """Kills the program with its group when the service hangs up."""
    with suppress(OSError):
        connection.recv(1)
    for end in (os.killpg, os.kill):  # it may have joined another group
        with suppress(ProcessLookupError):
            end(prisoner.pid, signal.SIGKILL)


def _give_back(folder: str) -> None:
    """Lets our group, of which the service is, into all that the program left, whatever modes that has."""
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(parent) / name
            facts = path.lstat()
            wanted = stat.S_IRWXU | stat.S_IRWXG if stat.S_ISDIR(facts.st_mode) else stat.S_IRGRP | stat.S_IWGRP
            if facts.st_uid == os.geteuid() and not stat.S_ISLNK(facts.st_mode) and wanted & ~facts.st_mode:
                path.chmod(stat.S_IMODE(facts.st_mode) | wanted)


def _forked() -> bool:
    """Whether this is the new process; where there can be none, the connection is closed, which the service sees."""
    try:
        return os.fork() == 0
    except OSError as error:
        sys.stderr.write(f"cannot fork: {error}\n")
        return False


if __name__ == "__main__":
    main()
