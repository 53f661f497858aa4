"""Edits in the words of the old backend and in ours: one in the form of the other, what such an edit leaves unsaid, and
what to send in place of one that can't be translated. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Several
from typing import Any, Final

from cutlog.contract.effects import EFFECTS, ColorValue, Number
from cutlog.contract.legacy import Conventions
from cutlog.contract.legacy import Mapping as Wished
from cutlog.contract.legacy_meaning import Said, conventions
from services.ops.edits.sequence import Sequence
from services.ops.legacy.draft import PICTURE
from services.ops.legacy.kinds import TEXTS
from services.ops.legacy.reading import UntranslatableError, kind_of, plain
from services.ops.legacy.rules import RULES
from services.ops.legacy.translate import FILM

Json = dict[str, Any]

_PARAMETERS: Final = ("parameters", "params")
_WRAPPED: Final = frozenset(("type", "effect", *_PARAMETERS))

_EXAMPLES: Final[dict[str, Json]] = {
    "volume": {"volume": "50%"}, "gain": {"gainDb": -6}, "speed": {"speed": 2}, "trim": {"start": 1, "end": 4},
    "cut": {"start": 1, "end": 2}, "split": {"at": 1.5}, "remove": {"start": 1, "end": 2}, "fade": {"fadeIn": 1},
    "fadein": {"duration": 1}, "fadeout": {"duration": 1}, "opacity": {"opacity": 0.5}, "rotate": {"rotation": 90},
    "scale": {"scale": 1.5}, "zoom": {"scale": 1.5}, "flip": {"direction": "horizontal"}, "mute": {"muted": True},
    "crop": {"x": 0, "y": 0, "width": 0.5, "height": 0.5}, "resize": {"width": 1280, "height": 720},
    "addtext": {"text": "Hello", "start": 1, "end": 4}, "add": {"videoId": "VIDEO", "in": 0, "out": 4},
    "marker": {"at": 1, "label": "here"}, "addtrack": {"trackId": "v2"}, "removetrack": {"trackId": "v2"},
    "move": {"clipId": "CLIP", "to": 3}, "addaudio": {"videoId": "AUDIO", "start": 1, "end": 4},
    "merge": {"videoId": "VIDEO"},
}  # fmt: skip
"""Arguments that are understood, by kind."""
_ALIKE: Final[dict[str, str]] = {
    "setvolume": "volume", "changevolume": "volume", "setspeed": "speed", "changespeed": "speed", "trimclip": "trim",
    "cutclip": "trim", "splitclip": "split", "removeclip": "remove", "delete": "remove", "deleteclip": "remove",
    "setopacity": "opacity", "rotation": "rotate", "mirror": "flip", "setresolution": "resize", "resolution": "resize",
    "setcanvas": "resize", "addclip": "add", "insert": "add", "insertclip": "add", "append": "add", "import": "add",
    "appendclip": "add", "addvideo": "add", "addmarker": "marker", "moveclip": "move", "deletetrack": "removetrack",
    "muteclip": "mute", "muteaudio": "mute", "addmusic": "addaudio", "backgroundmusic": "addaudio",
    "mergeclips": "merge", "mergevideos": "merge", "join": "merge", "concat": "merge", "concatenate": "merge",
} | dict.fromkeys(TEXTS, "addtext")  # fmt: skip
_OURS: Final[dict[str, str]] = {
    "adjust": "color", "brightness": "color", "colorcorrection": "color", "colorgrade": "color",
    "colorgrading": "color", "colorbalance": "color", "contrast": "color", "exposure": "color", "gamma": "color",
    "saturation": "color", "temperature": "color", "vibrance": "color", "warmth": "color", "tint": "color",
    "hue": "hue", "blur": "blur", "bokeh": "blur", "sharpen": "sharpen", "vignette": "vignette", "noise": "noise",
    "grain": "noise", "filmgrain": "noise", "pixelate": "pixelate", "mosaic": "pixelate", "denoise": "denoise",
    "noisereduction": "denoise", "chromakey": "chromaKey", "greenscreen": "chromaKey", "lut": "lut", "eq": "eq",
    "equalizer": "eq", "bass": "eq", "treble": "eq", "compressor": "compressor", "normalize": "normalize",
}  # fmt: skip
"""Our kind of effect that is meant by one of the old backend, whose numbers mean something else."""


def operation_id(project_id: str, version: int) -> str:
    """What the old backend called the row of a version."""
    return f"{project_id}-v{version}"


def job_id(project_id: str, version: int) -> str:
    """What it called the job that renders the proxy of a version."""
    return f"{project_id}-v{version}-proxy"


def shown(ops: Several[Json], version: int) -> list[Json]:
    """Ops of ours in the form of the old backend, which takes them back in it. That a project begins as its video went
    without saying there."""
    said = ops[2:] if version == 1 and begins_as_film(ops) else ops
    return [
        {"type": "effect", "effect": op.get("op"), "parameters": {name: op[name] for name in op if name != "op"}}
        for op in said
    ]


def begins_as_film(ops: Several[Json]) -> bool:
    """Whether the ops of a first version begin with all of a video."""
    firsts = [(op.get("op"), op.get("track"), op.get("clip")) for op in ops[:2]]
    return firsts == [("track.add", PICTURE, None), ("clip.add", PICTURE, FILM)]


def unwrapped(op: Json) -> Json:
    """An op of ours that came in the form of the old backend as it is; any other as it came."""
    name = op.get("effect")
    given = [op[key] for key in _PARAMETERS if key in op]
    if not isinstance(name, str) or "." not in name or not op.keys() <= _WRAPPED or len(given) > 1:
        return op
    if given and not isinstance(given[0], Mapping):
        return op
    return {**(given[0] if given else {}), "op": name}


def settled(ops: Iterable[Json], seconds: float, *, whole_film: bool) -> Conventions:
    """What ops of a film of so many seconds mean where they do not say it, by the rules for a whole store. Raises
    UntranslatableError, where these would take times for milliseconds: one edit is too little to go by."""
    said = Said()
    for op in ops:
        said.hear("", op)
    found = conventions(said, seconds or None, Wished(whole_film=whole_film))
    if found.time != "seconds":
        raise UntranslatableError(
            f"{said.latest:g} s is far beyond the film, which has {seconds:g} s; send seconds, or name the unit, as in"
            " `startMs` and `endMs`"
        )
    return found


def instead(op: Any, sequence: Sequence) -> str:
    """A sentence that names what to send in place of an op that can't be translated."""
    if isinstance(op, Mapping) and isinstance(op.get("op"), str) and "." in op["op"]:
        return "docs/EDIT-LANGUAGE.md lists the arguments of each op."
    try:
        kind = kind_of(op) if isinstance(op, Mapping) else ""
    except UntranslatableError:
        kind = ""
    if (ours := _OURS.get(kind)) is not None and kind not in RULES:
        return f"Send {_code(_effect(ours, sequence))} with values of the edit language (docs/EDIT-LANGUAGE.md)."
    known = _ALIKE.get(kind, kind)
    if known in RULES:
        example = {"type": "effect", "effect": known, "parameters": _EXAMPLES.get(known, {})}
        return f"Send, for example, {_code(example)}, with times in seconds, or ops of the edit language."
    return (
        f"It has no equivalent. Send one of {', '.join(sorted(_EXAMPLES))}; or an effect such as"
        f" {_code(_effect('color', sequence))}, of the kind {', '.join(EFFECTS)}."
    )


def _effect(kind: str, sequence: Sequence) -> Json:
    clip = next((placed.piece.id for placed in sequence.clips()), FILM)
    params = {
        name: parameter.default if isinstance(parameter, Number | ColorValue) else "MEDIA"
        for name, parameter in EFFECTS[kind].params.items()
        if name != "of"
    }
    return {"op": "effect.add", "clip": clip, "effect": f"my-{plain(kind)}", "kind": kind, "params": params}


def _code(value: Json) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`"
