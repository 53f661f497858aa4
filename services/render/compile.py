"""Some segments as one run of ffmpeg. Pure, and the only module that knows ffmpeg-python.

Every filter chain counts frames, never seconds: source frames are numbered by their moment at the source's rate,
picked by number, and numbered again from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, assert_never

import ffmpeg
import msgspec
from ffmpeg.nodes import FilterNode

from cutlog.contract.profiles import COLOR_FILTER
from cutlog.contract.time import Fps, source_frame
from cutlog.contract.timeline import TextStyle
from services.render.geometry import Placement, Size
from services.render.plan import Drawn, Encoded, Picture, Shot, SourceFile, continues
from services.render.spans import Solid, Title

OUTPUT: Final = "run.mp4"

#: Containers in which ffmpeg finds the key frame before a moment; in others it reads from the beginning.
_SEEKABLE: Final = frozenset({"mov", "mp4", "matroska", "webm"})

#: Names of fonts in titles, to files in services/render/fonts.
FONTS: Final = {"sans": "DejaVuSans.ttf", "sans-bold": "DejaVuSans-Bold.ttf"}

#: The contract's, as ffmpeg-python wants it.
_COLOR: Final = dict(part.split("=") for part in COLOR_FILTER.partition("=")[2].split(":"))

_ALIGN: Final = {"left": "L", "center": "C", "right": "R"}


class Opened(msgspec.Struct, frozen=True):
    """A source file on disk: the index of the stream to show, and the time of its first picture in seconds."""

    path: Path
    stream: int = 0
    start: Fraction = Fraction(0)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Arguments of one ffmpeg process. Its folder must hold `texts` (name to content) and `fonts` (file names).

    It reads `reads` and writes OUTPUT: the pictures of `segments`, one after the other, each from a key frame on.
    """

    args: tuple[str, ...]
    reads: tuple[Path, ...]
    texts: dict[str, str]
    fonts: tuple[str, ...]
    segments: tuple[Encoded, ...]

    @property
    def frames(self) -> int:
        return sum(segment.frames for segment in self.segments)


def batches(segments: Iterable[Encoded], most_frames: int, most_pieces: int) -> list[tuple[Encoded, ...]]:
    """Segments in groups of one run each: at most so many frames (unless one alone has more) and separate pieces."""
    out: list[list[Encoded]] = []
    frames = pieces = 0
    for segment in segments:
        joined = bool(out) and continues(out[-1][-1].layers, out[-1][-1].frames, segment.layers)
        if not out or frames + segment.frames > most_frames or pieces + (not joined) > most_pieces:
            out.append([])
            frames, pieces, joined = 0, 0, False
        out[-1].append(segment)
        frames += segment.frames
        pieces += not joined
    return [tuple(batch) for batch in out]


def compile_run(
    segments: Sequence[Encoded],
    size: Size,
    fps: Fps,
    encoder: Sequence[str],
    files: Mapping[str, Opened],
    threads: int = 0,
) -> Run:
    """One ffmpeg process that makes these segments. `files` has all sources by SHA-256; `threads` 0 is up to ffmpeg."""
    graph = _Graph(size, fps, files)
    pieces: list[tuple[tuple[Drawn, ...], int]] = []
    for previous, segment in zip((None, *segments), segments, strict=False):
        if previous is not None and continues(previous.layers, previous.frames, segment.layers):
            pieces[-1] = (pieces[-1][0], pieces[-1][1] + segment.frames)
        else:
            pieces.append((segment.layers, segment.frames))
    streams = [graph.piece(layers, frames) for layers, frames in pieces]
    film = ffmpeg.concat(*streams, v=1, a=0) if len(streams) > 1 else streams[0]
    film = (
        film.filter("settb", f"{fps.den}/{fps.num}")
        .filter("setpts", "N")
        .filter("fps", f"{fps.num}/{fps.den}")
        .filter("setsar", "1")
        .filter("setparams", **_COLOR)
    )
    total = sum(segment.frames for segment in segments)
    options: dict[str, Any] = dict(zip((arg.removeprefix("-") for arg in encoder[::2]), encoder[1::2], strict=True))
    options |= {
        "force_key_frames": _boundaries(segments, fps),
        "forced-idr": 1,
        "fps_mode": "passthrough",
        "frames:v": total,
        "threads": threads,
        "map_metadata": -1,
        "fflags": "+bitexact",
    }
    args = ffmpeg.output(film, OUTPUT, **options).global_args("-copyts").get_args()
    return Run(
        args=tuple(args),
        reads=tuple(sorted({file.path for file in graph.used})),
        texts=graph.texts,
        fonts=tuple(sorted(graph.fonts)),
        segments=tuple(segments),
    )


