"""Makes segments: those of a film that the cache lacks, by as few processes of ffmpeg as keep the cores busy."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from cutlog.blobs import BlobStore
from cutlog.contract.timeline import Canvas
from cutlog.ffmpeg import Ffmpeg, Limits
from services.render.cache.growing import Growing
from services.render.cache.store import SegmentCache
from services.render.compile import OUTPUT, Opened, Run, batches, compile_run
from services.render.plan.layers import SourceFile, Typeface
from services.render.plan.newest import edited, newest_first
from services.render.plan.profiles import Profile
from services.render.plan.segments import Digest, Encoded, MediaNotReadyError, Plan
from services.render.produce.lettering import Letterer
from services.render.produce.metering import UNMETERED, Metering, drawn
from services.render.produce.orders import GaveWayError, Order
from services.render.produce.plans import Plans
from services.render.produce.share import LANES, ForeignPartError, Share
from services.render.produce.sources import Sources
from services.render.produce.tally import Tally, Tell

#: Separate pieces of film in one run: each has inputs and filters of its own.
_PIECES: Final = 16
#: No limit of frames.
_ALL: Final = sys.maxsize
#: Seconds between looks at what ffmpeg has written.
_LOOK: Final = 0.5
#: Seconds of film in the first run of a proxy that takes long: somebody may be waiting to see its newest edit.
_HEAD: Final = 5


class Segments:
    """`cores`: how many processes of ffmpeg go side by side, or how many threads one of them has."""

    def __init__(
        self, ffmpeg: Ffmpeg, blobs: BlobStore, sources: Sources, letterer: Letterer, plans: Plans, cores: int,
        metering: Metering = UNMETERED,
    ) -> None:  # fmt: skip
        self._ffmpeg, self._blobs, self._sources, self._cores = ffmpeg, blobs, sources, cores
        self._letterer, self._plans, self._metering = letterer, plans, metering

    async def encode(
        self, order: Order, pictures: Plan, missing: Sequence[Encoded], since: datetime, cache: SegmentCache,
        tally: Tally, share: Share | None,
    ) -> None:  # fmt: skip
        """Puts segments into the cache that were missing at `since`: here, or with `share` by all who have nothing to
        do."""
        if share is not None and len(missing) > 1:
            await self._shared(order, pictures, missing, tally, share)
            return
        most = _most_frames(order.profile, sum(segment.frames for segment in missing), pictures, self._cores)
        head = _HEAD * max(1, round(pictures.fps.fraction))
        if order.before is not None and sum(segment.frames for segment in missing) > 4 * head:
            missing = await self._newest_first(order, pictures, missing)
            first = batches(missing, head, _PIECES)[0]
            groups = [first, *batches(missing[len(first) :], most, _PIECES)]
        else:
            groups = batches(missing, most, _PIECES)
        # Small pictures gain little from several threads: rather several runs at once.
        lanes = min(self._cores, len(groups)) if order.profile.stock == "proxy" else 1
        threads = _threads(max(1, self._cores // max(1, lanes)))
        slots = asyncio.Semaphore(max(1, lanes))

        async def render(number: int, group: Sequence[Encoded], files: dict[str, Opened]) -> None:
            async with slots:
                run = compile_run(group, pictures.size, pictures.fps, pictures.encoder, files, threads, pictures.alpha)
                note = partial(tally.note, number)
                await self._run(run, pictures, order, since, cache, note, tally.kept)
                tally.note(number, run.frames)

        async with self._sources.opened(_sources(missing)) as files, asyncio.TaskGroup() as tasks:
            for number, group in enumerate(groups):
                tasks.create_task(render(number, group, files))

    async def _newest_first(self, order: Order, pictures: Plan, missing: Sequence[Encoded]) -> Sequence[Encoded]:
        """In the order in which somebody who plays the film from the newest edit on sees them."""
        before = await order.before() if order.before is not None else None
        if before is None:
            return missing
        try:
            earlier = await asyncio.to_thread(self._plans.pictures, before, order.profile)
        except MediaNotReadyError:
            return missing
        return newest_first(pictures, {segment.digest for segment in missing}, edited(pictures, earlier))

    async def _shared(
        self, order: Order, pictures: Plan, missing: Sequence[Encoded], tally: Tally, share: Share
    ) -> None:
        """The missing segments, by whoever has nothing to do."""
        under_way = await share.under_way()
        left = [segment for segment in missing if segment.digest not in under_way]
        most = _most_frames(order.profile, 0, pictures, self._cores)
        groups = [run for share in evenly(left, most, LANES) for run in batches(share, _ALL, _PIECES)]

        async def run(digests: Sequence[Digest]) -> int:
            return await self.some(order, pictures, digests, lambda frames: tally.note(digests, frames))

        others = lambda frames: tally.note("others", frames)  # noqa: E731
        tally.encoded += await share.made(groups, under_way, run, others)

    async def some(self, order: Order, pictures: Plan, digests: Sequence[Digest], tell: Tell) -> int:
        """What is missing of some segments, by one process of ffmpeg on all cores; how many frames it encoded."""
        segments = pictures.encoded()
        if unknown := [digest for digest in digests if digest not in segments]:
            raise ForeignPartError(f"{ForeignPartError.__doc__} {unknown[0]}")
        cache = SegmentCache(self._blobs, order.timeline.tenant)
        since = await self._metering.now()
        absent = await cache.missing(digests)
        group = [segments[digest] for digest in digests if digest in absent]
        if not group:
            return 0
        async with self._sources.opened(_sources(group)) as files:
            threads = _threads(self._cores)
            run = compile_run(group, pictures.size, pictures.fps, pictures.encoder, files, threads, pictures.alpha)
            encoded = 0

            def kept(frames: int) -> None:
                nonlocal encoded
                encoded += frames

            try:
                await self._run(run, pictures, order, since, cache, tell, kept)
            except GaveWayError:
                raise GaveWayError(encoded) from None
        return run.frames

    async def _run(
        self, run: Run, pictures: Plan, order: Order, since: datetime, cache: SegmentCache, note: Tell, kept: Tell
    ) -> None:
        """One process of ffmpeg. Segments of its film go into the cache as soon as they are whole, so that no more than
        one is lost whenever it ends."""
        tenant = order.timeline.tenant
        slices = [drawn(cache.key(segment.digest), segment.frames, pictures.size) for segment in run.segments]
        await self._metering.begin(tenant, order.timeline.project_id, slices, since)
        async with self._running(run, note) as (folder, ending):
            lengths = [segment.frames for segment in run.segments]
            film = Growing(folder / OUTPUT, pictures.fps, lengths, order.profile.delay)
            segments = iter(run.segments)
            ended = False
            while not ended:
                ended = bool((await asyncio.wait([ending], timeout=_LOOK))[0])
                if ended:
                    ending.result()
                for part in await asyncio.to_thread(film.whole, ended=ended):
                    segment = next(segments)
                    await cache.put(segment.digest, part)
                    await self._metering.end(tenant, [cache.key(segment.digest)])
                    kept(segment.frames)
                    order.turn()

    @asynccontextmanager
    async def _running(self, run: Run, note: Callable[[int], None]) -> AsyncIterator[tuple[Path, asyncio.Task[object]]]:
        """One process of ffmpeg, and the folder that it writes to. It ends when the context does."""
        async with self._blobs.scratch() as folder, self._sources.fonts(_typefaces(run.segments)) as fonts:
            for name, text in run.texts.items():
                (folder / name).write_text(text)
            await self._letterer.draw(run.drawings, folder, fonts)
            ending = asyncio.create_task(
                self._ffmpeg.run(
                    run.args,
                    reads=run.reads,
                    writes=folder,
                    limits=Limits(seconds=300 + 4 * run.frames),
                    on_progress=lambda progress: note(min(progress.frames, run.frames)),
                )
            )
            try:
                yield folder, ending
            finally:
                ending.cancel()
                await asyncio.wait([ending])

    async def written(self, segment: Encoded, canvas: Canvas, profile: Profile) -> bytes:
        """What one process of ffmpeg writes for a segment, uncut and not kept.

        Raises SourceGoneError, NoPictureError, FfmpegFailedError.
        """
        encoder = profile.encoder(canvas.fps.fraction)
        async with self._sources.opened(_sources([segment])) as files:
            run = compile_run([segment], profile.size(canvas), canvas.fps, encoder, files, _threads(self._cores))
            async with self._running(run, lambda _: None) as (folder, ending):
                await ending
                return await asyncio.to_thread((folder / OUTPUT).read_bytes)


def evenly(segments: Sequence[Encoded], most: int, lanes: int) -> list[list[Encoded]]:
    """Neighbours in shares that are as long as each other to within a segment, so that all lanes end at the same time:
    one alone does not keep the cores busy while it begins and ends. What has at most `most` frames stays one share."""
    frames = sum(segment.frames for segment in segments)
    count = -(-frames // most)
    if count > 1:
        count = -(-count // lanes) * lanes
    shares: list[list[Encoded]] = [[] for _ in range(count)]
    before = 0
    for segment in segments:
        shares[(2 * before + segment.frames) * count // (2 * frames)].append(segment)  # where its middle is
        before += segment.frames
    return [share for share in shares if share]


def _sources(segments: Iterable[Encoded]) -> list[SourceFile]:
    return list({source.content: source for segment in segments for source in segment.sources()}.values())


def _typefaces(segments: Iterable[Encoded]) -> list[Typeface]:
    return list({font.sha256: font for segment in segments for font in segment.typefaces()}.values())


def _threads(cores: int) -> int:
    """As many threads of an encoder as keep that many cores busy: x264's own rule, since some of them always wait."""
    return max(1, cores * 3 // 2)


def _most_frames(profile: Profile, missing: int, pictures: Plan, cores: int) -> int:
    """How much one run may hold: what is lost when a worker dies, and what can't be done side by side."""
    second = max(1, round(pictures.fps.fraction))
    if profile.stock == "original":
        return 20 * second
    return max(2 * second, min(60 * second, -(-missing // cores)))
