"""Media: given what happened to one, when its service or the collector asks, then this is logged, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from cutlog.contract.commands import (
    ArchiveMedia,
    DeleteMedia,
    MediaCommand,
    RecordMediaDeduplicated,
    RecordMediaFailed,
    RecordMediaReady,
    RecordMediaReleased,
    RecordMediaUploaded,
    RestoreMedia,
)
from cutlog.contract.events import (
    MediaArchived,
    MediaDeduplicated,
    MediaDeleted,
    MediaEvent,
    MediaFailed,
    MediaReady,
    MediaReleased,
    MediaRestored,
    MediaUploaded,
)
from cutlog.contract.media import MediaFacts, Rendition, Renditions
from services.ops.decide.media import MediaState, decide, evolve, initial_state
from services.ops.decide.refusals import (
    MediaExistsError,
    MediaGoneError,
    MediaInUseError,
    NotArchivedError,
    NotFoundError,
    NotReadyError,
    RefusedError,
)

FACTS = MediaFacts(container="mov", duration="1")
HOME, AWAY = "videos/t/ab.2.mp4", "archive/m.2.mp4"


def uploaded(generation: int = 2) -> MediaUploaded:
    return MediaUploaded(
        sha256="ab", size=5, name="a.mp4", key=HOME, generation=generation, kind="video", facts=FACTS, ref_count=1
    )


UPLOADED, AGAIN, GONE = uploaded(), MediaDeduplicated(name="b.mp4", ref_count=2), MediaDeleted(generation=2)
MADE = Renditions(proxy=Rendition(key="k", size=3, sha256="s"))
LONGER = MediaFacts(container="mov", duration="2")
READY, FAILED = MediaReady(facts=LONGER, renditions=MADE), MediaFailed(reason="no picture")
ARCHIVED, RESTORED = MediaArchived(key=AWAY, generation=2), MediaRestored(key=HOME, generation=2)
LAST, LAST_BUT_ONE = MediaReleased(ref_count=0), MediaReleased(ref_count=1)


def given(*events: MediaEvent) -> MediaState | None:
    state = initial_state()
    for event in events:
        state = evolve(state, event, "t")
    return state


def dedupe(generation: int | None) -> RecordMediaDeduplicated:
    return RecordMediaDeduplicated(media_id="m", event=AGAIN, generation=generation)


def release(event: MediaReleased) -> RecordMediaReleased:
    return RecordMediaReleased(media_id="m", event=event)


def upload(generation: int) -> RecordMediaUploaded:
    return RecordMediaUploaded(media_id="m", event=uploaded(generation))


ARCHIVE, RESTORE, DELETE = ArchiveMedia(media_id="m", key=AWAY), RestoreMedia(media_id="m"), DeleteMedia(media_id="m")
MADE_READY = RecordMediaReady(media_id="m", event=READY)
HAS_FAILED = RecordMediaFailed(media_id="m", event=FAILED)

THEN: list[tuple[str, tuple[MediaEvent, ...], MediaCommand, tuple[MediaEvent, ...]]] = [
    ("the first upload", (), upload(1), (uploaded(1),)),
    ("an upload after its content was deleted", (UPLOADED, READY, ARCHIVED, GONE), upload(3), (uploaded(3),)),
    ("the same content again", (UPLOADED,), dedupe(2), (AGAIN,)),
    ("the same content, whichever upload it was", (UPLOADED,), dedupe(None), (AGAIN,)),
    ("content that is in the archive", (UPLOADED, READY, ARCHIVED), dedupe(2), (AGAIN, RESTORED)),
    ("renditions are there", (UPLOADED,), MADE_READY, (READY,)),
    ("renditions are there though it was archived", (UPLOADED, READY, ARCHIVED), MADE_READY, (READY,)),
    ("it could not be processed", (UPLOADED,), HAS_FAILED, (FAILED,)),
    ("one that is ready is archived", (UPLOADED, READY), ARCHIVE, (ARCHIVED,)),
    ("one that failed is archived", (UPLOADED, FAILED), ARCHIVE, (ARCHIVED,)),
    ("it comes back from the archive", (UPLOADED, READY, ARCHIVED), RESTORE, (RESTORED,)),
    ("it comes back to where it was first", (UPLOADED, READY, ARCHIVED, ARCHIVED), RESTORE, (RESTORED,)),
    ("it is deleted", (UPLOADED, READY, ARCHIVED), DELETE, (GONE,)),
]

WHY_NOT: list[tuple[str, tuple[MediaEvent, ...], MediaCommand, type[RefusedError], str]] = [
    ("the same upload twice", (UPLOADED,), upload(2), MediaExistsError, "m already exists"),
    ("an older upload", (UPLOADED,), upload(1), MediaExistsError, "m already exists"),
    ("nothing was uploaded", (), MADE_READY, NotFoundError, "no media m"),
    ("its content was deleted", (UPLOADED, READY, ARCHIVED, GONE), dedupe(2), MediaGoneError, "generation 2"),
    (
        "its content was deleted, whichever",
        (UPLOADED, READY, ARCHIVED, GONE),
        dedupe(None),
        MediaGoneError,
        "m has no",
    ),
    ("that content was deleted long ago", (UPLOADED,), dedupe(1), MediaGoneError, "no generation 1"),
    ("deleted while it was processed", (UPLOADED, READY, ARCHIVED, GONE), MADE_READY, MediaGoneError, "was deleted"),
    ("deleted while it failed", (UPLOADED, READY, ARCHIVED, GONE), HAS_FAILED, MediaGoneError, "was deleted"),
    ("not processed yet", (UPLOADED,), ARCHIVE, NotReadyError, "m is processing"),
    ("archived already", (UPLOADED, READY, ARCHIVED), ARCHIVE, NotReadyError, "m is archived"),
    ("deleted already", (UPLOADED, READY, ARCHIVED, GONE), ARCHIVE, NotReadyError, "m is deleted"),
    ("nothing to restore", (UPLOADED, READY), RESTORE, NotArchivedError, "m is ready"),
    ("nothing left to restore", (UPLOADED, READY, ARCHIVED, GONE), RESTORE, NotArchivedError, "m is deleted"),
    ("not archived before it is deleted", (UPLOADED, READY), DELETE, NotArchivedError, "m is ready"),
]


@pytest.mark.parametrize(("before", "when", "then"), [row[1:] for row in THEN], ids=[row[0] for row in THEN])
def test_then(before: tuple[MediaEvent, ...], when: MediaCommand, then: tuple[MediaEvent, ...]) -> None:
    state = given(*before)
    assert decide(state, when, "t", uses=0) == then
    for event in then:
        state = evolve(state, event, "t")


@pytest.mark.parametrize(
    ("before", "when", "refusal", "why"), [row[1:] for row in WHY_NOT], ids=[row[0] for row in WHY_NOT]
)
def test_refused(before: tuple[MediaEvent, ...], when: MediaCommand, refusal: type[RefusedError], why: str) -> None:
    with pytest.raises(refusal, match=why):
        decide(given(*before), when, "t", uses=0)


@pytest.mark.parametrize("when", [dedupe(2), MADE_READY, ARCHIVE, RESTORE, DELETE, release(LAST)])
def test_the_media_of_another_tenant_is_none(when: MediaCommand) -> None:
    with pytest.raises(NotFoundError, match="There is no media m"):
        decide(given(UPLOADED, READY, ARCHIVED), when, "other", uses=0)
    with pytest.raises(MediaExistsError):
        decide(given(UPLOADED), upload(9), "other", uses=0)


def test_the_last_upload_stays_while_a_project_uses_it() -> None:
    state = given(UPLOADED, READY)
    with pytest.raises(MediaInUseError, match="by 2 projects"):
        decide(state, release(LAST), "t", uses=2)
    assert decide(state, release(LAST), "t", uses=0) == (LAST,)
    assert decide(state, release(LAST_BUT_ONE), "t", uses=2) == (LAST_BUT_ONE,)


def test_only_projects_that_hold_on_to_it_keep_it_from_the_archive() -> None:
    assert decide(given(UPLOADED, READY), ARCHIVE, "t", uses=3, living=0) == (ARCHIVED,)
    with pytest.raises(MediaInUseError, match="by 1 projects"):
        decide(given(UPLOADED, READY), ARCHIVE, "t", uses=3, living=1)
    assert decide(given(UPLOADED, READY, ARCHIVED), DELETE, "t", uses=3) == (GONE,)
    with pytest.raises(MediaInUseError):
        decide(given(UPLOADED, READY, ARCHIVED), DELETE, "t", uses=3, living=1)


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ((), {}),
        ((AGAIN,), {"ref_count": 2}),
        ((AGAIN, LAST), {"ref_count": 0}),
        ((READY,), {"status": "ready", "facts": LONGER, "renditions": MADE}),
        ((FAILED,), {"status": "failed"}),
        ((ARCHIVED,), {"stored": "archived", "key": AWAY, "home": HOME}),
        ((ARCHIVED, RESTORED), {"home": HOME}),
        ((ARCHIVED, GONE), {"stored": "deleted", "key": AWAY, "home": HOME}),
    ],
)
def test_a_media_is_what_its_events_say(events: tuple[MediaEvent, ...], found: dict[str, Any]) -> None:
    first = {
        "tenant": "t", "sha256": "ab", "size": 5, "name": "a.mp4", "key": HOME, "generation": 2, "kind": "video",
        "facts": FACTS, "ref_count": 1, "status": "processing", "stored": "there", "home": "",
        "renditions": Renditions(),
    }  # fmt: skip
    state = given(UPLOADED, *events)
    assert state is not None
    assert {name: getattr(state, name) for name in state.__struct_fields__} == first | found


def test_no_event_comes_before_the_upload() -> None:
    with pytest.raises(AssertionError, match="a media is uploaded first"):
        given(READY)
