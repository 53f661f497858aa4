"""Sequences as drawings: a letter is a frame of the clip with that id, a dot is a gap, as in `aab..c`."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from cutlog.contract.media import MediaFacts
from cutlog.contract.ops import Op
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas, MediaSource
from services.ops.edits.apply import apply
from services.ops.edits.lane import Lane, Piece
from services.ops.edits.persistent import PersistentMap
from services.ops.edits.sequence import Sequence, TrackState
from services.ops.edits.size import size
from services.ops.edits.sources import Known, Material
from tests.ops.painting import cell

FPS = Fps(30, 1)

#: A film of 100 frames with sound, a silent one, a sound of one second, and a still.
MEDIA = Known(
    {
        "film": Material(
            "video", MediaFacts(container="mov", duration="10", fps=Fps(30, 1), frames=100, audio_codec="aac")
        ),
        "mute": Material("video", MediaFacts(container="mov", duration="10", fps=Fps(15, 1), frames=100)),
        "song": Material("audio", MediaFacts(container="mp3", duration="1", audio_codec="mp3")),
        "clut": Material("image", MediaFacts(container="png", duration="0", width=64, height=64)),
        "still": Material("image", MediaFacts(container="png", duration="0")),
    }
)


def drawn(**tracks: str) -> Sequence:
    """A sequence of video tracks (audio, if the name starts with `a`); every clip shows `film` from frame 40 on."""
    states = []
    uses: Counter[str] = Counter()
    taken: dict[str, None] = dict.fromkeys(tracks)
    for name, picture in tracks.items():
        clips: list[tuple[int, Piece]] = []
        at = 0
        for letter, run in groupby(picture):
            frames = len(list(run))
            if letter != ".":
                clips.append((at, Piece(letter, frames, MediaSource(media="film", start=40, end=40 + frames))))
                taken[letter] = None
                uses["film"] += 1
            at += frames
        states.append(TrackState(name, "audio" if name.startswith("a") else "video", Lane.of(clips)))
    return Sequence(
        "drawn", Canvas(), tuple(states), PersistentMap(taken), PersistentMap(dict(uses)), size=size(states)
    )  # fmt: skip


def picture(sequence: Sequence) -> dict[str, str]:
    """The drawing of each track; a clip with a longer id is drawn as its last letter."""
    drawings = {}
    for track in sequence.tracks:
        text = ""
        for placed in track.lane:
            text += "." * (placed.at - len(text)) + placed.piece.id[-1] * placed.piece.frames
        drawings[track.id] = text
    return drawings


def frames(sequence: Sequence, track: str) -> list[int | None]:
    """For each timeline frame the source frame that is shown, or None in a gap."""
    shown: list[int | None] = []
    for placed in sequence.track(track)[1].lane:
        shown += [None] * (placed.at - len(shown))
        shown += [cell(placed.piece, frame).frame for frame in range(placed.piece.frames)]
    return shown


def run(sequence: Sequence, *ops: Op) -> Sequence:
    """The sequence after the ops."""
    for op in ops:
        sequence = apply(sequence, op, MEDIA)
    return sequence
