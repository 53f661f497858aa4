"""Makes the chunks of a film's sound that are missing: treats what must be treated, mixes, encodes.

Treated sections are kept beside the segments, under names of all that they depend on, so that only changed clips are
worked on again. They are not synced: each carries its digest, and one that is torn is made anew.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.contract.keys import CacheKey
from cutlog.contract.profiles import CHANNELS, SAMPLE_RATE
from cutlog.ffmpeg import Ffmpeg, Limits, samples
from services.render.audio.filters import LEVELS, Filter, Loudness, loudness_told, noise_told
from services.render.audio.levels import highest
from services.render.audio.score import Chunk, Passage, Score
from services.render.audio.takes import Tape
from services.render.audio.treatment import OVERLAP, SECTION, Denoise, Measured, Normalize, Run, Treatment
from services.render.cache.packets import TornSegmentError, seal, unseal
from services.render.cache.store import SegmentCache
from services.render.plan.segments import Digest
from services.render.produce import aac
from services.render.produce.mix import Samples, mix, read

_INPUT: Final = "heard.pcm"
_OUTPUT: Final = "treated.pcm"
_COMMANDS: Final = "commands.txt"
_BLOCK: Final = 1 << 20
#: Bytes of a treated sample of all channels.
_WIDTH: Final = 4 * CHANNELS
#: How often a loudness is corrected for what the limiter took of it, and what is near enough, in LU.
_CORRECTIONS: Final = 3
_NEAR: Final = 0.15

Open = Callable[[AsyncExitStack, str], Awaitable[Path]]
"""Opens the object of a key as a file, for as long as the stack is open."""


class Voice:
    """The sounds of one tenant's films. `slots` is how much is done side by side."""

    def __init__(self, ffmpeg: Ffmpeg, blobs: BlobStore, tenant: str, open_: Open, slots: int) -> None:
        self._ffmpeg = ffmpeg
        self._blobs = blobs
        self._tenant = tenant
        self._open = open_
        self._slots = asyncio.Semaphore(slots)
        self._locks: defaultdict[Digest, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def encode(
        self, sound: Score, missing: Sequence[Chunk], cache: SegmentCache, turn: Callable[[], None] = lambda: None
    ) -> None:
        """Puts chunks of a score into the cache; `turn` is called after each."""
        tapes = keys(passage for chunk in missing for passage in chunk.passages)
        async with AsyncExitStack() as opened:
            files = {sha256: await self._open(opened, key) for sha256, key in tapes.items()}

            async def make(chunk: Chunk) -> None:
                async with self._slots:
                    mixed = [await self.mixed(passage, files) for passage in chunk.passages]
                    await cache.put(chunk.digest, await asyncio.to_thread(aac.encode, chunk, sound.bitrate, mixed))
                    turn()

            async with asyncio.TaskGroup() as tasks:
                for chunk in missing:
                    tasks.create_task(make(chunk))

    async def mixed(self, passage: Passage, tapes: Mapping[str, Path]) -> Samples:
        """All samples of a passage, as `mix` says, with what must be treated for it."""
        return await asyncio.to_thread(mix, passage, tapes, await self._sections(passage))

    async def _sections(self, passage: Passage) -> dict[tuple[Treatment, int], Samples]:
        wanted = {
            (take.source, number)
            for take in passage.takes
            if isinstance(take.source, Treatment)
            for number in take.source.sections(take.offset, take.offset + take.end - take.start)
        }
        return {(treated, number): await self._section(treated, number) for treated, number in wanted}

    async def _section(self, treated: Treatment, number: int) -> Samples:
        """Kept, or made."""
        digest = treated.name(number, self._ffmpeg.identity)
        async with self._locks[digest]:
            try:
                body = await asyncio.to_thread(_whole, await self._blobs.get(self._key(digest, "pcm")))
            except (BlobNotFoundError, TornSegmentError):
                run = treated.run(number, await self._measured(treated))
                async with self._treated(treated, run, writes=True) as (folder, _):
                    body = await asyncio.to_thread(_kept, folder / _OUTPUT, run)
                sealed = await asyncio.to_thread(seal, body)
                await self._blobs.put_bytes(self._key(digest, "pcm"), sealed, sync=False)
        return np.frombuffer(body, "<f4").reshape(-1, CHANNELS)

    async def _measured(self, treated: Treatment) -> dict[int, Measured]:
        """What the steps must know that depend on how the sound is. Later ones hear what the earlier ones did."""
        found: dict[int, Measured] = {}
        for number in treated.measured():
            found[number] = await self._measurement(treated, number, found)
        return found

    async def _measurement(self, treated: Treatment, number: int, before: Mapping[int, Measured]) -> Measured:
        """Kept, or made."""
        digest = treated.measurement(number, self._ffmpeg.identity)
        key = self._key(digest, "json")
        async with self._locks[digest]:
            try:
                return msgspec.json.decode(await self._blobs.get(key), type=Measured)
            except (BlobNotFoundError, msgspec.DecodeError):
                measured = await self._measure(treated, number, before)
                await self._blobs.put_bytes(key, msgspec.json.encode(measured), sync=False)
                return measured

    async def _measure(self, treated: Treatment, number: int, before: Mapping[int, Measured]) -> Measured:
        match treated.steps[number]:
            case Denoise():
                async with self._treated(treated, treated.measuring(number, before, None), writes=False) as (folder, _):
                    return Measured(noise_told((folder / LEVELS).read_text()))
            case Normalize() as step:
                return await self._loud(treated, number, step, before)
            case Filter():
                raise AssertionError("filters know all that they must")

    async def _loud(self, treated: Treatment, number: int, step: Normalize, before: Mapping[int, Measured]) -> Measured:
        """How loud it is, and, if peaks must be limited for its new loudness, what makes up for that."""
        loudness = await self._loudness(treated, treated.measuring(number, before, None))
        if loudness is None:
            return Measured(None)
        measured = Measured(loudness.lufs, loudness.peak + highest(step.lufs) - loudness.lufs > step.true_peak)
        for _ in range(_CORRECTIONS):
            # A loudness that moves has no one number to be compared with.
            if not measured.limited or isinstance(step.lufs, tuple):
                break
            limited = await self._loudness(treated, treated.measuring(number, before, measured))
            if limited is None or abs(step.lufs - limited.lufs) <= _NEAR:
                break
            measured = Measured(measured.level, True, measured.extra + step.lufs - limited.lufs)
        return measured

    async def _loudness(self, treated: Treatment, run: Run) -> Loudness | None:
        async with self._treated(treated, run, writes=False) as (_, log):
            return loudness_told(log)

    @asynccontextmanager
    async def _treated(self, treated: Treatment, run: Run, *, writes: bool) -> AsyncIterator[tuple[Path, str]]:
        """One run of ffmpeg: the folder with its output, if it writes any, and what it said."""
        async with AsyncExitStack() as opened:
            folder = await opened.enter_async_context(self._blobs.scratch())
            tape = await self._open(opened, treated.key)
            await asyncio.to_thread(_prepare, folder, tape, run, backwards=treated.reversed)
            output = ["-f", "f32le", _OUTPUT] if writes else ["-f", "null", "-"]
            result = await self._ffmpeg.run(
                ["-loglevel", "info", "-f", "s16le", "-ar", str(SAMPLE_RATE), "-ac", str(CHANNELS), "-i", _INPUT,
                 "-af", run.filters, *output],
                writes=folder,
                limits=Limits(seconds=300 + run.count / SAMPLE_RATE),
            )  # fmt: skip
            yield folder, result.log

    def _key(self, digest: Digest, kind: Literal["pcm", "json"]) -> str:
        return str(CacheKey(self._tenant, digest, kind))


def keys(passages: Iterable[Passage]) -> dict[str, str]:
    """The keys of the tapes that they are mixed of, by SHA-256."""
    return {
        take.source.sha256: take.source.key
        for passage in passages
        for take in passage.takes
        if isinstance(take.source, Tape)
    }


def _whole(sealed: bytes) -> bytes:
    """The samples of a section. Raises TornSegmentError."""
    body = unseal(sealed)
    if len(body) != (SECTION + OVERLAP) * _WIDTH:
        raise TornSegmentError(f"{len(body)} bytes of samples in place of {(SECTION + OVERLAP) * _WIDTH}")
    return body


def _prepare(folder: Path, tape: Path, run: Run, *, backwards: bool) -> None:
    """Writes what a run hears, and its commands. Of the silence after the source, a second is enough."""
    after = SAMPLE_RATE + (0 if backwards else samples.length(tape))
    end = run.first + run.count if run.whole else max(run.first + 1, min(run.first + run.count, after))
    with (folder / _INPUT).open("wb") as out:
        for start in range(run.first, end, _BLOCK):
            out.write(read(tape, start, min(_BLOCK, end - start), backwards=backwards).tobytes())
    if run.commands:
        (folder / _COMMANDS).write_text(run.commands)


def _kept(path: Path, run: Run) -> bytes:
    """The samples that are wanted of what a run made; silence after its end."""
    with path.open("rb") as file:
        file.seek(run.skip * _WIDTH)
        body = file.read(run.keep * _WIDTH)
    body = body[: len(body) // _WIDTH * _WIDTH]
    return body + bytes(run.keep * _WIDTH - len(body))
