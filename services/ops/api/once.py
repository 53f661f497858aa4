"""How routes that append keep to Idempotency-Keys: what a request led to is kept with its events, and translated again
when it comes again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cutlog.db.idempotency import Answer, Keyed
from cutlog.web import Reply, Request
from cutlog.web.problems import IDEMPOTENCY_KEY_USED
from services.ops.api.context import Ops
from services.ops.log.records import AlreadyAnsweredError
from services.ops.project.results import Done

Translate = Callable[[Done], Reply]
"""The answer that tells what a request led to. Of equal requests and results it is the same, byte for byte."""


async def once(ops: Ops, req: Request[Any, Any], translate: Translate, act: Callable[[], Awaitable[Reply]]) -> Reply:
    """What the request led to when it came before, or else what `act` answers. Raises KeyReusedError."""
    if req.keyed is None:
        return await act()
    before = await _before(ops, req.keyed, translate)
    if before is not None:
        return before
    try:
        return await act()
    except AlreadyAnsweredError:
        meanwhile = await _before(ops, req.keyed, translate)
        assert meanwhile is not None, "an answer is kept for longer than a request takes"
        return meanwhile


async def once_only(ops: Ops, req: Request[Any, Any], act: Callable[[], Awaitable[Reply]]) -> Reply:
    """What `act` answers, which holds a secret and is not kept. Raises Problem 409 for a key that was used."""
    if req.keyed is None:
        return await act()
    if not await ops.reads.reserve(req.keyed):
        raise IDEMPOTENCY_KEY_USED(IDEMPOTENCY_KEY_USED.example)
    return await act()


async def keep_unchanged(ops: Ops, req: Request[Any, Any], reply: Reply) -> Reply:
    """Keeps an answer for which nothing was appended."""
    if req.keyed is not None:
        await ops.reads.keep_answer(req.keyed, Answer(reply.status, reply.body))
    return reply


async def _before(ops: Ops, keyed: Keyed, translate: Translate) -> Reply | None:
    match await ops.commits.before(keyed):
        case None:
            return None
        case Answer(status, body):
            pass
        case done:
            reply = translate(done)
            status, body = reply.status, reply.body
    return Reply.raw(status, body, headers={"Idempotent-Replayed": "true"})
