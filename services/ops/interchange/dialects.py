"""What other programs, and we in formats without room for it, say in places of their own."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import Final

import msgspec

from services.ops.interchange import schema
from services.ops.interchange.conform import speed
from services.ops.interchange.matching import Wanted, text

#: A short one: with an exponent a few characters are as large as the memory.
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{0,15})?")
#: Avid's curves: of a speed, which is level, and of frames, which are on a straight line, if nothing changes.
_CURVES: Final = {"PARAM_SPEED_MAP_U": False, "PARAM_SPEED_OFFSET_MAP_U": True, "PARAM_OFFSET_MAP_U": True}
_STRAIGHT: Final = 0.01
_MARK: Final = re.compile(r"cutlog:(?P<id>[a-z0-9][a-z0-9_-]{0,63})(?: sha256:(?P<sha256>[0-9a-f]{64}))?")


def shown(made: schema.GeneratorReference) -> tuple[str, str]:
    """The colour and the words of a generator: our parameters, or Final Cut's."""
    color, words = text(made.parameters.get("color")), text(made.parameters.get("text"))
    told = made.metadata.told("fcp_xml").get("parameter")
    for each in told if isinstance(told, list) else [told]:
        value = each.get("value") if isinstance(each, dict) else None
        if isinstance(value, dict) and not color:
            parts = [text(value.get(name)) for name in ("red", "green", "blue")]
            if all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts):
                color = "#" + "".join(f"{int(part):02x}" for part in parts)
        elif isinstance(each, dict) and each.get("parameterid") == "str" and not words:
            words = text(value)
    return color, words


def enabled(told: schema.Clip) -> bool:
    """Whether a clip is, for OpenTimelineIO and for Final Cut."""
    return told.enabled and told.metadata.told("fcp_xml").get("enabled") != "FALSE"


def mark(clip: schema.Clip) -> Wanted | None:
    """Our mark in a comment, where a format has no place for metadata."""
    comments = clip.metadata.told("cmx_3600").get("comments")
    notes = clip.metadata.told("fcp_xml").get("comments")
    found = [*(comments if isinstance(comments, list) else []), *(notes.values() if isinstance(notes, dict) else [])]
    for comment in found:
        if (match := _MARK.search(text(comment))) is not None:
            return Wanted(match["sha256"] or "", match["id"], (clip.name,) if clip.name else ())
    return None


def changes_speed(effect: schema.LinearTimeWarp) -> bool:
    """Whether Avid's curve of a speed, or of the frame that is shown, is no straight line."""
    params = effect.metadata.told("aaf").get("Parameters")
    for name, straight in _CURVES.items():
        curve = params.get(name) if isinstance(params, dict) else None
        try:
            points = msgspec.convert(
                curve["keyframe_values"] if isinstance(curve, dict) else [], list[tuple[float, float]]
            )
        except (KeyError, msgspec.ValidationError):
            continue
        if straight:
            slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points) if b[0] != a[0]]
            found = any(abs(slope - slopes[0]) > _STRAIGHT for slope in slopes)
        else:
            found = any(abs(value - points[0][1]) > _STRAIGHT for _, value in points)
        if found:
            return True
    return False


def remapped_time(effect: schema.Effect) -> Fraction | None:
    """The speed of Final Cut's filter `timeremap`; None for any other."""
    notes = effect.metadata.told("fcp_xml")
    if notes.get("effectid") != "timeremap":
        return None
    params = notes.get("parameter")
    values = {
        text(each.get("parameterid")): text(each.get("value"))
        for each in (params if isinstance(params, list) else [params])
        if isinstance(each, dict)
    }
    told = values.get("speed", "100")
    if not _NUMBER.fullmatch(told):
        return None
    percent = Fraction(told)
    rate = speed(float(percent / 100))
    return -abs(rate) if values.get("reverse", "").upper() == "TRUE" else rate
