"""As whom the parts of a stack run when it is started as root. Nothing is added to the machine's users: an account is
a number, which needs no name."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from cutlog.stack.program import Account

USER: Final = "cutlog"
"""A system user of this name, where there is one, runs PostgreSQL."""
POSTGRES: Final = 60810
"""The user and group that run PostgreSQL where there is no such user. From 60706 to 61183, numbers that systemd and
Debian leave to nobody (https://systemd.io/UIDS-GIDS)."""
UNPRIVILEGED: Final = ("nobody", "daemon", "bin")


class AccountUnavailable(RuntimeError):
    """PostgreSQL cannot run as root, and there is no other user to make its cluster."""


def postgres_account(paths: Iterable[Path]) -> Account | None:
    """None for an ordinary user, who runs PostgreSQL as themselves. For root: the user `cutlog`, or else a number that
    has no name; `traverse` is set when one of `paths` lies under a folder that this user could not enter."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(USER)
        account = Account(entry.pw_uid, entry.pw_gid)
    except KeyError:
        account = Account(POSTGRES, POSTGRES)
    blocked = any(not _reaches(account, path) for path in paths)
    return replace(account, traverse=blocked)


def named_account(account: Account | None) -> Account | None:
    """Who runs `initdb` for an account: it insists on a user with a name, which the server does not. Where the account
    has none, an unprivileged user of this machine, who also enters folders that are closed to it: so what it makes can
    lie where no other process of that user comes. Raises AccountUnavailable."""
    if account is None or _has_name(account.uid):
        return account
    users = {each.pw_name: each for each in pwd.getpwall() if each.pw_uid != 0}
    usual = (users[name] for name in UNPRIVILEGED if name in users)
    entry = next(usual, None) or next(iter(users.values()), None)
    if entry is None:
        raise AccountUnavailable(
            f"root can't make PostgreSQL's cluster, and no other user has a name here: add a user {USER} to"
            " /etc/passwd, or run as an ordinary user"
        )
    return Account(entry.pw_uid, entry.pw_gid, traverse=True)


def own(folder: Path, account: Account | None) -> None:
    """Gives a folder and all that is in it to the account, where it does not have it yet."""
    if account is None or not folder.exists() or folder.stat().st_uid == account.uid:
        return
    for parent, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            os.lchown(Path(parent) / name, account.uid, account.gid)
    os.chown(folder, account.uid, account.gid)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _reaches(account: Account, path: Path) -> bool:
    for folder in path.absolute().parents:
        if not folder.exists():
            continue  # ours to make
        facts = folder.stat()
        if facts.st_uid == account.uid:
            bit = stat.S_IXUSR
        elif facts.st_gid == account.gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not facts.st_mode & bit:
            return False
    return True
