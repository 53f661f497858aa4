"""As whom processes run, and with which rights: the kernel's word."""

from __future__ import annotations

from pathlib import Path

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
