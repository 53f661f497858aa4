"""What an effect is: its kinds and their parameters, for validation, for the docs and for the renderer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

Medium = Literal["picture", "sound", "either"]


class Number(msgspec.Struct, frozen=True):
    """A number from `low` to `high`, constant or with keyframes. The renderer reads one that is `evaluated` on each
    frame; where another moves, it renders each stretch of equal values by itself."""

    default: float
    low: float
    high: float
    unit: str = ""
    evaluated: bool = False


class ColorValue(msgspec.Struct, frozen=True):
    """`#rrggbb`."""

    default: str


class Choice(msgspec.Struct, frozen=True):
    """One of some words. Without a default it is decided by the track: `sound` on an audio track, else `picture`."""

    options: tuple[str, ...]


class MediaValue(msgspec.Struct, frozen=True):
    """The id of a media; it must be given."""


Parameter = Number | ColorValue | Choice | MediaValue


class EffectKind(msgspec.Struct, frozen=True):
    """A kind of effect. `medium`: what it works on; `either` is decided by its parameter `of`.

    `alpha`: it makes parts of an opaque picture transparent. `area`: it looks at a pixel's neighbours, so what it does
    depends on how large the picture is. `counting`: it is another on each frame, by the number of the frame.
    """

    medium: Medium
    summary: str
    params: MappingProxyType[str, Parameter]
    alpha: bool = False
    area: bool = False
    counting: bool = False

    @property
    def media(self) -> tuple[str, ...]:
        """Its parameters that are ids of media."""
        return tuple(name for name, each in self.params.items() if isinstance(each, MediaValue))

    def works_on(self, params: Mapping[str, object]) -> Literal["picture", "sound"]:
        """What an effect of this kind with these parameters works on."""
        if self.medium == "either":
            return "sound" if params.get("of") == "sound" else "picture"
        return self.medium


def _kind(
    medium: Medium, summary: str, *, alpha: bool = False, area: bool = False, counting: bool = False,
    **params: Parameter,
) -> EffectKind:  # fmt: skip
    return EffectKind(medium, summary, MappingProxyType(params), alpha, area, counting)


EFFECTS: Final = MappingProxyType(
    {
        "color": _kind(
            "picture",
            "grades the picture",
            brightness=Number(0, -1, 1, evaluated=True),
            contrast=Number(1, 0, 4, evaluated=True),
            saturation=Number(1, 0, 3, evaluated=True),
            gamma=Number(1, 0.1, 10, evaluated=True),
            temperature=Number(6500, 1000, 40000, "K"),
        ),
        "hue": _kind("picture", "turns the colours", degrees=Number(0, -360, 360, "degrees", evaluated=True)),
        "grayscale": _kind("picture", "takes the colours away"),
        "invert": _kind("picture", "makes a negative"),
        "blur": _kind("picture", "blurs", area=True, radius=Number(0.01, 0, 0.2, "of the canvas height")),
        "sharpen": _kind("picture", "sharpens", area=True, amount=Number(1, 0, 5)),
        "vignette": _kind("picture", "darkens the corners", amount=Number(0.5, 0, 1)),
        "noise": _kind("picture", "adds grain", area=True, counting=True, amount=Number(0.1, 0, 1)),
        "pixelate": _kind(
            "picture", "shows coarse squares", area=True, size=Number(0.02, 0.001, 0.5, "of the canvas height")
        ),
        "denoise": _kind(
            "either",
            "takes noise away, from the picture or from the sound",
            area=True,
            strength=Number(0.5, 0, 1),
            of=Choice(("picture", "sound")),
        ),
        "chromaKey": _kind(
            "picture",
            "makes a colour transparent",
            alpha=True,
            color=ColorValue("#00ff00"),
            similarity=Number(0.2, 0.01, 1),
            blend=Number(0.1, 0, 1),
        ),
        "lut": _kind("picture", "looks colours up in a table: an image that is a HALD CLUT", media=MediaValue()),
        "highpass": _kind("sound", "lets the high tones pass", frequency=Number(80, 10, 20000, "Hz")),
        "lowpass": _kind("sound", "lets the low tones pass", frequency=Number(12000, 10, 20000, "Hz")),
        "eq": _kind(
            "sound",
            "raises or lowers the tones around a frequency",
            frequency=Number(1000, 10, 20000, "Hz"),
            gain=Number(0, -40, 40, "dB"),
            width=Number(1, 0.1, 6, "octaves"),
        ),
        "compressor": _kind(
            "sound",
            "makes loud softer",
            threshold=Number(-20, -60, 0, "dB"),
            ratio=Number(4, 1, 20),
            attack=Number(20, 0.01, 2000, "ms"),
            release=Number(250, 0.01, 9000, "ms"),
            makeup=Number(0, 0, 36, "dB"),
        ),
        "normalize": _kind(
            "sound",
            "brings the clip to a loudness (EBU R128)",
            lufs=Number(-14, -70, -5, "LUFS"),
            truePeak=Number(-1, -9, 0, "dBTP"),
        ),
    }
)

#: Kinds of transition, and the transition of ffmpeg's xfade that each is. `slide` moves the new picture over the old
#: one; `push` moves both. xfade's own `dissolve` is a noise, so it is called grain here, and `dissolve` is its `fade`.
TRANSITIONS: Final = MappingProxyType(
    {
        "dissolve": "fade",
        "fade-black": "fadeblack",
        "fade-white": "fadewhite",
        **{f"wipe-{side}": f"wipe{side}" for side in ("left", "right", "up", "down")},
        **{f"slide-{side}": f"cover{side}" for side in ("left", "right", "up", "down")},
        **{f"push-{side}": f"slide{side}" for side in ("left", "right", "up", "down")},
        **{f"reveal-{side}": f"reveal{side}" for side in ("left", "right", "up", "down")},
        **{f"smooth-{side}": f"smooth{side}" for side in ("left", "right", "up", "down")},
        "circle-open": "circleopen",
        "circle-close": "circleclose",
        "circle-crop": "circlecrop",
        "rect-crop": "rectcrop",
        "vert-open": "vertopen",
        "vert-close": "vertclose",
        "horz-open": "horzopen",
        "horz-close": "horzclose",
        **{f"wipe-{corner}": f"wipe{corner}" for corner in ("tl", "tr", "bl", "br")},
        **{f"diag-{corner}": f"diag{corner}" for corner in ("tl", "tr", "bl", "br")},
        "slice-left": "hlslice",
        "slice-right": "hrslice",
        "slice-up": "vuslice",
        "slice-down": "vdslice",
        "wind-left": "hlwind",
        "wind-right": "hrwind",
        "wind-up": "vuwind",
        "wind-down": "vdwind",
        "radial": "radial",
        "zoom-in": "zoomin",
        "squeeze-h": "squeezeh",
        "squeeze-v": "squeezev",
        "blur": "hblur",
        "pixelize": "pixelize",
        "distance": "distance",
        "fade-grays": "fadegrays",
        "fade-fast": "fadefast",
        "fade-slow": "fadeslow",
        "grain": "dissolve",
    }
)
