"""How pictures of any source become BT.709 of limited range, in which all that we make is coded. Pure."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from cutlog.ffmpeg.probing import RawVideo

Filter = tuple[str, dict[str, str | int]]
"""A filter of ffmpeg and its options."""

#: Transfer characteristics of ITU-T H.273 that go beyond the ordinary range of brightness (SMPTE ST 2084, HLG).
_HDR: Final[dict[int, Literal["pq", "hlg"]]] = {16: "pq", 18: "hlg"}
_CURVES: Final = {"pq": "smpte2084", "hlg": "arib-std-b67"}
_UNSPECIFIED: Final = 2


class Coding(msgspec.Struct, frozen=True):
    """How a source codes its colours. `silent`: it does not say by which matrix, but players take it for BT.709."""

    hdr: Literal["pq", "hlg"] | None = None
    silent: bool = False


ORDINARY: Final = Coding()
"""Of what says what it is, or need not."""


def coding_of(video: RawVideo, *, moving: bool) -> Coding:
    """Moving pictures that name no matrix are BT.709 if they are larger than those of PAL, else BT.601, as mpv, VLC and
    browsers have it (mpv: `mp_image_params_guess_csp`); ffmpeg takes all of them for BT.601."""
    large = moving and (video.width >= 1280 or video.height > 576)
    coded = video.colorspace == _UNSPECIFIED and (video.pix_fmt or "").startswith(("yuv", "nv", "p0"))
    return Coding(_HDR.get(video.color_trc), large and coded)


def into_bt709(width: int, height: int, coding: Coding) -> tuple[Filter, ...]:
    """Scaled, in square pixels. Of a picture of high dynamic range, white at 203 cd/m² (BT.2408) stays white, and what
    is brighter is bent below the limit. What needs neither another size nor other colours passes as it is."""
    size: dict[str, str | int] = {"w": width, "h": height, "flags": "bicubic", "out_range": "tv"}
    if coding.hdr is not None:
        wide = {"color_primaries": "bt2020", "color_trc": _CURVES[coding.hdr], "colorspace": "bt2020nc"}
        return (
            ("scale", size),
            ("format", {"pix_fmts": "yuv420p10le"}),
            ("setparams", {"range": "tv", **wide}),
            ("zscale", {"t": "linear", "npl": 203}),
            ("format", {"pix_fmts": "gbrpf32le"}),
            ("zscale", {"p": "bt709"}),
            ("tonemap", {"tonemap": "mobius", "desat": 0}),
            ("zscale", {"t": "bt709", "m": "bt709", "p": "bt709", "r": "tv"}),
        )
    scaled: Filter = ("scale", size | {"out_color_matrix": "bt709"})
    return (("setparams", {"colorspace": "bt709"}), scaled) if coding.silent else (scaled,)
