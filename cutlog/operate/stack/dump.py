"""PostgreSQL's own programs: a dump of the whole database as of one snapshot, and a database made of one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from cutlog.operate.stack.postgres import binaries
from cutlog.process.program import Program


class DatabaseFailed(Exception):
    """PostgreSQL reported an error."""


async def dump(owner: str, target: Path, snapshot: str, passing: Sequence[str]) -> None:
    """Writes the database of the owner's URL, as the exported snapshot sees it, to a private file. Tables in `passing`,
    each `schema.table`, come without rows. Raises DatabaseFailed."""
    without = [
        f"--exclude-table-data={schema}.{table}" for schema, _, table in (name.partition(".") for name in passing)
    ]
    await _run("pg_dump", owner, "--format=custom", f"--snapshot={snapshot}", f"--file={target}", *without)
    target.chmod(0o600)
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def load(owner: str, source: Path) -> None:
    """Fills the empty database of the owner's URL from a dump: all of it, or nothing. Raises DatabaseFailed."""
    await _run("pg_restore", owner, "--single-transaction", "--exit-on-error", "--no-owner", str(source))


async def _run(name: str, owner: str, *arguments: str) -> None:
    """The password is in the environment, never in the list of processes. It dies with us."""
    url, password = _without_password(owner)
    program = Program(
        name=name,
        argv=[str(binaries() / name), f"--dbname={url}", *arguments],
        env={"LC_ALL": "C.UTF-8"} | ({"PGPASSWORD": password} if password else {}),
        death=signal.SIGKILL,
        inherit=("PATH", "TMPDIR", "HOME", "PGPASSWORD", "PGPASSFILE"),
    )
    process = await asyncio.create_subprocess_exec(
        *program.command(), env=program.environment(), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
        raise DatabaseFailed(lines[0] if lines else f"{name} ended with code {process.returncode}")


def _without_password(owner: str) -> tuple[str, str]:
    parts = urlsplit(owner)
    user, _, place = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    scheme = parts.scheme.partition("+")[0]
    return urlunsplit((scheme, f"{name}@{place}" if name else place, *parts[2:])), unquote(password)
