"""SubStation Alpha and Advanced SubStation: the lines `Dialogue:` under `[Events]`.

http://www.tcax.org/docs/ass-specs.htm. Styles, places, drawings and karaoke are not kept.
"""

from __future__ import annotations

import re
from typing import Final

from .found import Found, UnreadableError, tidy

_USUAL: Final = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text")
_TIME: Final = re.compile(r"(-?)(\d{1,6}):(\d{1,2}):(\d{1,2})(?:[.,:](\d{1,9}))?")
_OVERRIDES: Final = re.compile(r"\{([^{}]*)\}")
_PLACED: Final = re.compile(r"\\(?:an?\d|pos|move|org|clip|iclip)")
_DRAWING: Final = re.compile(r"\\p[1-9]")


def read(lines: list[str], found: Found) -> None:
    """Adds what the file holds, in the order of its times. Raises UnreadableError."""
    section, events = "", False
    fields: tuple[str, ...] = _USUAL
    styled = False
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].casefold()
            events |= section == "events"
            continue
        key, _, value = line.partition(":")
        match section, key.strip().casefold():
            case "events", "format":
                fields = tuple(field.strip().casefold() for field in value.split(","))[:50]
            case "events", "dialogue":
                _dialogue(value, fields, number, found)
            case (("v4+ styles" | "v4 styles"), "style"):
                styled = True
            case _:
                pass
    if not events:
        raise UnreadableError("it has no section [Events]")
    if styled:
        found.lose("stylesheet")
    found.cues.sort(key=lambda cue: cue.start)


def _dialogue(value: str, fields: tuple[str, ...], number: int, found: Found) -> None:
    values = value.split(",", len(fields) - 1)
    told = dict(zip(fields, values, strict=False))
    start, end = _milliseconds(told.get("start", "")), _milliseconds(told.get("end", ""))
    if start is None or end is None or "text" not in told:
        found.drop(number, "the line has no start, end and text that can be read")
        return
    text = told["text"]
    overrides = "".join(match[1] for match in _OVERRIDES.finditer(text))
    if _DRAWING.search(overrides):
        found.drop(number, "it is a drawing and no caption")
        return
    if _PLACED.search(overrides):
        found.lose("position")
    elif "\\" in overrides:
        found.lose("style")
    text = _OVERRIDES.sub("", text).replace("\\N", "\n").replace("\\n", " ").replace("\\h", "\u00a0")
    found.add(start, end, tidy(text.split("\n")), number)


def _milliseconds(text: str) -> int | None:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    whole = ((int(match[2]) * 60 + int(match[3])) * 60 + int(match[4])) * 1000
    moment = whole + int((match[5] or "")[:3].ljust(3, "0"))
    return -moment if match[1] else moment
