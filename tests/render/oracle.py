"""A second renderer, to be compared with: one graph of ffmpeg for a whole timeline, without spans, segments or keys.

It knows the resolved timeline and the words of the contract, nothing of the plan. Which frame of a source is seen when
is worked out here, picture by picture, from decoded files; curves are ffmpeg expressions of the time.
"""

from __future__ import annotations

import asyncio
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import imageio_ffmpeg
import msgspec
import numpy as np
from numpy.typing import NDArray

from cutlog.contract.effects import TRANSITIONS
from cutlog.contract.properties import Animated, Easing, Keyframes
from cutlog.contract.time import source_frame
from cutlog.contract.timeline import (
    Clip,
    ColorSource,
    Fit,
    FreezeSource,
    MediaSource,
    TextSource,
    TextStyle,
    Timeline,
    Track,
    frame_shown,
)
from services.render.compile.titles import drawing
from services.render.plan.layers import Words
from services.render.produce.lettering import Letterer

BT709 = "flags=bicubic:out_color_matrix=bt709:out_range=tv"
EXACT = "bicubic+accurate_rnd+full_chroma_int"
#: Chroma for every pixel and back, so that chroma that nothing is laid over stays as it was.
FULL, HALF = "scale=flags=neighbor,format={}", "scale=flags=area,format=yuv420p"

Reel = NDArray[np.uint8]
"""The frames of a source, as planar yuv420p."""


