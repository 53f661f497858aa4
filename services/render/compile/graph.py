"""Filter chains: the layers of a piece of film, and how they look. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, assert_never

import ffmpeg
import msgspec

from cutlog.contract.effects import TRANSITIONS
from cutlog.contract.profiles import COLOR_FILTER
from cutlog.contract.time import Fps
from services.render.compile.stock import Opened, Stock, bt709, sized
from services.render.compile.windows import WIDEST, made_size, scaled, seen, steady_stretches
from services.render.drawn import Drawn, Mixed, Picture, Plate, Shot, SourceFile, Words
from services.render.geometry import Size
from services.render.looks import PLAIN, Shown, at, highest, squeezed
from services.render.picture_effects import Args, Call, Clut, expression, filters, steady
from services.render.titles import edge_color, font_file, letters, soft_shadow

#: The contract's, as ffmpeg-python wants it.
COLOR: Final = dict(part.split("=") for part in COLOR_FILTER.partition("=")[2].split(":"))

#: Filters that keep the picture's alpha by themselves, or make it.
_KEEPS_ALPHA: Final = frozenset({"gblur", "chromakey"})
#: Filters of RGB: the way there and back is ours to say.
_OF_RGB: Final = frozenset({"colortemperature"})
#: Blend modes, as ffmpeg names them.
_BLENDS: Final = {"multiply": "multiply", "screen": "screen", "overlay": "overlay", "add": "addition"}
#: The frame's number for `overlay` and `scale`: they count a frame before they evaluate, other filters after.
_NOW: Final = "(n-1)"
#: Below this scale there is nothing to see.
_NOTHING: Final = 0.0005


class Graph(Stock):
    """Builds filter chains; collects the files and texts that they need."""

    def __init__(self, size: Size, fps: Fps, files: Mapping[str, Opened], cluts: Mapping[str, SourceFile]) -> None:
        super().__init__(size, fps, files)
        self._cluts = cluts
        self.texts: dict[str, str] = {}
        self.fonts: set[str] = set()

    def piece(self, layers: tuple[Drawn, ...], frames: int) -> Any:
        """A stream of exactly `frames` pictures of the output's size, from the bottom layer up."""
        film: Any = None
        for layer in layers:
            film = self._draw(film, layer, frames)
        return film

    # --- layers

    def _draw(self, film: Any, layer: Drawn, frames: int) -> Any:
        """A layer over the film; over nothing if that is None. Both are yuv420p, or yuva420p where they are clear."""
        match layer:
            case Mixed():
                return ffmpeg.overlay(film, self._mixed(layer, frames), x=0, y=0)
            case Plate(color=color, look=look):
                plate = self._solid(color, frames)
                if look == msgspec.structs.replace(PLAIN, effects=look.effects):
                    plate, clear = self._effects(plate, look, frames, alpha=False)
                    return ffmpeg.overlay(film, plate, x=0, y=0) if clear and film is not None else plate
                return self._laid(film, plate, look, frames, alpha=False)
            case Words(look=look):
                if look == PLAIN and not (layer.text.shadow and layer.text.shadow.blur):
                    return self._written(film, letters(layer, self._text(layer), self._size[1]))
                return self._laid(film, self._lettering(layer, frames), look, frames, alpha=True)
            case Shot() | Picture():
                return self._photographed(film, layer, frames)
            case _:
                assert_never(layer)

    def _photographed(self, film: Any, layer: Shot | Picture, frames: int) -> Any:
        look, placement = layer.look, layer.placement
        full = placement.scaled
        if max(full) <= WIDEST and look.placed and look.blend == "normal" and look.opacity == 1.0:
            top, clear = self._exposed(layer, frames, full)
            top, clear = self._effects(_flipped(top, look), look, frames, clear)
            crop = placement.crop
            if (crop.width, crop.height) != full:
                top = top.filter("crop", crop.width, crop.height, crop.x, crop.y)
            top = top.filter("setsar", "1")
            return top if film is None else ffmpeg.overlay(film, top, x=placement.x, y=placement.y)
        if highest(look.scale) < _NOTHING:
            return film
        made = made_size(full, layer.source.conformed or placement.native, look)
        top, clear = self._exposed(layer, frames, made)
        return self._over(film, self._dressed(top, look, frames, made, clear, full), look, frames, made, full)

    def _exposed(self, layer: Shot | Picture, frames: int, size: Size) -> tuple[Any, bool]:
        """The layer's own picture at a size, and whether it may be clear in places."""
        as_is = layer.source.conformed
        match layer:
            case Shot():
                return sized(self._shot(layer, frames), size, as_is, "yuv420p"), False
            case Picture(source=source, frame=int() as frame):
                one = self._conformed(source, frame, 1)
                return self._repeated(sized(one, size, as_is, "yuv420p"), frames), False
            case Picture(source=source):
                return self._repeated(sized(self._image(source), size, None, "yuva420p"), frames), True
            case _:
                assert_never(layer)

    def _mixed(self, mix: Mixed, frames: int) -> Any:
        """A transition on a clear canvas, from its frame `at` on."""
        sides = []
        for side in (mix.left, mix.right):
            film = self._clear(frames)
            if side is not None:
                film = self._draw(film, side, frames)
            film = film.filter("format", "yuva444p").filter("settb", f"{self._fps.den}/{self._fps.num}")
            sides.append(film.filter("setpts", "N").filter("fps", self._rate))
        seconds = {"duration": mix.frames, "offset": -mix.at}
        times = {name: f"{float(value / self._fps.fraction):.6f}" for name, value in seconds.items()}
        film = ffmpeg.filter(sides, "xfade", transition=TRANSITIONS[mix.kind], **times)
        return film.filter("format", "yuva420p").filter("setparams", **COLOR)

    def _lettering(self, words: Words, frames: int) -> Any:
        """Text on a clear canvas, above its soft shadow."""
        name, height = self._text(words), self._size[1]
        canvas = self._written(self._clear(frames, edge_color(words.text)), letters(words, name, height))
        if (shadow := soft_shadow(words, name, height)) is not None:
            color, args, sigma = shadow
            below = self._written(self._clear(frames, color), args).filter("gblur", sigma=sigma, steps=2)
            canvas = ffmpeg.overlay(below, canvas, x=0, y=0)
        return canvas

    def _written(self, film: Any, args: Args) -> Any:
        return film.filter("drawtext", **args)

    def _text(self, words: Words) -> str:
        name = f"title{len(self.texts)}.txt"
        self.texts[name] = words.text.text
        self.fonts.add(font_file(words.text))
        return name

    # --- looks

    def _laid(self, film: Any, canvas: Any, look: Shown, frames: int, alpha: bool) -> Any:
        """A picture as large as the canvas with its look over the film."""
        if highest(look.scale) < _NOTHING:
            return film
        size = self._size
        return self._over(film, self._dressed(canvas, look, frames, size, alpha, size), look, frames, size, size)

    def _dressed(self, film: Any, look: Shown, frames: int, made: Size, alpha: bool, full: Size) -> Any:
        """A picture with its look but for place, turn and blend, clear where it shows nothing. It is `made` large, and
        at scale 1 it will be `full`."""
        film, alpha = self._effects(_flipped(film, look), look, frames, alpha, made[1] / full[1])
        if look.crop is not None:
            film, alpha = _cropped(film, look, made, alpha), True
        opacity = squeezed([at(look.opacity, frame) * (at(look.scale, frame) >= _NOTHING) for frame in range(frames)])
        if isinstance(opacity, tuple):
            film, alpha = self._faded(film, expression(opacity, "N", 255), made, alpha), True
        film = film.filter("format", "yuva420p")
        if isinstance(opacity, float) and opacity != 1.0:
            film = film.filter("lutyuv", a=f"val*{opacity!r}")
        return film.filter("setsar", "1")

    def _over(self, film: Any, top: Any, look: Shown, frames: int, made: Size, full: Size) -> Any:
        """A dressed picture in its place over the film."""
        if film is None:
            film = self._solid("#000000", frames)
        if max(full) * highest(look.scale) > WIDEST:
            return self._blended(film, self._close_up(top, look, frames, made, full), look)
        if look.rotation != 0.0:
            top = _turned(top, expression(look.rotation, "n"), made)
        if isinstance(look.scale, tuple) or made != scaled(full, look.scale):
            sides = {
                name: f"max(2,2*round(i{name}*({expression(look.scale, _NOW, to / have)})/2))"
                for name, to, have in zip("wh", full, made, strict=True)
            }
            top = top.filter("scale", eval="frame", flags="bicubic", **sides).filter("setsar", "1")
        x = f"W*({expression(look.x, _NOW)})-w/2"
        y = f"H*({expression(look.y, _NOW)})-h/2"
        if look.blend == "normal":
            return ffmpeg.overlay(film, top, x=x, y=y)
        return self._blended(film, ffmpeg.overlay(self._clear(frames), top, x=x, y=y), look)

    def _close_up(self, top: Any, look: Shown, frames: int, made: Size, full: Size) -> Any:
        """On a clear canvas what is seen of a picture that is far larger than the canvas: only that is enlarged."""
        stretches = steady_stretches((look.x, look.y, look.scale, look.rotation), frames)
        copies = top.filter_multi_output("split", len(stretches))
        clear = self._clear(frames).filter_multi_output("split", len(stretches))
        pieces = []
        for number, (first, length) in enumerate(stretches):
            copy = copies[number]
            canvas = clear[number].filter("trim", start_frame=first, end_frame=first + length)
            canvas = canvas.filter("setpts", f"PTS-{first}")
            window = seen(look, first, made, full, self._size)
            if window is not None:
                part = copy.filter("trim", start_frame=first, end_frame=first + length).filter("setpts", f"PTS-{first}")
                box = window.source
                part = part.filter("crop", box.width, box.height, box.x, box.y)
                part = part.filter("scale", *window.size, flags="bicubic").filter("setsar", "1")
                if window.degrees:
                    part = _turned(part, repr(window.degrees), window.size)
                place = {"x": f"{window.x:.3f}-w/2", "y": f"{window.y:.3f}-h/2"}
                canvas = ffmpeg.overlay(canvas, part, **place, shortest=1)
            else:
                canvas = ffmpeg.overlay(canvas, copy.filter("trim", end_frame=1), x="W", y="H")
            pieces.append(canvas.filter("format", "yuva420p"))
        if len(pieces) == 1:
            return pieces[0]
        film = ffmpeg.concat(*pieces, v=1, a=0)
        return film.filter("settb", f"{self._fps.den}/{self._fps.num}").filter("setpts", "N")

    def _blended(self, film: Any, canvas: Any, look: Shown) -> Any:
        """A canvas over the film."""
        if look.blend == "normal":
            return ffmpeg.overlay(film, canvas, x=0, y=0)
        whole = canvas.filter("format", "yuva420p").filter_multi_output("split")
        base = _rgb_of(film).filter_multi_output("split")
        mask = whole[0].filter("alphaextract").filter("format", "gray").filter("format", "gbrp")
        blended = ffmpeg.filter([base[0], _rgb_of(whole[1])], "blend", all_mode=_BLENDS[look.blend])
        film = ffmpeg.filter([base[1], blended, mask], "maskedmerge")
        return bt709(film, self._size).filter("format", "yuv420p")

    def _effects(self, film: Any, look: Shown, frames: int, alpha: bool, grown: float = 1.0) -> tuple[Any, bool]:
        """The picture after its effects, and whether it may be clear in places. `grown`: how much larger it is now
        than it will be at scale 1."""
        height = self._size[1] * grown
        for effect in look.effects:
            parts = steady(effect, frames)
            if len(parts) == 1:
                film, alpha = self._filtered(film, filters(effect, height), alpha)
                continue
            # What ffmpeg reads only once has other values later: each stretch of frames has filters of its own.
            copies = film.filter_multi_output("split", len(parts))
            first, pieces, clear = 0, [], alpha
            for number, (length, part) in enumerate(parts):
                piece = copies[number].filter("trim", start_frame=first, end_frame=first + length)
                piece, clear = self._filtered(piece.filter("setpts", "PTS-STARTPTS"), filters(part, height), alpha)
                pieces.append(piece.filter("format", "yuva420p" if clear else "yuv420p"))
                first += length
            film = ffmpeg.concat(*pieces, v=1, a=0)
            film = film.filter("settb", f"{self._fps.den}/{self._fps.num}").filter("setpts", "N")
            alpha = clear
        return film, alpha

    def _filtered(self, film: Any, calls: list[Call | Clut], alpha: bool) -> tuple[Any, bool]:
        for call in calls:
            name = "haldclut" if isinstance(call, Clut) else call.name
            if alpha and name not in _KEEPS_ALPHA:
                both = film.filter("format", "yuva420p").filter_multi_output("split")
                opaque = self._filter(both[0].filter("format", "yuv420p"), call)
                film = ffmpeg.filter([opaque, both[1].filter("alphaextract")], "alphamerge")
            else:
                film = self._filter(film, call)
            alpha = alpha or name == "chromakey"
            film = film.filter("format", "yuva420p" if alpha else "yuv420p")
        return film, alpha

    def _filter(self, film: Any, call: Call | Clut) -> Any:
        if isinstance(call, Clut):
            table = self._image(self._cluts[call.media]).filter("format", "gbrp")
            graded = ffmpeg.filter([_rgb_of(film), table], "haldclut", eof_action="repeat")
            return graded.filter("scale", out_color_matrix="bt709", out_range="tv").filter("format", "yuv420p")
        if call.name in _OF_RGB:
            film = _rgb_of(film).filter(call.name, **call.args)
            return film.filter("scale", out_color_matrix="bt709", out_range="tv").filter("format", "yuv420p")
        return film.filter(call.name, **call.args)

    def _faded(self, film: Any, alpha: str, size: Size, clear: bool) -> Any:
        """The picture with its alpha times an expression of the frame's number N, 0 to 255."""
        dot = self._plate("black", (2, 2)).filter("format", "gray").filter("geq", lum=alpha)
        mask = dot.filter("scale", size[0], size[1], flags="neighbor").filter("format", "gray")
        if clear:
            both = film.filter("format", "yuva420p").filter_multi_output("split")
            own = both[0].filter("alphaextract").filter("format", "gray")
            mask = ffmpeg.filter([own, mask], "blend", all_mode="multiply", shortest=1)
            film = both[1]
        return ffmpeg.filter([film.filter("format", "yuv420p"), mask], "alphamerge", shortest=1)


