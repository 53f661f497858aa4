"""Ingest and rendering in a test's own store."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from cutlog.blobs import LocalBlobs
from cutlog.contract.commands import Output
from cutlog.contract.media import MediaFacts, MediaKind, Rendition, Renditions, display_size
from cutlog.contract.profiles import COLOR_FILTER, export_key, proxy_key, proxy_size, proxy_video_args
from cutlog.contract.time import Fps
from cutlog.contract.timeline import MediaRef, Timeline
from cutlog.ffmpeg import Ffmpeg
from services.render.make import Maker, Order
from services.render.profiles import EXPORTS, PROXY


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
        key = proxy_key(timeline.project_id, timeline.version)
        return await self.maker.make(Order(timeline=timeline, profile=PROXY, key=key, sync=False), self.told.append)

    async def export(self, timeline: Timeline) -> Output:
        key = export_key(timeline.project_id, timeline.version, "mp4")
        order = Order(timeline=timeline, profile=EXPORTS["mp4"], key=key, sync=True)
        return await self.maker.make(order, self.told.append)

    async def ingest(
        self, name: str, clip: Path, fps: Fps, *, rotation: int = 0, kind: MediaKind = "video"
    ) -> MediaRef:
        """What the media service makes of an upload: the original in the store, an edit proxy, PCM."""
        facts = _facts(clip, fps, rotation, kind)
        key = f"videos/default/{name}.0{clip.suffix}"
        original = await self.blobs.put_file(key, clip)
        proxy = audio = None
        async with self.blobs.scratch() as folder:
            if kind == "video":
                proxy = await self._edit_proxy(name, clip, facts, folder)
            if facts.audio_codec is not None:
                await self.ffmpeg.run(
                    ["-i", str(clip), "-vn", "-ac", "2", "-ar", "48000", "-f", "s16le", "audio.pcm"],
                    reads=[clip],
                    writes=folder,
                )
                blob = await self.blobs.put_file(f"derived/default/{name}.0/audio.pcm", folder / "audio.pcm")
                audio = Rendition(key=blob.key, size=blob.size, sha256=blob.sha256, samples=blob.size // 4)
        return MediaRef(
            id=name,
            sha256=original.sha256,
            kind=kind,
            status="ready",
            facts=facts,
            key=key,
            renditions=Renditions(proxy=proxy, audio=audio),
        )

    async def _edit_proxy(self, name: str, clip: Path, facts: MediaFacts, folder: Path) -> Rendition:
        assert facts.fps is not None
        width, height = proxy_size(*display_size(facts))
        chain = (
            f"fps={facts.fps.num}/{facts.fps.den},"
            f"scale={width}:{height}:flags=bicubic:out_color_matrix=bt709:out_range=tv,format=yuv420p,setsar=1,{COLOR_FILTER}"
        )
        args = ["-i", str(clip), "-an", "-vf", chain, *proxy_video_args(facts.fps.fraction), "proxy.mp4"]
        await self.ffmpeg.run(args, reads=[clip], writes=folder)
        blob = await self.blobs.put_file(f"derived/default/{name}.0/proxy.mp4", folder / "proxy.mp4")
        return Rendition(
            key=blob.key, size=blob.size, sha256=blob.sha256, width=width, height=height, frames=facts.frames
        )


def _facts(clip: Path, fps: Fps, rotation: int, kind: MediaKind) -> MediaFacts:
    with av.open(str(clip), "r") as container:
        video = container.streams.video[0]
        frames = sum(1 for packet in container.demux(video) if packet.size)
        sar = video.sample_aspect_ratio or Fraction(1)
        return MediaFacts(
            container=container.format.name,
            duration=str(float(frames / fps.fraction)),
            width=video.codec_context.width,
            height=video.codec_context.height,
            sar=(sar.numerator, sar.denominator),
            rotation=rotation,
            fps=None if kind == "image" else fps,
            frames=frames,
            video_codec=video.codec_context.name,
            audio_codec=container.streams.audio[0].codec_context.name if container.streams.audio else None,
        )


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
