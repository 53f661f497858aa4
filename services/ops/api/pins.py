"""Pins: what garbage collection never takes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from cutlog.contract.answers.projects import PinShown
from cutlog.contract.base import Strict
from cutlog.contract.events import PinMode
from cutlog.contract.profiles import ExportProfile
from cutlog.web import Api, ProblemError, Reply, Request, Role
from cutlog.web.problems import invalid
from services.ops.api.context import Ops
from services.ops.api.once import keep_unchanged, once
from services.ops.api.problem_types import HELD
from services.ops.decide.commands import SetPin
from services.ops.project.results import Done, Pinning


class NewPin(Strict):
    """Whether the exports of the version are kept: all of them, or those of one profile; for ever, or until a time.
    Who pins is remembered. A `hold` is changed and lifted by admins only."""

    pinned: bool
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    profile: ExportProfile | None = None
    mode: PinMode = "normal"


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.post(
        "/api/projects/{project}/versions/{n}/pin",
        role=Role.editor,
        audit="pin.changed",
        path={"n": int},
        body=NewPin,
        body_optional=True,
        returns={200: PinShown},
        problems=(HELD,),
        summary="Pins or unpins the exports of a version",
    )
    async def pin(req: Request[NewPin | None]) -> Reply:
        """An empty body, or `{}`, toggles the pin of all exports."""
        version, now, wanted = req.path["n"], ops.now(), req.body
        if wanted is not None and wanted.expires_at is not None and wanted.expires_at <= now:
            raise invalid(ProblemError("/expiresAt", "must be in the future; omit it to pin without an expiry"))
        admin = req.actor.role is Role.admin
        if wanted is None:
            command = SetPin(version, now, by_admin=admin)
        else:
            command = SetPin(
                version, now, wanted.pinned, wanted.profile, wanted.reason, wanted.expires_at, wanted.mode, admin
            )

        def made(done: Done) -> Reply:
            pinning = done.result
            assert isinstance(pinning, Pinning)
            return Reply(200, PinShown(version=pinning.version, pinned=pinning.pinned))

        async def act() -> Reply:
            outcome = await ops.commits.commit(req.path["project"], req.behalf, command, keyed=req.keyed)
            reply = made(outcome.done)
            return reply if outcome.events else await keep_unchanged(ops, req, reply)

        return await once(ops, req, made, act)
