"""What each kind of legacy op means in ours. docs/MIGRATION.md has this table in words. Pure.

A rule reads every argument that it understands and puts ops onto the draft. It raises UntranslatableError where there
is more than one thing that the op could mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.ops.legacy import cutting, joining, looking
from services.ops.legacy.draft import Draft, Json
from services.ops.legacy.reading import CLIP, LENGTH, Given, UntranslatableError, our_id

Rule = Callable[[Given, Draft], None]

TITLES: Final = "titles"


def title(given: Given, draft: Draft) -> None:
    match given.get("action", "mode"):
        case None | "add" | "create" | "insert":
            pass
        case "remove" | "delete":
            clip = given.name("c", *CLIP, "id", "textId")
            if clip is None:
                raise UntranslatableError("it does not say which text goes")
            given.get("text", "content", "title", "caption")
            draft.do(op="clip.remove", clip=draft.named(clip).piece.id, ripple=False)
            return
        case other:
            raise UntranslatableError(f"what {str(other)[:40]!r} does to a text is not known")
    words = given.get("text", "content", "title", "caption")
    if not isinstance(words, str) or not words.strip():
        raise UntranslatableError("it has no text")
    at = given.frames("start", "from", "begin", "at", "position", "time") or 0
    end, length = given.frames("end", "to", "until"), given.frames(*LENGTH)
    if length is not None and end is not None and end - at != length:
        raise UntranslatableError("its end and its length do not fit together")
    frames = length if length is not None or end is None else end - at
    if frames is None or frames <= 0:
        raise UntranslatableError("it does not say how long the text is shown")
    text: Json = {"text": words}
    for name in ("x", "y"):
        value = given.fraction(name)
        if value is not None:
            if not 0 <= value <= 1:
                raise UntranslatableError(f"{name} is {value:g}, which is no fraction of the picture")
            text[name] = value
    color = given.get("color")
    if color is not None:
        text["color"] = str(color).lower()
    track = draft.track(given, TITLES)
    clip = given.name("c", "clipId", "id", "clip") or draft.fresh()
    draft.do(op="clip.add", clip=clip, track=track, at=at, frames=frames, text=text)


def add_track(given: Given, draft: Draft) -> None:
    track = given.name("t", "trackId", "id", "track", "name")
    if track is None:
        raise UntranslatableError("it names no track")
    kind = given.get("kind", "trackType", "mediaType", "innerType")
    if kind not in (None, "audio", "video", "text", "overlay"):
        raise UntranslatableError(f"{str(kind)[:40]!r} is no kind of track that is known")
    draft.do(op="track.add", track=track, kind="audio" if kind == "audio" else "video")


def remove_track(given: Given, draft: Draft) -> None:
    track = given.name("t", "trackId", "id", "track", "name")
    if track is None:
        raise UntranslatableError("it names no track")
    draft.do(op="track.remove", track=track)


def marker(given: Given, draft: Draft) -> None:
    at = given.frames("at", "time", "position", "start")
    if at is None:
        raise UntranslatableError("it does not say where")
    name = given.name("m", "markerId", "id") or our_id("m", draft.fresh())
    label = str(given.get("label", "name", "text") or "")[:1000]
    draft.do(op="marker.add", marker=name, at=at, label=label)


def resize(given: Given, draft: Draft) -> None:
    width, height = given.number("width"), given.number("height")
    if width is None or height is None or not (width.is_integer() and height.is_integer()):
        raise UntranslatableError("it has no width and height")
    draft.do(op="project.configure", width=int(width), height=int(height))


_KINDS: Final[dict[Rule, str]] = {
    cutting.add: "add addclip insert insertclip append appendclip import addvideo",
    cutting.trim: "trim trimclip cutclip",
    cutting.split: "split splitclip cut",
    cutting.move: "move moveclip",
    cutting.remove: "remove removeclip delete deleteclip",
    cutting.speed: "speed setspeed changespeed",
    cutting.reverse: "reverse reverseclip",
    joining.add_audio: "addaudio addmusic backgroundmusic",
    joining.merge: "merge mergeclips mergevideos join concat concatenate",
    title: "text addtext title addtitle overlaytext",
    looking.volume: "volume setvolume changevolume gain",
    looking.mute: "mute muteclip muteaudio",
    looking.unmute: "unmute unmuteclip",
    looking.fade: "fade fadein fadeout",
    looking.opacity: "opacity setopacity",
    looking.rotate: "rotate rotation",
    looking.scale: "scale zoom",
    looking.flip: "flip hflip vflip fliph flipv mirror fliphorizontal flipvertical",
    looking.crop: "crop",
    looking.tone("grayscale"): "grayscale greyscale blackandwhite blackwhite bw",
    looking.tone("invert"): "invert negative",
    add_track: "addtrack",
    remove_track: "removetrack deletetrack",
    marker: "marker addmarker",
    resize: "resize setresolution resolution setcanvas",
}
RULES: Final[dict[str, Rule]] = {kind: rule for rule, kinds in _KINDS.items() for kind in kinds.split()}
"""Kind of legacy op → what it means."""
