"""Clips that name streams of their files, as render sees them: a media that has only these."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from cutlog.contract.media import MediaFacts, Rendition, Stream, StreamRenditions
from cutlog.contract.timeline import Clip, ClipStreams, FreezeSource, MediaRef, MediaSource
from services.render.plan.profiles import EXPORTS
from services.render.plan.segments import plan
from services.render.plan.streams import narrowed, with_streams
from tests.render.timelines import lane, media, sequence, shot, timeline

edit = msgspec.structs.replace


def rendition(name: str) -> Rendition:
    return Rendition(key=name, size=1, sha256=name, width=2, height=2)


OTHER = MediaFacts(container="matroska", duration="9", width=64, height=36)
STREAMS = (
    Stream(index=0, kind="video", codec="h264", usable=True, chosen=True),
    Stream(index=1, kind="video", codec="h264", usable=True),
    Stream(index=2, kind="audio", codec="aac", usable=True, chosen=True),
    Stream(index=3, kind="audio", codec="aac", usable=True),
    Stream(index=4, kind="subtitle", codec="srt"),
)
BESIDE = (
    StreamRenditions(index=1, facts=OTHER, proxy=rendition("proxy 1"), proxy_alpha=rendition("alpha 1")),
    StreamRenditions(index=3, audio=rendition("audio 3")),
)
FILE = edit(media(), facts=edit(media().facts, streams=STREAMS), renditions=edit(media().renditions, streams=BESIDE))


def chosen(of: MediaRef) -> list[int]:
    assert of.facts.streams is not UNSET
    return [stream.index for stream in of.facts.streams if stream.chosen]


def naming(of: MediaRef = FILE, **streams: int) -> MediaRef:
    return narrowed(of, ClipStreams(**streams))


def test_another_picture_is_shown_with_its_own_facts_and_proxy() -> None:
    found = naming(video=1)
    assert chosen(found) == [1, 2]
    assert (found.facts.width, found.facts.container) == (64, "matroska")
    assert found.renditions.proxy == BESIDE[0].proxy and found.renditions.proxy_alpha == BESIDE[0].proxy_alpha
    assert found.renditions.audio == FILE.renditions.audio


def test_another_sound_is_heard_and_the_picture_stays() -> None:
    found = naming(audio=3)
    assert chosen(found) == [0, 3]
    assert found.renditions.audio == BESIDE[1].audio and found.renditions.proxy == FILE.renditions.proxy
    assert found.facts.width == 1920


def test_naming_what_is_chosen_changes_nothing() -> None:
    assert naming(video=0, audio=2) == naming() == FILE


def test_what_was_not_made_of_a_stream_is_not_there() -> None:
    bare = edit(FILE, renditions=edit(FILE.renditions, streams=UNSET))
    found = naming(bare, video=1, audio=3)
    assert (found.renditions.proxy, found.renditions.proxy_alpha, found.renditions.audio) == (None, UNSET, None)
    assert found.facts.width == 1920 and chosen(found) == [1, 3]
    unknown = edit(BESIDE[0], facts=None)
    kept = naming(edit(FILE, renditions=edit(FILE.renditions, streams=(unknown,))), video=1)
    assert kept.facts.width == 1920 and kept.renditions.proxy == unknown.proxy
    nobody = edit(FILE, facts=edit(FILE.facts, streams=UNSET))
    assert naming(nobody, audio=3).facts.streams is UNSET


def using(*sources: Any) -> list[Clip]:
    return [Clip(id=f"c{number}", at=9 * number, frames=9, source=each) for number, each in enumerate(sources)]


def test_clips_that_name_the_same_streams_share_a_media() -> None:
    second = ClipStreams(video=1)
    clips = using(
        MediaSource(media="v", start=0, end=9, stream=second), FreezeSource(media="v", frame=3, stream=second),
        MediaSource(media="v", start=0, end=9), MediaSource(media="v", start=0, end=9, stream=ClipStreams(audio=3)),
    )  # fmt: skip
    found = with_streams(timeline(lane(*clips), library=[FILE]))
    named = [clip.source for clip in found.tracks[0].clips]
    assert all(isinstance(source, MediaSource | FreezeSource) and source.stream is UNSET for source in named)
    first, frozen, plain, heard = (source.media for source in named if not isinstance(source, str))  # type: ignore[union-attr]
    assert first == frozen != plain == "v" and heard not in (first, plain)
    assert found.media[first] == naming(video=1) and found.media[heard] == naming(audio=3)
    assert found.media["v"] == FILE and len(found.media) == 3


def test_a_timeline_that_names_no_streams_is_the_same() -> None:
    film = timeline(sequence((0, 9)), library=[FILE])
    assert with_streams(film) is film


def test_the_picture_of_a_file_is_named_where_it_is_not_the_first() -> None:
    def stream(of: MediaRef) -> int | None:
        (segment,) = plan(timeline(lane(shot(0, 0, 5)), library=[of]), EXPORTS["mp4"], "engine").encoded().values()
        (source,) = segment.sources()
        return source.stream

    assert stream(FILE) is None
    assert stream(edit(FILE, facts=naming(video=1).facts)) == 1
    assert stream(media()) is None
    nobody = tuple(edit(each, chosen=False) for each in STREAMS)
    assert stream(edit(FILE, facts=edit(FILE.facts, streams=nobody))) is None
