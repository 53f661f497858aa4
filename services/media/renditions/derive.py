"""Makes what editing needs of an upload: the edit proxy, the sound, the thumbnail; and checks what was made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.blobs import BlobStore
from cutlog.contract.fonts import family_of
from cutlog.contract.keys import Content, RenditionKey, RenditionName, StreamKey
from cutlog.contract.media import MediaFacts, MediaKind, Rendition, Renditions, StreamRenditions, display_size
from cutlog.contract.profiles import SAMPLE_RATE, proxy_size
from cutlog.ffmpeg import Ffmpeg, FfmpegFailedError, Limits, RawProbe, is_font
from cutlog.ffmpeg.remembered import Probes
from services.media.facts.probed import Judged, UnusableError, judge, judge_font, others, rewritten
from services.media.renditions.previews import peaks, sheet
from services.media.renditions.recipes import (
    AUDIO,
    FONT,
    MASTER,
    PROXY,
    PROXY_ALPHA,
    SPRITE,
    THUMBNAIL,
    WAVEFORM,
    WAVEFORM_IMAGE,
    frame_args,
    proxy_frames,
    sprite_args,
    thin,
    thumbnail_args,
    waveform_args,
)
from services.media.renditions.tracks import USUAL, Pace, Tracks, Turn, nobody_waits

REWRITE_LIMITS = Limits(memory=2 << 30, seconds=600, output_bytes=8 << 30)
"""For a picture that is rewritten."""

Told = Callable[[float], None]
"""Told the share of the edit proxy that is made, 0 to 1."""
Shown = Callable[[Rendition], Awaitable[None]]
"""Given the thumbnail, which is there long before the rest."""


class Derived(msgspec.Struct, frozen=True):
    kind: MediaKind
    facts: MediaFacts
    renditions: Renditions


class Derive:
    """Keys depend on the content and the number of its examination alone, so making things twice gives the same
    objects."""

    def __init__(self, ffmpeg: Ffmpeg, blobs: BlobStore, probes: Probes | None = None, pace: Pace = USUAL) -> None:
        self._ffmpeg, self._blobs, self._pace = ffmpeg, blobs, pace
        self._probes = probes or Probes(ffmpeg)
        self._frames = asyncio.Semaphore(2)

    async def make(
        self,
        key: str,
        tenant: str,
        sha256: str,
        generation: int,
        told: Told | None = None,
        shown: Shown | None = None,
        *,
        revision: int = 0,
        turn: Turn = nobody_waits,
        thumbnail: Rendition | None = None,
    ) -> Derived:
        """All renditions of the original at `key`. What earlier attempts left is used, such as a `thumbnail`. Raises
        UnusableError, FfmpegFailedError, BlobNotFoundError, SliceLostError; and what `turn` does."""
        began = time.monotonic()
        async with self._blobs.local(key) as source, self._blobs.scratch() as folder:
            fetched = time.monotonic() - began
            content = Content(tenant, sha256, generation)
            if await asyncio.to_thread(is_font, source):
                return await self._font(source, folder, content, revision)
            raw = await self._look(source, sha256, revision)
            judged = original = judge(raw)
            facts, read = judged.facts, source
            if original.foreign:
                read = folder / MASTER
                await self._ffmpeg.rewrite(source, folder, MASTER, REWRITE_LIMITS)
                raw = await self._ffmpeg.probe(read, times=True, limits=_patience(read))
                judged = judge(raw)
                facts = rewritten(original, judged)
            limits = Limits(seconds=300 + 10 * float(Fraction(judged.facts.duration)))
            tracks = Tracks(
                self._ffmpeg, self._blobs, read, folder, content, revision, limits, turn, self._pace, fetched
            )
            work = _Work(self._ffmpeg, self._blobs, read, folder, judged, content, told, revision, tracks, limits)
            if judged.kind == "audio":
                thumbnail = None
            elif thumbnail is None or thumbnail.key != str(RenditionKey(content, THUMBNAIL, revision)):
                thumbnail = await work.thumbnail()
                if shown is not None:
                    await shown(thumbnail)
            proxy, alpha = await work.proxy() if judged.kind == "video" else (None, UNSET)
            audio = await work.audio() if judged.audio is not None else None
            made = Renditions(proxy=proxy, audio=audio, thumbnail=thumbnail, proxy_alpha=alpha)
            if original.foreign:
                made = msgspec.structs.replace(made, master=await work.master())
            if judged.kind == "video":
                made = msgspec.structs.replace(made, sprite=await work.sprite())
            if audio is not None and audio.samples:
                waveform, image = await work.waveform(audio)
                made = msgspec.structs.replace(made, waveform=waveform, waveform_image=image)
            streams = [await work.stream(other) for other in others(raw, judged)]
            if streams:
                made = msgspec.structs.replace(made, streams=tuple(streams))
        return Derived(original.kind, facts, made)

    async def _look(self, source: Path, sha256: str, revision: int) -> RawProbe:
        """What is in the original: what is known from its arrival, but who examines it again looks again."""
        looks = self._probes if revision == 0 else Probes(self._ffmpeg)
        return await looks.probe(source, sha256, times=True, limits=_patience(source))

    async def _font(self, source: Path, folder: Path, content: Content, revision: int) -> Derived:
        """A font, rewritten for titles to be drawn with. Raises UnusableError."""
        raw = await self._ffmpeg.rewrite_font(source, folder, FONT, family_of(content.sha256))
        master = await _stored(self._blobs, folder / FONT, str(RenditionKey(content, FONT, revision)))
        return Derived("font", judge_font(raw).facts, Renditions(master=master))

    async def frame(self, key: str, facts: MediaFacts, frame: int, to: str) -> None:
        """Makes a picture of a frame of the edit proxy at `key`. Raises BlobNotFoundError, FfmpegFailedError."""
        async with self._frames, self._blobs.local(key) as proxy, self._blobs.scratch() as folder:
            args = frame_args(proxy, facts, frame, THUMBNAIL)
            await self._ffmpeg.run(args, reads=[proxy], writes=folder, limits=Limits(seconds=60))
            await self._blobs.put_file(to, folder / THUMBNAIL, sync=False)


class _Work:
    """One upload's renditions."""

    def __init__(
        self,
        ffmpeg: Ffmpeg,
        blobs: BlobStore,
        source: Path,
        folder: Path,
        judged: Judged,
        content: Content,
        told: Told | None,
        revision: int,
        tracks: Tracks,
        limits: Limits,
    ) -> None:
        self._ffmpeg, self._blobs = ffmpeg, blobs
        self._source, self._folder, self._judged, self._content = source, folder, judged, content
        self._told, self._revision, self._tracks, self._limits = told, revision, tracks, limits

    async def proxy(self) -> tuple[Rendition, Rendition | UnsetType]:
        return await self._proxy(self._judged, self._key(PROXY), self._key(PROXY_ALPHA), self._told)

    async def _proxy(
        self, judged: Judged, key: str, alpha_key: str, told: Told | None = None
    ) -> tuple[Rendition, Rendition | UnsetType]:
        """The edit proxy, and its alpha where it has any: picture for picture, since both come from one run."""
        facts = judged.facts
        seconds = float(Fraction(facts.duration)) or 1.0
        count = await self._tracks.pictures(judged, lambda there: told and told(min(1.0, there / seconds)))
        width, height = proxy_size(*display_size(facts))
        wanted = proxy_frames(facts)
        if count != (wanted or max(1, count)):
            raise UnusableError(f"{count} of its {wanted or facts.frames} frames could be decoded")

        async def put(name: RenditionName, key: str) -> Rendition:
            return msgspec.structs.replace(await self._put(name, key), width=width, height=height, frames=count)

        return await put(PROXY, key), await put(PROXY_ALPHA, alpha_key) if facts.alpha else UNSET

    async def master(self) -> Rendition:
        facts = self._judged.facts
        return msgspec.structs.replace(await self._put(MASTER), width=facts.width, height=facts.height)

    async def audio(self) -> Rendition:
        return await self._audio(self._judged, self._key(AUDIO))

    async def _audio(self, judged: Judged, key: str) -> Rendition:
        samples = await self._tracks.sound(judged)
        return msgspec.structs.replace(await self._put(AUDIO, key), samples=samples)

    async def stream(self, other: Judged) -> StreamRenditions:
        """Of another stream than the chosen one: the file as if that were chosen. Last of all, since the files of the
        chosen ones are replaced."""
        if other.video is not None:
            key = str(StreamKey(self._content, other.video, "mp4", self._revision))
            alpha_key = str(StreamKey(self._content, other.video, "alpha.mp4", self._revision))
            made, alpha = await self._proxy(other, key, alpha_key)
            return StreamRenditions(index=other.video, facts=other.facts, proxy=made, proxy_alpha=alpha)
        assert other.audio is not None
        sound = await self._audio(other, str(StreamKey(self._content, other.audio, "m4a", self._revision)))
        return StreamRenditions(index=other.audio, audio=sound)

    async def thumbnail(self) -> Rendition:
        """Of a film, its frame a tenth in, since the beginning is often black; the first, where none can be sought."""
        if telling := (self._judged.facts.frames or 0) // 10:
            with suppress(FfmpegFailedError, FileNotFoundError):
                return await self._thumbnail(telling)
        return await self._thumbnail(0)

    async def _thumbnail(self, frame: int) -> Rendition:
        await self._run(thumbnail_args(self._source, self._judged, frame))
        return await self._put(THUMBNAIL)

    async def sprite(self) -> Rendition:
        facts, proxy = self._judged.facts, self._folder / PROXY
        of = sheet(facts)
        if moments := thin(facts, of):
            from services.media.renditions.joining import thinned  # PyAV

            proxy = self._folder / "thinned.mp4"
            await asyncio.to_thread(thinned, self._folder / PROXY, proxy, moments)
        await self._run(sprite_args(proxy, facts, of))
        return msgspec.structs.replace(await self._put(SPRITE), width=of.width, height=of.height, frames=of.count)

    async def waveform(self, audio: Rendition) -> tuple[Rendition, Rendition]:
        await asyncio.to_thread(self._peaks, audio.samples or 0)
        await self._run(waveform_args(self._folder / AUDIO))
        return await self._put(WAVEFORM), await self._put(WAVEFORM_IMAGE)

    def _peaks(self, samples: int) -> None:
        from cutlog.ffmpeg.samples import blocks  # PyAV and NumPy, which a service without uploads can do without

        found = peaks((block.tobytes() for block in blocks(self._folder / AUDIO)), samples, SAMPLE_RATE)
        (self._folder / WAVEFORM).write_bytes(msgspec.json.encode(found))

    async def _run(self, args: list[str]) -> None:
        await self._ffmpeg.run(args, reads=[self._source], writes=self._folder, limits=self._limits)

    async def _put(self, name: RenditionName, key: str = "") -> Rendition:
        return await _stored(self._blobs, self._folder / name, key or self._key(name))

    def _key(self, name: RenditionName) -> str:
        return str(RenditionKey(self._content, name, self._revision))


async def _stored(blobs: BlobStore, path: Path, key: str) -> Rendition:
    # Not synced: it can be made again, and its digest tells when it is torn.
    blob = await blobs.put_file(key, path, sync=False)
    return Rendition(key=blob.key, size=blob.size, sha256=blob.sha256)


def _patience(path: Path) -> Limits:
    """For reading a file through: a minute, and one more for each gigabyte."""
    return Limits(memory=1 << 30, seconds=60 + 60 * path.stat().st_size / (1 << 30), output_bytes=1 << 20)
