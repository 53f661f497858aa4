"""Starts ffmpeg: always confined, without input or environment, killable, and never beyond its limits."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from cutlog.ffmpeg import process
from cutlog.ffmpeg.allow import guarded
from cutlog.ffmpeg.binaries import Binary, identify, libraries, locate
from cutlog.ffmpeg.errors import FfmpegFailedError, MemoryLimitError, OutputTooLargeError, TimeLimitError
from cutlog.ffmpeg.limits import PROBE, RUN, Limits
from cutlog.ffmpeg.probing import PAUSES, RawProbe, Reads, examining, probe, rewrite
from cutlog.ffmpeg.progress import Progress, ProgressReader
from cutlog.ffmpeg.sandbox import CHOICES, Jail, Room, SandboxUnavailableError, candidates
from cutlog.ffmpeg.typefaces import RawFont, rewrite_font

MAX_LINE = 4096
PROBES = 8
"""Each is a Python of its own with PyAV: some 50 MiB."""


class FfmpegSettings(Protocol):
    """The part of a service's settings that matters here."""

    @property
    def ffmpeg(self) -> Path | None: ...
    @property
    def sandbox(self) -> Literal["auto", "off"]: ...


class FfmpegResult(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds` of wall time; `progress` as last told; `log`, the end of what ffmpeg said."""

    seconds: float
    progress: Progress
    log: str


class _Lines:
    """Cuts bytes into lines and feeds progress blocks to a callback."""

    def __init__(self, told: Callable[[Progress], None] | None) -> None:
        self._told = told
        self._reader = ProgressReader()
        self._rest = b""
        self.last = Progress()

    def take(self, chunk: bytes) -> None:
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[:MAX_LINE]
        for line in lines:
            told = self._reader.feed(line.decode(errors="replace"))
            if told is not None:
                self.last = told
                if self._told is not None:
                    self._told(told)


_FOUND: dict[tuple[Path, int, str], Binary] = {}
"""Builds that have started in this process, by path, time of change and jail: they need not prove it again."""


class Ffmpeg:
    """One build of ffmpeg in one kind of sandbox. Make it with `find`; one serves a whole process."""

    def __init__(self, binary: Binary, jail: Jail, needs: tuple[Path, ...], pauses: Sequence[float] = PAUSES) -> None:
        """`pauses`: seconds before a file that nobody could look at is looked at again."""
        self.binary = binary
        self.pauses = pauses
        self.examining: Reads = examining
        """What a probe may read beside the file."""
        self._jail = jail
        self._needs = needs
        self._probing = asyncio.Semaphore(PROBES)

    @property
    def identity(self) -> str:
        """The exact build: version and digest of its configuration. Part of every render key."""
        return self.binary.identity

    @property
    def sandbox(self) -> str:
        """sandlock, bubblewrap or off."""
        return self._jail.name

    @classmethod
    async def find(cls, settings: FfmpegSettings) -> Ffmpeg:
        """The configured or bundled ffmpeg, in the best sandbox that can run it.

        Raises BinaryNotFoundError, SandboxUnavailableError with the choices there are.
        """
        path = locate(settings.ffmpeg)
        needs = (path, *libraries(path))
        reasons = []
        for jail in candidates(settings.sandbox):
            asked = (path, path.stat().st_mtime_ns, jail.name)
            if asked in _FOUND:
                return cls(_FOUND[asked], jail, needs)
            banner: list[bytes] = []
            try:
                ended = await process.run(jail, [str(path), "-version"], Room(needs), PROBE, banner.append)
            except (OSError, RuntimeError) as error:
                reasons.append(f"{jail.name}: {error}")
                continue
            if ended.code == 0:
                _FOUND[asked] = identify(path, b"".join(banner).decode(errors="replace"))
                return cls(_FOUND[asked], jail, needs)
            reasons.append(f"{jail.name}: exit {ended.code}: {ended.log.strip()[-200:]}")
        raise SandboxUnavailableError("; ".join([CHOICES, *reasons]))

    async def run(
        self,
        args: Sequence[str],
        *,
        reads: Iterable[Path] = (),
        writes: Path,
        limits: Limits = RUN,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> FfmpegResult:
        """Runs `ffmpeg args` in the folder `writes`, which it may read and write, beside the files `reads` to read.

        Output names are relative to `writes`. Every input may only be of the allowed formats, codecs and protocols; a
        format that the arguments force with `-f`, such as lavfi, is allowed for that input. `on_progress` is called
        about four times a second.
        Raises FfmpegFailedError, TimeLimitError, MemoryLimitError, OutputTooLargeError; FileNotFoundError for a
        missing path. Cancelling the task kills ffmpeg at once.
        """
        argv = [
            str(self.binary.path), "-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats", "-y",
            "-progress", "pipe:1", "-stats_period", "0.25", *guarded(args),
        ]  # fmt: skip
        lines = _Lines(on_progress)
        began = time.monotonic()
        ended = await process.run(self._jail, argv, self._room(reads, writes), limits, lines.take)
        if ended.late:
            raise TimeLimitError(ended.code, ended.log)
        if ended.starved:
            raise MemoryLimitError(ended.code, ended.log)
        if ended.code == -signal.SIGXFSZ or "File too large" in ended.log:
            raise OutputTooLargeError(ended.code, ended.log)
        if ended.code != 0:
            raise FfmpegFailedError(ended.code, ended.log)
        return FfmpegResult(seconds=time.monotonic() - began, progress=lines.last, log=ended.log)

    async def probe(self, path: Path, *, times: bool = False, limits: Limits = PROBE) -> RawProbe:
        """What is in a file, read by a confined child.

        With `times`, every packet of the streams is read, for the exact count of frames and their regularity; without,
        only headers and the first packets. PROBES at a time; more wait. Raises MediaRefusedError when it is not media
        of an allowed kind, NotExaminedError when that could not be found out.
        """
        async with self._probing:
            return await probe(
                self._jail, path.resolve(), times=times, limits=limits, pauses=self.pauses, reads=self.examining
            )

    async def rewrite(self, path: Path, folder: Path, name: str, limits: Limits = RUN) -> None:
        """Writes a picture that a probe calls foreign to `name` in the folder, as ffmpeg reads it: as PNG, upright, in
        sRGB; an animation as APNG. Raises MediaRefusedError, NotExaminedError."""
        await rewrite(self._jail, path.resolve(), folder.absolute(), name, limits)

    async def rewrite_font(self, path: Path, folder: Path, name: str, family: str) -> RawFont:
        """What a font is. It is written to `name` in the folder as it is drawn with, its faces being of the families
        `family`-x0, -x1 and so on. Raises MediaRefusedError, NotExaminedError."""
        async with self._probing:
            return await rewrite_font(self._jail, path.resolve(), folder.absolute(), name, family)

    def _room(self, reads: Iterable[Path], writes: Path) -> Room:
        return Room((*self._needs, *(path.absolute() for path in reads)), writes.absolute())
