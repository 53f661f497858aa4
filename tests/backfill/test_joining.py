"""Legacy ops that put videos and sounds beside a film, or make one clip of several."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cutlog.contract.legacy import Conventions
from cutlog.contract.media import MediaFacts
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas, MediaSource
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Known, Material
from services.ops.legacy.reading import UntranslatableError
from services.ops.legacy.translate import translated

FACTS = MediaFacts(
    container="mov", duration="6", width=160, height=90, sar=(1, 1), fps=Fps(10, 1), frames=60,
    video_codec="h264", audio_codec="aac", channels=2, sample_rate=48_000, start_offset="0",
)  # fmt: skip
SONG = MediaFacts(container="mp3", duration="4", audio_codec="mp3", channels=2, sample_rate=48_000)
MUTE = msgspec.structs.replace(FACTS, audio_codec=None, channels=None, sample_rate=None)
KNOWN = Known({
    "v_1": Material("video", FACTS), "v_2": Material("video", FACTS), "v_3": Material("audio", SONG),
    "v_4": Material("video", MUTE),
})  # fmt: skip
VIDEOS = {"1": "v_1", "2": "v_2", "song": "v_3", "mute": "v_4"}
FILM = {"type": "addClip", "videoId": 1, "start": 0, "end": 6, "clipId": "film"}


def track(name: str, *legacy: dict[str, Any], whole: bool = True) -> list[tuple[int, int, str, int, Any]]:
    """What is on a track: where, until where, of which media, from which of its frames, and how loud."""
    conventions = Conventions(whole_film=whole)
    empty = Sequence("test", Canvas(fps=Fps(10, 1)))
    found = translated([FILM, *legacy], empty, VIDEOS, KNOWN, 1, conventions)
    if found.kept:
        raise UntranslatableError(found.why[0])
    return [
        (placed.at, placed.end, placed.piece.source.media, placed.piece.source.start, placed.piece.gain_db)
        for each in found.sequence.tracks if each.id == name for placed in each.lane
        if isinstance(placed.piece.source, MediaSource)
    ]  # fmt: skip


def test_a_sound_stands_beside_the_film_and_another_beside_it() -> None:
    song = {"type": "addAudio", "audioId": "song", "startTime": 1}
    assert track("audio", song) == [(10, 50, "v_3", 0, 0.0)]
    part = {"type": "addMusic", "params": {"videoId": "song", "startTime": 2, "endTime": 4, "volume": 0.5}}
    assert track("audio-2", song, part) == [(20, 40, "v_3", 0, -6.0206)]
    after = {"type": "backgroundMusic", "videoId": "song", "startTime": 5, "trimStart": 1, "duration": 1}
    assert track("audio", song, after) == [(10, 50, "v_3", 0, 0.0), (50, 60, "v_3", 10, 0.0)]


def test_videos_follow_the_film() -> None:
    both = [(0, 60, "v_1", 0, 0.0), (60, 120, "v_2", 0, 0.0)]
    assert track("video", {"type": "merge", "videoId": 2}) == both
    assert track("video", {"type": "concat", "videoIds": [1, {"_id": 2}]}) == both


def test_clips_that_a_split_made_become_one_again() -> None:
    split = {"type": "split", "clipId": "film", "at": 2, "newClipId": "right"}
    again = {"type": "mergeClips", "clipIds": ["film", "right"]}
    assert track("video", split, again, whole=False) == [(0, 60, "v_1", 0, 0.0)]
    louder = {"type": "volume", "clipId": "right", "volume": 0.5}
    with pytest.raises(UntranslatableError, match="do not go on"):
        track("video", split, louder, again, whole=False)
    with pytest.raises(UntranslatableError, match="do not go on"):
        track("video", split, {"type": "merge", "clipIds": ["right", "film"]}, whole=False)


@pytest.mark.parametrize(
    ("op", "why"),
    [
        ({"type": "addAudio", "audioId": "nobody"}, "is not there"),
        ({"type": "addAudio", "file": "song.mp3"}, "is not there"),
        ({"type": "addAudio", "audioId": "mute"}, "no sound"),
        ({"type": "addAudio", "audioId": "song", "startTime": 3}, "longer than the film"),
        ({"type": "addAudio", "audioId": "song", "duration": 5}, "repeated"),
        ({"type": "addAudio", "audioId": "song", "loop": True}, "repeated"),
        ({"type": "addAudio", "audioId": "song", "startTime": 1, "endTime": 2, "duration": 3}, "fit together"),
        ({"type": "addAudio", "audioId": "song", "volume": 40}, "more than anybody means"),
        ({"type": "addAudio", "audioId": "song", "duck": True}, "what duck means"),
        ({"type": "merge", "videoIds": [2, 1]}, "comes first"), ({"type": "merge", "videoIds": []}, "comes first"),
        ({"type": "merge", "videoIds": "2"}, "no list"), ({"type": "merge"}, "is not there"),
        ({"type": "merge", "videoId": "song"}, "no video"), ({"type": "merge", "clipIds": ["film"]}, "not name"),
        ({"type": "merge", "videoId": 2, "transition": "fade"}, "what transition means"),
    ],
)  # fmt: skip
def test_what_is_not_sure_is_kept(op: dict[str, Any], why: str) -> None:
    with pytest.raises(UntranslatableError, match=why):
        track("video", op)
