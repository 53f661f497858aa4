"""Makes films: what is missing of the segments and the sound, then the whole. Killed anywhere, it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

import msgspec
import structlog

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.contract.commands import Output
from cutlog.contract.keys import ProxyKey, ReceiptKey, UnknownKeyError, parse_key, proxies_of
from cutlog.contract.receipts import FORMAT, Receipt
from cutlog.ffmpeg import Ffmpeg
from services.render.audio.score import Chunk, Score
from services.render.cache.earlier import Earlier
from services.render.cache.packets import DamagedSegmentError
from services.render.cache.store import Index, SegmentCache
from services.render.plan.profiles import Profile
from services.render.plan.segments import Digest, Plan
from services.render.produce.encode import Segments
from services.render.produce.finish import make_gif, own_samples
from services.render.produce.join import Joining
from services.render.produce.lettering import Letterer
from services.render.produce.metering import UNMETERED, Metering
from services.render.produce.orders import GaveWayError, Order, gave_way
from services.render.produce.plans import Plans
from services.render.produce.receipts import film_digest, made_before, segment_names, write_receipt
from services.render.produce.share import Share
from services.render.produce.sources import Sources
from services.render.produce.stitch import ParametersDifferError, stitch
from services.render.produce.subtitles import Subtitles, beside
from services.render.produce.tally import Measured, Phases, Tally, Tell, unmeasured
from services.render.produce.voice import Voice, keys

log = structlog.get_logger(__name__)

#: How often a film is tried again after a segment was found damaged.
_REPAIRS: Final = 5


class Maker:
    """`cores`: how many runs of ffmpeg and encoders of sound go side by side. `measured` is told of each film. `fonts`
    is a folder with more fonts than the shipped ones; `metering` counts segments."""

    def __init__(
        self, ffmpeg: Ffmpeg, blobs: BlobStore, cores: int, measured: Measured = unmeasured, fonts: Path | None = None,
        metering: Metering = UNMETERED,
    ) -> None:  # fmt: skip
        self._measured, self._metering = measured, metering
        self._ffmpeg = ffmpeg
        self._blobs = blobs
        self._cores = cores
        self._sources = Sources(ffmpeg, blobs)
        letterer = Letterer("off" if ffmpeg.sandbox == "off" else "auto", fonts)
        self.engine = f"{ffmpeg.identity} {letterer.identity}"
        """What draws: part of every render key."""
        self.plans = Plans(self.engine, ffmpeg.identity)
        self.index = Index()
        """Of the segments and chunks in the cache, as far as this process knows."""
        self.segments = Segments(ffmpeg, blobs, self._sources, letterer, self.plans, cores, metering)
        """The maker of the pictures."""

    async def make(self, order: Order, tell: Tell, share: Share | None = None) -> Output:
        """The film, made or found. `encoded` of the output are the frames that had to be encoded, with `share` by all
        who had a part.

        Raises PartFailedError, MediaNotReadyError, SourceGoneError, NoPictureError, FfmpegFailedError, BrokenFilmError;
        and GaveWayError where `order.turn` does.
        """
        phases = Phases()
        timeline, profile = order.timeline, order.profile
        with phases("plan"):
            pictures, sound = await asyncio.to_thread(self._planned, order, frozenset())
        subtitles = beside(timeline, profile)
        film = film_digest(pictures, sound, subtitles)
        assert profile.name != "still", "a frame is no film"
        receipt_key = ReceiptKey(timeline.project_id, timeline.version, profile.name)
        # A proxy is always written anew, which is soon done: so gc knows it from the one that it is about to fold.
        found = None if profile.name == "proxy" else await made_before(self._blobs, receipt_key, film)
        if found is not None and found.key == order.key:
            tell(found.frames)
            return msgspec.structs.replace(found, encoded=0)
        # What is there is not what it should be: nor may be what was made of it.
        distrusted = await self._blobs.head(order.key) is not None
        encoded, digest = 0, None
        async with self._blobs.scratch() as folder:
            path = made = folder / "film"
            for repair in range(_REPAIRS + 1):
                try:
                    encoded += await self._fill(order, pictures, sound, tell, phases, share)
                    with phases("stitch"):
                        if profile.name == "proxy" and not subtitles:
                            digest = await self._join(order, pictures, sound, path, careful=repair > 0 or distrusted)
                        else:
                            made = await self._stitch(order, pictures, sound, subtitles, path)
                    break
                except ParametersDifferError as error:
                    log.info("render.copy_unavailable", sources=sorted(error.sources))
                    pictures, _ = await asyncio.to_thread(self._planned, order, error.sources)
                except DamagedSegmentError as error:
                    if repair == _REPAIRS:
                        raise
                    log.warning("render.segment_corrupt", digest=error.digest)
                    await self._cache(order).forget(error.digest)
            with phases("store"):
                async with order.placing():
                    blob = await self._blobs.put_file(order.key, made, sync=order.sync, sha256=digest)
        output = Output(key=blob.key, size=blob.size, sha256=blob.sha256, frames=timeline.duration, encoded=encoded)
        await write_receipt(
            self._blobs,
            Receipt(
                format=FORMAT,
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
        log.info("render.finished", key=order.key, frames=output.frames, encoded=encoded, **phases.seconds)
        self._measured(phases.seconds, phases.found, phases.made)
        return output

    def _planned(self, order: Order, encode: frozenset[str]) -> tuple[Plan, Score]:
        pictures = self.plans.pictures(order.timeline, order.profile, encode)
        if not order.profile.pictures:
            pictures = msgspec.structs.replace(pictures, segments=())
        return pictures, self.plans.sound(order.timeline, order.profile)

    async def _fill(
        self, order: Order, pictures: Plan, sound: Score, tell: Tell, phases: Phases, share: Share | None
    ) -> int:
        """Makes what the cache lacks; how many frames were encoded."""
        cache = self._cache(order)
        segments = pictures.encoded()
        chunks = _chunks(order.profile, sound)
        with phases("look"):
            since = await self._metering.now()
            absent = await cache.missing([*segments, *chunks])
        phases.made += len(absent)
        phases.found += len({*segments, *chunks}) - len(absent)
        missing = [segment for digest, segment in segments.items() if digest in absent]
        tally = Tally(tell, order.timeline.duration, sum(segment.frames for segment in missing))
        silent = [chunk for digest, chunk in chunks.items() if digest in absent]
        voice = self._voice(order)
        try:
            async with asyncio.TaskGroup() as tasks:
                work = self.segments.encode(order, pictures, missing, since, cache, tally, share)
                tasks.create_task(phases.of("encode", work))
                tasks.create_task(phases.of("sound", voice.encode(sound, silent, cache, order.turn)))
        except ExceptionGroup as group:
            if gave_way(group):
                raise GaveWayError(tally.encoded) from None
            raise
        return tally.encoded

    async def part(self, order: Order, digests: Sequence[Digest], tell: Tell) -> int:
        """Makes what is missing of some segments of a film, which somebody else stitches; the frames that were encoded.

        Raises ForeignPartError where this build would not make just those; and what `make` does.
        """
        pictures, _ = await asyncio.to_thread(self._planned, order, frozenset())
        return await self.segments.some(order, pictures, digests, tell)

    async def _join(self, order: Order, pictures: Plan, sound: Score, path: Path, *, careful: bool) -> str:
        """Joins a proxy, with what an earlier one has of it; its digest. `careful`: reads that before it is taken."""
        cache = self._cache(order)
        async with AsyncExitStack() as opened:
            earlier = await self._earlier(opened, order)
            if earlier is not None and (careful or earlier.may_be_torn):
                await asyncio.to_thread(earlier.forget_damaged)
            joining = Joining(pictures, sound, earlier)
            digests, copied = joining.needs()
            files = await opened.enter_async_context(cache.files(digests))
            proxies = {
                sha256: await self._sources.local(opened, source.key)
                for sha256, source in pictures.copied().items()
                if sha256 in copied
            }
            return await asyncio.to_thread(joining.write, files, proxies, path, self._cores)

    async def _earlier(self, opened: AsyncExitStack, order: Order) -> Earlier | None:
        """The proxy of the nearest other version of the project; None if there is none."""
        own, keys = order.timeline.version, list[ProxyKey]()
        async for head in self._blobs.list(proxies_of(order.timeline.project_id)):
            with suppress(UnknownKeyError):
                key = parse_key(head.key)
                if isinstance(key, ProxyKey) and key.version != own:
                    keys.append(key)
        for key in sorted(keys, key=lambda key: (abs(own - key.version), -key.version))[:1]:
            with suppress(BlobNotFoundError):
                path = await opened.enter_async_context(self._blobs.local(str(key)))
                return opened.enter_context(Earlier.opened(path, order.timeline.canvas.fps))
        return None

    async def _stitch(
        self, order: Order, pictures: Plan, sound: Score, subtitles: Sequence[Subtitles], path: Path
    ) -> Path:
        """Joins all that there is; which file is the film."""
        profile = order.profile
        cache = self._cache(order)
        digests: set[Digest] = {*pictures.encoded(), *_chunks(profile, sound)}
        async with AsyncExitStack() as opened:
            files = await opened.enter_async_context(cache.files(digests))
            proxies = {
                sha256: await self._sources.local(opened, source.key) for sha256, source in pictures.copied().items()
            }
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
            passages = [chunk.passage for chunk in sound.chunks]
            tapes = {sha256: await self._sources.local(opened, key) for sha256, key in keys(passages).items()}
            with pcm.open("wb") as out:
                for passage in passages:
                    out.write(own_samples(passage, await voice.mixed(passage, tapes)).tobytes())

    def _cache(self, order: Order) -> SegmentCache:
        return SegmentCache(self._blobs, order.timeline.tenant, self.index)

    def _voice(self, order: Order) -> Voice:
        return Voice(self._ffmpeg, self._blobs, order.timeline.tenant, self._sources.local, self._cores)


def _chunks(profile: Profile, sound: Score) -> dict[Digest, Chunk]:
    """The chunks that a film of the profile copies."""
    return {chunk.digest: chunk for chunk in sound.chunks} if profile.sound == "aac" else {}
