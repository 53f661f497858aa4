"""What the other services ask for on `ops.cmd.<service>.<Type>`: facts to record. Asked again under the same key, the
answer is the same and nothing is written twice."""

from __future__ import annotations

from typing import Final

import msgspec
import structlog
from nats.aio.msg import Msg

from cutlog.auth.audit import Entry
from cutlog.contract.behalf import Behalf
from cutlog.contract.commands import (
    COMMANDS,
    Accepted,
    ArchiveExport,
    Command,
    CommandReply,
    DeleteExport,
    DeleteProxy,
    RecordAudit,
    RecordPlan,
    RecordPolicy,
    RecordUsage,
    Refusal,
    ReportExport,
    ReportProxy,
    RestoreExport,
    decode_command,
)
from cutlog.contract.subjects import command as command_subject
from services.ops.access.audit import Audit
from services.ops.decide.refusals import RefusedError
from services.ops.log.records import Appended, LogUnavailableError, UnstorableError
from services.ops.project.handling import Handling

log = structlog.get_logger(__name__)

_SUBJECTS: Final = {command_subject(source, kind.__name__): kind for source in COMMANDS for kind in COMMANDS[source]}


class Commands:
    """Answers commands. One that can't be decided now gets no answer: its sender asks again."""

    def __init__(self, handling: Handling, audit: Audit) -> None:
        self._handling, self._audit = handling, audit

    async def __call__(self, message: Msg) -> None:
        """Handles one request."""
        reply = await self.reply(message.subject, message.data)
        if reply is not None:
            await message.respond(msgspec.json.encode(reply))

    async def reply(self, subject: str, payload: bytes) -> CommandReply | None:
        """The answer to a request. A subject allows one type, for it is what NATS lets a service publish on."""
        try:
            command = decode_command(payload)
        except msgspec.DecodeError as error:
            return _refused("malformed", f"This is not a command: {error}")
        if _SUBJECTS.get(subject) is not type(command.body):
            return _refused("wrong-subject", f"A {type(command.body).__name__} does not belong on {subject}.")
        try:
            appended = await self._handle(command)
        except RefusedError as refusal:
            log.info("command.refused", subject=subject, key=command.key, code=refusal.code, why=str(refusal))
            return _refused(refusal.code, str(refusal))
        except UnstorableError as error:
            return _refused("unstorable", str(error))
        except LogUnavailableError:
            log.warning("command.reply_failed", subject=subject, key=command.key, why="the log is not available")
            return None
        return CommandReply(accepted=Accepted(position=appended.position, version=appended.version))

    async def _handle(self, command: Command) -> Appended | Accepted:
        behalf = Behalf(command.tenant, command.actor, command.trace)
        match command.body:
            case ReportProxy(project_id=project_id) | ReportExport(project_id=project_id) as report:
                return await self._handling.report(project_id, behalf, report, command.key)
            case (
                ArchiveExport(project_id=project_id) | RestoreExport(project_id=project_id)
                | DeleteExport(project_id=project_id) | DeleteProxy(project_id=project_id)
            ) as collect:  # fmt: skip
                return await self._handling.report(project_id, behalf, collect, command.key)
            case RecordPlan(run_id=stream) | RecordPolicy(policy_id=stream) as said:
                return await self._handling.run(stream, said, behalf, command.key)
            case RecordUsage(event=used):
                return await self._handling.usage(used, behalf, command.key)
            case RecordAudit() as noted:
                await self._audit.note(_entry(command, noted), command.key)
                return Accepted(position=0, version=0)
            case media:
                return await self._handling.media(media, behalf, command.key)


def _entry(command: Command, body: RecordAudit) -> Entry:
    return Entry(
        tenant=command.tenant, subject=command.actor, credential=body.credential, address=body.address,
        action=body.action, target=body.target, detail=body.detail, at=body.at,
    )  # fmt: skip


def _refused(code: str, detail: str) -> CommandReply:
    return CommandReply(refused=Refusal(code=code, detail=detail))