def decoded(path: Path) -> tuple[Reel, tuple[int, int]]:
    """All frames of a file, and their width and height."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]
    height, width = frames[0].shape
    return np.stack(frames).astype(np.uint8, copy=False), (width, height * 2 // 3)


class Oracle:
    """Renders timelines of footage, colours and text. `reels` has the frames of each source by media id."""

    def __init__(self, timeline: Timeline, reels: dict[str, tuple[Reel, tuple[int, int]]], folder: Path) -> None:
        self._timeline = timeline
        self._reels = reels
        self._folder = folder
        self._canvas = timeline.canvas
        self._rate = timeline.canvas.fps.fraction
        self._inputs: list[str] = []
        self._chains: list[str] = []
        self._labels = 0

    def render(self, out: Path, encoder: tuple[str, ...]) -> None:
        """Writes the whole film, by one run of ffmpeg."""
        film = self._plate(self._canvas.background, self._timeline.duration)
        for track in self._timeline.tracks:
            if track.kind == "video" and not track.hidden:
                film = self._track(film, track)
        self._chain(film, f"{HALF},setsar=1", "film")
        args = [
            imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-filter_complex_threads", "1",
            *self._inputs, "-filter_complex", ";".join(self._chains), "-map", "[film]",
            *encoder, "-frames:v", str(self._timeline.duration), "-fps_mode", "passthrough", str(out),
        ]  # fmt: skip
        subprocess.run(args, check=True, cwd=self._folder)

    # --- the stack

    def _track(self, film: str, track: Track) -> str:
        joints = {each.left: each for each in track.transitions}
        ends = {each.right: each for each in track.transitions}
        for clip, following in zip(track.clips, [*track.clips[1:], None], strict=True):
            before, after = ends.get(clip.id), joints.get(clip.id)
            first = clip.at + (before.frames - before.frames // 2 if before else 0)
            last = clip.at + clip.frames - (after.frames // 2 if after else 0)
            if clip.enabled:
                film = self._over(film, clip, first, last)
            if after is not None and following is not None:
                film = self._joint(film, clip, following, after.kind, last, after.frames)
        return film

    def _joint(self, film: str, left: Clip, right: Clip, kind: str, at: int, frames: int) -> str:
        sides = []
        for clip in (left, right):
            side = self._clear(self._timeline.duration)
            if clip.enabled:
                side = self._over(side, clip, at, at + frames)
            sides.append(self._chain(side, f"trim=start_frame={at}:end_frame={at + frames},setpts=N/({self._rate}*TB)"))
        length = float(frames / self._rate)
        mixed = self._chain(
            "][".join(sides), f"xfade=transition={TRANSITIONS[kind]}:duration={length:.6f}:offset=0,format=yuva444p"
        )
        mixed = self._chain(mixed, f"setpts=PTS+{at}/({self._rate}*TB)")
        return self._shown(film, mixed, at, at + frames, "0", "0")

    def _shown(self, film: str, top: str, first: int, last: int, x: str, y: str) -> str:
        """A picture over the film while frames [first, last) last."""
        begin, end = (float((frame - Fraction(1, 2)) / self._rate) for frame in (first, last))
        while_ = f"enable='between(t,{begin:.6f},{end:.6f})'"
        return self._chain(f"{film}][{top}", f"overlay=x='{x}':y='{y}':format=yuv444:eof_action=pass:{while_}")

    def _over(self, film: str, clip: Clip, first: int, last: int) -> str:
        """Frames [first, last) of the timeline, which a clip shows."""
        if first >= last:
            return film
        top, size = self._picture(clip, first, last)
        canvas = self._canvas.width, self._canvas.height
        placed = (clip.x, clip.y, clip.scale, clip.rotation) == (0.5, 0.5, 1.0, 0.0) and clip.crop is None
        corner = [(room - side) // 4 * 2 for side, room in zip(size, canvas, strict=True)]
        if placed:
            x, y = str(corner[0]), str(corner[1])
        else:
            x, y = (
                f"round({room}*(({self._curve(value, clip)})-0.5)+{low + side / 2}-{name}/2)"
                for room, value, low, side, name in zip(canvas, (clip.x, clip.y), corner, size, "wh", strict=True)
            )
        if clip.blend == "normal":
            return self._shown(film, top, first, last, x, y)
        whole = self._shown(self._clear(self._timeline.duration), top, first, last, x, y)
        mode = {"add": "addition"}.get(clip.blend, clip.blend)
        a, b = self._split(whole)
        base, under = self._split(film)
        rgb = f"scale=flags={EXACT}:in_color_matrix=bt709:in_range=tv,format=gbrp"
        mixed = self._chain(f"{self._chain(under, rgb)}][{self._chain(b, rgb)}", f"blend=all_mode={mode}")
        mixed = self._chain(mixed, f"scale=flags={EXACT}:out_color_matrix=bt709:out_range=tv,format=yuv444p")
        mask = self._chain(a, "alphaextract,mergeplanes=0x000000:yuv444p")
        return self._chain(f"{base}][{mixed}][{mask}", "maskedmerge")

    # --- pictures

    def _picture(self, clip: Clip, first: int, last: int) -> tuple[str, tuple[int, int]]:
        """A clip's picture, dressed, and the size that it has at scale 1."""
        canvas = self._canvas.width, self._canvas.height
        made = size = canvas
        scale = clip.scale
        if isinstance(scale, Keyframes) and len({key.value for key in scale.keyframes}) == 1:
            scale = scale.keyframes[0].value
        match clip.source:
            case ColorSource(color=color):
                film = self._chain(self._plate(color, last - first), "format=yuva444p")
            case TextSource(text=text):
                film = self._text(text, clip, first, last)
            case MediaSource(media=media) | FreezeSource(media=media):
                reel, native = self._reels[media]
                size = _fitted(native, canvas, clip.fit)
                film = self._footage(clip, reel, native, first, last)
                if isinstance(scale, Keyframes):
                    made = max(native, size)
                else:
                    made = size if scale == 1.0 else _grown(size, scale)
                film = self._chain(film, f"scale={made[0]}:{made[1]}:{BT709},format=yuv420p,{FULL.format('yuva444p')}")
        film = self._chain(film, f"setpts=(N+{first})/({self._rate}*TB)")
        film = self._dressed(film, clip)
        if isinstance(scale, Keyframes):
            grow = f"({self._curve(scale, clip)})*{size[0] / made[0]}"
            sides = ":".join(f"{side}='max(2,round(i{side}*{grow}))'" for side in "wh")
            film = self._chain(film, f"scale={sides}:eval=frame:flags=bicubic")
        elif scale != 1.0 and made == canvas and isinstance(clip.source, ColorSource | TextSource):
            sides = ":".join(f"{side}='max(2,round(i{side}*{scale}))'" for side in "wh")
            film = self._chain(film, f"scale={sides}:flags=bicubic")
        return film, size

    def _footage(self, clip: Clip, reel: Reel, native: tuple[int, int], first: int, last: int) -> str:
        """The frames of the source that a clip shows, one by one, as a file."""
        assert isinstance(clip.source, MediaSource | FreezeSource)
        own = self._timeline.media[clip.source.media].facts.fps
        assert own is not None
        name = f"clip{len(self._inputs)}.yuv"
        with (self._folder / name).open("wb") as out:
            for frame in range(first, last):
                shown = (
                    clip.source.frame
                    if isinstance(clip.source, FreezeSource)
                    else frame_shown(clip.source, clip.speed, clip.reversed, frame - clip.at)
                )
                number = source_frame(shown, self._rate, own.fraction)
                out.write(reel[min(max(number, 0), len(reel) - 1)].tobytes())
        number = self._inputs.count("-i")
        size = f"{native[0]}x{native[1]}"
        self._inputs += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-r", str(self._rate), "-i", name]
        return f"{number}:v"

    def _text(self, text: TextStyle, clip: Clip, first: int, last: int) -> str:
        """The text in the middle of a sheet three times as large as the canvas, moved to where it belongs."""
        high, wide = self._canvas.height, self._canvas.width
        still = msgspec.structs.replace(text, x=0.5, y=0.5)
        drawn, _, _ = drawing(Words(still, 0.5, 0.5), (wide, high), "letters")
        page = (3 * wide, 3 * high)
        name = f"text{self._labels}.png"
        drawn = msgspec.structs.replace(drawn, page=page, at=(page[0] // 2, page[1] // 2))
        asyncio.run(Letterer("auto").draw({name: drawn}, self._folder))
        number = self._inputs.count("-i")
        self._inputs += ["-f", "png_pipe", "-i", name]
        sheet = self._plate(text.color, 1, page)
        mask = self._chain(f"{number}:v", "alphaextract,format=gray")
        letters = self._chain(f"{sheet}][{mask}", "alphamerge,format=yuva444p")
        letters = self._chain(letters, f"loop=loop=-1:size=1,setpts=(N+{first})/({self._rate}*TB)")
        x, y = (self._curve(value, clip) for value in (text.x, text.y))
        clear = self._chain(self._clear(last - first, text.color), f"setpts=(N+{first})/({self._rate}*TB)")
        place = f"x='round({wide}*({x}))-{page[0] // 2}':y='round({high}*({y}))-{page[1] // 2}'"
        return self._chain(f"{clear}][{letters}", f"overlay={place}:format=yuv444:shortest=1")

    def _dressed(self, film: str, clip: Clip) -> str:
        if clip.flip_h:
            film = self._chain(film, "hflip")
        if clip.flip_v:
            film = self._chain(film, "vflip")
        k = f"(round(T*{self._rate})-{clip.at})"
        alpha = f"({self._curve(clip.opacity, clip, 'T')})"
        if clip.fade_in:
            alpha += f"*clip(({k}+{clip.head_cut})/{clip.fade_in},0,1)"
        if clip.fade_out:
            alpha += f"*clip(({clip.frames}+{clip.tail_cut}-1-{k})/{clip.fade_out},0,1)"
        if clip.crop is not None:
            cut = clip.crop
            inside = (
                f"between(X,round({cut.left}*W),round({1 - cut.right}*W)-1)"
                f"*between(Y,round({cut.top}*H),round({1 - cut.bottom}*H)-1)"
            )
            alpha += f"*{inside}"
        if alpha != "(1.0)":
            same = ":".join(f"{plane}='{plane}(X,Y)'" for plane in ("lum", "cb", "cr"))
            film = self._chain(film, f"format=yuva444p,geq={same}:a='alpha(X,Y)*{alpha}'")
        if clip.rotation != 0.0:
            colour, mask = self._split(film)
            colour = self._chain(
                colour, "format=yuv444p,pad=iw+8:ih+8:4:4,fillborders=left=4:right=4:top=4:bottom=4:mode=smear"
            )
            mask = self._chain(mask, "alphaextract,pad=iw+8:ih+8:4:4:color=black")
            film = self._chain(f"{colour}][{mask}", "alphamerge")
            room = "2*ceil(hypot(iw-8,ih-8)/2)"
            turn = f"({self._curve(clip.rotation, clip)})*PI/180"
            film = self._chain(film, f"rotate=a='{turn}':ow='{room}':oh='{room}':c=black@0")
        return film

    # --- words of ffmpeg

    def _curve(self, value: Animated, clip: Clip, time: str = "t") -> str:
        """A value as an expression of the time in seconds, by the formulas of the contract."""
        if not isinstance(value, Keyframes):
            return repr(float(value))
        k = f"(round({time}*{self._rate})-{clip.at})"
        keys = value.keyframes
        expression = repr(keys[-1].value)
        for left, right in reversed(list(pairwise(keys))):
            t = f"(({k}-{left.frame})/{right.frame - left.frame})"
            way = _eased(left.easing, t)
            expression = f"if(lt({k},{right.frame}),{left.value}+({right.value}-({left.value}))*{way},{expression})"
        # To the millionth, as values are kept: what lies just between two pixels goes to the same one.
        return f"round(if(lt({k},{keys[0].frame}),{keys[0].value!r},{expression})*1000000)/1000000"

    def _plate(self, color: str, frames: int, page: tuple[int, int] | None = None) -> str:
        wide, high = page or (self._canvas.width, self._canvas.height)
        size = f"{wide}x{high}"
        source = f"color=c=0x{color[1:]}:s={size}:r={self._rate},format=gbrp"
        return self._source(f"{source},scale={BT709},format=yuv420p,{FULL.format('yuv444p')}", frames)

    def _clear(self, frames: int, color: str = "#000000") -> str:
        size = f"{self._canvas.width}x{self._canvas.height}"
        source = f"color=c=0x{color[1:]}@0:s={size}:r={self._rate},format=gbrap"
        return self._source(f"{source},scale={BT709},format=yuva420p,{FULL.format('yuva444p')}", frames)

    def _source(self, filters: str, frames: int) -> str:
        self._labels += 1
        self._chains.append(f"{filters},trim=end_frame={frames}[s{self._labels}]")
        return f"s{self._labels}"

    def _chain(self, above: str, filters: str, name: str = "") -> str:
        self._labels += 1
        label = name or f"s{self._labels}"
        self._chains.append(f"[{above}]{filters}[{label}]")
        return label

    def _split(self, above: str) -> tuple[str, str]:
        self._labels += 1
        one, two = f"s{self._labels}a", f"s{self._labels}b"
        self._chains.append(f"[{above}]split[{one}][{two}]")
        return one, two


def _eased(easing: Easing, t: str) -> str:
    return {
        "hold": "0",
        "linear": t,
        "ease-in": f"{t}*{t}",
        "ease-out": f"(1-(1-{t})*(1-{t}))",
        "ease-in-out": f"({t}*{t}*(3-2*{t}))",
    }[easing]


def _fitted(native: tuple[int, int], canvas: tuple[int, int], fit: Fit) -> tuple[int, int]:
    """The size, in even pixels, of a picture on a canvas."""
    wide, high = Fraction(canvas[0], native[0]), Fraction(canvas[1], native[1])
    across, down = {
        "contain": (min(wide, high), min(wide, high)),
        "cover": (max(wide, high), max(wide, high)),
        "stretch": (wide, high),
        "none": (Fraction(1), Fraction(1)),
    }[fit]
    return max(2, 2 * round(native[0] * across / 2)), max(2, 2 * round(native[1] * down / 2))


def _grown(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(2, round(size[0] * scale)), max(2, round(size[1] * scale))
