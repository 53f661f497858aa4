"""What other services ask of `ops`, the only writer of the log, on `ops.cmd.<service>.<Type>`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from cutlog.contract.base import Wire
from cutlog.contract.events import (
    MediaDeduplicated,
    MediaFailed,
    MediaReady,
    MediaReleased,
    MediaUploaded,
    PlanCalculated,
    PolicyChanged,
    UsageRecorded,
)
from cutlog.contract.profiles import ExportProfile


class RecordMediaUploaded(Wire, tag_field="type"):
    media_id: str
    event: MediaUploaded


class RecordMediaDeduplicated(Wire, tag_field="type"):
    """Refused with `media-gone` when that generation is deleted. An archived one comes back with it."""

    media_id: str
    event: MediaDeduplicated
    generation: int | None = None


class RecordMediaReady(Wire, tag_field="type"):
    media_id: str
    event: MediaReady


class RecordMediaFailed(Wire, tag_field="type"):
    media_id: str
    event: MediaFailed


class RecordMediaReleased(Wire, tag_field="type"):
    """Refused with `media-in-use` while a project uses the media and the last reference would go."""

    media_id: str
    event: MediaReleased


class Output(Wire):
    """A finished file: object key, bytes, SHA-256, frames in it, frames that had to be encoded for it. In place of the
    SHA-256, a proxy has that of its head and of the checksums of its pieces."""

    key: str
    size: int
    sha256: str
    frames: int
    encoded: int


class ReportProxy(Wire, tag_field="type"):
    """The last word on a proxy: a file, or why there is none. `digest` is that of the rendered timeline."""

    project_id: str
    version: int
    digest: str
    output: Output | None = None
    failed: str | None = None


class ReportExport(Wire, tag_field="type"):
    """The last word on an export. Refused with `not-rendering` if it was cancelled or is done."""

    project_id: str
    export_id: str
    version: int
    profile: ExportProfile
    output: Output | None = None
    failed: str | None = None


class RecordPlan(Wire, tag_field="type"):
    run_id: str
    event: PlanCalculated


class RecordPolicy(Wire, tag_field="type"):
    """`policy_id` names the stream: `policy` of the system, `policy_<tenant>` of a tenant."""

    policy_id: str
    event: PolicyChanged


class RecordUsage(Wire, tag_field="type"):
    event: UsageRecorded


class ArchiveExport(Wire, tag_field="type"):
    """Refused with `pinned` while a pin holds at `at`, with `not-ready`, and with `changed-since` when the project was
    deleted or restored since it was judged. `erase`: in a deleted project only a hold keeps."""

    project_id: str
    export_id: str
    key: str
    at: datetime
    project_deleted: bool
    erase: bool = False


class RestoreExport(Wire, tag_field="type"):
    """Refused with `not-archived`. `key` is where its file belongs."""

    project_id: str
    export_id: str
    key: str


class DeleteExport(Wire, tag_field="type"):
    """Refused with `not-archived`, with `pinned` while a pin holds at `at`, and with `changed-since`."""

    project_id: str
    export_id: str
    at: datetime
    project_deleted: bool
    erase: bool = False


class DeleteProxy(Wire, tag_field="type"):
    """Nothing happens for a version whose proxy is elsewhere than at `key`, or that is the newest of its project.

    With `folded`, the state of the file that is folded into its recipe, nobody asked for it: it is refused with
    `pinned` while a pin of the version holds at `at`, with `in-use` while somebody may play the proxy, and with
    `changed-since` when the project was deleted."""

    project_id: str
    version: int
    key: str
    folded: str = ""
    at: datetime | None = None


class ArchiveMedia(Wire, tag_field="type"):
    """Refused with `media-in-use` while a project that is not deleted uses it, and with `not-ready`."""

    media_id: str
    key: str


class RestoreMedia(Wire, tag_field="type"):
    """Refused with `not-archived`."""

    media_id: str


class DeleteMedia(Wire, tag_field="type"):
    """Refused with `not-archived`, and with `media-in-use` as its archiving is."""

    media_id: str


class RecordAudit(Wire, tag_field="type"):
    """An entry of the audit log: the command's actor did `action` to `target`. Written once per key; no event."""

    action: str
    target: str
    credential: str
    address: str
    detail: dict[str, Any]
    at: datetime


MediaCommand = (
    RecordMediaUploaded | RecordMediaDeduplicated | RecordMediaReady | RecordMediaFailed | RecordMediaReleased
    | ArchiveMedia | RestoreMedia | DeleteMedia
)  # fmt: skip
RenderCommand = ReportProxy | ReportExport
CollectExport = ArchiveExport | RestoreExport | DeleteExport | DeleteProxy
GcCommand = RecordPlan | RecordPolicy
CommandBody = MediaCommand | RenderCommand | CollectExport | GcCommand | RecordUsage | RecordAudit


class Command(Wire):
    """`key` makes it idempotent: the same key again gives the first answer and writes nothing."""

    key: str
    tenant: str
    actor: str
    trace: str
    body: CommandBody


class Refusal(Wire):
    """Why `ops` will not: a code to branch on and a sentence to read. Final; asking again gives the same."""

    code: str
    detail: str


class Accepted(Wire):
    """The position of the last event written for the command, and that event's version in its stream."""

    position: int
    version: int


class CommandReply(Wire):
    """Either `accepted` or `refused`."""

    accepted: Accepted | None = None
    refused: Refusal | None = None


CommandSource = Literal["media", "render", "gc"]
COMMANDS: dict[CommandSource, tuple[type[CommandBody], ...]] = {
    "media": (
        RecordMediaUploaded,
        RecordMediaDeduplicated,
        RecordMediaReady,
        RecordMediaFailed,
        RecordMediaReleased,
        ArchiveMedia,
        DeleteMedia,
        RecordUsage,
        RecordAudit,
    ),
    "render": (ReportProxy, ReportExport, RecordUsage),
    "gc": (
        RecordPlan,
        RecordPolicy,
        ArchiveExport,
        RestoreExport,
        DeleteExport,
        DeleteProxy,
        ArchiveMedia,
        RestoreMedia,
        DeleteMedia,
        RecordUsage,
        RecordAudit,
    ),
}


def encode_command(command: Command) -> bytes:
    return msgspec.json.encode(command)


_COMMAND = msgspec.json.Decoder(Command)
_REPLY = msgspec.json.Decoder(CommandReply)


def decode_command(payload: bytes) -> Command:
    """Raises msgspec.ValidationError."""
    return _COMMAND.decode(payload)


def decode_reply(payload: bytes) -> CommandReply:
    """Raises msgspec.ValidationError."""
    return _REPLY.decode(payload)
