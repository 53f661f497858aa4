"""A media: content that a tenant uploaded. Its service owns bytes and counts; here is decided what is logged."""

from __future__ import annotations

from typing import Literal, assert_never

import msgspec

from cutlog.contract.commands import (
    MediaCommand,
    RecordMediaDeduplicated,
    RecordMediaFailed,
    RecordMediaReady,
    RecordMediaReleased,
    RecordMediaUploaded,
)
from cutlog.contract.events import (
    MediaDeduplicated,
    MediaEvent,
    MediaFailed,
    MediaReady,
    MediaReleased,
    MediaUploaded,
)
from cutlog.contract.media import MediaFacts, MediaKind, Renditions
from services.ops.decide.refusals import MediaExists, MediaInUse, NotFound


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


def initial_state() -> MediaState | None:
    """There is no such media yet."""
    return None


def decide(state: MediaState | None, command: MediaCommand, tenant: str, uses: int) -> tuple[MediaEvent, ...]:
    """What happens. `uses` counts the projects with any version that uses the media. Raises Refused."""
    if isinstance(command, RecordMediaUploaded):
        if state is not None and (state.tenant != tenant or command.event.generation <= state.generation):
            raise MediaExists(f"Media {command.media_id} is known already.")
        return (command.event,)
    if state is None or state.tenant != tenant:
        raise NotFound(f"There is no media {command.media_id}.")
    match command:
        case RecordMediaReleased(media_id=media_id, event=event):
            if event.ref_count <= 0 and uses:
                raise MediaInUse(f"Media {media_id} is used by {uses} projects, so its last upload can't be removed.")
            return (event,)
        case RecordMediaDeduplicated() | RecordMediaReady() | RecordMediaFailed():
            return (command.event,)
        case _:
            assert_never(command)


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
        case _:
            assert_never(event)
