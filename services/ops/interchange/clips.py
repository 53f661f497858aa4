"""A clip of a file as a clip of this project: its media, its source frames, its speed, and all that we know of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, Literal, assert_never

import msgspec

from cutlog.contract.answers.edits import Missing
from cutlog.contract.effects import EFFECTS
from cutlog.contract.fonts import BUILT_IN, DEFAULT
from cutlog.contract.time import Fps
from cutlog.contract.timeline import (
    Clip,
    ColorSource,
    Effect,
    FreezeSource,
    Marker,
    MediaSource,
    Source,
    Speed,
    TextSource,
    TextStyle,
)
from services.ops.edits.sources import Material
from services.ops.interchange import schema
from services.ops.interchange.colors import NAMES
from services.ops.interchange.conform import frame, seconds, speed
from services.ops.interchange.dialects import changes_speed, enabled, mark, remapped_time, shown
from services.ops.interchange.documents import unwrap
from services.ops.interchange.export import time_effects
from services.ops.interchange.flatten import HOUR, ZERO, Kind, Span, reference_of
from services.ops.interchange.losses import Ledger
from services.ops.interchange.matching import Asset, Library, Wanted, base_name
from services.ops.interchange.names import Names
from services.ops.interchange.schema import known, noted, own

Absent = Literal["skip", "color"]

#: What stands in the place of media that are missing, if that is wished.
PLACEHOLDER: Final = "#404040"
FASTEST: Final = 100
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}")

#: What our metadata say of a clip whose place or frames another program has changed.
_SAID: Final = frozenset(("id", "at", "frames", "source", "enabled", "head_cut", "tail_cut", "speed", "reversed"))
_KEPT: Final = tuple(name for name in Clip.__struct_fields__ if name not in _SAID)


class Motion(msgspec.Struct, frozen=True):
    """How source frames follow each other: at a rate, negative when backwards; 0 holds one."""

    rate: Fraction = Fraction(1)


class ClipReader:
    """Reads the clips of one file. Collects what is missing, and markers that were on clips."""

    def __init__(
        self, fps: Fps, library: Library, names: Names, losses: Ledger, told: Mapping[str, schema.Own], absent: Absent
    ) -> None:
        self._fps, self._library, self._names, self._losses = fps, library, names, losses
        self._told = told
        self._absent: Absent = absent
        self._missing: dict[Wanted, Missing] = {}
        self._materials: dict[str, Material] = {}
        self.markers: list[Marker] = []
        self.named = 0
        #: Clips that carried our own metadata.
        self.own: set[str] = set()

    @property
    def missing(self) -> list[Missing]:
        """Media that were not found, with the number of clips that want them."""
        return list(self._missing.values())

    def material(self, media: str) -> Material | None:
        """What is known of a media that was found."""
        return self._materials.get(media)

    @staticmethod
    def wanted(clip: schema.Clip) -> Wanted | None:
        """What a clip says of its media; None if it has none."""
        reference = reference_of(clip)
        told = own(reference.metadata) if not isinstance(reference, schema.Unknown) else None
        if told is not None and (told.id or told.sha256):
            return Wanted(told.sha256, told.id, (told.name,) if told.name else ())
        if (marked := mark(clip)) is not None:
            return marked
        names: tuple[str, ...]
        match reference:
            case schema.GeneratorReference() | schema.Unknown():
                return None
            case schema.ExternalReference(target_url=url):
                names = (reference.name or "", base_name(url or ""), clip.name or "")
            case schema.ImageSequenceReference(name_prefix=prefix, name_suffix=suffix):
                names = (reference.name or "", f"{prefix or ''}{suffix or ''}", clip.name or "")
            case schema.MissingReference():
                names = (reference.name or "", clip.name or "")
            case _:
                assert_never(reference)
        return Wanted(names=tuple(dict.fromkeys(name for name in names if name)))

    def clip(self, span: Span, at: int, frames: int, kind: Kind) -> Clip | None:
        """The clip of a span, at `at` and `frames` long (or shorter, when its media is); None if it was left out."""
        told, where = span.clip, span.clip.name or "a clip"
        mine = unwrap(told.metadata, Clip)
        exact = mine is not None and self._agrees(mine, span, frames)
        found = mine if mine is not None and exact else self._foreign(span, at, frames, kind)
        if found is None:
            return None
        if mine is not None and not exact:
            self._losses.add("changed", mine.id, "another program has changed the clip; what it knows of wins")
            found = msgspec.structs.replace(found, **{name: getattr(mine, name) for name in _KEPT})
        if mine is not None and exact:
            remapped = self._remapped(mine, told, where)
            if remapped is None:
                return None
            found = remapped
        if mine is None and told.name:
            self.named += 1
        self._clip_markers(told, at, frames)
        ident = self._names.fresh(mine.id if mine else told.name or "clip", mine is not None)
        if mine is not None:
            self.own.add(ident)
        effects = tuple(effect for each in found.effects if (effect := self._effect(each, where)) is not None)
        return self._fitted(msgspec.structs.replace(found, id=ident, at=at, effects=effects), kind, where)

    # --- clips that we wrote ---

    def _agrees(self, mine: Clip, span: Span, frames: int) -> bool:
        """Whether what OpenTimelineIO says of a clip is what we would write of it."""
        told = span.clip
        extent = told.source_range
        if span.trimmed or extent is None or frames != mine.frames or told.enabled != mine.enabled:
            return False
        rate = float(self._fps.fraction)
        if abs(extent.duration.rate - rate) > 1e-6 or abs(extent.start_time.rate - rate) > 1e-6:
            return False
        if (extent.start_time.value, extent.duration.value) != (float(_start(mine.source)), float(mine.frames)):
            return False
        effects = [known(effect) for effect in told.effects]
        wanted: list[schema.LinearTimeWarp | Effect] = [*time_effects(mine), *mine.effects]
        same = len(effects) == len(wanted) and all(map(_same_effect, effects, wanted))
        return same and _same_source(mine.source, told)

    def _remapped(self, mine: Clip, told: schema.Clip, where: str) -> Clip | None:
        """The clip with the tenant's id of its media."""
        if isinstance(mine.source, TextSource):
            font = self.font(mine.source.text.font, where)
            return msgspec.structs.replace(
                mine, source=TextSource(text=msgspec.structs.replace(mine.source.text, font=font))
            )
        if not isinstance(mine.source, MediaSource | FreezeSource):
            return mine
        asset = self._asset(self.wanted(told) or Wanted(id=mine.source.media))
        if asset is None:
            return self._stand_in(mine, where)
        return msgspec.structs.replace(mine, source=msgspec.structs.replace(mine.source, media=asset.id))

    def font(self, font: str, where: str) -> str:
        """The tenant's id of a font that a text or track names."""
        if font in BUILT_IN:
            return font
        told = self._told.get(font, schema.Own(id=font))
        asset = self._library.font(Wanted(told.sha256, font, ()))
        if asset is not None:
            return asset.id
        self._losses.add("font", where, f"its font is missing; in its place is {DEFAULT}")
        return DEFAULT

    def _stand_in(self, clip: Clip, where: str) -> Clip | None:
        if self._absent == "skip":
            self._losses.add("clip", where, "its media is missing; in its place is a gap")
            return None
        self._losses.add("clip", where, f"its media is missing; in its place is {PLACEHOLDER}")
        return Clip(id=clip.id, at=clip.at, frames=clip.frames, source=ColorSource(color=PLACEHOLDER))

    def _effect(self, effect: Effect, where: str) -> Effect | None:
        """The effect with the tenant's ids of the media it uses."""
        own: dict[str, str] = {}
        for name in EFFECTS[effect.kind].media if effect.kind in EFFECTS else ():
            if not isinstance(media := effect.params.get(name), str):
                continue
            known_as = self._told.get(media, schema.Own(id=media))
            names = (known_as.name,) if known_as.name else ()
            asset = self._asset(Wanted(known_as.sha256, media, names))
            if asset is None:
                self._losses.add("effect", where, f"{effect.kind} {effect.id}: its media is missing")
                return None
            own[name] = asset.id
        return msgspec.structs.replace(effect, params=effect.params | own) if own else effect

    # --- clips of others ---

    def _foreign(self, span: Span, at: int, frames: int, kind: Kind) -> Clip | None:
        told, where = span.clip, span.clip.name or "a clip"
        clip = Clip(id="", at=at, frames=frames, source=ColorSource(color=PLACEHOLDER), enabled=enabled(told))
        clip = msgspec.structs.replace(clip, silent=noted(told.metadata).silent and kind == "video")
        reference = reference_of(told)
        if isinstance(reference, schema.Unknown):
            self._losses.add("clip", where, f"{reference.schema} is no media that is known")
            return None
        motion = self._motion(told, where)
        want = self.wanted(told)
        if want is None:
            assert isinstance(reference, schema.GeneratorReference)
            return self._generated(clip, reference, where, kind)
        asset = self._asset(want)
        if asset is None:
            return self._stand_in(clip, where) if kind == "video" else None
        first = max(0, frame(self._first(told, reference, span, motion), self._fps))
        if motion.rate == 0:
            return msgspec.structs.replace(clip, source=FreezeSource(media=asset.id, frame=first))
        rate = abs(motion.rate)
        length = ((frames - 1) * rate.numerator) // rate.denominator + 1
        return msgspec.structs.replace(
            clip,
            source=MediaSource(media=asset.id, start=first, end=first + length),
            speed=None if rate == 1 else Speed(num=rate.numerator, den=rate.denominator),
            reversed=motion.rate < 0,
        )

    def _first(self, told: schema.Clip, reference: schema.Reference, span: Span, motion: Motion) -> Fraction:
        """The moment of the source at which a clip begins, from the source's own beginning."""
        available = getattr(reference, "available_range", None)
        extent = told.source_range or available
        start = seconds(extent.start_time) if extent is not None else ZERO
        if available is not None:
            origin = seconds(available.start_time)
            start -= origin if start >= origin else ZERO
        return start + span.skipped * abs(motion.rate)

    def _motion(self, told: schema.Clip, where: str) -> Motion:
        """Speed, from the effects that tell it; the others are lost."""
        rate = Fraction(1)
        mine = unwrap(told.metadata, Clip)
        kept = [effect.kind for effect in mine.effects] if mine is not None else []
        for value in told.effects:
            match known(value):
                case schema.FreezeFrame():
                    rate = ZERO
                case schema.LinearTimeWarp(time_scalar=scalar) as warp:
                    rate *= speed(scalar)
                    if changes_speed(warp):
                        self._losses.add("speed", where, "its speed changes; it plays at one speed")
                case schema.Unknown(schema=name):
                    self._losses.add("effect", where, f"{name} is not known")
                case schema.Effect() as effect if (found := remapped_time(effect)) is not None:
                    rate *= found
                case schema.Effect() as effect if effect.effect_name in kept:
                    pass
                case effect:
                    name = getattr(effect, "effect_name", "") or effect.name or type(effect).__name__
                    self._losses.add("effect", where, f"effect {name} is not one of ours")
        if rate and not Fraction(1, FASTEST) <= abs(rate) <= FASTEST:
            self._losses.add("speed", where, f"speed {float(rate):g} is beyond 1/{FASTEST} to {FASTEST}; it runs at 1")
            rate = Fraction(1)
        return Motion(rate)

    def _generated(self, clip: Clip, made: schema.GeneratorReference, where: str, kind: Kind) -> Clip | None:
        """Colours and texts; other generators are lost."""
        if kind == "audio":
            return None
        kind_of = (made.generator_kind or "").casefold()
        color, words = shown(made)
        if kind_of in ("black", "slug", "bl"):
            if kind_of == "slug" and where.casefold() not in ("slug", "black", "black video"):
                self._losses.add("generator", where, "the file says only that it is some generator; it became black")
            return msgspec.structs.replace(clip, source=ColorSource(color="#000000"))
        if kind_of in ("solidcolor", "color") and _COLOR.fullmatch(color):
            return msgspec.structs.replace(clip, source=ColorSource(color=color.lower()))
        if kind_of == "text" and words:
            style = TextStyle(text=words[:10_000], color=color.lower() if _COLOR.fullmatch(color) else "#ffffff")
            return msgspec.structs.replace(clip, source=TextSource(text=style))
        self._losses.add("generator", where, f"generator {made.generator_kind} is not known; in its place is a gap")
        return None

    # --- what both have in common ---

    def _asset(self, want: Wanted) -> Asset | None:
        found = self._library.find(want)
        if isinstance(found, Asset):
            self._materials[found.id] = found.material
            return found
        before = self._missing.get(want)
        count = before.clips + 1 if before is not None else 1
        self._missing[want] = Missing(
            name=want.title[:200], id=want.id[:64], sha256=want.sha256[:64], clips=count, reason=found
        )
        return None

    def _fitted(self, clip: Clip, kind: Kind, where: str) -> Clip | None:
        """The clip inside of its media: earlier frames, fewer frames, or nothing."""
        if not isinstance(clip.source, MediaSource | FreezeSource):
            return clip
        material = self._materials[clip.source.media]
        if (kind == "audio" and not material.has_sound) or (kind == "video" and not material.has_picture):
            lacks = "sound" if kind == "audio" else "picture"
            self._losses.add("clip", where, f"media {clip.source.media} has no {lacks} for a track of this kind")
            return None
        total = material.frames(self._fps)
        if total is None:
            return clip
        if total == 0:
            self._losses.add("clip", where, f"media {clip.source.media} has no frames")
            return None
        if isinstance(clip.source, FreezeSource):
            if clip.source.frame < total:
                return clip
            self._losses.add("source-range", where, f"frame {clip.source.frame} is beyond the media's {total} frames")
            return msgspec.structs.replace(clip, source=msgspec.structs.replace(clip.source, frame=total - 1))
        source = clip.source
        if source.end <= total:
            return clip
        length = source.end - source.start
        hours = source.start // frame(Fraction(HOUR), self._fps) * HOUR
        start = source.start - frame(Fraction(hours), self._fps)
        if start + length > total:
            start = max(0, total - length)
            self._losses.add(
                "source-range", where, f"frames {source.start} to {source.end} are beyond the media's {total} frames"
            )
        else:
            self._losses.add("source-timecode", where, f"the source begins at 0, not at hour {hours // HOUR}")
        if length > total:
            rate = clip.speed or Speed(num=1, den=1)
            clip = msgspec.structs.replace(clip, frames=max(1, total * rate.den // rate.num))
            length = total
        return msgspec.structs.replace(clip, source=msgspec.structs.replace(source, start=start, end=start + length))

    def _clip_markers(self, told: schema.Clip, at: int, frames: int) -> None:
        """Markers of a clip become markers of the timeline."""
        begin = seconds(told.source_range.start_time) if told.source_range is not None else ZERO
        for value in told.markers:
            marker = known(value)
            if not isinstance(marker, schema.Marker):
                continue
            moment = seconds(marker.marked_range.start_time) if marker.marked_range is not None else begin
            place = frame(moment - begin, self._fps)
            if marker.metadata.told("cmx_3600"):
                # EDLs count locators in the time of the record, which begins at some hour.
                record = frame(moment, self._fps)
                hour = frame(Fraction(HOUR), self._fps)
                place = (record - at) % hour if record >= at else -1
            if not 0 <= place < frames:
                self._losses.add("marker", told.name or "a clip", "it is outside of its clip, and was put at its start")
                place = 0
            self.markers.append(self.marker(marker, at + place))

    def marker(self, told: schema.Marker, at: int) -> Marker:
        """A marker of another program. Its length is lost."""
        label = told.name or told.comment or ""
        if told.marked_range is not None and told.marked_range.duration.value > 1:
            self._losses.add("marker", label or "a marker", "markers have no length here")
        color = NAMES.get((told.color or "").upper(), "#ffcc00")
        return Marker(id=self._names.fresh(label or "marker"), at=at, label=label[:1000], color=color)


def _start(source: Source) -> int:
    match source:
        case MediaSource(start=start):
            return start
        case FreezeSource(frame=held):
            return held
        case _:
            return 0


def _same_effect(told: Any, wanted: schema.LinearTimeWarp | Effect) -> bool:
    if isinstance(wanted, Effect):
        return isinstance(told, schema.Effect) and told.effect_name == wanted.kind
    return type(told) is type(wanted) and abs(told.time_scalar - wanted.time_scalar) < 1e-9


def _same_source(source: Source, told: schema.Clip) -> bool:
    reference = reference_of(told)
    match source:
        case MediaSource(media=media) | FreezeSource(media=media):
            # An adapter may have left out the metadata; a media that was exchanged has others.
            known_as = own(reference.metadata) if isinstance(reference, schema.ExternalReference) else None
            return known_as is not None and known_as.id == media
        case ColorSource(color=color):
            return isinstance(reference, schema.GeneratorReference) and reference.parameters.get("color") == color
        case TextSource(text=style):
            return isinstance(reference, schema.GeneratorReference) and reference.parameters.get("text") == style.text
        case _:
            assert_never(source)
