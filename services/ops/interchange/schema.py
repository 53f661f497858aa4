"""OpenTimelineIO's file format, as far as it matters here: what version 0.18 writes.

https://opentimelineio.readthedocs.io/en/latest/tutorials/otio-serialized-schema.html. Reading is lenient: an object of
a schema that is not here becomes `Unknown`, so that its loss can be told.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from cutlog.contract.answers.edits import Loss

DEFAULT_MEDIA: Final = "DEFAULT_MEDIA"

_Number = Annotated[float, msgspec.Meta(ge=-(2.0**53), le=2.0**53)]
_Rate = Annotated[float, msgspec.Meta(ge=0.01, le=1_000_000)]
_Scalar = Annotated[float, msgspec.Meta(ge=-1_000_000, le=1_000_000)]


class Own(msgspec.Struct, omit_defaults=True):
    """`metadata.cutlog`. `document` is our own JSON of the object, as text: other programs pass text on unharmed, while
    OpenTimelineIO changes the last digit of a fifth of all fractions. The rest is for people."""

    schema: str = "cutlog/1"
    id: str = ""
    document: str = ""
    sha256: str = ""
    name: str = ""
    key: str = ""
    media_kind: str = ""
    #: Of a timeline: media that no clip shows, such as tables of colours.
    media: list[Own] = []


class Metadata(msgspec.Struct, omit_defaults=True):
    """The parts of an object's metadata that are understood."""

    cutlog: Any = None
    cmx_3600: Any = None
    fcp_xml: Any = None
    aaf: Any = msgspec.field(default=None, name="AAF")
    #: What our reader of a format notes.
    read: Any = None

    def told(self, adapter: Literal["cmx_3600", "fcp_xml", "aaf"]) -> dict[str, Any]:
        """What an adapter noted beside the object."""
        value = getattr(self, adapter)
        return value if isinstance(value, dict) else {}


class Read(msgspec.Struct):
    """`metadata.read`. Of a timeline: what could not be kept, and whether clips with pictures bring their own sound;
    of a clip: that it is without it."""

    losses: list[Loss] = []
    own_sound: bool = False
    silent: bool = False


class RationalTime(msgspec.Struct, frozen=True, tag_field="OTIO_SCHEMA", tag="RationalTime.1"):
    """`value` units of 1 / `rate` seconds."""

    value: _Number
    rate: _Rate


class TimeRange(msgspec.Struct, frozen=True, tag_field="OTIO_SCHEMA", tag="TimeRange.1"):
    duration: RationalTime
    start_time: RationalTime


class _Object(msgspec.Struct, kw_only=True, tag_field="OTIO_SCHEMA"):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    name: str | None = ""


class Effect(_Object, tag="Effect.1"):
    effect_name: str | None = ""
    enabled: bool = True


class TimeEffect(Effect, tag="TimeEffect.1"):
    """Some change of speed that is not known."""


class LinearTimeWarp(Effect, tag="LinearTimeWarp.1"):
    time_scalar: _Scalar = 1.0


class FreezeFrame(LinearTimeWarp, tag="FreezeFrame.1"):
    """Holds the first frame of the source range."""


class Marker(_Object, tag="Marker.2"):
    marked_range: TimeRange | None = None
    color: str | None = None
    comment: str | None = ""


class MissingReference(_Object, tag="MissingReference.1"):
    available_range: TimeRange | None = None


class ExternalReference(_Object, tag="ExternalReference.1"):
    available_range: TimeRange | None = None
    target_url: str | None = None


class GeneratorReference(_Object, tag="GeneratorReference.1"):
    available_range: TimeRange | None = None
    generator_kind: str | None = ""
    parameters: dict[str, Any] = {}


class ImageSequenceReference(_Object, tag="ImageSequenceReference.1"):
    available_range: TimeRange | None = None
    target_url_base: str | None = ""
    name_prefix: str | None = ""
    name_suffix: str | None = ""


class _Item(_Object):
    source_range: TimeRange | None = None
    effects: list[Any] = []
    markers: list[Any] = []
    enabled: bool = True


class Gap(_Item, tag="Gap.1"):
    """Nothing, for a while."""


class Clip(_Item, tag="Clip.2"):
    media_references: dict[str, Any] = {}
    active_media_reference_key: str = DEFAULT_MEDIA


class Transition(_Object, tag="Transition.1"):
    """Over `in_offset` before and `out_offset` after the cut."""

    transition_type: str | None = ""
    in_offset: RationalTime | None = None
    out_offset: RationalTime | None = None


class Track(_Item, tag="Track.1"):
    children: list[Any] = []
    kind: str | None = "Video"


class Stack(_Item, tag="Stack.1"):
    children: list[Any] = []


class Timeline(_Object, tag="Timeline.1"):
    tracks: Stack
    global_start_time: RationalTime | None = None


class Collection(_Object, tag="SerializableCollection.1"):
    children: list[Any] = []


class Unknown(msgspec.Struct):
    """An object of a schema that is not here."""

    schema: str
    name: str
    source_range: TimeRange | None = None


Reference = MissingReference | ExternalReference | GeneratorReference | ImageSequenceReference | Unknown
Child = Clip | Gap | Transition | Track | Stack | Unknown
AnyEffect = Effect | TimeEffect | LinearTimeWarp | FreezeFrame | Unknown

_TYPES: Final[dict[str, type[Any]]] = {
    str(struct.__struct_config__.tag): struct
    for struct in (
        Clip, Gap, Transition, Track, Stack, Timeline, Collection, Effect, TimeEffect, LinearTimeWarp, FreezeFrame,
        Marker, MissingReference, ExternalReference, GeneratorReference, ImageSequenceReference,
    )
}  # fmt: skip


class MalformedError(Exception):
    """The file is not what OpenTimelineIO writes."""


def known(value: Any) -> Any:
    """The object that a decoded JSON value stands for, with its children still values. Raises MalformedError."""
    if not isinstance(value, dict):
        raise MalformedError(f"here should be an object of OpenTimelineIO, not {type(value).__name__}")
    schema = value.get("OTIO_SCHEMA")
    name = value.get("name")
    try:
        if isinstance(schema, str) and (struct := _TYPES.get(schema)) is not None:
            return msgspec.convert(value, struct)
        extent = value.get("source_range")
        found = msgspec.convert(extent, TimeRange) if isinstance(extent, dict) else None
    except msgspec.ValidationError as error:
        raise MalformedError(f"{schema} {name or ''}: {error}") from None
    return Unknown(str(schema), name if isinstance(name, str) else "", found)


def noted(metadata: Metadata) -> Read:
    """What our reader of a format noted of an object; nothing, if it is from elsewhere."""
    try:
        return msgspec.convert(metadata.read, Read) if metadata.read is not None else Read()
    except msgspec.ValidationError:
        return Read()


def own(metadata: Metadata) -> Own | None:
    """What we wrote into an object, if it is there."""
    try:
        return msgspec.convert(metadata.cutlog, Own) if metadata.cutlog is not None else None
    except msgspec.ValidationError:
        return None
