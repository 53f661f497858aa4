"""Sound that other programs keep on tracks of its own: taken from the clips whose pictures it belongs to, and back.

A clip on a video track of ours brings its own sound. Elsewhere each channel of it is a clip on an audio track; so one
that has the same frames in the same place is the clip's own sound, and a clip without one is silent.
"""

from __future__ import annotations

import msgspec

from cutlog.contract.timeline import Clip, MediaSource, Timeline, Track
from services.ops.interchange.clips import ClipReader
from services.ops.interchange.losses import Ledger

_replace = msgspec.structs.replace


def sounding(track: Track, timeline: Timeline) -> Track | None:
    """The sound of a video track's clips as a track; None if there is none."""
    clips = tuple(clip for clip in track.clips if not clip.silent and _sounds(clip, timeline))
    if not clips or track.muted:
        return None
    there = {clip.id for clip in clips}
    joints = tuple(joint for joint in track.transitions if joint.left in there and joint.right in there)
    return Track(id=f"{track.id}-sound", kind="audio", name=track.name, clips=clips, transitions=joints)


def _sounds(clip: Clip, timeline: Timeline) -> bool:
    if not isinstance(clip.source, MediaSource):
        return False
    reference = timeline.media.get(clip.source.media)
    return reference is not None and reference.facts.audio_codec is not None


def attach(tracks: list[Track], reader: ClipReader, losses: Ledger) -> list[Track]:
    """The tracks without sound that would be heard twice. Clips that carry our own metadata stay as they are."""
    if not any(track.kind == "audio" for track in tracks):
        return tracks
    sounds: dict[tuple[object, ...], list[Clip]] = {}
    for track in tracks:
        for clip in track.clips if track.kind == "audio" else ():
            if clip.id not in reader.own:
                sounds.setdefault(_key(clip), []).append(clip)
    merged = {clip.id for several in sounds.values() for clip in _channels(several)}
    if merged:
        losses.add("channel", "sound", "the same sound on several tracks was taken for its channels", len(merged))
    found: list[Track] = []
    for track in tracks:
        if track.kind == "video":
            clips = []
            for clip in track.clips:
                own = clip.id in reader.own or not _can_sound(clip, reader)
                same = [] if own else [sound for sound in sounds.get(_key(clip), ()) if _near(clip, sound)]
                merged.update(sound.id for sound in same)
                clips.append(clip if own or same else _replace(clip, silent=True))
            track = _replace(track, clips=tuple(clips))
        found.append(track)
    return [_without(track, merged) for track in found if not _emptied(track, merged)]


def _channels(same: list[Clip]) -> list[Clip]:
    """All but the first of clips that sound the same."""
    return [clip for index, clip in enumerate(same) if any(_near(clip, other) for other in same[:index])]


def _key(clip: Clip) -> tuple[object, ...]:
    media = clip.source.media if isinstance(clip.source, MediaSource) else None
    return media, clip.at, clip.frames, clip.reversed, clip.speed and (clip.speed.num, clip.speed.den)


def _near(clip: Clip, sound: Clip) -> bool:
    """Whether both begin at the same source frame, give or take one: sound may be cut between frames."""
    if not isinstance(clip.source, MediaSource) or not isinstance(sound.source, MediaSource):
        return False
    return abs(clip.source.start - sound.source.start) <= 1


def _can_sound(clip: Clip, reader: ClipReader) -> bool:
    if not isinstance(clip.source, MediaSource):
        return False
    material = reader.material(clip.source.media)
    return material is not None and material.has_sound


def _emptied(track: Track, merged: set[str]) -> bool:
    return track.kind == "audio" and bool(track.clips) and all(clip.id in merged for clip in track.clips)


def _without(track: Track, merged: set[str]) -> Track:
    if track.kind == "video":
        return track
    return _replace(
        track,
        clips=tuple(clip for clip in track.clips if clip.id not in merged),
        transitions=tuple(
            joint for joint in track.transitions if joint.left not in merged and joint.right not in merged
        ),
    )
