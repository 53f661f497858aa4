"""OpenTimelineIO's objects as JSON, as far as readers make them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

Json = dict[str, Any]


class RefusedError(Exception):
    """The file is not what it should be. The message says why."""


class Losses:
    """What a reader could not keep; equal ones are counted."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], int] = {}

    def add(self, what: str, where: str, detail: str) -> None:
        """Notes a loss."""
        key = (what, where[:120] or what, detail[:400])
        self._counts[key] = self._counts.get(key, 0) + 1

    def told(self) -> list[Json]:
        """All of them, in order."""
        return [
            {"what": what, "where": where, "detail": detail, "count": count}
            for (what, where, detail), count in list(self._counts.items())[:1_000]
        ]


def time(value: float | Fraction, rate: float | Fraction) -> Json:
    """`value` units of 1 / `rate` seconds."""
    return {"OTIO_SCHEMA": "RationalTime.1", "value": float(value), "rate": float(rate)}


def span(start: float | Fraction, duration: float | Fraction, rate: float | Fraction) -> Json:
    """A range, in units of 1 / `rate` seconds."""
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(start, rate), "duration": time(duration, rate)}


def clip(name: str, extent: Json, reference: Json, **rest: Any) -> Json:
    """A clip; `rest` may have effects, markers, enabled, metadata."""
    return {"OTIO_SCHEMA": "Clip.2", "name": name, "source_range": extent,
            "media_references": {"DEFAULT_MEDIA": reference}, **rest}  # fmt: skip


def external(name: str, url: str, available: Json | None = None) -> Json:
    """A media in a file."""
    return {"OTIO_SCHEMA": "ExternalReference.1", "name": name, "target_url": url, "available_range": available}


def missing(name: str) -> Json:
    """A media of which only the name is known."""
    return {"OTIO_SCHEMA": "MissingReference.1", "name": name}


def generator(kind: str, name: str = "", metadata: Json | None = None, **parameters: Any) -> Json:
    """What a program draws."""
    return {"OTIO_SCHEMA": "GeneratorReference.1", "name": name or kind, "generator_kind": kind,
            "parameters": parameters, "metadata": metadata or {}}  # fmt: skip


def gap(duration: float | Fraction, rate: float | Fraction) -> Json:
    """Nothing, for a while."""
    return {"OTIO_SCHEMA": "Gap.1", "name": "", "source_range": span(0, duration, rate)}


def speed(scalar: float | Fraction) -> Json:
    """Plays at a speed, negative when backwards; holds the first frame at 0."""
    if scalar == 0:
        return {"OTIO_SCHEMA": "FreezeFrame.1", "name": "", "effect_name": "FreezeFrame", "time_scalar": 0.0}
    return {
        "OTIO_SCHEMA": "LinearTimeWarp.1",
        "name": "",
        "effect_name": "LinearTimeWarp",
        "time_scalar": float(scalar),
    }


def effect(name: str, metadata: Json | None = None) -> Json:
    """An effect, by its name."""
    return {"OTIO_SCHEMA": "Effect.1", "name": name, "effect_name": name, "metadata": metadata or {}}


def marker(
    name: str, at: float | Fraction, rate: float | Fraction, duration: float | Fraction = 0, **rest: Any
) -> Json:
    """A marker; `rest` may have color, comment, metadata."""
    return {"OTIO_SCHEMA": "Marker.2", "name": name, "marked_range": span(at, duration, rate), **rest}


def transition(name: str, kind: str, before: float | Fraction, after: float | Fraction, rate: float | Fraction) -> Json:
    """A transition around a cut."""
    return {"OTIO_SCHEMA": "Transition.1", "name": name, "transition_type": kind, "in_offset": time(before, rate),
            "out_offset": time(after, rate)}  # fmt: skip


def track(name: str, kind: str, children: list[Json], **rest: Any) -> Json:
    """A track, `Video` or `Audio`; `rest` may have enabled, source_range, effects, metadata."""
    return {"OTIO_SCHEMA": "Track.1", "name": name, "kind": kind, "children": children, **rest}


def stack(name: str, children: list[Json], **rest: Any) -> Json:
    """Tracks above each other; `rest` may have source_range, effects, markers."""
    return {"OTIO_SCHEMA": "Stack.1", "name": name, "children": children, **rest}


def timeline(
    name: str,
    tracks: Json,
    rate: float | Fraction,
    losses: Losses,
    metadata: Json | None = None,
    own_sound: bool = False,
) -> Json:
    """A whole file. `own_sound`: clips on tracks of pictures bring their sound, as ours do."""
    read = {"losses": losses.told(), "own_sound": own_sound}
    return {
        "OTIO_SCHEMA": "Timeline.1", "name": name, "global_start_time": time(0, rate), "tracks": tracks,
        "metadata": {**(metadata or {}), "read": read},
    }  # fmt: skip


def sized(width: str, height: str) -> Json:
    """Metadata of a timeline that tell the size of its canvas, where Final Cut has it."""
    return {"fcp_xml": {"media": {"video": {"format": {"samplecharacteristics": {"width": width, "height": height}}}}}}
