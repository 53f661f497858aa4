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
#: Primaries of H.273 other than BT.709, as zscale names them: NTSC, PAL, BT.2020, P3 of cinemas, P3 of displays.
_PRIMARIES: Final = {
    4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 11: "smpte431", 12: "smpte432",
    22: "ebu3213",
}  # fmt: skip
#: Matrices of H.273, as zscale names them.
_MATRICES: Final = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc", 10: "bt2020c"}
_UNSPECIFIED: Final = 2
_SRGB: Final = 13
_RGB_MATRIX: Final = 0


class Gamut(msgspec.Struct, frozen=True):
    """Primaries other than BT.709's, with the matrix and the curve that go with them, as zscale names them. `matrix` is
    None for pictures that are stored as red, green and blue."""

    primaries: str
    matrix: str | None
    curve: str


class Coding(msgspec.Struct, frozen=True):
    """How a source codes its colours. `silent`: it does not say by which matrix, but players take it for BT.709.
    `gamut`: its primaries, where they are not those of BT.709."""

    hdr: Literal["pq", "hlg"] | None = None
    silent: bool = False
    gamut: Gamut | None = None


ORDINARY: Final = Coding()
"""Of what says what it is, or need not."""


def coding_of(video: RawVideo, *, moving: bool) -> Coding:
    """Moving pictures that name no matrix are BT.709 if they are larger than those of PAL, else BT.601, as mpv, VLC and
    browsers have it (mpv: `mp_image_params_guess_csp`); ffmpeg takes all of them for BT.601."""
    large = moving and (video.width >= 1280 or video.height > 576)
    coded = video.colorspace == _UNSPECIFIED and (video.pix_fmt or "").startswith(("yuv", "nv", "p0"))
    hdr = _HDR.get(video.color_trc)
    return Coding(hdr, large and coded, _gamut(video, large=large))


def _gamut(video: RawVideo, *, large: bool) -> Gamut | None:
    primaries = video.color_primaries
    if primaries == _UNSPECIFIED and video.colorspace in (9, 10):
        # Nothing else uses the matrix of BT.2020.
        primaries = 9
    name = _PRIMARIES.get(primaries)
    if name is None:
        return None
    guessed = "bt2020nc" if primaries == 9 else "bt709" if large else "smpte170m"
    rgb = video.colorspace == _RGB_MATRIX or (video.pix_fmt or "").startswith(
        ("rgb", "bgr", "argb", "abgr", "gbr", "pal")
    )
    # Curves of cameras are one and the same; that of screens is kept, as it is where the primaries are BT.709's.
    curve = "iec61966-2-1" if video.color_trc == _SRGB else "bt709"
    return Gamut(name, None if rgb else _MATRICES.get(video.colorspace, guessed), curve)


def into_bt709(width: int, height: int, coding: Coding) -> tuple[Filter, ...]:
    """Scaled, in square pixels. Of a picture of high dynamic range, white at 203 cd/m² (BT.2408) stays white, and what
    is brighter is bent below the limit. What needs neither another size nor other colours passes as it is."""
    size: dict[str, str | int] = {"w": width, "h": height, "flags": "bicubic", "out_range": "tv"}
    if coding.hdr is not None:
        primaries = coding.gamut.primaries if coding.gamut is not None else "bt2020"
        wide = {"color_primaries": primaries, "color_trc": _CURVES[coding.hdr], "colorspace": "bt2020nc"}
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
    if coding.gamut is not None:
        return _narrowed(size, coding.gamut)
    scaled: Filter = ("scale", size | {"out_color_matrix": "bt709"})
    return (("setparams", {"colorspace": "bt709"}), scaled) if coding.silent else (scaled,)


def _narrowed(size: dict[str, str | int], gamut: Gamut) -> tuple[Filter, ...]:
    """Primaries are changed where light is linear; what BT.709 can't show is cut off. More bits than eight, for the
    rounding of two steps; transparency stays."""
    matrix = gamut.matrix or "bt709"
    told: dict[str, str | int] = {
        "range": "tv",
        "color_primaries": gamut.primaries,
        "color_trc": gamut.curve,
        "colorspace": matrix,
    }
    named: tuple[Filter, ...] = (("setparams", {"colorspace": matrix}),) if gamut.matrix else ()
    return (
        *named,
        ("scale", size | {"out_color_matrix": matrix}),
        ("format", {"pix_fmts": "yuv444p10le|yuva444p10le"}),
        ("setparams", told),
        # One thread: with several, zscale loses the transparency of the lower rows.
        ("zscale", {"p": "bt709", "t": gamut.curve, "m": "bt709", "r": "tv", "threads": 1}),
        ("setparams", {"color_trc": "bt709"}),
    )
