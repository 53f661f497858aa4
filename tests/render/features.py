# ruff: noqa: E501
"""A film of each thing that the edit language can show, made of the sample clip: for the gallery, and to pin pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Final, get_args

import msgspec
import numpy as np

import cutlog.operate.cli.sample
from cutlog.contract.effects import EFFECTS, TRANSITIONS
from cutlog.contract.properties import Animated, Keyframe, Keyframes
from cutlog.contract.timeline import (
    Box,
    Caption,
    Clip,
    Crop,
    Effect,
    Fit,
    FreezeSource,
    MediaRef,
    Shadow,
    Speed,
    Stroke,
    Timeline,
)  # fmt: skip
from tests.render.screening import joint
from tests.render.timelines import lane, shot, solid, timeline, title
from tests.support.painting import Image

SIZE: Final = (320, 180)
SAMPLE: Final = Path(cutlog.operate.cli.sample.__file__).parent / "bigbuckbunny.mp4"
edit = msgspec.structs.replace

#: What is found in titles, by script.
SCRIPTS: Final = {
    "Latin": "Łódź, Đà Nẵng, œuvre", "Greek": "Καλημέρα κόσμε", "Cyrillic": "Привет, мир", "Arabic": "مرحبا بالعالم",
    "Hebrew": "שלום עולם", "Devanagari": "नमस्ते दुनिया", "Bengali": "হ্যালো বিশ্ব", "Tamil": "வணக்கம் உலகம்",
    "Thai": "สวัสดีชาวโลก", "Khmer": "សួស្តីពិភពលោក", "Chinese": "你好，世界", "Japanese": "こんにちは世界",
    "Korean": "안녕하세요 세계", "Ethiopic": "ሰላም ለዓለም", "Georgian": "გამარჯობა", "emoji": "😀 👍🏽 👩‍👩‍👧 🇹🇭 ❤️ ❤",
}  # fmt: skip


def effect(kind: str, **given: Animated | str) -> Effect:
    params = {name: of.default for name, of in EFFECTS[kind].params.items() if hasattr(of, "default")}
    of: dict[str, Animated | str] = {"of": "picture"} if kind == "denoise" else {}
    return Effect(id="e", kind=kind, params={**params, **of, **given})


def films(media: MediaRef, table: MediaRef, font: MediaRef) -> dict[str, dict[str, Timeline]]:
    """Films by heading and name; the picture is that of frame 2, or of a transition's middle."""
    clip = shot(0, 40, 4, media.id, fit="cover")

    def stacked(*tops: Clip) -> Timeline:
        ground = edit(clip, id="ground", effects=(effect("grayscale"),))
        tracks = [lane(ground), *(lane(edit(top, id=f"top{n}"), number=n + 1) for n, top in enumerate(tops))]
        return timeline(*tracks, library=[media, table, font], size=SIZE)

    def words(**style: object) -> Timeline:
        return stacked(title(0, 4, "Big Buck Bunny", size=0.14, **style))

    words_of_lines = stacked(title(0, 4, "Big\nBuck Bunny", size=0.14, align="right"))
    looks: dict[str, dict[str, object]] = {
        "x and y": {"x": 0.3, "y": 0.3, "scale": 0.5}, "scale": {"scale": 0.5}, "rotation": {"rotation": 20.0, "scale": 0.7},
        "opacity": {"opacity": 0.7}, "crop": {"crop": Crop(left=0.3, top=0.1, right=0.1, bottom=0.2)},
        "flipH": {"flip_h": True}, "flipV": {"flip_v": True}, "fadeIn": {"fade_in": 4}, "fadeOut": {"fade_out": 4},
        "keyframes": {"scale": 0.4, "x": Keyframes(keyframes=(Keyframe(frame=0, value=0.1), Keyframe(frame=4, value=0.9)))},
    }  # fmt: skip
    said = Caption(id="s", start=0, end=4, text="Captions are broken into lines that the canvas has room for.")
    captions = timeline(lane(clip, captions=(said,)), library=[media], size=SIZE)

    def long(**style: object) -> Timeline:
        return stacked(title(0, 4, "A title that is too long for its line", size=0.12, **style))

    kinds = [kind for kind, of in EFFECTS.items() if of.medium != "sound"]
    strong: dict[str, dict[str, Animated | str]] = {
        "color": {"temperature": 3500.0, "saturation": 1.6}, "hue": {"degrees": 120.0}, "blur": {"radius": 0.03}, "noise": {"amount": 0.4},
        "sharpen": {"amount": 4.0}, "pixelate": {"size": 0.06}, "vignette": {"amount": 0.7}, "lut": {"media": table.id}, "chromaKey": {"color": "#8fc7f0", "similarity": 0.15},
    }  # fmt: skip
    left, right = (
        edit(clip, id="l"),
        edit(shot(4, 90, 4, media.id, fit="cover"), id="r", effects=(effect("hue", degrees=160.0),)),
    )
    # Beside a square canvas, so that the ways to fit in differ; a still has a frame around it.
    fits = {
        fit: timeline(lane(shot(0, 40, 4, media.id, fit=fit)), library=[media], size=(240, 240), background="#402060")
        for fit in get_args(Fit)
    }
    fast, slow = Speed(num=4, den=1), Speed(num=1, den=4)
    moments: dict[str, Clip] = {
        "footage": clip, "color": solid(0, 4, "#d06020"), "image": shot(0, 0, 4, table.id, fit="none"),
        "speed 4": edit(shot(0, 40, 16, media.id), frames=4, speed=fast), "speed 1/4": edit(shot(0, 40, 1, media.id), frames=4, speed=slow),
        "reverse": edit(shot(0, 40, 40, media.id), frames=4, reversed=True),
        "freeze": Clip(id="f", at=0, frames=4, source=FreezeSource(media=media.id, frame=60)),
    }  # fmt: skip
    return {
        "Clips": {name: timeline(lane(one), library=[media, table], size=SIZE) for name, one in moments.items()},
        "Fit": fits,
        "Place and look": {name: stacked(edit(clip, **given)) for name, given in looks.items()},
        "Blend modes": {
            mode: stacked(edit(solid(0, 4, "#d06020"), scale=0.7, blend=mode)) for mode in ("multiply", "screen", "overlay", "add")
        },
        "Text": {
            "plain": words(), "stroke": words(stroke=Stroke(width=0.02)), "box": words(box=Box(color="#803020", padding=0.04)),
            "shadow": words(shadow=Shadow(x=0.02, y=0.02)), "soft shadow": words(shadow=Shadow(x=0.02, y=0.02, blur=0.02)),
            "right to left": stacked(title(0, 4, "שלום (12) עולם!", size=0.15)),
            "align": words_of_lines, "sans-bold": words(font="sans-bold"), "noto-sans": words(font="noto-sans"),
            "noto-sans-bold": words(font="noto-sans-bold"), "captions": captions,
            "uploaded font": words(font=font.id), "weight": words(font=font.id, weight=900),
            "fit": long(), "fit shrink": long(fit="shrink"), "fit wrap": long(fit="wrap"),
            "fit ellipsis": long(fit="ellipsis"), "maxWidth": long(fit="wrap", max_width=0.5),
        },
        "Scripts": {script: stacked(title(0, 4, words, size=0.13)) for script, words in SCRIPTS.items()},
        "Effects": {kind: stacked(edit(clip, effects=(effect(kind, **strong.get(kind, {})),))) for kind in kinds},
        "Transitions": {kind: timeline(joint(left, right, kind, 6), library=[media], size=SIZE) for kind in TRANSITIONS},
    }  # fmt: skip


def sepia() -> Image:
    """A table of 16 × 16 × 16 colours: warm and pale."""
    step = np.linspace(0, 255, 16)
    blue, green, red = np.meshgrid(step, step, step, indexing="ij")
    grey = 0.21 * red + 0.72 * green + 0.07 * blue
    warm = np.stack([grey * 1.1 + 20, grey * 0.9 + 10, grey * 0.6], axis=-1)
    return warm.clip(0, 255).round().astype(np.uint8).reshape(64, 64, 3)
