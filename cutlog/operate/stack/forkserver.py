"""The fork server: loads all services once, and forks from itself each process that is asked for. Loading, which is
most of a service's start and of what it holds in memory, is so paid once. `cutlog.operate.stack.forks` is the
supervisor's side.

`python -m cutlog.operate.stack.forkserver [UID GID UMASK]` has the control socket as its stdin, and ends when that is
closed. When it has loaded it becomes that user, and says so with one byte. From then on, each byte that comes brings
two descriptors: the socket of an order, and a log. The new process, whose parent is the supervisor, tells its pid on
the socket of the order, reads the order, and is then what the order says.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import time
from importlib import import_module
from typing import Final, NoReturn

import msgspec
from setproctitle import setproctitle

from cutlog.process import launcher
from cutlog.process.launcher import PR_SET_PDEATHSIG, check, libc

ADOPTION_SECONDS: Final = 5.0
"""In which a process that has lost its parent is given to the supervisor; it takes microseconds."""
ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1"}
"""Environment of the fork server: numpy would else start threads, which a fork loses."""
COMMAND: Final = "cutlog.__main__"
"""The module of which each new process runs `main`, as `python -m cutlog` does."""


class Order(msgspec.Struct, frozen=True):
    """What a new process shall be: `cutlog` with these arguments (the first is its own name) and this whole
    environment, in a session of its own. The kernel sends it `death` when the supervisor dies."""

    argv: list[str]
    env: dict[str, str]
    cwd: str | None
    death: int


def main() -> None:
    """Serves until the control socket is closed. A new process ends in here."""
    supervisor = os.getppid()
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    load()
    if sys.argv[1:]:
        drop_root(*map(int, sys.argv[1:]))
    control.sendall(b"\n")
    while True:
        asked, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if not asked:
            return
        order, log = socket.socket(fileno=descriptors[0]), descriptors[1]
        if fork():
            control.close()
            become(order, log, supervisor)
        order.close()
        os.close(log)


def load() -> None:
    """Imports what services run, and keeps the collector from ever touching it, since what is written is shared no
    more."""
    from cutlog.hosting.service import installed
    from cutlog.hosting.service import load as load_service
    from cutlog.process.importing import without

    gc.disable()
    with without("rich"):
        for name in installed():
            load_service(name)
    import uvloop  # noqa: F401

    import cutlog.hosting.logs
    import cutlog.hosting.settings
    import cutlog.process.tracing  # noqa: F401

    import_module(COMMAND)
    gc.collect()
    gc.freeze()
    gc.enable()


def drop_root(uid: int, gid: int, umask: int) -> None:
    """Becomes another user for good, as does all that is forked from here."""
    launcher.become(uid, gid)
    os.umask(umask)
    # The kernel hides such a process even from itself; there is nothing in it yet that its user may not see.
    check(libc.prctl(launcher.PR_SET_DUMPABLE, 1, 0, 0, 0), "PR_SET_DUMPABLE")


def fork() -> bool:
    """Whether this is the new process. One between the two ends at once, so that the new one is an orphan, and the
    supervisor, which adopts those, becomes its parent."""
    try:
        between = os.fork()
    except OSError as error:
        sys.stderr.write(f"cannot fork: {error}\n")
        return False
    if between:
        os.waitpid(between, 0)
        return False
    try:
        if os.fork():
            os._exit(0)
    except OSError as error:
        sys.stderr.write(f"cannot fork: {error}\n")
        os._exit(1)
    return True


def become(order: socket.socket, log: int, supervisor: int) -> NoReturn:
    """The new process."""
    deadline = time.monotonic() + ADOPTION_SECONDS
    while os.getppid() != supervisor:
        if time.monotonic() > deadline:
            sys.exit("the supervisor did not adopt this process")
        time.sleep(0.0005)
    order.sendall(os.getpid().to_bytes(4))
    received = b""
    while part := order.recv(65536):
        received += part
    order.close()
    if not received:
        sys.exit("no order came")
    wanted = msgspec.json.decode(received, type=Order)
    os.setsid()
    check(libc.prctl(PR_SET_PDEATHSIG, wanted.death, 0, 0, 0), "PR_SET_PDEATHSIG")
    if os.getppid() != supervisor:
        sys.exit(0)  # it died before we asked to be told
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)
    setproctitle(" ".join(wanted.argv))  # before the environment changes, beside which it finds its place
    os.environ.clear()
    os.environ.update(wanted.env)
    if wanted.cwd:
        os.chdir(wanted.cwd)
    sys.argv = wanted.argv
    import_module(COMMAND).main()
    sys.exit()


if __name__ == "__main__":
    main()
