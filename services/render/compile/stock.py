"""Where pictures come from: files, frame by exact frame, and plain canvases. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg
import msgspec
from ffmpeg.nodes import FilterableStream, FilterNode, Node

from cutlog.contract.time import Fps
from cutlog.ffmpeg.clock import numbered, seek
from cutlog.ffmpeg.colors import ORDINARY, Coding, into_bt709
from services.render.compile.shapes import straight
from services.render.compile.titles import rgb
from services.render.plan.geometry import Size
from services.render.plan.layers import Shot, SourceFile


class _Source(FilterNode):  # type: ignore[misc]
    """A filter that takes nothing in; ffmpeg-python has no word for it."""

    def __init__(self, name: str, kwargs: dict[str, object]) -> None:
        Node.__init__(
            self,
            stream_spec=None,
            name=name,
            incoming_stream_types={},
            outgoing_stream_type=FilterableStream,
            min_inputs=0,
            max_inputs=0,
            args=[],
            kwargs=kwargs,
        )


class Opened(msgspec.Struct, frozen=True):
    """A source file on disk: its demuxer, the index of the stream to show, the time of its first picture in seconds,
    its colours, its decoder where that is not up to ffmpeg."""

    path: Path
    demuxer: str
    stream: int = 0
    start: Fraction = Fraction(0)
    coding: Coding = ORDINARY
    decoder: str | None = None


class Stock:
    """Streams of pictures for one run; `used` collects the files that they are made of."""

    def __init__(self, size: Size, fps: Fps, files: Mapping[str, Opened]) -> None:
        self._size = size
        self._fps = fps
        self._rate = f"{fps.num}/{fps.den}"
        self._files = files
        self._chains = 0
        self.used: list[Opened] = []

    def _first(self, stream: Any, name: str, *args: object, **kwargs: object) -> Any:
        """The first filter of a chain. ffmpeg-python takes nodes of equal hash for one, and hashes them when made."""
        self._chains += 1
        node = FilterNode(stream, name, args=list(args), kwargs={**kwargs, "chain": self._chains})
        del node.kwargs["chain"]
        return node.stream()

    def _plate(self, color: str, size: Size) -> Any:
        """A colour without end, as a filter: an input would cost threads and their stacks, and layers are many."""
        if not self._chains:
            # ffmpeg-python wants at least one input.
            source = f"color=c={color}:s={size[0]}x{size[1]}:r={self._rate}" + (",format=gbrap" if "@" in color else "")
            return self._first(ffmpeg.input(source, f="lavfi"), "null")
        self._chains += 1
        node = _Source("color", {"c": color, "s": f"{size[0]}x{size[1]}", "r": self._rate, "chain": self._chains})
        del node.kwargs["chain"]
        return node.stream()

    def _solid(self, color: str, frames: int) -> Any:
        # Made as RGB, since only then it is up to us by which matrix it becomes YUV. One picture, then repeated.
        one = self._plate(rgb(color), self._size).filter("format", "gbrp").filter("trim", end_frame=1)
        return self._repeated(bt709(one, self._size).filter("format", "yuv420p"), frames)

    def _clear(self, frames: int, color: str = "0x000000") -> Any:
        """A canvas of which nothing is seen; `color` is what edges drawn on it fade to."""
        one = self._plate(f"{color}@0", self._size).filter("format", "gbrap").filter("trim", end_frame=1)
        return self._repeated(bt709(one, self._size).filter("format", "yuva420p"), frames)

    def _image(self, source: SourceFile) -> Any:
        opened = self._open(source.content)
        return self._first(_input(opened), "trim", end_frame=1)

    def _shot(self, shot: Shot, frames: int) -> Any:
        """The pictures that a shot shows, one for each frame."""
        if shot.straight:
            return self._conformed(shot.source, shot.start, frames)
        count = shot.steps(frames - 1) + 1
        first = shot.start - count + 1 if shot.backwards else shot.start
        film = self._conformed(shot.source, first, count)
        if shot.backwards:
            film = film.filter("reverse").filter("setpts", "N")
        num, den, phase = shot.num, shot.den, shot.phase
        # Source frame n is on screen from the frame ceil((n × den - phase) / num) on, if it is at all.
        since = f"max(0,ceil((N*{den}-{phase})/{num}))"
        if num > den:
            seen = since.replace("N", "n")
            film = film.filter("select", f"eq(floor(({seen}*{num}+{phase})/{den}),n)").filter("setpts", "N")
        else:
            film = film.filter("setpts", since).filter("fps", self._rate, start_time=0)
        return film.filter("tpad", stop=-1, stop_mode="clone").filter("trim", end_frame=frames)

    def _conformed(self, source: SourceFile, first: int, frames: int) -> Any:
        """Conformed frames [first, first + frames) of a moving picture, numbered from 0, with its alpha."""
        film = self._timed(source, first, frames)
        if source.plane is None:
            return film
        plane = self._timed(source.plane, first, frames).filter("format", "gray")
        return ffmpeg.filter([film.filter("format", "yuv420p"), plane], "alphamerge")

    def _timed(self, source: SourceFile, first: int, frames: int) -> Any:
        """Frames [first, first + frames) of a file at the project's rate, numbered from 0."""
        assert source.clock is not None, f"{source.key} has no clock"
        opened, rate = self._open(source.content), self._fps.fraction
        sought = seek(source.clock, opened.start, source.container, first / rate)
        film = _input(opened, **sought)
        for name, options in numbered(source.clock, opened.start, rate):
            film = self._first(film, name, **options)
        film = (
            # The last picture stands to the end.
            film.filter("tpad", stop=-1, stop_mode="clone")
            .filter("trim", start_pts=first, end_pts=first + frames)
            .filter("setpts", f"PTS-{first}")
            # A picture missing at the start or in the middle is replaced by its neighbour, never shifted.
            .filter("fps", self._rate, start_time=0)
        )
        return film.filter("trim", end_frame=frames)

    def _repeated(self, film: Any, frames: int) -> Any:
        """One picture so many times: everything before is done once."""
        film = film.filter("settb", f"{self._fps.den}/{self._fps.num}").filter("setpts", "0")
        return film.filter("loop", loop=-1, size=1).filter("setpts", "N").filter("trim", end_frame=frames)

    def _sized(self, film: Any, source: SourceFile, size: Size, alpha: bool) -> Any:
        """Scaled. An edit proxy of the right size has the right colours too."""
        if source.conformed != size:
            coding = self._files[source.content].coding
            film = clear(film, size, coding) if source.alpha is not None else bt709(film, size, coding)
        if source.alpha in ("black", "white"):
            film = straight(film, source.alpha)
        return film.filter("format", "yuva420p" if alpha else "yuv420p")

    def _open(self, content: str) -> Opened:
        opened = self._files[content]
        self.used.append(opened)
        return opened


def _input(opened: Opened, **sought: object) -> Any:
    """The pictures of a file."""
    if opened.decoder is not None:
        sought[f"c:{opened.stream}"] = opened.decoder
    return ffmpeg.input(f"file:{opened.path}", f=opened.demuxer, **sought)[str(opened.stream)]


def clear(film: Any, size: Size, coding: Coding) -> Any:
    """As `bt709`, of pictures with alpha: those filters that bend high dynamic range lose it."""
    if coding.hdr is None:
        return bt709(film, size, coding)
    both = film.filter_multi_output("split")
    mask = (
        both[1]
        .filter("format", "yuva444p")
        .filter("alphaextract")
        .filter("scale", *size, flags="bicubic")
        .filter("format", "gray")
    )
    return ffmpeg.filter([bt709(both[0], size, coding).filter("format", "yuv444p"), mask], "alphamerge")


def bt709(film: Any, size: Size, coding: Coding = ORDINARY) -> Any:
    for name, options in into_bt709(*size, coding):
        film = film.filter(name, **options)
    return film