def _boundaries(segments: Sequence[Encoded], fps: Fps) -> str:
    """Moments for -force_key_frames, in seconds, each half a frame early: rounding can't miss the frame."""
    at, moments = 0, []
    for segment in segments:
        moments.append("0" if at == 0 else f"{float(Fraction(2 * at - 1, 2) / fps.fraction):.6f}")
        at += segment.frames
    return ",".join(moments)


class _Graph:
    """Builds filter chains; collects the files and texts that they need."""

    def __init__(self, size: Size, fps: Fps, files: Mapping[str, Opened]) -> None:
        self._size = size
        self._fps = fps
        self._rate = f"{fps.num}/{fps.den}"
        self._files = files
        self._chains = 0
        self.used: list[Opened] = []
        self.texts: dict[str, str] = {}
        self.fonts: set[str] = set()

    def piece(self, layers: tuple[Drawn, ...], frames: int) -> Any:
        """A stream of exactly `frames` pictures of the output's size, from the bottom layer up."""
        film: Any = None
        for layer in layers:
            match layer:
                case Solid(color=color):
                    film = self._solid(color, frames)
                case Shot():
                    film = self._over(film, self._shot(layer, frames), layer.placement)
                case Picture():
                    film = self._over(film, self._picture(layer, frames), layer.placement)
                case Title(text=text):
                    film = self._title(film, text)
                case _:
                    assert_never(layer)
        return film

    def _first(self, stream: Any, name: str, *args: object, **kwargs: object) -> Any:
        """The first filter of a chain. ffmpeg-python takes nodes of equal hash for one, and hashes them when made."""
        self._chains += 1
        node = FilterNode(stream, name, args=list(args), kwargs={**kwargs, "chain": self._chains})
        del node.kwargs["chain"]
        return node.stream()

    def _solid(self, color: str, frames: int) -> Any:
        # Made as RGB, since only then it is up to us by which matrix it becomes YUV. One picture, then repeated.
        source = f"color=c={_rgb(color)}:s={self._size[0]}x{self._size[1]}:r={self._rate},format=gbrp"
        one = self._first(ffmpeg.input(source, f="lavfi"), "trim", end_frame=1)
        return self._repeated(_bt709(one, self._size).filter("format", "yuv420p"), frames)

    def _shot(self, shot: Shot, frames: int) -> Any:
        film = self._conformed(shot.source, shot.start, frames)
        return self._placed(film, shot.placement, as_is=shot.source.conformed)

    def _picture(self, picture: Picture, frames: int) -> Any:
        if picture.frame is not None:
            one = self._conformed(picture.source, picture.frame, 1)
            return self._repeated(self._placed(one, picture.placement, as_is=picture.source.conformed), frames)
        opened = self._open(picture.source.sha256)
        one = self._first(ffmpeg.input(f"file:{opened.path}")[str(opened.stream)], "trim", end_frame=1)
        return self._repeated(self._placed(one, picture.placement, pixels="yuva420p"), frames)

    def _conformed(self, source: SourceFile, first: int, frames: int) -> Any:
        """Conformed frames [first, first + frames) of a moving picture, numbered from 0."""
        assert source.fps is not None, f"{source.key} has no rate"
        opened = self._open(source.sha256)
        own = f"{source.fps.num}/{source.fps.den}"
        earliest = max(0, source_frame(first, self._fps.fraction, source.fps.fraction) - 1)
        seek: dict[str, Any] = {}
        if earliest and not _SEEKABLE.isdisjoint(source.container.split(",")):
            seek = {"ss": f"{float(earliest / source.fps.fraction):.6f}", "noaccurate_seek": None}
        film = ffmpeg.input(f"file:{opened.path}", **seek)[str(opened.stream)]
        if opened.start:
            moved = f"round(PTS-({opened.start.numerator}/{opened.start.denominator})/TB)"
            film = self._first(film, "setpts", moved)
        # Which picture of the source is on screen at n / its rate; in its edit proxy that is simply the n-th.
        film = self._first(film, "fps", own)
        if source.fps != self._fps:
            # The frame that is on screen at k / rate is the last one that began: its moment rounded up.
            film = film.filter("fps", self._rate, round="up")
        film = (
            film.filter("trim", start_pts=first, end_pts=first + frames)
            .filter("setpts", f"PTS-{first}")
            # A picture missing at the start, in the middle or at the end is replaced by its neighbour, never shifted.
            .filter("fps", self._rate, start_time=0)
        )
        return film.filter("tpad", stop=-1, stop_mode="clone").filter("trim", end_frame=frames)

    def _repeated(self, film: Any, frames: int) -> Any:
        """One picture so many times: everything before is done once."""
        film = film.filter("settb", f"{self._fps.den}/{self._fps.num}").filter("setpts", "0")
        return film.filter("loop", loop=-1, size=1).filter("setpts", "N").filter("trim", end_frame=frames)

    def _placed(self, film: Any, placement: Placement, pixels: str = "yuv420p", as_is: Size | None = None) -> Any:
        """Scaled and cropped. What has the right size `as_is` is an edit proxy, and its colours are right too."""
        if as_is != placement.scaled:
            film = _bt709(film, placement.scaled).filter("format", pixels)
        crop = placement.crop
        if (crop.width, crop.height) != placement.scaled:
            film = film.filter("crop", crop.width, crop.height, crop.x, crop.y)
        return film.filter("setsar", "1")

    def _over(self, film: Any, top: Any, placement: Placement) -> Any:
        if film is None:
            return top
        return ffmpeg.overlay(film, top, x=placement.x, y=placement.y)

    def _title(self, film: Any, style: TextStyle) -> Any:
        name = f"title{len(self.texts)}.txt"
        font = FONTS.get(style.font, FONTS["sans"])
        height = self._size[1]
        self.texts[name] = style.text
        self.fonts.add(font)
        options: dict[str, Any] = {
            "textfile": name,
            "fontfile": font,
            "expansion": "none",
            "fontsize": max(1, round(style.size * height)),
            "fontcolor": _rgb(style.color),
            "text_align": _ALIGN[style.align],
            "x": f"w*{style.x!r}-text_w/2",
            "y": f"h*{style.y!r}-text_h/2",
        }
        if style.stroke is not None:
            options |= {"bordercolor": _rgb(style.stroke.color), "borderw": round(style.stroke.width * height)}
        if style.shadow is not None:
            across, down = round(style.shadow.x * height), round(style.shadow.y * height)
            options |= {"shadowcolor": _rgb(style.shadow.color), "shadowx": across, "shadowy": down}
        if style.box is not None:
            padding = round(style.box.padding * height)
            options |= {"box": 1, "boxcolor": _rgb(style.box.color), "boxborderw": padding}
        return film.filter("drawtext", **options)

    def _open(self, sha256: str) -> Opened:
        opened = self._files[sha256]
        self.used.append(opened)
        return opened


def _bt709(film: Any, size: Size) -> Any:
    """Scaled, in square pixels, as BT.709 of limited range."""
    return film.filter("scale", size[0], size[1], flags="bicubic", out_color_matrix="bt709", out_range="tv")


def _rgb(color: str) -> str:
    return f"0x{color[1:]}"
