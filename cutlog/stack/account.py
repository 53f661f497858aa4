"""The system user that runs PostgreSQL when we are root: PostgreSQL refuses to be root."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from cutlog.stack.program import Account

USER = "cutlog"


class AccountUnavailable(RuntimeError):
    """PostgreSQL cannot run as root, and the system user for it cannot be made."""


def postgres_account(paths: Iterable[Path]) -> Account | None:
    """None for an ordinary user, who runs PostgreSQL as themselves. For root: the system user `cutlog`, made on
    first use; `traverse` is set when one of `paths` lies under a folder that this user could not enter."""
    if os.geteuid() != 0:
        return None
    account = _account()
    blocked = any(not _reaches(account, path) for path in paths)
    return replace(account, traverse=blocked)


def own(folder: Path, account: Account | None) -> None:
    """Gives a folder and all that is in it to the account, where it does not have it yet."""
    if account is None or not folder.exists() or folder.stat().st_uid == account.uid:
        return
    for parent, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            os.lchown(Path(parent) / name, account.uid, account.gid)
    os.chown(folder, account.uid, account.gid)


def _account() -> Account:
    for attempt in ("lookup", "create"):
        try:
            entry = pwd.getpwnam(USER)
            return Account(entry.pw_uid, entry.pw_gid)
        except KeyError:
            if attempt == "lookup":
                _create()
    raise AccountUnavailable(f"useradd made no user {USER!r}: make one, or run as an ordinary user")


def _create() -> None:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
               "--shell", "/usr/sbin/nologin", USER]  # fmt: skip
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except FileNotFoundError as error:
        raise AccountUnavailable(f"no useradd here: make a system user {USER!r}, or run as an ordinary user") from error
    if result.returncode not in (0, 9):  # 9: somebody else has just made it
        raise AccountUnavailable(f"useradd {USER}: {result.stderr.strip()}")


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
