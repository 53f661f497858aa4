"""Makes films: what is missing of the segments and the sound, then the whole. Killed anywhere, it goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import msgspec
import structlog

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.contract.commands import Output
from cutlog.contract.timeline import Canvas, Timeline
from cutlog.ffmpeg import Ffmpeg, Limits
from services.render import audio
from services.render.cache import SegmentCache
from services.render.compile import OUTPUT, Opened, Run, batches, compile_run
from services.render.drawn import SourceFile
from services.render.finish import make_gif, own_samples
from services.render.newest import Before, edited, newest_first
from services.render.packets import cut
from services.render.plan import Digest, Encoded, MediaNotReadyError, Plan, plan
from services.render.profiles import Profile
from services.render.receipts import Receipt, film_digest, made_before, segment_names, write_receipt
from services.render.sharing import ForeignPartError, Share
from services.render.sound import Chunk, Score, Tape, score
from services.render.stitch import DamagedSegmentError, ParametersDifferError, stitch
from services.render.subtitles import Subtitles, beside
from services.render.voice import Voice

log = structlog.get_logger(__name__)

FONTS: Final = Path(__file__).parent / "fonts"

#: How often a film is tried again after a segment was found damaged.
_REPAIRS: Final = 5
#: Separate pieces of film in one run: each has inputs and filters of its own.
_PIECES: Final = 16
#: Seconds of film in the first run of a proxy that takes long: somebody may be waiting to see its newest edit.
_HEAD: Final = 5

Measured = Callable[[Mapping[str, float], int, int], None]
"""Told of a film: seconds by phase, and how many of its parts the cache had, and how many had to be made."""


def _unmeasured(_: Mapping[str, float], found: int, made: int) -> None:
    """Nobody wants to know."""


Tell = Callable[[int], None]
"""Told how many of the film's frames are there, about four times a second."""


class SourceGoneError(Exception):
    """A file that the film is made of does not exist any more."""


class NoPictureError(Exception):
    """A source shows no picture that could be used."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A film to be made: of what, in which profile, and the key of its object. `sync`: on disk before it counts.
    `before` tells what was edited last, which is made first.
    """

    timeline: Timeline
    profile: Profile
    key: str
    sync: bool
    before: Before | None = None


class _Tally:
    """Frames that are there: those that were, and those encoded since."""

    def __init__(self, tell: Tell, frames: int, missing: int) -> None:
        self._tell = tell
        self._there = frames - missing
        self._made: dict[Hashable, int] = {}
        self.encoded = 0

    def note(self, run: Hashable, frames: int) -> None:
        self._made[run] = frames
        self._tell(self._there + sum(self._made.values()))

    def finish(self, run: Run, number: int) -> None:
        self.encoded += run.frames
        self.note(number, run.frames)


