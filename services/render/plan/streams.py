"""Clips that name streams of their files, turned into clips of files that have only these. Pure.

All that comes after needs to know of one picture and one sound per media.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from cutlog.contract.media import MediaFacts, Stream
from cutlog.contract.timeline import Clip, ClipStreams, FreezeSource, MediaRef, MediaSource, Timeline

_replace = msgspec.structs.replace


def with_streams(timeline: Timeline) -> Timeline:
    """The same timeline; what a clip names is what its media has."""
    media = dict(timeline.media)

    def named(clip: Clip) -> Clip:
        source = clip.source
        if not isinstance(source, MediaSource | FreezeSource) or source.stream is UNSET:
            return clip
        # No id has a colon.
        name = f"{source.media}:{source.stream.video}:{source.stream.audio}"
        if name not in media:
            media[name] = narrowed(media[source.media], source.stream)
        return _replace(clip, source=_replace(source, media=name, stream=UNSET))

    tracks = tuple(_replace(track, clips=tuple(map(named, track.clips))) for track in timeline.tracks)
    return timeline if len(media) == len(timeline.media) else _replace(timeline, tracks=tracks, media=media)


def narrowed(media: MediaRef, streams: ClipStreams) -> MediaRef:
    """The media as if these streams were those that are chosen. What was not made of a stream is not there: a media
    that is not ready yet has none."""
    made = {stream.index: stream for stream in media.renditions.streams or ()}
    chosen = [stream.index for stream in media.facts.streams or () if stream.chosen]
    facts, renditions = media.facts, media.renditions
    if streams.video is not UNSET and streams.video not in chosen:
        picture = made.get(streams.video)
        proxy, alpha = (None, UNSET) if picture is None else (picture.proxy, picture.proxy_alpha)
        facts = facts if picture is None or picture.facts is None else _replace(picture.facts, streams=facts.streams)
        renditions = _replace(renditions, proxy=proxy, proxy_alpha=alpha)
    if streams.audio is not UNSET and streams.audio not in chosen:
        sound = made.get(streams.audio)
        renditions = _replace(renditions, audio=None if sound is None else sound.audio)
    return _replace(media, facts=_choosing(facts, streams), renditions=renditions)


def _choosing(facts: MediaFacts, named: ClipStreams) -> MediaFacts:
    """The facts of a file of which these streams are chosen."""
    wanted = {"video": named.video, "audio": named.audio}

    def told(stream: Stream) -> Stream:
        index = wanted.get(stream.kind, UNSET)
        return stream if index is UNSET else _replace(stream, chosen=stream.index == index)

    return _replace(facts, streams=tuple(told(stream) for stream in facts.streams or ()))
