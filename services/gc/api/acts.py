"""The admin's HTTP face, where files move: archive, restore, delete, unused videos, and the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.answers.collection import Reason
from cutlog.contract.base import Strict, Wire
from cutlog.contract.ids import Id
from cutlog.web import Api, ListQuery, Page, Reply, Request, Role, decode_cursor, encode_cursor
from cutlog.web.problems import NOT_FOUND
from services.gc.acts.acting import Outcome
from services.gc.acts.collecting import (
    Collecting,
)
from services.gc.api.problem_types import (
    ACTING,
    BRAKED,
    CONFIRMATION_MISSING,
    CONFIRMATION_UNKNOWN,
    PLAN_SIMULATED,
)
from services.gc.api.questions import ROOT, behalf_of
from services.gc.projection import snapshot
from services.gc.report import audit, policies
from services.gc.report.audit import Item, Run
from services.gc.report.reports import now
from services.gc.rules.classes import judge_video
from services.gc.rules.roots import MediaStatus

ObjectIds = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=512)], ...],
    msgspec.Meta(min_length=1, max_length=100_000),
]


class Archive(Strict):
    """The plan that said what may go; all its exports, unless some are named."""

    plan_id: Id
    export_ids: ObjectIds | None = None


class Restore(Strict):
    """Exports to bring back from the archive."""

    export_ids: ObjectIds


class Delete(Strict):
    """What to delete: `exportIds` of the archive, or `id`s of other candidates. `confirm` is the hash of the plan that
    said they may go."""

    export_ids: ObjectIds
    confirm: str | None = None


class Videos(Strict):
    """Videos."""

    video_ids: ObjectIds


class DeleteVideos(Strict):
    """Videos of the archive. `confirm` is the hash of a plan of the class `video` that said they may go."""

    video_ids: ObjectIds
    confirm: str | None = None


class SkippedObject(Wire):
    """An object that stays as it was, and why: `exportId` names an export, or another object of a plan; `videoId` a
    video."""

    reason: str
    export_id: str | UnsetType = UNSET
    video_id: str | UnsetType = UNSET


class Archived(Wire):
    """What was archived. `pending` files follow yet, by themselves."""

    run_id: str
    archived: tuple[str, ...]
    skipped: tuple[SkippedObject, ...]
    pending: int = 0


class Restored(Wire):
    """What was brought back."""

    run_id: str
    restored: tuple[str, ...]
    skipped: tuple[SkippedObject, ...]
    pending: int = 0


class Deleted(Wire):
    """What was deleted, and the bytes that were then seen to be gone from the store."""

    run_id: str
    deleted: tuple[str, ...]
    skipped: tuple[SkippedObject, ...]
    bytes_freed: int
    pending: int = 0


class UnusedVideo(Wire):
    """A video that no project holds on to. `size` in bytes, with all that was made from it; `age` in days since it was
    uploaded. `mayGo` by the policy, for these `reasons`."""

    id: str
    name: str
    size: int
    age: int
    ref_count: int
    status: MediaStatus
    uploaded_at: datetime
    may_go: bool
    reasons: tuple[Reason, ...]


Kind = Literal["export", "video"]


def routes(api: Api, engine: AsyncEngine, collecting: Collecting) -> None:
    """Adds the routes."""

    @api.post(
        f"{ROOT}/archive",
        audit="gc.archived",
        role=Role.admin,
        body=Archive,
        returns={200: Archived},
        problems=(NOT_FOUND, PLAN_SIMULATED, *ACTING),
        summary="Archives exports that a plan lists",
    )
    async def archive(req: Request[Archive]) -> Reply:
        """Each is judged again by the plan's policy, and decided where pins are. Asked for again under the same
        Idempotency-Key, an act that was cut short goes on."""
        outcome = await collecting.archive(behalf_of(req), req.body.plan_id, req.body.export_ids)
        return Reply(200, _archived(outcome, "export"))

    @api.post(
        f"{ROOT}/restore",
        audit="gc.restored",
        role=Role.admin,
        body=Restore,
        returns={200: Restored},
        problems=ACTING,
        summary="Restores archived exports",
    )
    async def restore(req: Request[Restore]) -> Reply:
        return Reply(200, _restored(await collecting.restore(behalf_of(req), req.body.export_ids), "export"))

    @api.post(
        f"{ROOT}/delete",
        audit="gc.deleted",
        role=Role.admin,
        body=Delete,
        returns={200: Deleted},
        problems=(CONFIRMATION_MISSING, CONFIRMATION_UNKNOWN, BRAKED, *ACTING),
        summary="Deletes archived exports permanently",
    )
    async def delete(req: Request[Delete]) -> Reply:
        """400 without `confirm`. Proxies, segments, previews and leftovers, which can be made again or belong to
        nobody, are deleted without the first stage."""
        outcome = await collecting.delete(behalf_of(req), req.body.export_ids, req.body.confirm)
        return Reply(200, _deleted(outcome, "export"))

    @api.get(
        f"{ROOT}/unused-videos",
        role=Role.admin,
        query=ListQuery,
        returns={200: Page[UnusedVideo]},
        summary="Lists videos that no existing project uses, newest first",
    )
    async def unused(req: Request[None, ListQuery]) -> Reply:
        after = None if req.query.cursor is None else decode_cursor(req.query.cursor, tuple[datetime, str])
        items: list[UnusedVideo] = []
        async with engine.connect() as connection:
            policy, at = await policies.current(connection, req.actor.tenant), await now(connection)
            async for media in snapshot.media(connection, req.actor.tenant, after=after):
                if media.users:
                    continue
                if len(items) == req.query.limit:
                    return Reply(200, Page(items, encode_cursor((items[-1].uploaded_at, items[-1].id))))
                verdict = judge_video(media, policy, at)
                items.append(
                    UnusedVideo(
                        id=media.media_id, name=media.name, size=media.size + media.derived,
                        age=(at - media.uploaded_at).days, ref_count=media.ref_count, status=media.status,
                        uploaded_at=media.uploaded_at, may_go=verdict.verdict == "candidate", reasons=verdict.reasons,
                    )
                )  # fmt: skip
        return Reply(200, Page(items, None))

    @api.post(
        f"{ROOT}/videos/archive",
        audit="gc.archived",
        role=Role.admin,
        body=Videos,
        returns={200: Archived},
        problems=ACTING,
        summary="Archives unused videos",
    )
    async def archive_videos(req: Request[Videos]) -> Reply:
        """Applies the tenant's policy. A video is restored automatically when its content is uploaded again or when a
        project that uses it is restored."""
        return Reply(200, _archived(await collecting.archive_videos(behalf_of(req), req.body.video_ids), "video"))

    @api.post(
        f"{ROOT}/videos/restore",
        audit="gc.restored",
        role=Role.admin,
        body=Videos,
        returns={200: Restored},
        problems=ACTING,
        summary="Restores archived videos",
    )
    async def restore_videos(req: Request[Videos]) -> Reply:
        return Reply(200, _restored(await collecting.restore_videos(behalf_of(req), req.body.video_ids), "video"))

    @api.post(
        f"{ROOT}/videos/delete",
        audit="gc.deleted",
        role=Role.admin,
        body=DeleteVideos,
        returns={200: Deleted},
        problems=(CONFIRMATION_MISSING, CONFIRMATION_UNKNOWN, BRAKED, *ACTING),
        summary="Deletes archived videos permanently",
    )
    async def delete_videos(req: Request[DeleteVideos]) -> Reply:
        """400 without `confirm`."""
        outcome = await collecting.delete_videos(behalf_of(req), req.body.video_ids, req.body.confirm)
        return Reply(200, _deleted(outcome, "video"))

    @api.get(
        f"{ROOT}/runs",
        role=Role.admin,
        query=ListQuery,
        returns={200: Page[Run]},
        summary="Lists runs: who did what, and when, newest first",
    )
    async def runs(req: Request[None, ListQuery]) -> Reply:
        before = None if req.query.cursor is None else decode_cursor(req.query.cursor, str)
        async with engine.connect() as connection:
            found = await audit.runs(connection, req.actor.tenant, before, req.query.limit + 1)
        items = found[: req.query.limit]
        return Reply(200, Page(items, encode_cursor(items[-1].run_id) if len(found) > len(items) else None))

    @api.get(f"{ROOT}/runs/{{run}}", role=Role.admin, returns={200: Run}, summary="Shows one run")
    async def show_run(req: Request) -> Reply:
        async with engine.connect() as connection:
            return Reply(200, await audit.find(connection, req.actor.tenant, req.path["run"]))

    @api.get(
        f"{ROOT}/runs/{{run}}/items",
        role=Role.admin,
        query=ListQuery,
        returns={200: Page[Item]},
        summary="Lists what became of each object in a run",
    )
    async def items(req: Request[None, ListQuery]) -> Reply:
        after = "" if req.query.cursor is None else decode_cursor(req.query.cursor, str)
        async with engine.connect() as connection:
            run = await audit.find(connection, req.actor.tenant, req.path["run"])
            found = await audit.items(connection, run.run_id, after, req.query.limit + 1)
        shown = found[: req.query.limit]
        return Reply(200, Page(shown, encode_cursor(shown[-1].id) if len(found) > len(shown) else None))


def _archived(outcome: Outcome, kind: Kind) -> Archived:
    return Archived(
        run_id=outcome.run_id, archived=outcome.done, skipped=_skipped(outcome, kind), pending=outcome.pending
    )


def _restored(outcome: Outcome, kind: Kind) -> Restored:
    return Restored(
        run_id=outcome.run_id, restored=outcome.done, skipped=_skipped(outcome, kind), pending=outcome.pending
    )


def _deleted(outcome: Outcome, kind: Kind) -> Deleted:
    return Deleted(
        run_id=outcome.run_id, deleted=outcome.done, skipped=_skipped(outcome, kind),
        bytes_freed=outcome.bytes_freed, pending=outcome.pending,
    )  # fmt: skip


def _skipped(outcome: Outcome, kind: Kind) -> tuple[SkippedObject, ...]:
    if kind == "export":
        return tuple(SkippedObject(export_id=each.id, reason=each.reason) for each in outcome.skipped)
    return tuple(SkippedObject(video_id=each.id, reason=each.reason) for each in outcome.skipped)