class _Phases:
    """Seconds that each phase took; `encode` and `sound` run side by side. Parts that were `found`, and `made`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.found = self.made = 0

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[phase] = round(self.seconds.get(phase, 0.0) + time.monotonic() - began, 4)

    async def of(self, phase: str, work: Awaitable[None]) -> None:
        with self(phase):
            await work


class Maker:
    """`cores`: how many runs of ffmpeg and encoders of sound go side by side. `measured` is told of each film."""

    def __init__(self, ffmpeg: Ffmpeg, blobs: BlobStore, cores: int, measured: Measured = _unmeasured) -> None:
        self._measured = measured
        self._ffmpeg = ffmpeg
        self._blobs = blobs
        self._cores = cores

    async def make(self, order: Order, tell: Tell, share: Share | None = None) -> Output:
        """The film, made or found. `encoded` of the output are the frames that had to be encoded, with `share` by all
        who had a part.

        Raises PartFailedError, MediaNotReadyError, SourceGoneError, NoPictureError, FfmpegFailedError, BrokenFilmError.
        """
        phases = _Phases()
        timeline, profile = order.timeline, order.profile
        with phases("plan"):
            pictures, sound = self._planned(order, frozenset())
        subtitles = beside(timeline, profile)
        film = film_digest(pictures, sound, subtitles)
        found = await made_before(self._blobs, timeline.project_id, timeline.version, profile.name, film)
        if found is not None and found.key == order.key:
            tell(found.frames)
            return msgspec.structs.replace(found, encoded=0)
        encoded = 0
        async with self._blobs.scratch() as folder:
            path = made = folder / "film"
            for repair in range(_REPAIRS + 1):
                try:
                    encoded += await self._fill(order, pictures, sound, tell, phases, share)
                    with phases("stitch"):
                        made = await self._stitch(order, pictures, sound, subtitles, path)
                    break
                except ParametersDifferError as error:
                    log.info("encodes in place of copying", sources=sorted(error.sources))
                    pictures, _ = self._planned(order, error.sources)
                except DamagedSegmentError as error:
                    if repair == _REPAIRS:
                        raise
                    log.warning("makes a segment anew", digest=error.digest)
                    await SegmentCache(self._blobs, timeline.tenant).forget(error.digest)
            with phases("store"):
                blob = await self._blobs.put_file(order.key, made, sync=order.sync)
        output = Output(key=blob.key, size=blob.size, sha256=blob.sha256, frames=timeline.duration, encoded=encoded)
        await write_receipt(
            self._blobs,
            Receipt(
                project_id=timeline.project_id,
                version=timeline.version,
                profile=profile.name,
                timeline=timeline.digest,
                film=film,
                output=output,
                encoder=self._ffmpeg.identity,
                arguments=pictures.encoder,
                segments=segment_names(pictures),
                sound=tuple(chunk.digest for chunk in sound.chunks),
            ),
        )
        log.info("made a film", key=order.key, frames=output.frames, encoded=encoded, **phases.seconds)
        self._measured(phases.seconds, phases.found, phases.made)
        return output

    def _planned(self, order: Order, encode: frozenset[str]) -> tuple[Plan, Score]:
        pictures = plan(order.timeline, order.profile, self._ffmpeg.identity, encode)
        return (
            pictures if order.profile.pictures else msgspec.structs.replace(pictures, segments=()),
            score(order.timeline, order.profile.bitrate, audio.ENCODER, self._ffmpeg.identity),
        )

    async def _fill(
        self, order: Order, pictures: Plan, sound: Score, tell: Tell, phases: _Phases, share: Share | None
    ) -> int:
        """Makes what the cache lacks; how many frames were encoded."""
        cache = SegmentCache(self._blobs, order.timeline.tenant)
        segments = pictures.encoded()
        chunks = _chunks(order.profile, sound)
        with phases("look"):
            absent = await cache.missing([*segments, *chunks])
        phases.made += len(absent)
        phases.found += len({*segments, *chunks}) - len(absent)
        missing = [segment for digest, segment in segments.items() if digest in absent]
        tally = _Tally(tell, order.timeline.duration, sum(segment.frames for segment in missing))
        silent = [chunk for digest, chunk in chunks.items() if digest in absent]
        voice = self._voice(order)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(phases.of("encode", self._encode(order, pictures, missing, cache, tally, share)))
            tasks.create_task(phases.of("sound", voice.encode(sound, silent, cache)))
        return tally.encoded

    async def _encode(
        self, order: Order, pictures: Plan, missing: Sequence[Encoded], cache: SegmentCache, tally: _Tally,
        share: Share | None,
    ) -> None:  # fmt: skip
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
        threads = max(1, self._cores // max(1, lanes))
        slots = asyncio.Semaphore(max(1, lanes))

        async def render(number: int, group: Sequence[Encoded], files: dict[str, Opened]) -> None:
            async with slots:
                run = compile_run(group, pictures.size, pictures.fps, pictures.encoder, files, threads)
                await self._run(run, pictures, order.profile.delay, cache, lambda frames: tally.note(number, frames))
                tally.finish(run, number)

        async with self._opened(_sources(missing)) as files, asyncio.TaskGroup() as tasks:
            for number, group in enumerate(groups):
                tasks.create_task(render(number, group, files))

    async def _newest_first(self, order: Order, pictures: Plan, missing: Sequence[Encoded]) -> Sequence[Encoded]:
        """In the order in which somebody who plays the film from the newest edit on sees them."""
        before = await order.before() if order.before is not None else None
        if before is None:
            return missing
        try:
            earlier = plan(before, order.profile, self._ffmpeg.identity)
        except MediaNotReadyError:
            return missing
        return newest_first(pictures, {segment.digest for segment in missing}, edited(pictures, earlier))

    async def _shared(
        self, order: Order, pictures: Plan, missing: Sequence[Encoded], tally: _Tally, share: Share
    ) -> None:
        """The same by whoever has nothing to do."""
        under_way = await share.under_way()
        left = [segment for segment in missing if segment.digest not in under_way]
        groups = batches(left, _most_frames(order.profile, 0, pictures, self._cores), _PIECES)

        async def run(digests: Sequence[Digest]) -> int:
            return await self._some(order, pictures, digests, lambda frames: tally.note(digests, frames))

        others = lambda frames: tally.note("others", frames)  # noqa: E731
        tally.encoded += await share.made(groups, under_way, run, others)

    async def part(self, order: Order, digests: Sequence[Digest], tell: Tell) -> int:
        """Makes what is missing of some segments of a film, which somebody else stitches; the frames that were encoded.

        Raises ForeignPartError where this build would not make just those; and what `make` does.
        """
        pictures, _ = self._planned(order, frozenset())
        return await self._some(order, pictures, digests, tell)

    async def _some(self, order: Order, pictures: Plan, digests: Sequence[Digest], tell: Tell) -> int:
        """What is missing of some segments, by one process of ffmpeg on all cores; how many frames it encoded."""
        segments = pictures.encoded()
        if unknown := [digest for digest in digests if digest not in segments]:
            raise ForeignPartError(f"{ForeignPartError.__doc__} {unknown[0]}")
        cache = SegmentCache(self._blobs, order.timeline.tenant)
        absent = await cache.missing(digests)
        group = [segments[digest] for digest in digests if digest in absent]
        if not group:
            return 0
        async with self._opened(_sources(group)) as files:
            run = compile_run(group, pictures.size, pictures.fps, pictures.encoder, files, self._cores)
            await self._run(run, pictures, order.profile.delay, cache, tell)
        return run.frames

    async def _run(
        self, run: Run, pictures: Plan, delay: int | None, cache: SegmentCache, note: Callable[[int], None]
    ) -> None:
        """One process of ffmpeg; its film, cut into segments, goes into the cache."""
        async with self._ran(run, note) as folder:
            lengths = [segment.frames for segment in run.segments]
            parts = await asyncio.to_thread(lambda: list(cut(folder / OUTPUT, pictures.fps, lengths, delay)))
            for segment, part in zip(run.segments, parts, strict=True):
                await cache.put(segment.digest, part)

    @asynccontextmanager
    async def _ran(self, run: Run, note: Callable[[int], None]) -> AsyncIterator[Path]:
        """The folder with what one process of ffmpeg wrote."""
        async with self._blobs.scratch() as folder:
            for name, text in run.texts.items():
                (folder / name).write_text(text)
            for font in run.fonts:
                (folder / font).write_bytes((FONTS / font).read_bytes())
            await self._ffmpeg.run(
                run.args,
                reads=run.reads,
                writes=folder,
                limits=Limits(seconds=300 + 4 * run.frames),
                on_progress=lambda progress: note(min(progress.frames, run.frames)),
            )
            yield folder

    async def written(self, segment: Encoded, canvas: Canvas, profile: Profile) -> bytes:
        """What one process of ffmpeg writes for a segment, uncut and not kept.

        Raises SourceGoneError, NoPictureError, FfmpegFailedError.
        """
        encoder = profile.encoder(canvas.fps.fraction)
        async with self._opened(_sources([segment])) as files:
            run = compile_run([segment], profile.size(canvas), canvas.fps, encoder, files, self._cores)
            async with self._ran(run, lambda _: None) as folder:
                return await asyncio.to_thread((folder / OUTPUT).read_bytes)

    @property
    def engine(self) -> str:
        """The identity of the build of ffmpeg, part of the names of all that it makes."""
        return self._ffmpeg.identity

    async def _stitch(
        self, order: Order, pictures: Plan, sound: Score, subtitles: Sequence[Subtitles], path: Path
    ) -> Path:
        """Joins all that there is; which file is the film."""
        profile = order.profile
        cache = SegmentCache(self._blobs, order.timeline.tenant)
        digests: set[Digest] = {*pictures.encoded(), *_chunks(profile, sound)}
        async with AsyncExitStack() as opened:
            files = await opened.enter_async_context(cache.files(digests))
            proxies = {sha256: await self._local(opened, source.key) for sha256, source in pictures.copied().items()}
            pcm = None
            if profile.sound not in ("aac", None):
                pcm = path.with_suffix(".f32")
                await self._mix(order, sound, pcm)
            read = lambda digest: files[digest].read_bytes()  # noqa: E731
            await asyncio.to_thread(stitch, pictures, sound, read, proxies, path, profile, pcm, subtitles)
        if profile.container == "gif":
            return await make_gif(self._ffmpeg, path, pictures.fps.fraction, pictures.frames)
        return path

    async def _mix(self, order: Order, sound: Score, pcm: Path) -> None:
        """Writes the whole sound as float32."""
        voice = self._voice(order)
        async with AsyncExitStack() as opened:
            keys = {
                take.source.sha256: take.source.key
                for chunk in sound.chunks
                for take in chunk.takes
                if isinstance(take.source, Tape)
            }
            tapes = {sha256: await self._local(opened, key) for sha256, key in keys.items()}
            with pcm.open("wb") as out:
                for chunk in sound.chunks:
                    out.write(own_samples(chunk, await voice.mixed(chunk, tapes)).tobytes())

    def _voice(self, order: Order) -> Voice:
        return Voice(self._ffmpeg, self._blobs, order.timeline.tenant, self._local, self._cores)

    @asynccontextmanager
    async def _opened(self, sources: Iterable[SourceFile]) -> AsyncIterator[dict[str, Opened]]:
        """Source files on local disk, by SHA-256, with what must be known to read them."""
        async with AsyncExitStack() as opened:
            files: dict[str, Opened] = {}
            for source in sources:
                path = await self._local(opened, source.key)
                files[source.sha256] = Opened(path) if source.conformed else await self._examined(path)
            yield files

    async def _local(self, opened: AsyncExitStack, key: str) -> Path:
        try:
            return await opened.enter_async_context(self._blobs.local(key))
        except BlobNotFoundError as error:
            raise SourceGoneError(f"{SourceGoneError.__doc__} {key}") from error

    async def _examined(self, path: Path) -> Opened:
        """An original: which stream is its picture, and when that begins."""
        found = await self._ffmpeg.probe(path)
        for stream in found.streams:
            if stream.kind == "video" and stream.decoded and not stream.attached:
                return Opened(path, stream.index, stream.seconds(stream.start or 0))
        raise NoPictureError(f"{NoPictureError.__doc__} {path.name}")


def _sources(segments: Iterable[Encoded]) -> list[SourceFile]:
    return list({source.sha256: source for segment in segments for source in segment.sources()}.values())


def _chunks(profile: Profile, sound: Score) -> dict[Digest, Chunk]:
    """The chunks that a film of the profile copies."""
    return {chunk.digest: chunk for chunk in sound.chunks} if profile.sound == "aac" else {}


def _most_frames(profile: Profile, missing: int, pictures: Plan, cores: int) -> int:
    """How much one run may hold: what is lost when a worker dies, and what can't be done side by side."""
    second = max(1, round(pictures.fps.fraction))
    if profile.stock == "original":
        return 20 * second
    return max(2 * second, min(60 * second, -(-missing // cores)))
