"""Kinds of legacy ops that surely change only how a film looks or sounds, whatever their arguments mean. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cutlog.contract.legacy import Conventions
from services.ops.legacy.reading import UntranslatableError, kind_of, reworded

LOOKS: Final = frozenset(
    ("adjust", "balance", "blackandwhite", "blackwhite", "bloom", "blur", "bokeh", "border", "brightness", "bw",
     "chromakey", "colorbalance", "colorcorrection", "colorgrade", "colorgrading", "confetti", "contrast", "denoise",
     "distortion", "edgedetect", "emboss", "emoji", "exposure", "filmgrain", "fire", "flare", "flip", "fliph",
     "fliphorizontal", "flipv", "flipvertical", "fog", "gamma", "glitch", "glow", "grain", "grayscale", "greenscreen",
     "greyscale", "hearts", "hflip", "hue", "invert", "lensflare", "lightleak", "lightning", "logo", "lut", "mirror",
     "mosaic", "negative", "noise", "oldfilm", "opacity", "overlay", "particles", "pixelate", "posterize", "rain",
     "retro", "rotate", "rotation", "saturation", "scale", "sepia", "setopacity", "shadow", "sharpen", "smoke", "snow",
     "sparkle", "sparkles", "stars", "sticker", "swirl", "temperature", "tint", "vhs", "vibrance", "vflip", "vignette",
     "vintage", "warmth", "watermark", "zoom")
)  # fmt: skip
SOUNDS: Final = frozenset(
    ("addaudio", "addmusic", "backgroundmusic", "bass", "changevolume", "compressor", "echo", "eq", "equalizer",
     "fade", "fadein", "fadeout", "gain", "music", "mute", "muteaudio", "muteclip", "noisereduction", "normalize",
     "reverb", "setvolume", "treble", "unmute", "unmuteclip", "voiceover", "volume")
)  # fmt: skip
TEXTS: Final = frozenset(
    ("addcaption", "addcaptions", "addsubtitle", "addsubtitles", "addtext", "addtitle", "caption", "captions",
     "overlaytext", "subtitle", "subtitles", "text", "title")
)  # fmt: skip


SAID: Final = frozenset(("look", "sound"))
"""What the owner of a store calls such kinds, where it has names of its own."""


def changes_no_time(op: Any, conventions: Conventions) -> bool:
    """Whether what an op does leaves every other frame where it is, and every clip."""
    if not isinstance(op, Mapping):
        return False
    try:
        kind = kind_of(reworded(op, conventions))
    except UntranslatableError:
        return False
    return kind in SAID or kind in LOOKS or kind in SOUNDS or kind in TEXTS
