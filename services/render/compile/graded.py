"""Effects on pictures as chains of filters. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ffmpeg

from cutlog.contract.time import Fps
from services.render.compile.effects import Call, Clut, Grain, filters, steady
from services.render.compile.shapes import of_rgb, rgb_of
from services.render.compile.stock import Opened, Stock
from services.render.plan.geometry import Size
from services.render.plan.layers import SourceFile
from services.render.plan.looks import Shown


class Graded(Stock):
    """Stock, and what effects make of it. `cluts` are colour tables by media id."""

    def __init__(self, size: Size, fps: Fps, files: Mapping[str, Opened], cluts: Mapping[str, SourceFile]) -> None:
        super().__init__(size, fps, files)
        self._cluts = cluts

    def _effects(
        self, film: Any, look: Shown, frames: int, alpha: bool, size: Size, grown: float = 1.0
    ) -> tuple[Any, bool]:
        """The picture, `size` large, after its effects, and whether it may be clear in places. `grown`: how much larger
        it is now than it will be at scale 1."""
        height = self._size[1] * grown
        for effect in look.effects:
            parts = steady(effect, frames)
            if len(parts) == 1:
                film, alpha = self._filtered(film, filters(effect, height), alpha, size, frames)
                continue
            # What ffmpeg reads only once has other values later: each stretch of frames has filters of its own.
            copies = film.filter_multi_output("split", len(parts))
            first, pieces, clear = 0, [], alpha
            for number, (length, part) in enumerate(parts):
                piece = copies[number].filter("trim", start_frame=first, end_frame=first + length)
                piece, clear = self._filtered(
                    piece.filter("setpts", "PTS-STARTPTS"), filters(part, height), alpha, size, length
                )
                pieces.append(piece.filter("format", "yuva420p" if clear else "yuv420p"))
                first += length
            film = ffmpeg.concat(*pieces, v=1, a=0)
            film = film.filter("settb", f"{self._fps.den}/{self._fps.num}").filter("setpts", "N")
            alpha = clear
        return film, alpha

    def _filtered(
        self, film: Any, calls: Sequence[Call | Clut | Grain], alpha: bool, size: Size, frames: int
    ) -> tuple[Any, bool]:
        for call in calls:
            does = call.alpha if isinstance(call, Call) else "drops"
            if alpha and does == "drops":
                both = film.filter("format", "yuva420p").filter_multi_output("split")
                opaque = self._filter(both[0].filter("format", "yuv420p"), call, size, frames)
                film = ffmpeg.filter([opaque, both[1].filter("alphaextract")], "alphamerge")
            else:
                film = self._filter(film, call, size, frames)
            alpha = alpha or does == "makes"
            film = film.filter("format", "yuva420p" if alpha else "yuv420p")
        return film, alpha

    def _filter(self, film: Any, call: Call | Clut | Grain, size: Size, frames: int) -> Any:
        if isinstance(call, Grain):
            return ffmpeg.filter([film, self._grain(call, size, frames)], "blend", all_mode="grainmerge")
        if isinstance(call, Clut):
            # Packed: of planes, `haldclut` takes one colour for another.
            table = self._image(self._cluts[call.media]).filter("format", "rgb24")
            graded = ffmpeg.filter([rgb_of(film).filter("format", "rgb24"), table], "haldclut", eof_action="repeat")
            return of_rgb(graded, "yuv420p")
        if call.rgb:
            return of_rgb(rgb_of(film).filter(call.name, **call.args), "yuv420p")
        return film.filter(call.name, **call.args)

    def _grain(self, grain: Grain, size: Size, frames: int) -> Any:
        """Noise about the middle of the scale: each frame shows another part of one larger picture of it."""
        wide, high = size[0] + grain.room, size[1] + grain.room
        sheet = self._plate("black", (wide, high)).filter("trim", end_frame=1).filter("format", "yuv420p")
        sheet = sheet.filter("lutyuv", y=128, u=128, v=128).filter("noise", alls=grain.strength, all_seed=7, allf="u")
        return self._repeated(sheet, frames).filter("crop", *size, grain.x, grain.y)
