"""A media: content that a tenant uploaded. Its service owns bytes and counts; here is decided what is logged."""

from __future__ import annotations

from typing import Literal, assert_never

import msgspec

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
from cutlog.contract.media import MediaFacts, MediaKind, Renditions
from services.ops.decide.refusals import (
    MediaExistsError,
    MediaGoneError,
    MediaInUseError,
    NotArchivedError,
    NotFoundError,
    NotReadyError,
)


class MediaState(msgspec.Struct, frozen=True):
    """A media as its events left it. `ref_count` counts live uploads of the content."""

    tenant: str
    sha256: str
    size: int
    name: str
    key: str
    generation: int
    kind: MediaKind
    facts: MediaFacts
    ref_count: int
    status: Literal["processing", "ready", "failed"] = "processing"
    renditions: Renditions = Renditions()
    stored: Literal["there", "archived", "deleted"] = "there"
    home: str = ""
    """Where the original belongs; it is elsewhere while it is archived."""


def initial_state() -> MediaState | None:
    """There is no such media yet."""
    return None


def decide(
    state: MediaState | None, command: MediaCommand, tenant: str, uses: int, living: int = 0
) -> tuple[MediaEvent, ...]:
    """What happens. `uses` counts the projects with any version that uses the media, `living` those of them that
    hold on to it: not deleted, or with a pin. Raises Refused."""
    if isinstance(command, RecordMediaUploaded):
        if state is not None and (state.tenant != tenant or command.event.generation <= state.generation):
            raise MediaExistsError(f"Media {command.media_id} already exists.")
        return (command.event,)
    if state is None or state.tenant != tenant:
        raise NotFoundError(f"There is no media {command.media_id}.")
    match command:
        case RecordMediaReleased(media_id=media_id, event=event):
            if event.ref_count <= 0 and uses:
                raise MediaInUseError(
                    f"Media {media_id} is used by {uses} projects, so its last upload can't be removed."
                )
            return (event,)
        case ArchiveMedia(media_id=media_id, key=key):
            if state.stored != "there" or state.status == "processing":
                raise NotReadyError(f"Media {media_id} is {state.status if state.stored == 'there' else state.stored}.")
            _unused(media_id, living)
            return (MediaArchived(key=key, generation=state.generation),)
        case RestoreMedia(media_id=media_id):
            _archived(state, media_id)
            return (MediaRestored(key=state.home, generation=state.generation),)
        case DeleteMedia(media_id=media_id):
            _archived(state, media_id)
            _unused(media_id, living)
            return (MediaDeleted(generation=state.generation),)
        case RecordMediaDeduplicated(media_id=media_id, event=event, generation=generation):
            if state.stored == "deleted" or generation not in (None, state.generation):
                raise MediaGoneError(f"Media {media_id} has no generation {generation} any more.")
            if state.stored == "archived":
                # In one step: between two somebody could delete what was just uploaded.
                return (event, MediaRestored(key=state.home, generation=state.generation))
            return (event,)
        case RecordMediaReady(media_id=media_id) | RecordMediaFailed(media_id=media_id):
            if state.stored == "deleted":
                raise MediaGoneError(f"Media {media_id} was deleted while it was processed.")
            return (command.event,)
        case _:
            assert_never(command)


def _archived(state: MediaState, media_id: str) -> None:
    if state.stored != "archived":
        raise NotArchivedError(f"Media {media_id} is {state.status if state.stored == 'there' else state.stored}.")


def _unused(media_id: str, living: int) -> None:
    if living:
        raise MediaInUseError(f"Media {media_id} is used by {living} projects.")


def evolve(state: MediaState | None, event: MediaEvent, tenant: str) -> MediaState:
    """The media after a fact. Raises on a fact that can't be."""
    if isinstance(event, MediaUploaded):
        return MediaState(
            tenant=tenant, sha256=event.sha256, size=event.size, name=event.name, key=event.key,
            generation=event.generation, kind=event.kind, facts=event.facts, ref_count=event.ref_count,
        )  # fmt: skip
    assert state is not None, "a media is uploaded first"
    match event:
        case MediaDeduplicated(ref_count=ref_count) | MediaReleased(ref_count=ref_count):
            return msgspec.structs.replace(state, ref_count=ref_count)
        case MediaReady(facts=facts, renditions=renditions):
            return msgspec.structs.replace(state, status="ready", facts=facts, renditions=renditions)
        case MediaFailed():
            return msgspec.structs.replace(state, status="failed")
        case MediaArchived(key=key):
            return msgspec.structs.replace(state, stored="archived", key=key, home=state.home or state.key)
        case MediaRestored(key=key):
            return msgspec.structs.replace(state, stored="there", key=key)
        case MediaDeleted():
            return msgspec.structs.replace(state, stored="deleted")
        case _:
            assert_never(event)
