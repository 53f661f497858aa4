"""Scripts of ours that read what strangers sent, each run in a confined Python of its own, without site-packages."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from cutlog.ffmpeg import process
from cutlog.ffmpeg.binaries import libraries
from cutlog.ffmpeg.limits import Limits
from cutlog.ffmpeg.sandbox import CHOICES, Jail, Room, SandboxUnavailableError, candidates


class ScriptFailedError(Exception):
    """The script came to no result: it crashed, or went beyond its limits. The message says how."""


@cache
def interpreter() -> tuple[Path, ...]:
    """What a child reads to start: the interpreter with its standard library and libraries."""
    executable = Path(sys.executable).resolve()
    stdlib = Path(sys.base_prefix).resolve()
    # A system interpreter has the prefix /usr; only its libraries are meant.
    roots = [stdlib] if stdlib != Path("/usr") else []
    return tuple(path for path in (executable, *roots, *libraries(executable)) if path.exists())


def package(name: str) -> Path:
    """The folder of an installed package."""
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"{name} is installed"
    assert spec.origin is not None, f"{name} is a package"
    return Path(spec.origin).parent.resolve()


_PROVEN: set[tuple[Path, tuple[str, ...], str]] = set()
"""Scripts, their packages, and jails in which they have started in this process: they need not prove it again."""


class ScriptRunner:
    """Runs one script, with the packages that it loads from their folders."""

    def __init__(
        self, script: Path, packages: Sequence[str], mode: Literal["auto", "off"], jails: Sequence[Jail] | None = None
    ) -> None:
        """`jails` are those to choose from; by default those that `mode` allows here."""
        self._script, self._packages, self._mode, self._jails = script, packages, mode, jails
        self._jail: Jail | None = None
        self._choosing = asyncio.Lock()

    async def run(self, args: Sequence[str], reads: Sequence[Path], limits: Limits, most: int) -> bytes:
        """What the script prints, at most `most` bytes. Raises ScriptFailedError, SandboxUnavailableError."""
        jail = self._jail or await self._choose()
        return await self._run(jail, args, reads, limits, most)

    async def _choose(self) -> Jail:
        """The best jail in which the script starts: with the argument `--check` it prints something and ends."""
        async with self._choosing:
            if self._jail is not None:
                return self._jail
            reasons = []
            for jail in candidates(self._mode) if self._jails is None else self._jails:
                asked = (self._script, tuple(self._packages), jail.name)
                try:
                    if asked not in _PROVEN:
                        await self._run(jail, ["--check"], (), Limits(seconds=60), 1 << 10)
                except (OSError, RuntimeError, ScriptFailedError) as error:
                    reasons.append(f"{jail.name}: {error}")
                    continue
                _PROVEN.add(asked)
                self._jail = jail
                return jail
            raise SandboxUnavailableError("; ".join([CHOICES, *reasons]))

    async def _run(self, jail: Jail, args: Sequence[str], reads: Sequence[Path], limits: Limits, most: int) -> bytes:
        needs = await asyncio.to_thread(interpreter)
        folders = [package(name) for name in self._packages]
        printed = bytearray()

        def take(chunk: bytes) -> None:
            printed.extend(chunk)
            if len(printed) > most:
                raise ScriptFailedError(f"the result is larger than {most} bytes")

        argv = [str(needs[0]), "-I", "-S", "-B", str(self._script), ":".join(map(str, folders)), *args]
        room = Room((*needs, *folders, self._script, *reads))
        ended = await process.run(jail, argv, room, limits, take)
        if ended.late:
            raise ScriptFailedError(f"there is no result after {limits.seconds:g} seconds")
        if ended.code != 0:
            told = ended.log.strip().splitlines()
            raise ScriptFailedError(f"it ended with {ended.code}" + (f": {told[-1][:300]}" if told else ""))
        return bytes(printed)
