"""Ingest and rendering in a test's own store."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import av
import msgspec
from msgspec import UNSET

from cutlog.blobs import LocalBlobs
from cutlog.contract.commands import Output
from cutlog.contract.fonts import family_of
from cutlog.contract.keys import Content, ExportKey, ProxyKey
from cutlog.contract.media import MediaFacts, MediaKind, Rendition, Renditions, display_size
from cutlog.contract.profiles import ExportProfile, proxy_size
from cutlog.contract.timeline import MediaRef, Timeline
from cutlog.ffmpeg import Ffmpeg, Limits, is_font
from services.media.facts.probed import judge, judge_font, rewritten
from services.media.renditions import recipes
from services.media.renditions.tracks import Tracks
from services.render.plan.profiles import EXPORTS, PROXY
from services.render.produce.make import Maker
from services.render.produce.orders import Order
from tests.support.shelf import once

NOTE: Final = "ingested.json"


class Studio:
    """`blobs` is a folder; `told` collects what the maker tells of its progress."""

    def __init__(self, ffmpeg: Ffmpeg, blobs: LocalBlobs) -> None:
        self.ffmpeg = ffmpeg
        self.blobs = blobs
        self.maker = Maker(ffmpeg, blobs, cores=2)
        self.told: list[int] = []

    def path(self, output: Output) -> Path:
        return self.blobs.path(output.key)

    def segments(self) -> dict[str, int]:
        """Files of the segment cache, with the moment each was written."""
        folder = self.blobs.root / "segments"
        files = [path for path in folder.rglob("*.mp4") if "receipts" not in path.parts]
        return {path.stem: path.stat().st_mtime_ns for path in files}

    def pictures(self) -> set[str]:
        """Names of the segments that hold pictures, not sound."""
        found = set()
        for name in self.segments():
            with av.open(str(self.blobs.root / "segments" / "default" / name[:2] / f"{name}.mp4"), "r") as container:
                if container.streams.video:
                    found.add(name)
        return found

    async def proxy(self, timeline: Timeline) -> Output:
        key = str(ProxyKey(timeline.project_id, timeline.version))
        return await self.maker.make(Order(timeline=timeline, profile=PROXY, key=key, sync=False), self.told.append)

    async def export(self, timeline: Timeline, profile: ExportProfile = "mp4") -> Output:
        key = str(ExportKey(timeline.project_id, timeline.version, profile))
        order = Order(timeline=timeline, profile=EXPORTS[profile], key=key, sync=True)
        return await self.maker.make(order, self.told.append)

    async def ingest(self, name: str, clip: Path) -> MediaRef:
        """What the media service makes of an upload: the original in the store, an edit proxy, PCM."""
        if is_font(clip):
            return await self._font(name, clip)
        made, folder = await asyncio.to_thread(ingested, self.ffmpeg, clip)
        key = f"videos/default/{name}.0{clip.suffix}"
        original = await self.blobs.put_file(key, clip)
        stored = {file: await self._rendition(name, folder / file) for file in made.files}
        proxy, audio = stored.get(recipes.PROXY), stored.get(recipes.AUDIO)
        if proxy is not None:
            width, height = proxy_size(*display_size(made.facts))
            proxy = msgspec.structs.replace(proxy, width=width, height=height)
        return MediaRef(
            id=name,
            sha256=original.sha256,
            kind=made.kind,
            status="ready",
            facts=made.facts,
            key=key,
            renditions=Renditions(
                proxy=proxy,
                audio=audio,
                master=stored.get(recipes.MASTER, UNSET),
                proxy_alpha=stored.get(recipes.PROXY_ALPHA, UNSET),
            ),
        )

    async def _font(self, name: str, file: Path) -> MediaRef:
        original = await self.blobs.put_file(f"videos/default/{name}.0{file.suffix}", file)
        async with self.blobs.scratch() as folder:
            raw = await self.ffmpeg.rewrite_font(file, folder, recipes.FONT, family_of(original.sha256))
            master = await self._rendition(name, folder / recipes.FONT)
        return MediaRef(
            id=name,
            sha256=original.sha256,
            kind="font",
            status="ready",
            facts=judge_font(raw).facts,
            key=original.key,
            renditions=Renditions(master=master),
        )

    async def _rendition(self, name: str, path: Path) -> Rendition:
        blob = await self.blobs.put_file(f"derived/default/{name}.0/{path.name}", path)
        return Rendition(key=blob.key, size=blob.size, sha256=blob.sha256)


class Ingested(msgspec.Struct, frozen=True):
    """What is known of a clip, and the names of the files that were made of it."""

    kind: MediaKind
    facts: MediaFacts
    files: tuple[str, ...]


def ingested(ffmpeg: Ffmpeg, clip: Path) -> tuple[Ingested, Path]:
    """The same for the same clip, made once in a run of the tests, and the folder with the files."""
    key = ("ingested", digest(clip), clip.suffix, ffmpeg.identity)

    def make(folder: Path) -> None:
        (folder / NOTE).write_bytes(msgspec.json.encode(asyncio.run(_ingest(ffmpeg, clip, folder))))

    folder = once(key, make)
    return msgspec.json.decode((folder / NOTE).read_bytes(), type=Ingested), folder


async def _ingest(ffmpeg: Ffmpeg, clip: Path, folder: Path) -> Ingested:
    judged = judge(await ffmpeg.probe(clip, times=True))
    facts, read = judged.facts, clip
    files: list[str] = []
    if judged.foreign:
        read = folder / recipes.MASTER
        await ffmpeg.rewrite(clip, folder, recipes.MASTER)
        of_master = judge(await ffmpeg.probe(read, times=True))
        facts, judged = rewritten(judged, of_master), of_master
        files.append(recipes.MASTER)
    content = Content("default", digest(clip), 0)
    tracks = Tracks(ffmpeg, LocalBlobs(folder / "slices", "secret"), read, folder, content, 0, Limits())
    if judged.kind == "video":
        await tracks.pictures(judged, lambda _: None)
        files += [recipes.PROXY, *([recipes.PROXY_ALPHA] if judged.facts.alpha else [])]
    if judged.audio is not None:
        await tracks.sound(judged)
        files.append(recipes.AUDIO)
    return Ingested(judged.kind, facts, tuple(files))


def key_frames(path: Path) -> list[int]:
    """Numbers of the key frames of a film, in the order of presentation."""
    times = packet_times(path)
    with av.open(str(path), "r") as container:
        keys = [packet.pts for packet in container.demux(video=0) if packet.size and packet.is_keyframe]
    order = sorted(pts for pts, _ in times)
    return sorted(order.index(pts) for pts in keys if pts is not None)


def packet_times(path: Path, kind: str = "video") -> Sequence[tuple[int, int]]:
    """(pts, dts) of all packets of the first stream of a kind, in its time base."""
    with av.open(str(path), "r") as container:
        stream = getattr(container.streams, kind)[0]
        return [(packet.pts or 0, packet.dts or 0) for packet in container.demux(stream) if packet.size]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
