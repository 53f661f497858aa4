"""As whom the parts of a stack run when it is started as root: the supervisor alone stays root. Nothing is added to
the machine's users: an account is a number, which needs no name."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cutlog.process.program import Account

USER: Final = "cutlog"
"""A system user of this name, where there is one, runs PostgreSQL."""
POSTGRES, SERVICES, DECODER, BUS, GATEWAY = range(60810, 60815)
"""Users and groups; PostgreSQL's where there is no user of that name. From 60706 to 61183, numbers that systemd and
Debian leave to nobody (https://systemd.io/UIDS-GIDS)."""
UNPRIVILEGED: Final = ("nobody", "daemon", "bin")


class AccountUnavailable(RuntimeError):
    """PostgreSQL cannot run as root, and there is no other user to make its cluster."""


@dataclass(frozen=True)
class Accounts:
    """As whom each part runs. An ordinary user runs all of them: None."""

    services: Account | None = None
    """Of the group of `decoder`, to which what they make is open."""
    decoder: Account | None = None
    bus: Account | None = None
    gateway: Account | None = None

    @classmethod
    def here(cls) -> Accounts:
        """Numbers, for root."""
        if os.geteuid() != 0:
            return cls()
        return cls(
            services=Account(SERVICES, DECODER, umask=0o027),
            decoder=Account(DECODER, DECODER, umask=0o007),
            bus=Account(BUS, BUS),
            gateway=Account(GATEWAY, GATEWAY),
        )

    @property
    def users(self) -> list[int]:
        """All of them."""
        each = (self.services, self.decoder, self.bus, self.gateway)
        return [account.uid for account in each if account is not None]


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
    """Gives a folder and all that is in it to the account, where it does not have it yet. No link in it is followed,
    and a file that has another name, which may be anywhere, is copied."""
    if account is None or not folder.exists():
        return
    if folder.is_symlink() and folder.parent.stat().st_uid == os.geteuid():  # nobody else has put it there
        folder = folder.resolve()
    if folder.lstat().st_uid == account.uid:
        return
    for _, folders, names, parent in os.fwalk(folder):
        for name in (*folders, *names):
            with suppress(FileNotFoundError):  # a service that was handed its store already works in it
                _own_entry(name, parent, account)
    os.chown(folder, account.uid, account.gid, follow_symlinks=False)


def _own_entry(name: str, parent: int, account: Account) -> None:
    facts = os.lstat(name, dir_fd=parent)
    if stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1 and facts.st_uid != account.uid:
        _copy(name, parent, facts)
    os.chown(name, account.uid, account.gid, dir_fd=parent, follow_symlinks=False)


def _copy(name: str, parent: int, facts: os.stat_result) -> None:
    """Puts a copy in the place of a file."""
    draft = f".{name[:100]}.{os.getpid()}"
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=parent)
    target = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=parent)
    with os.fdopen(source, "rb") as original, os.fdopen(target, "wb") as copy:
        shutil.copyfileobj(original, copy, 1 << 20)
        copy.flush()
        os.utime(copy.fileno(), ns=(facts.st_atime_ns, facts.st_mtime_ns))
        os.fsync(copy.fileno())
    os.rename(draft, name, src_dir_fd=parent, dst_dir_fd=parent)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _reaches(account: Account, path: Path) -> bool:
    for folder in path.absolute().parents:
        try:
            facts = folder.stat()
        except FileNotFoundError:
            continue  # ours to make
        except OSError:
            return False
        if facts.st_uid == account.uid:
            bit = stat.S_IXUSR
        elif facts.st_gid == account.gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not facts.st_mode & bit:
            return False
    return True
