"""The laws of the whole language, held over random histories of every op, and against a painted picture."""

from __future__ import annotations

from itertools import zip_longest

import msgspec
from hypothesis import settings
from hypothesis.stateful import invariant

from cutlog.contract.media import MediaFacts
from cutlog.contract.timeline import Canvas, MediaRef, MediaSource, Timeline
from services.ops.decide.project_state import ProjectState
from services.ops.edits.apply import apply_all
from services.ops.edits.excerpt import shown_at
from services.ops.edits.sequence import Sequence, media_of
from services.ops.edits.size import size
from services.ops.edits.sources import TRUSTED
from services.ops.project import snapshot
from services.ops.timeline.resolve import resolve
from tests.ops.editing import FRAMES, Editing
from tests.support.chance import examples

FACTS = MediaFacts(container="mov", duration="10")
REFERENCES = {
    name: MediaRef(id=name, sha256=name, kind="video", status="ready", facts=FACTS, key=name)
    for name in ("film", "mute", "song")
}


class Laws(Editing):
    """What holds whatever was tried."""

    @invariant()
    def clips_of_a_track_never_overlap(self) -> None:
        for track in self.sequence.tracks:
            end = 0
            for placed in track.lane:
                assert placed.at >= end
                assert placed.piece.frames > 0
                end = placed.end

    @invariant()
    def what_is_shown_lies_inside_the_source(self) -> None:
        for placed in self.sequence.clips():
            piece = placed.piece
            if isinstance(piece.source, MediaSource):
                length = {"film": FRAMES, "mute": 200, "song": 30}[piece.source.media]
                assert 0 <= piece.source.start < piece.source.end <= length
                for k in (0, piece.frames - 1):
                    assert piece.source.start <= shown_at(piece, k) < piece.source.end

    @invariant()
    def transitions_always_have_their_frames(self) -> None:
        found: dict[str, str] = {}
        for track in self.sequence.tracks:
            placed = list(track.lane)
            for left, right in zip_longest(placed, placed[1:]):
                joint = left.piece.tail
                if joint is None:
                    continue
                assert right is not None
                assert right.piece.id == joint.right
                assert right.at == left.end
                assert joint.before <= left.piece.frames
                assert joint.after <= right.piece.frames
                for piece, first, last in (
                    (left.piece, left.piece.frames, left.piece.frames + joint.after),
                    (right.piece, -joint.before, 0),
                ):
                    if isinstance(piece.source, MediaSource):
                        length = {"film": FRAMES, "mute": 200, "song": 30}[piece.source.media]
                        assert all(0 <= shown_at(piece, k) < length for k in range(first, last))
                found[joint.id] = left.piece.id
        assert dict(self.sequence.transitions.items()) == found

    @invariant()
    def links_are_mutual(self) -> None:
        ids = set(self.ids())
        for clip, members in self.sequence.links.items():
            assert clip in members
            assert len(members) > 1
            assert set(members) <= ids
            assert all(self.sequence.links.get(member) == members for member in members)

    @invariant()
    def uses_are_counted(self) -> None:
        uses: dict[str, int] = {}
        for placed in self.sequence.clips():
            for media in media_of(placed.piece):
                uses[media] = uses.get(media, 0) + 1
        assert dict(self.sequence.uses.items()) == uses

    @invariant()
    def size_is_counted(self) -> None:
        assert self.sequence.size == size(self.sequence.tracks)

    @invariant()
    def ids_are_unique_and_taken(self) -> None:
        ids = [track.id for track in self.sequence.tracks] + self.ids()
        ids += list(self.sequence.transitions) + list(self.sequence.markers)
        ids += [caption for track in self.sequence.tracks for caption in track.captions]
        assert len(ids) == len(set(ids))
        assert set(ids) <= set(self.sequence.taken)

    def teardown(self) -> None:
        """The log folds to what was decided, without knowing the media; a snapshot and the document keep all of it."""
        versions = [Sequence("p", Canvas())]
        for op in self.applied:
            versions.append(apply_all(versions[-1], (op,), TRUSTED, dict(enumerate(versions)).get))
        assert versions[-1] == self.sequence
        assert snapshot.load(snapshot.dump(ProjectState("default", self.sequence))).sequence == self.sequence
        document = resolve(self.sequence, "p", "default", len(self.applied), REFERENCES)
        assert msgspec.json.decode(msgspec.json.encode(document), type=Timeline) == document


TestLaws = Laws.TestCase
TestLaws.settings = settings(max_examples=examples(100), stateful_step_count=40)
