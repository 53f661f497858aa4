"""Makes edit proxies and sound in slices: what ffmpeg has encoded is stored every two seconds; who goes on finds it.

Slices of a track follow one another, each from where the one before ends; the whole is their packets. A film that takes
less than a slice is never stored in part. PyAV is imported when it is needed: a service without uploads does without.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final

import msgspec

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.blobs.seals import TornError, seal, unseal
from cutlog.contract.keys import Content, SliceKey, StreamKind, UnknownKeyError, parse_key, revised
from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.ffmpeg import Ffmpeg, Limits
from cutlog.ffmpeg.fragments import Fragments
from cutlog.ffmpeg.progress import Progress
from services.media.errors import MediaError
from services.media.facts.probed import Judged
from services.media.records.turns import SLICE
from services.media.renditions.recipes import (
    AUDIO,
    PROXY,
    PROXY_ALPHA,
    audio_args,
    growing,
    proxy_args,
    proxy_unit,
)

LOOK: Final = 0.5
"""Seconds between looks at what ffmpeg has written; a tenth of it until there is anything."""

Turn = Callable[[float], None]
"""Called whenever a slice was stored, with the seconds that it takes to resume. Raises GaveWayError when somebody
else's turn has come."""


class Pace(msgspec.Struct, frozen=True):
    """A slice is stored after so many seconds of work. It has at most so many fragments, each a second of video."""

    seconds: float = SLICE
    fragments: int = sys.maxsize


USUAL: Final = Pace()


class GaveWayError(MediaError):
    """Somebody else's turn has come; what was made is kept."""


class SliceLostError(MediaError):
    """A slice is damaged, or does not fit the others. They are made anew."""


class Made(msgspec.Struct, frozen=True):
    """What became of a track: `end` in its units, and how many packets it has."""

    end: int
    count: int


class _Slice(msgspec.Struct, frozen=True):
    """A slice of all kinds of a track: stored, or in memory."""

    start: int
    end: int
    films: Mapping[StreamKind, SliceKey | bytes]
    last: bool = False


def nobody_waits(_: float) -> None:
    """The turn of who is alone."""


