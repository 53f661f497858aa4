"""What a command led to, as data: enough to answer from, now or when the request comes again. Pure."""

from __future__ import annotations

from collections.abc import Sequence as Several
from datetime import datetime
from typing import Final

import msgspec

from cutlog.contract.answers.edits import Loss, Missing
from cutlog.contract.events import ExportRequested, ProjectEvent
from cutlog.contract.profiles import ExportProfile
from cutlog.contract.timeline import Canvas
from services.ops.decide.commands import CommitOps, CreateProject, ForkProject, ProjectCommand, SetPin
from services.ops.decide.project import pin_set, pins_on
from services.ops.decide.project_state import Pin, ProjectState


class Edited(msgspec.Struct, frozen=True, tag="edited"):
    """A version and its length in frames. Of files that it was made from: what is not kept, None where there were none,
    and media that are missing."""

    version: int
    duration: int
    losses: tuple[Loss, ...] | None = None
    missing: tuple[Missing, ...] = ()


class Created(msgspec.Struct, frozen=True, tag="created"):
    """A new project, empty or forked from a version of another. `by` is the actor."""

    project_id: str
    canvas: Canvas
    duration: int
    by: str
    origin_version: int | None = None


class Exporting(msgspec.Struct, frozen=True, tag="exporting"):
    """An export that is queued, and the pins that are set on it: the first that has not expired holds."""

    export_id: str
    version: int
    profile: ExportProfile
    pins: tuple[tuple[ExportProfile | None, Pin], ...] = ()


class Pinning(msgspec.Struct, frozen=True, tag="pinning"):
    """Whether a version, or one profile of it, is pinned now."""

    version: int
    pinned: bool


class Other(msgspec.Struct, frozen=True, tag="other"):
    """Nothing that an answer tells."""


Result = Edited | Created | Exporting | Pinning | Other


class Done(msgspec.Struct, frozen=True):
    """A result, and the position and time of its events; None where none were appended."""

    result: Result
    position: int | None = None
    at: datetime | None = None


_RESULT: Final[msgspec.json.Decoder[Result]] = msgspec.json.Decoder(Result)


def encode(result: Result) -> bytes:
    """As it is kept with the events."""
    return msgspec.json.encode(result)


def decode(kept: bytes) -> Result:
    """What was kept."""
    return _RESULT.decode(kept)


def result_of(
    project_id: str, by: str, command: ProjectCommand, events: Several[ProjectEvent], after: ProjectState,
    losses: tuple[Loss, ...] | None = None, missing: tuple[Missing, ...] = (),
) -> Result:  # fmt: skip
    """What the command of an actor led to. `after` is the state after the events."""
    match command:
        case CommitOps():
            return Edited(after.version, after.sequence.duration, losses, missing)
        case CreateProject():
            return Created(project_id, after.sequence.canvas, after.sequence.duration, by)
        case ForkProject():
            return Created(project_id, after.sequence.canvas, after.sequence.duration, by, command.origin_version)
        case SetPin():
            return Pinning(command.version, pin_set(after, command.version, command.profile, command.now))
        case _:
            pass
    match events:
        case (ExportRequested() as event,):
            pins = tuple(pins_on(after, event.version, event.profile))
            return Exporting(event.export_id, event.version, event.profile, pins)
        case _:
            return Other()
