"""`cutlog serve` started by root: what the supervisor does for its services, one that runs alone does for itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cutlog.hosting.settings import Settings
from cutlog.jail.client import listening, name_of, warden_program
from cutlog.operate.stack.account import Accounts, own
from cutlog.operate.stack.passages import installed_paths, passages_to
from cutlog.process.program import Program


def give_up_root(service: str, settings: Settings) -> None:
    """Starts `cutlog serve` again in our place, as the user of services and with a warden that runs as that of
    decoders; a local store and the service's keys are handed over. Nothing, unless we are root. Raises ClosedFolder,
    OSError."""
    accounts = Accounts.here()
    if accounts.services is None:
        return
    credentials = settings.credentials.absolute()
    for path in (credentials, *credentials.glob("*")):
        os.chown(path, accounts.services.uid, accounts.services.gid, follow_symlinks=False)
    paths = [*installed_paths(), settings.data.absolute(), credentials]
    if settings.fonts is not None:
        paths.append(settings.fonts.absolute())
    place = urlsplit(settings.objects)
    if place.scheme == "file":
        objects = Path(unquote(place.path))
        objects.mkdir(parents=True, exist_ok=True)
        own(objects, accounts.services)
        paths.append(objects)
    passages = passages_to(paths, accounts.users)
    lifeline, theirs = socket.socketpair()  # the kernel tells another user's process nothing of our death
    with listening() as listener, theirs:
        warden = warden_program(accounts.services.uid, theirs.fileno(), account=accounts.decoder, passages=passages)
        subprocess.Popen(
            warden.command(), stdin=listener.fileno(), pass_fds=[theirs.fileno()], env=warden.environment()
        )
        address = name_of(listener)
    os.set_inheritable(lifeline.fileno(), True)
    program = Program(
        name=service,
        argv=[sys.executable, "-m", "cutlog", "serve", service],
        env={"CUTLOG_WARDEN": address, "HOME": "/"},
        account=accounts.services,
        passages=passages,
        inherit=tuple(os.environ),
    )
    command = program.command(child=False)
    os.execve(command[0], command, program.environment())  # noqa: S606 - no shell is the point