def _flipped(film: Any, look: Shown) -> Any:
    if look.flip_h:
        film = film.filter("hflip")
    return film.filter("vflip") if look.flip_v else film


def _cropped(film: Any, look: Shown, size: Size, alpha: bool) -> Any:
    """Clear where it was cut off; what is left stays in its place. Its colours go on beyond the edge: no fringe."""
    assert look.crop is not None
    width, height = size
    left, top = 2 * round(look.crop.left * width / 2), 2 * round(look.crop.top * height / 2)
    wide = max(2, 2 * round((1 - look.crop.right) * width / 2) - left)
    high = max(2, 2 * round((1 - look.crop.bottom) * height / 2) - top)
    x, y = min(left, width - wide), min(top, height - high)
    both = film.filter("format", "yuva420p").filter_multi_output("split")
    mask = both[1].filter("alphaextract").filter("crop", wide, high, x, y)
    mask = mask.filter("pad", width, height, x, y, color="black")
    return ffmpeg.filter([both[0].filter("format", "yuv420p"), mask], "alphamerge")


def _turned(film: Any, degrees: str, size: Size) -> Any:
    """Turned clockwise about its middle. Its outermost colours go on where it is clear, so that it has no fringe."""
    wide, high = size[0] + 8, size[1] + 8
    both = film.filter("format", "yuva420p").filter_multi_output("split")
    colours = both[0].filter("format", "yuv420p").filter("pad", wide, high, 4, 4)
    colours = colours.filter("fillborders", left=4, right=4, top=4, bottom=4, mode="smear")
    mask = both[1].filter("alphaextract").filter("pad", wide, high, 4, 4, color="black")
    film = ffmpeg.filter([colours, mask], "alphamerge")
    room = 2 * math.ceil(math.hypot(*size) / 2)
    return film.filter("rotate", a=f"({degrees})*PI/180", ow=room, oh=room, c="black@0").filter("setsar", "1")


def _rgb_of(film: Any) -> Any:
    """As RGB, from BT.709 of limited range."""
    return film.filter("scale", in_color_matrix="bt709", in_range="tv").filter("format", "gbrp")
