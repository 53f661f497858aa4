"""Clips that name streams of their media's file."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cutlog.contract.media import MediaFacts, Stream
from cutlog.contract.ops import Op
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas, ClipStreams, FreezeSource, MediaSource
from services.ops.edits.apply import apply_all
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import TRUSTED, Known, Material

STREAMS = (
    Stream(index=0, kind="video", codec="h264", usable=True, chosen=True),
    Stream(index=1, kind="audio", codec="aac", language="eng", usable=True, chosen=True),
    Stream(index=2, kind="audio", codec="aac", language="deu", usable=True),
    Stream(index=3, kind="audio", codec="truehd"),
    Stream(index=4, kind="subtitle", codec="subrip"),
    Stream(index=5, kind="video", codec="h264", usable=True),
    Stream(index=6, kind="video", codec="mjpeg", attached=True),
)
FACTS = MediaFacts(
    container="matroska,webm", duration="10", fps=Fps(30, 1), frames=300, width=320, height=180, audio_codec="aac",
    streams=STREAMS,
)  # fmt: skip
MEDIA = Known(
    {"film": Material("video", FACTS), "old": Material("video", msgspec.structs.replace(FACTS, streams=msgspec.UNSET))}
)
ADD: dict[str, Any] = {"op": "clip.add", "clip": "a", "track": "v", "at": 0, "media": "film", "in": 0, "out": 30}
TRACKS = ({"op": "track.add", "track": "v", "kind": "video"}, {"op": "track.add", "track": "s", "kind": "audio"})


def edited(*ops: dict[str, Any], sources: Any = MEDIA) -> Sequence:
    return apply_all(Sequence("p", Canvas()), tuple(msgspec.convert(op, Op) for op in (*TRACKS, *ops)), sources)


def streams(sequence: Sequence) -> dict[str, object]:
    return {
        placed.piece.id: placed.piece.source.stream
        for placed in sequence.clips()
        if isinstance(placed.piece.source, MediaSource | FreezeSource)
    }


def test_every_edit_of_a_clip_keeps_the_streams_that_it_names() -> None:
    found = edited(
        ADD | {"stream": {"video": 5, "audio": 2}},
        {"op": "clip.split", "clip": "a", "at": 20, "new": "b"},
        {"op": "clip.freeze", "clip": "b", "at": 25, "frames": 5, "new": "f", "right": "r"},
        {"op": "clip.trim", "clip": "a", "in": 2},
        {"op": "clip.slip", "clip": "a", "by": 3},
        {"op": "clip.speed", "clip": "r", "num": 2, "den": 1, "pitch": "keep"},
        {"op": "clip.reverse", "clip": "r", "reversed": True},
        {"op": "clip.trim", "clip": "r", "in": 26},
        {
            "op": "clip.add",
            "clip": "over",
            "track": "v",
            "at": 10,
            "color": "#ff0000",
            "frames": 2,
            "mode": "overwrite",
        },
        {"op": "clip.detachAudio", "clip": "a", "new": "sound", "track": "s"},
    )
    named = ClipStreams(video=5, audio=2)
    assert streams(found) == dict.fromkeys(("a", "b", "f", "r", "a-over", "sound"), named)


def test_replacing_a_source_names_streams_anew() -> None:
    replace = {"op": "clip.replace", "clip": "a", "media": "film", "in": 0}
    first = ADD | {"stream": {"audio": 2}}
    assert streams(edited(first, replace)) == {"a": msgspec.UNSET}
    assert streams(edited(first, replace | {"stream": {"audio": 1}})) == {"a": ClipStreams(audio=1)}


def test_a_clip_that_names_none_is_as_it_was() -> None:
    (placed,) = edited(ADD).clips()
    assert msgspec.to_builtins(placed.piece.source) == {"type": "media", "media": "film", "in": 0, "out": 30}
    assert streams(edited(ADD | {"stream": {}})) == {"a": msgspec.UNSET}


PASTE: dict[str, Any] = {"op": "clip.paste", "clip": "a", "track": "v", "at": 0, "media": "film", "frames": 5}


@pytest.mark.parametrize(
    ("op", "pointer"),
    [
        (ADD | {"stream": {"audio": 9}}, "/stream/audio"),
        (ADD | {"stream": {"audio": 0}}, "/stream/audio"),
        (ADD | {"stream": {"audio": 3}}, "/stream/audio"),
        (ADD | {"stream": {"audio": 4}}, "/stream/audio"),
        (ADD | {"stream": {"video": 6}}, "/stream/video"),
        (ADD | {"stream": {"video": 1, "audio": 2}}, "/stream/video"),
        (ADD | {"media": "old", "stream": {"audio": 2}}, "/stream"),
        (PASTE | {"in": 0, "out": 5, "stream": {"audio": 9}}, "/stream/audio"),
        (PASTE | {"freeze": 5, "stream": {"video": 9}}, "/stream/video"),
        ({"op": "clip.add", "clip": "a", "track": "v", "at": 0, "color": "#ff0000", "frames": 5,
          "stream": {"video": 0}}, "/stream"),
    ],
)  # fmt: skip
def test_a_stream_that_the_media_lacks_is_refused(op: dict[str, Any], pointer: str) -> None:
    with pytest.raises(EditError) as refused:
        edited(op)
    assert refused.value.pointer.endswith(pointer)


def test_what_the_log_holds_is_not_doubted() -> None:
    assert streams(edited(ADD | {"stream": {"audio": 99}}, sources=TRUSTED)) == {"a": ClipStreams(audio=99)}
