"""Idempotency-Key: the same key and request get the first answer again, another request is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cutlog.web import Problem, Reply, Request
from services.ops.api.context import Ops
from services.ops.log.records import AlreadyAnswered, IdempotentReply
from services.ops.project.handling import Keep, Outcome


async def once(ops: Ops, req: Request[Any, Any], act: Callable[[], Awaitable[Reply]]) -> Reply:
    """The answer that was kept under the request's key, or else what `act` answers. Raises Problem 422."""
    if req.idempotency_key is None:
        return await act()
    before = await _answer(ops, req)
    if before is not None:
        return before
    try:
        return await act()
    except AlreadyAnswered:
        meanwhile = await _answer(ops, req)
        assert meanwhile is not None, "an answer is kept for longer than a request takes"
        return meanwhile


def keep(req: Request[Any, Any], status: int, body: Callable[[Outcome], Any]) -> Keep | None:
    """What to keep with the events, if the request has a key. `body` makes the value that is answered."""
    if req.idempotency_key is None:
        return None
    return Keep(req.idempotency_key, req.fingerprint, status, lambda outcome: Reply(status, body(outcome)).body)


async def keep_unchanged(ops: Ops, req: Request[Any, Any], reply: Reply) -> Reply:
    """Keeps an answer for which nothing was appended."""
    if req.idempotency_key is not None:
        kept = IdempotentReply(
            req.actor.tenant, req.idempotency_key, req.fingerprint, reply.status, lambda _: reply.body
        )
        await ops.reads.keep_answer(kept, reply.body)
    return reply


async def _answer(ops: Ops, req: Request[Any, Any]) -> Reply | None:
    assert req.idempotency_key is not None
    answer = await ops.reader.answered(req.actor.tenant, req.idempotency_key)
    if answer is None:
        return None
    if answer.fingerprint != req.fingerprint:
        raise Problem(
            422,
            "idempotency-key-reused",
            "The Idempotency-Key was used for another request",
            "Send the first request again to get its answer, or choose a new key for this one.",
        )
    return Reply.raw(answer.status, answer.body, headers={"Idempotent-Replayed": "true"})
