"""How routes that append keep to Idempotency-Keys: the first answer is kept with the events that it is about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cutlog.db.idempotency import Answer, Keyed
from cutlog.web import Reply, Request
from cutlog.web.problems import IDEMPOTENCY_KEY_USED
from services.ops.api.context import Ops
from services.ops.log.records import AlreadyAnswered
from services.ops.project.handling import Keep, Outcome


async def once(ops: Ops, req: Request[Any, Any], act: Callable[[], Awaitable[Reply]]) -> Reply:
    """The answer that was kept under the request's key, or else what `act` answers. Raises KeyReusedError."""
    if req.keyed is None:
        return await act()
    before = await _answer(ops, req.keyed)
    if before is not None:
        return before
    try:
        return await act()
    except AlreadyAnswered:
        meanwhile = await _answer(ops, req.keyed)
        assert meanwhile is not None, "an answer is kept for longer than a request takes"
        return meanwhile


async def once_only(ops: Ops, req: Request[Any, Any], act: Callable[[], Awaitable[Reply]]) -> Reply:
    """What `act` answers, which holds a secret and is not kept. Raises Problem 409 for a key that was used."""
    if req.keyed is None:
        return await act()
    if not await ops.reads.reserve(req.keyed):
        raise IDEMPOTENCY_KEY_USED(IDEMPOTENCY_KEY_USED.example)
    return await act()


def keep(req: Request[Any, Any], status: int, body: Callable[[Outcome], Any]) -> Keep | None:
    """What to keep with the events, if the request has a key. `body` makes the value that is answered."""
    if req.keyed is None:
        return None
    return Keep(req.keyed, status, lambda outcome: Reply(status, body(outcome)).body)


async def keep_unchanged(ops: Ops, req: Request[Any, Any], reply: Reply) -> Reply:
    """Keeps an answer for which nothing was appended."""
    if req.keyed is not None:
        await ops.reads.keep_answer(req.keyed, Answer(reply.status, reply.body))
    return reply


async def _answer(ops: Ops, keyed: Keyed) -> Reply | None:
    answer = await ops.reader.answered(keyed)
    if answer is None:
        return None
    return Reply.raw(answer.status, answer.body, headers={"Idempotent-Replayed": "true"})