class Tracks:
    """Those of one source, which took `fetched` seconds to have here. What is made is put into `folder`. Slices are of
    one examination of a content."""

    def __init__(
        self, ffmpeg: Ffmpeg, blobs: BlobStore, source: Path, folder: Path, content: Content, revision: int,
        limits: Limits, turn: Turn = nobody_waits, pace: Pace = USUAL, fetched: float = 0.0,
    ) -> None:  # fmt: skip
        self._pace, self._fetched = pace, fetched
        self._ffmpeg, self._blobs, self._source, self._folder = ffmpeg, blobs, source, folder
        self._content, self._revision, self._limits, self._turn = content, revision, limits, turn

    async def pictures(self, judged: Judged, told: Callable[[float], object]) -> int:
        """Makes PROXY and, of what is transparent, PROXY_ALPHA; how many pictures. `told` of seconds that are there."""
        assert judged.video is not None
        names: dict[StreamKind, str] = {"mp4": PROXY}
        if judged.facts.alpha:
            names["alpha.mp4"] = PROXY_ALPHA
        unit = proxy_unit(judged.facts)
        made = await self._made(judged.video, names, unit, lambda start: proxy_args(self._source, judged, start), told)
        return made.count

    async def sound(self, judged: Judged) -> int:
        """Makes AUDIO; how many samples."""
        assert judged.audio is not None
        args = lambda start: audio_args(self._source, judged, start)  # noqa: E731
        return (await self._made(judged.audio, {"m4a": AUDIO}, Fraction(1, SAMPLE_RATE), args, lambda _: None)).end

    async def _made(
        self, stream: int, names: Mapping[StreamKind, str], unit: Fraction, args: Callable[[int], list[str]],
        told: Callable[[float], object],
    ) -> Made:  # fmt: skip
        from services.media.renditions.joining import BrokenSlicesError

        slices = await self._stored(stream, list(names))
        try:
            if not (slices and slices[-1].last):
                slices += await self._rest(stream, list(names), unit, args, told, slices)
            made = [await self._join(kind, self._folder / name, unit, slices) for kind, name in names.items()]
        except (BlobNotFoundError, TornError, BrokenSlicesError) as error:
            for lost in await self._stored(stream, list(names)):
                for key in lost.films.values():
                    await self._blobs.delete(str(key))
            raise SliceLostError(f"{SliceLostError.__doc__} {error}") from error
        return made[0]

    async def _stored(self, stream: int, kinds: Sequence[StreamKind]) -> list[_Slice]:
        """What earlier attempts left, from the beginning on."""
        found: dict[tuple[int, int], dict[StreamKind, SliceKey]] = {}
        async for head in self._blobs.list(revised(self._content, self._revision)):
            try:
                key = parse_key(head.key)
            except UnknownKeyError:
                continue
            if isinstance(key, SliceKey) and (key.stream, key.revision) == (stream, self._revision):
                found.setdefault((key.start, key.end), {})[key.kind] = key
        whole = {start: (end, films) for (start, end), films in sorted(found.items()) if films.keys() >= set(kinds)}
        slices: list[_Slice] = []
        at = 0
        while at in whole:
            end, films = whole.pop(at)
            slices.append(_Slice(at, end, dict(films), all(films[kind].last for kind in kinds)))
            at = end
        return slices

    async def _rest(
        self, stream: int, kinds: Sequence[StreamKind], unit: Fraction, args: Callable[[int], list[str]],
        told: Callable[[float], object], before: Sequence[_Slice],
    ) -> list[_Slice]:  # fmt: skip
        """Encodes what is missing. It is stored as it comes, but for a track that is complete within a slice."""
        made: list[_Slice] = []
        at = before[-1].end if before else 0
        begun = at
        waiting: dict[StreamKind, list[bytes]] = {kind: [] for kind in kinds}
        files = {kind: Fragments(self._folder / growing(kind)) for kind in kinds}

        async def cut(count: int, *, last: bool) -> _Slice:
            """The first fragments that wait, or all, as a slice; stored, unless it is the only one."""
            films = {kind: files[kind].head + b"".join(waiting[kind][: None if last else count]) for kind in kinds}
            for kind in kinds:
                del waiting[kind][:count]
            end = at + (await asyncio.to_thread(_extent, list(films.values()), unit) if count else 0)
            if last and not (before or made):
                return _Slice(at, end, dict(films), last)
            keys = {kind: SliceKey(self._content, stream, kind, at, end, self._revision, last) for kind in kinds}
            for kind in reversed(kinds):
                sealed = await asyncio.to_thread(seal, films[kind])
                await self._blobs.put_bytes(str(keys[kind]), sealed, sync=False)
            return _Slice(at, end, dict(keys), last)

        def progressed(progress: Progress) -> None:
            told(float(begun * unit) + progress.seconds)

        async with self._running(args(at), progressed) as ending:
            since, ended, most = time.monotonic(), False, self._pace.fragments
            first: float | None = None
            while not ended:
                look = LOOK / 10 if first is None else LOOK
                ended = bool((await asyncio.wait([ending], timeout=look))[0])
                if ended:
                    ending.result()
                for kind in kinds:
                    waiting[kind] += await asyncio.to_thread(list, files[kind].new())
                count = min(map(len, waiting.values()))
                if count and first is None:
                    first = time.monotonic() - since
                while count and (count > most if ended else time.monotonic() - since >= self._pace.seconds):
                    made.append(await cut(min(count, most), last=False))
                    at, since = made[-1].end, time.monotonic()
                    count = min(map(len, waiting.values()))
                    self._turn(self._fetched + (first or 0.0))
                if ended and (count or made or before):
                    made.append(await cut(count, last=True))
        for kind in kinds:
            (self._folder / growing(kind)).unlink(missing_ok=True)
        return made

    @asynccontextmanager
    async def _running(self, args: list[str], told: Callable[[Progress], None]) -> AsyncIterator[asyncio.Task[object]]:
        """One process of ffmpeg. It ends when the context does."""
        ending = asyncio.create_task(
            self._ffmpeg.run(args, reads=[self._source], writes=self._folder, limits=self._limits, on_progress=told)
        )
        try:
            yield ending
        finally:
            ending.cancel()
            await asyncio.wait([ending])

    async def _join(self, kind: StreamKind, path: Path, unit: Fraction, slices: Sequence[_Slice]) -> Made:
        from services.media.renditions.joining import Joined

        whole = await asyncio.to_thread(Joined, path, unit)
        try:
            for each in slices:
                film = each.films[kind]
                data = film if isinstance(film, bytes) else unseal(await self._blobs.get(str(film)))
                if each.end > each.start:
                    await asyncio.to_thread(whole.add, each.start, data)
        finally:
            await asyncio.to_thread(whole.close)
        return Made(whole.end, whole.count)


def _extent(films: Sequence[bytes], unit: Fraction) -> int:
    """The length of films that show the same."""
    from services.media.renditions.joining import BrokenSlicesError, extent

    lengths = {extent(film, unit) for film in films}
    if len(lengths) != 1:
        raise BrokenSlicesError(f"{BrokenSlicesError.__doc__} They are {sorted(lengths)} long.")
    return lengths.pop()
