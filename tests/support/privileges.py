"""As whom processes run, and with which rights: the kernel's word."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cutlog.process.program import Account

PLACE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where a folder can be that all may enter."""
MASKS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def status(pid: int) -> dict[str, str]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: rest.strip() for name, _, rest in (line.partition(":") for line in lines)}


def capabilities(pid: int) -> set[int]:
    """All that it has or could get."""
    of = status(pid)
    return {bit for bit in range(64) if any(int(of[mask], 16) >> bit & 1 for mask in MASKS)}


def user(pid: int) -> tuple[set[str], set[str], str]:
    """Users and groups that it runs as, and further groups."""
    of = status(pid)
    return set(of["Uid"].split()), set(of["Gid"].split()), of["Groups"]


_READ: Final = """
import json, sys
done = {}
for path in json.load(sys.stdin):
    try:
        with open(path, "rb") as file:
            done[path] = len(file.read(64))
    except OSError as error:
        done[path] = type(error).__name__
print(json.dumps(done))
"""
"""What becomes of reading each file."""


def reading(account: Account, paths: list[str]) -> dict[str, int | str]:
    """What an account gets to read of each."""
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", _READ],
        input=json.dumps(paths), text=True, capture_output=True, check=True, cwd="/",
        user=account.uid, group=account.gid, extra_groups=[],
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def inside(folder: Path) -> Iterator[Path]:
    """Everything below a folder."""
    for parent, folders, names in os.walk(folder):
        yield from (Path(parent) / name for name in (*folders, *names))
