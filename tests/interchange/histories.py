"""Random timelines: what a random history of edits leaves. Edits that do not apply are left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st

from cutlog.contract import ops as o
from cutlog.contract.lines import one_line
from cutlog.contract.media import MediaFacts, MediaKind
from cutlog.contract.properties import Keyframe, Keyframes
from cutlog.contract.time import Fps
from cutlog.contract.timeline import (
    Box,
    Canvas,
    Crop,
    MediaRef,
    MediaSource,
    Shadow,
    Stroke,
    TextStyle,
    Timeline,
)
from services.ops.edits.apply import apply
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Known, Material
from services.ops.interchange.matching import Asset, Library
from services.ops.timeline.resolve import resolve

Chooser = Callable[[st.SearchStrategy[Any]], Any]


def _facts(container: str, duration: str, **more: Any) -> MediaFacts:
    return MediaFacts(container=container, duration=duration, **more)


FACTS: dict[str, tuple[MediaKind, MediaFacts]] = {
    "film": ("video", _facts("mov", "10", fps=Fps(30, 1), frames=300, width=64, height=36, audio_codec="aac")),
    "mute": ("video", _facts("mov", "10", fps=Fps(15, 1), frames=150, width=64, height=36)),
    "song": ("audio", _facts("mp3", "8", audio_codec="mp3")),
    "still": ("image", _facts("png", "0", width=64, height=64)),
}
SHA256 = {media: f"{number:064x}" for number, media in enumerate(FACTS, 10)}
FILES = {"film": "film.mov", "mute": "mute.mov", "song": "song.mp3", "still": "still.png"}
MEDIA = Known({media: Material(kind, facts) for media, (kind, facts) in FACTS.items()})
REFERENCES = {
    media: MediaRef(
        id=media, sha256=SHA256[media], kind=kind, status="ready", facts=facts,
        key=f"videos/default/{SHA256[media]}.1.{FILES[media].rpartition('.')[2]}",
    )
    for media, (kind, facts) in FACTS.items()
}  # fmt: skip
LIBRARY = Library(
    Asset(media, SHA256[media], FILES[media], Material(kind, facts)) for media, (kind, facts) in FACTS.items()
)

TRACKS = ("v1", "v2", "a1")
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
COLORS = st.sampled_from(["#ff0000", "#00ff7f", "#000000"])
RATES = st.sampled_from([Fps(30, 1), Fps(30000, 1001), Fps(24, 1), Fps(25, 1), Fps(15, 1)])
SRT = "1\n00:00:00,000 --> 00:00:01,000\nOne\n\n2\n00:00:00,500 --> 00:00:02,000\nTwo"


@st.composite
def timelines(draw: Chooser, rates: st.SearchStrategy[Fps] = RATES, steps: int = 30) -> Timeline:
    """The timeline after some edits."""
    return timeline_of(sequences_at(draw, draw(rates), steps))


def timeline_of(sequence: Sequence) -> Timeline:
    return resolve(sequence, "p_1", "default", 1, REFERENCES)


def sequences_at(draw: Chooser, fps: Fps, steps: int) -> Sequence:
    sequence = Sequence("p", Canvas(fps=fps, background=draw(COLORS)))
    made = Maker(draw)
    for track in TRACKS:
        sequence = apply(sequence, o.TrackAdd(track=track, kind="audio" if track == "a1" else "video"), MEDIA)
    for number in range(draw(st.integers(1, steps))):
        try:
            sequence = apply(sequence, made.op(sequence, f"n{number}"), MEDIA)
        except EditError:
            continue
    return sequence


class Maker:
    """Makes one op after the other from what Hypothesis draws."""

    def __init__(self, draw: Chooser) -> None:
        self._draw = draw

    def _int(self, low: int, high: int) -> int:
        return int(self._draw(st.integers(low, high)))

    def _animated(self, low: float, high: float) -> float | Keyframes:
        value = st.floats(low, high, allow_nan=False)
        if self._draw(st.booleans()):
            return float(self._draw(value))
        frames = sorted(self._draw(st.sets(st.integers(0, 20), min_size=1, max_size=3)))
        easing = st.sampled_from(("hold", "linear", "ease-in"))
        return Keyframes(
            keyframes=tuple(
                Keyframe(frame=frame, value=float(self._draw(value)), easing=self._draw(easing)) for frame in frames
            )
        )

    def op(self, sequence: Sequence, new: str) -> o.Op:
        clips = list(sequence.clips())
        kinds = ADDING if not clips else KINDS
        kind = self._draw(st.sampled_from(kinds))
        track = self._draw(st.sampled_from(TRACKS))
        at = self._int(0, 80)
        if kind in ADDING:
            return self._add(kind, new, track, at)
        placed = self._draw(st.sampled_from(clips))
        clip, inside = placed.piece.id, placed.at + self._int(0, max(1, placed.piece.frames))
        match kind:
            case "split":
                return o.ClipSplit(clip=clip, at=inside, new=new)
            case "trim":
                start = placed.piece.source.start if isinstance(placed.piece.source, MediaSource) else 0
                return o.ClipTrim(clip=clip, start=start + self._int(0, 4))
            case "slip":
                return o.ClipSlip(clip=clip, by=self._int(-9, 9))
            case "speed":
                return o.ClipSpeed(clip=clip, num=self._int(1, 7), den=self._int(1, 7), pitch="vary")
            case "reverse":
                return o.ClipReverse(clip=clip, reversed=True)
            case "freeze":
                return o.ClipFreeze(clip=clip, at=inside, frames=self._int(1, 5), new=new, right=f"{new}r")
            case "detach":
                return o.ClipDetachAudio(clip=clip, new=new, track="a1")
            case "look":
                return self._look(clip)
            case "link":
                return o.ClipLink(clips=(clip, self._draw(st.sampled_from(clips)).piece.id))
            case "effect":
                return self._effect(clip, new)
            case "transition":
                after = [other for other in clips if other.at == placed.end]
                right = (after or [placed])[0].piece.id
                kind = self._draw(st.sampled_from(["dissolve", "wipe-left", "fade-black"]))
                return o.TransitionAdd(transition=new, left=clip, right=right, kind=kind, frames=self._int(1, 4))
            case "captions":
                return o.CaptionsImport(track=self._draw(st.sampled_from(["v1", "v2", new])), format="srt", content=SRT)
            case "caption":
                return self._caption(sequence)
            case "marker":
                return o.MarkerAdd(marker=new, at=at, label=self._draw(WORDS), color=self._draw(COLORS))
            case _:
                return o.TrackSet(
                    track=track, name=one_line(self._draw(WORDS)), muted=self._draw(st.booleans()),
                    hidden=self._draw(st.booleans()), gain_db=float(self._draw(st.floats(-20, 5))),
                    locked=self._int(0, 9) == 0, captions=self._draw(st.sampled_from(["burn", "sidecar"])),
                )  # fmt: skip

    def _add(self, kind: str, new: str, track: str, at: int) -> o.Op:
        mode = self._draw(st.sampled_from(("place", "insert", "overwrite")))
        where = {"clip": new, "track": track, "at": at, "mode": mode, "split": f"{new}s"}
        if kind == "color":
            return o.ClipAdd(**where, color=self._draw(COLORS), frames=self._int(1, 20))
        if kind == "text":
            style = TextStyle(
                text=self._draw(WORDS), x=self._animated(-1, 1), stroke=Stroke(), shadow=Shadow(blur=0.1), box=Box()
            )
            return o.ClipAdd(**where, text=style, frames=self._int(1, 20))
        start = self._int(0, 150)
        return o.ClipAdd(
            **where,
            media=self._draw(st.sampled_from(["film", "film", "mute", "song", "still"])),
            start=start,
            end=start + self._int(1, 24),
        )

    def _look(self, clip: str) -> o.Op:
        looks = {
            "opacity": self._animated(0, 1), "x": self._animated(-1, 2), "scale": self._animated(0, 3),
            "rotation": self._animated(-360, 360), "gain_db": self._animated(-30, 6), "pan": self._animated(-1, 1),
            "fade_in": self._int(0, 9), "audio_fade_out": self._int(0, 9), "flip_h": self._draw(st.booleans()),
            "crop": Crop(left=0.1, bottom=0.3), "blend": "screen", "fit": "cover", "enabled": self._draw(st.booleans()),
        }  # fmt: skip
        names = self._draw(st.sets(st.sampled_from(sorted(looks)), min_size=1))
        return o.ClipSet(clip=clip, **{name: looks[name] for name in names})

    def _effect(self, clip: str, new: str) -> o.Op:
        kind, params = self._draw(
            st.sampled_from(
                [("blur", {"radius": self._animated(0, 0.2)}), ("lut", {"media": "still"}), ("denoise", {}),
                 ("chromaKey", {"color": "#00ff00"}), ("highpass", {"frequency": 200.5})]
            )
        )  # fmt: skip
        return o.EffectAdd(clip=clip, effect=new, kind=kind, params=params)

    def _caption(self, sequence: Sequence) -> o.Op:
        captions = [caption.id for track in sequence.tracks for _, caption in track.captions.items()] or ["none"]
        caption = self._draw(st.sampled_from(sorted(captions)))
        if self._int(0, 3) == 0:
            return o.CaptionRemove(caption=caption)
        start = self._int(0, 90)
        return o.CaptionSet(caption=caption, start=start, end=start + self._int(1, 9), text=self._draw(WORDS))


ADDING = ("media", "media", "media", "color", "text")
KINDS = (
    *ADDING, "split", "split", "trim", "slip", "speed", "speed", "reverse", "freeze", "detach", "look", "look", "link",
    "effect", "transition", "transition", "captions", "caption", "caption", "marker", "track",
)  # fmt: skip


def comparable(timeline: Timeline) -> dict[str, Any]:
    """A timeline without its place in the history of a project."""
    found = msgspec.structs.asdict(timeline)
    for name in ("project_id", "tenant", "version"):
        del found[name]
    return found
