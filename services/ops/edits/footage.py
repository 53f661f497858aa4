"""What a clip shows: its source, whether there is enough of it, and whether it belongs on a track."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from cutlog.contract.ops import ClipAdd
from cutlog.contract.timeline import ClipStreams, ColorSource, FreezeSource, MediaSource, Source, TextSource, TrackKind
from services.ops.edits.errors import EditError, some_frames
from services.ops.edits.given import given
from services.ops.edits.lane import Piece
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Sources


def source_of(sequence: Sequence, op: ClipAdd, sources: Sources) -> tuple[Source, int]:
    """The one source that the op names, and the clip's length. Raises EditError."""
    named = given(op, "media", "text", "color")
    if len(named) != 1:
        raise EditError("", "give one source: media with in and out, or text with frames, or color with frames")
    if op.media is not UNSET:
        if op.frames is not UNSET:
            raise EditError("/frames", "the length of a media clip is out - in; leave frames out")
        if op.start is UNSET or op.end is UNSET:
            missing = "in" if op.start is UNSET else "out"
            raise EditError("", f"a media clip needs in and out; {missing} is missing")
        if op.start >= op.end:
            raise EditError("/out", f"in is {op.start} and out is {op.end}; out must be greater than in")
        check_media(op.media, sources)
        frames = length(sequence, op.media, sources)
        if frames is not None and op.end > frames:
            fps = sequence.canvas.fps
            raise EditError(
                "/out", f"media {op.media} has {frames} frames at {fps.num}/{fps.den}; out is at most {frames}"
            )
        stream = streams_of(op.stream, op.media, sources)
        return MediaSource(media=op.media, start=op.start, end=op.end, stream=stream), op.end - op.start
    for name, value in (("in", op.start), ("out", op.end)):
        if value is not UNSET:
            raise EditError(f"/{name}", "text and color have no source frames; give frames instead")
    if op.stream is not UNSET:
        raise EditError("/stream", "text and color have no streams; leave stream out")
    if op.frames is UNSET:
        raise EditError("", "a text or color clip needs frames, its length")
    if op.text is not UNSET:
        return TextSource(text=op.text), op.frames
    return ColorSource(color=named["color"]), op.frames


def check_media(media: str, sources: Sources) -> None:
    """Refuses a media that new clips can't use. Raises EditError."""
    material = sources.get(media)
    if material is None and not sources.trusted:
        raise EditError("/media", f"there is no media {media}; upload it first")
    if material is not None and material.failed:
        raise EditError("/media", f"media {media} could not be processed; upload it in another format")
    if material is not None and material.kind == "font":
        raise EditError("/media", f"media {media} is a font; name it as the font of a text")


def streams_of(named: ClipStreams | UnsetType, media: str, sources: Sources) -> ClipStreams | UnsetType:
    """The streams that an op names; unset where it names none. Raises EditError for those that the media lacks."""
    if named is UNSET or (named.video is UNSET and named.audio is UNSET):
        return UNSET
    material = sources.get(media)
    if material is None:
        return named
    streams = material.facts.streams
    for kind, index in (("video", named.video), ("audio", named.audio)):
        if index is UNSET:
            continue
        if not streams:
            raise EditError("/stream", f"media {media} was examined before its streams were noted; examine it again")
        there = [stream.index for stream in streams if stream.kind == kind and stream.usable]
        if index not in there:
            known = ", ".join(map(str, there)) or "none"
            raise EditError(f"/stream/{kind}", f"media {media} has no {kind} stream {index} that can be used: {known}")
    return named


def length(sequence: Sequence, media: str, sources: Sources) -> int | None:
    """The frames of a media at the project's rate; None where there is no end, or nothing is known."""
    material = sources.get(media)
    return None if material is None else material.frames(sequence.canvas.fps)


def check_inside(sequence: Sequence, piece: Piece, sources: Sources, pointer: str) -> None:
    """Refuses a clip that shows frames before or after those of its media. Raises EditError."""
    source = piece.source
    if not isinstance(source, MediaSource):
        return
    if source.start < 0:
        raise EditError(
            pointer,
            f"clip {piece.id} would start {some_frames(-source.start)} before its source, media {source.media}, begins",
        )
    frames = length(sequence, source.media, sources)
    if frames is not None and source.end > frames:
        fps = sequence.canvas.fps
        raise EditError(
            pointer,
            f"clip {piece.id} would need {some_frames(source.end - frames)} more than media {source.media} has: "
            f"out is at most {frames} at {fps.num}/{fps.den}",
        )


def check_track(source: Source, kind: TrackKind, track: str, sources: Sources, pointer: str) -> None:
    """Refuses a source that a track of this kind can neither show nor sound. Raises EditError."""
    match source:
        case ColorSource() | TextSource() | FreezeSource():
            if kind == "audio":
                raise EditError(
                    pointer, f"track {track} plays sound only; put text, colour and stills on a video track"
                )
        case MediaSource(media=media):
            material = sources.get(media)
            if material is None:
                return
            if kind == "audio" and not material.has_sound:
                raise EditError(pointer, f"media {media} has no sound; track {track} plays sound only")
            if kind == "video" and not material.has_picture:
                raise EditError(pointer, f"media {media} has no picture; put it on an audio track")


def footage(piece: Piece, what: str) -> MediaSource:
    """The source of a clip of a media. Raises EditError: other clips have no frames that one could `what`."""
    if not isinstance(piece.source, MediaSource):
        raise EditError("/clip", f"clip {piece.id} has no source frames to {what}; name a clip of a media")
    return piece.source
