"""Filter chains: the layers of a piece of film, and how they look. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, assert_never

import ffmpeg
import msgspec

from cutlog.contract.effects import TRANSITIONS
from cutlog.contract.profiles import COLOR_FILTER
from cutlog.contract.time import Fps
from services.render.compile.effects import expression
from services.render.compile.graded import Graded
from services.render.compile.shapes import coarse, cropped, fine, flipped, of_rgb, rgb_of, turned
from services.render.compile.stock import Opened, bt709
from services.render.compile.titles import Drawing, Part, drawing, edge_color, rgb, soft_shadow
from services.render.compile.windows import WIDEST, made_size, scaled, seen, steady_stretches
from services.render.plan.geometry import Size, centred
from services.render.plan.layers import Drawn, Mixed, Picture, Plate, Shot, SourceFile, Words
from services.render.plan.looks import PLAIN, Shown, at, highest, squeezed

#: The contract's, as ffmpeg-python wants it.
COLOR: Final = dict(part.split("=") for part in COLOR_FILTER.partition("=")[2].split(":"))

#: Blend modes, as ffmpeg names them.
_BLENDS: Final = {"multiply": "multiply", "screen": "screen", "overlay": "overlay", "add": "addition"}
#: The frame's number for `overlay` and `scale`: they count a frame before they evaluate, other filters after.
_NOW: Final = "(n-1)"
#: Below this scale there is nothing to see.
_NOTHING: Final = 0.0005


class Graph(Graded):
    """Builds filter chains; collects the files and the drawings of texts that they need."""

    def __init__(
        self, size: Size, fps: Fps, files: Mapping[str, Opened], cluts: Mapping[str, SourceFile], alpha: bool = False
    ) -> None:
        super().__init__(size, fps, files, cluts)
        self._alpha = alpha
        self.drawings: dict[str, Drawing] = {}
        #: Whether the piece at hand is laid with chroma for every pixel.
        self._fine = False

    def piece(self, layers: tuple[Drawn, ...], frames: int) -> Any:
        """A stream of exactly `frames` pictures of the output's size, from the bottom layer up."""
        self._fine = any(map(_free, layers))
        film: Any = None
        for layer in layers:
            film = self._draw(film, layer, frames)
        if self._fine:
            return coarse(film, self._alpha)
        return film.filter("format", "yuva420p") if self._alpha else film

    # --- layers

    def _lay(self, film: Any, top: Any, x: int | str = 0, y: int | str = 0) -> Any:
        """A picture over the film, both in the piece's format."""
        return ffmpeg.overlay(film, top, x=x, y=y, format="yuv444" if self._fine else "yuv420")

    def _as_laid(self, film: Any, alpha: bool) -> Any:
        """A picture of yuv420p or, with `alpha`, yuva420p, in the piece's format."""
        return fine(film, alpha) if self._fine else film

    def _format(self, alpha: bool) -> str:
        return ("yuva" if alpha else "yuv") + ("444p" if self._fine else "420p")

    def _ground(self, frames: int, color: str) -> Any:
        return self._as_laid(self._solid(color, frames), alpha=False)

    def _sheet(self, frames: int, color: str = "0x000000") -> Any:
        return self._as_laid(self._clear(frames, color), alpha=True)

    def _draw(self, film: Any, layer: Drawn, frames: int) -> Any:
        """A layer over the film; over nothing if that is None."""
        match layer:
            case Mixed():
                return self._lay(film, self._mixed(layer, frames))
            case Plate(color=color, look=look):
                if color is None:
                    return self._sheet(frames)
                plate = self._solid(color, frames)
                if look == msgspec.structs.replace(PLAIN, effects=look.effects):
                    plate, clear = self._effects(plate, look, frames, False, self._size)
                    plate = self._as_laid(plate, clear)
                    return self._lay(film, plate) if clear and film is not None else plate
                return self._laid(film, plate, look, frames, alpha=False)
            case Words(look=look):
                if look == PLAIN and not (layer.text.shadow and layer.text.shadow.blur):
                    return self._lay(film, *self._drawing(layer, frames, "letters"))
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
            top, clear = self._effects(flipped(top, look), look, frames, clear, full)
            crop = placement.crop
            if (crop.width, crop.height) != full:
                top = top.filter("crop", crop.width, crop.height, crop.x, crop.y)
            top = self._as_laid(top.filter("setsar", "1"), clear)
            return top if film is None else self._lay(film, top, placement.x, placement.y)
        if highest(look.scale) < _NOTHING:
            return film
        made = made_size(full, layer.source.conformed or placement.native, look)
        top, clear = self._exposed(layer, frames, made)
        return self._over(film, self._dressed(top, look, frames, made, clear, full), look, frames, made, full)

    def _exposed(self, layer: Shot | Picture, frames: int, size: Size) -> tuple[Any, bool]:
        """The layer's own picture at a size, and whether it may be clear in places."""
        match layer:
            case Shot():
                clear = layer.source.alpha is not None
                return self._sized(self._shot(layer, frames), layer.source, size, clear), clear
            case Picture(source=source, frame=int() as frame):
                clear = source.alpha is not None
                one = self._conformed(source, frame, 1)
                return self._repeated(self._sized(one, source, size, clear), frames), clear
            case Picture(source=source):
                return self._repeated(self._sized(self._image(source), source, size, alpha=True), frames), True
            case _:
                assert_never(layer)

    def _mixed(self, mix: Mixed, frames: int) -> Any:
        """A transition on a clear canvas, from its frame `at` on."""
        sides = []
        for side in (mix.left, mix.right):
            film = self._sheet(frames)
            if isinstance(side, Words) and side.look == PLAIN:
                # Written on the sheet itself, its edges would be mixed with the colour of what is clear.
                film = self._lay(film, self._lettering(side, frames))
            elif side is not None:
                film = self._draw(film, side, frames)
            film = film.filter("format", "yuva444p").filter("settb", f"{self._fps.den}/{self._fps.num}")
            sides.append(film.filter("setpts", "N").filter("fps", self._rate))
        seconds = {"duration": mix.frames, "offset": -mix.at}
        times = {name: f"{float(value / self._fps.fraction):.6f}" for name, value in seconds.items()}
        film = ffmpeg.filter(sides, "xfade", transition=TRANSITIONS[mix.kind], **times)
        return film.filter("format", "yuva444p").filter("setparams", **COLOR)

    def _lettering(self, words: Words, frames: int) -> Any:
        """Text on a clear canvas, above its soft shadow."""
        canvas, *place = self._drawing(words, frames, "letters")
        if place != ["0", "0"]:
            canvas = self._lay(self._sheet(frames, edge_color(words)), canvas, *place)
        if (shadow := soft_shadow(words, self._size[1])) is not None:
            color, sigma = shadow
            below, *place = self._drawing(words, frames, "shadow", sigma)
            canvas = self._lay(self._lay(self._sheet(frames, rgb(color)), below, *place), canvas)
        return canvas

    def _drawing(self, words: Words, frames: int, part: Part, sigma: float = 0.0) -> tuple[Any, str, str]:
        """The picture of a text, clear around it, and where it lies. What it has of edges is mixed with its own
        colour, not with that of what is clear."""
        made, x, y = drawing(words, self._size, part)
        name = next((name for name, other in self.drawings.items() if other == made), f"title{len(self.drawings)}.png")
        self.drawings[name] = made
        color = edge_color(words) if made.shadow is None or part == "letters" else rgb(made.shadow.color)
        image = self._first(ffmpeg.input(name, f="png_pipe"), "format", "gbrap")
        sheet = self._plate(f"{color}@0", made.page).filter("format", "gbrap").filter("trim", end_frame=1)
        one = bt709(ffmpeg.overlay(sheet, image, format="gbrp"), made.page).filter("format", self._format(alpha=True))
        if sigma:
            one = one.filter("gblur", sigma=sigma, steps=2)
        return self._repeated(one, frames), x, y

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
        film, alpha = self._effects(flipped(film, look), look, frames, alpha, made, made[1] / full[1])
        film = self._as_laid(film.filter("format", "yuva420p"), alpha=True)
        if look.crop is not None:
            film, alpha = cropped(film, look, made), True
        opacity = squeezed([at(look.opacity, frame) * (at(look.scale, frame) >= _NOTHING) for frame in range(frames)])
        if isinstance(opacity, tuple):
            film, alpha = self._faded(film, expression(opacity, "N", 255), made, alpha), True
        film = film.filter("format", self._format(alpha=True))
        if isinstance(opacity, float) and opacity != 1.0:
            film = film.filter("lutyuv", a=f"val*{opacity!r}")
        return film.filter("setsar", "1")

    def _over(self, film: Any, top: Any, look: Shown, frames: int, made: Size, full: Size) -> Any:
        """A dressed picture in its place over the film."""
        if film is None:
            film = self._ground(frames, "#000000")
        if max(full) * highest(look.scale) > WIDEST:
            return self._blended(film, self._close_up(top, look, frames, made, full), look)
        if look.placed and look.blend == "normal":
            return self._lay(film, top, *(centred(side, room) for side, room in zip(full, self._size, strict=True)))
        if look.rotation != 0.0:
            top = turned(top, expression(look.rotation, "n"), made)
        if isinstance(look.scale, tuple) or made != scaled(full, look.scale):
            sides = {
                name: f"max(2,round(i{name}*({expression(look.scale, _NOW, to / have)})))"
                for name, to, have in zip("wh", full, made, strict=True)
            }
            top = top.filter("scale", eval="frame", flags="bicubic", **sides).filter("setsar", "1")
        # From where `fit` puts it: what begins to move does not jump to an odd pixel first.
        still = [centred(side, room) + side / 2 for side, room in zip(full, self._size, strict=True)]
        x = f"round(W*({expression(look.x, _NOW)}-0.5)+{still[0]}-w/2)"
        y = f"round(H*({expression(look.y, _NOW)}-0.5)+{still[1]}-h/2)"
        if look.blend == "normal":
            return self._lay(film, top, x, y)
        return self._blended(film, self._lay(self._sheet(frames), top, x, y), look)

    def _close_up(self, top: Any, look: Shown, frames: int, made: Size, full: Size) -> Any:
        """On a clear canvas what is seen of a picture that is far larger than the canvas: only that is enlarged."""
        stretches = steady_stretches((look.x, look.y, look.scale, look.rotation), frames)
        copies = top.filter_multi_output("split", len(stretches))
        clear = self._sheet(frames).filter_multi_output("split", len(stretches))
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
                    part = turned(part, repr(window.degrees), window.size)
                x, y = (f"round({middle:.3f}-{side}/2)" for middle, side in ((window.x, "w"), (window.y, "h")))
                canvas = ffmpeg.overlay(canvas, part, x=x, y=y, shortest=1, format="yuv444")
            else:
                canvas = ffmpeg.overlay(canvas, copy.filter("trim", end_frame=1), x="W", y="H", format="yuv444")
            pieces.append(canvas.filter("format", "yuva444p"))
        if len(pieces) == 1:
            return pieces[0]
        film = ffmpeg.concat(*pieces, v=1, a=0)
        return film.filter("settb", f"{self._fps.den}/{self._fps.num}").filter("setpts", "N")

    def _blended(self, film: Any, canvas: Any, look: Shown) -> Any:
        """A canvas over the film."""
        if look.blend == "normal":
            return self._lay(film, canvas)
        whole = canvas.filter_multi_output("split")
        base = film.filter_multi_output("split")
        blended = ffmpeg.filter([rgb_of(base[0]), rgb_of(whole[1])], "blend", all_mode=_BLENDS[look.blend])
        blended = of_rgb(blended, "yuv444p")
        if self._alpha:
            return self._blended_over(base[1], whole[0], blended)
        mask = whole[0].filter("alphaextract").filter("mergeplanes", "0x000000", "yuv444p")
        return ffmpeg.filter([base[1].filter("format", "yuv444p"), blended, mask], "maskedmerge")

    def _blended_over(self, film: Any, canvas: Any, blended: Any) -> Any:
        """A canvas over the film: `blended` where both are seen, itself where the film is clear (W3C Compositing 1)."""
        base = film.filter("format", "yuva444p").filter_multi_output("split")
        top = canvas.filter("format", "yuva444p").filter_multi_output("split")
        seen = base[0].filter("alphaextract").filter("mergeplanes", "0x000000", "yuv444p")
        colours = ffmpeg.filter([top[0].filter("format", "yuv444p"), blended, seen], "maskedmerge")
        return self._lay(base[1], ffmpeg.filter([colours, top[1].filter("alphaextract")], "alphamerge"))

    def _faded(self, film: Any, alpha: str, size: Size, clear: bool) -> Any:
        """The picture with its alpha times an expression of the frame's number N, 0 to 255."""
        dot = self._plate("black", (2, 2)).filter("format", "gray").filter("geq", lum=alpha)
        mask = dot.filter("scale", size[0], size[1], flags="neighbor").filter("format", "gray")
        if clear:
            both = film.filter("format", self._format(alpha=True)).filter_multi_output("split")
            own = both[0].filter("alphaextract").filter("format", "gray")
            mask = ffmpeg.filter([own, mask], "blend", all_mode="multiply", shortest=1)
            film = both[1]
        return ffmpeg.filter([film.filter("format", self._format(alpha=False)), mask], "alphamerge", shortest=1)


def _free(layer: Drawn) -> bool:
    """Whether a layer may come to lie on odd pixels."""
    if isinstance(layer, Mixed) or not layer.look.placed or layer.look.blend != "normal":
        return True
    return isinstance(layer, Words) and not (isinstance(layer.x, float) and isinstance(layer.y, float))
