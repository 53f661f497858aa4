"""Ids that can't be had: refused in the same words whoever has them, and not to be tried by the thousand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.ops.api.limits import ID_TRIES
from tests.ops.conftest import Answer, Client

slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")


async def _make(client: Client, project: str, **more: Any) -> Answer:
    return await client("POST", "/api/projects", {"name": "Film", "id": project}, **more)


async def _fork(client: Client, project: str, **more: Any) -> Answer:
    return await client("POST", "/api/projects/origin/fork", {"name": "Film", "id": project, **more})


def _told(answer: Answer) -> tuple[int, object, frozenset[str]]:
    """All that an answer says, but for what is new in every one."""
    said = {name: value for name, value in answer.body.items() if name not in ("requestId",)}
    return answer.status, said, frozenset(answer.headers)


@pytest.mark.few(1, reason="starts ops, NATS and a database for one more case of its kind")
@pytest.mark.parametrize("attempt", [_make, _fork])
async def test_an_id_is_refused_in_one_way_whether_it_is_ones_own_another_tenants_or_deleted(
    as_role: Callable[..., Client], attempt: Callable[..., Any]
) -> None:
    mine, other = as_role("editor"), as_role("editor", tenant="acme")
    for client, project in ((mine, "origin"), (mine, "mine"), (mine, "gone"), (other, "theirs"), (other, "past")):
        assert (await _make(client, project)).status == 201
    assert (await mine("DELETE", "/api/projects/gone")).status == 204
    assert (await other("DELETE", "/api/projects/past")).status == 204
    told = [_told(await attempt(mine, project)) for project in ("mine", "gone", "theirs", "past")]
    assert told[0][0] == 409
    assert told == [told[0]] * 4
    body = (await attempt(mine, "theirs")).body
    assert body["type"] == "/problems/id-unavailable"
    assert "theirs" not in str(body)


@slow
async def test_a_project_of_another_tenant_is_refused_in_the_words_for_one_that_nobody_has(
    as_role: Callable[..., Client],
) -> None:
    mine, other = as_role("editor"), as_role("editor", tenant="acme")
    assert (await _make(other, "theirs")).status == 201
    requests: tuple[tuple[str, str, Any], ...] = (
        ("GET", "", None), ("DELETE", "", None), ("POST", "/restore", None), ("GET", "/ops", None),
        ("POST", "/ops", {"ops": [{"op": "track.add", "track": "v", "kind": "video"}]}),
        ("POST", "/ops", {"ops": [{"op": "track.add", "track": "v", "kind": "video"}], "dryRun": True}),
        ("POST", "/revert", {"toVersion": 0}), ("POST", "/fork", {"name": "Mine"}), ("POST", "/export", {}),
        ("POST", "/versions/0/pin", None), ("GET", "/versions/0", None), ("GET", "/timeline", None),
        ("GET", "/diff?from=0&to=0", None), ("GET", "/exports", None), ("POST", "/exports/x_1/cancel", None),
        ("POST", "/exports/x_1/retry", None), ("GET", "/events", None), ("GET", "/versions/0/proxy", None),
    )  # fmt: skip
    for method, path, body in requests:
        theirs, none = [await mine(method, f"/api/projects/{project}{path}", body) for project in ("theirs", "nobodys")]
        assert theirs.status == 404, (method, path)
        said = [str(_told(answer)).replace(name, "ID") for answer, name in ((theirs, "theirs"), (none, "nobodys"))]
        assert said[0] == said[1], (method, path)


@slow
async def test_trying_ids_is_limited_by_subject_and_the_refusal_does_not_tell_which_are_available(
    as_role: Callable[..., Client],
) -> None:
    mine, neighbour, other = as_role("editor"), as_role("editor", subject="ben"), as_role("editor", tenant="acme")
    assert (await _make(other, "theirs")).status == 201
    assert (await _make(neighbour, "origin")).status == 201
    for number in range(ID_TRIES.burst + 20):  # who makes things of ids that are available is not limited
        assert (await _make(other, f"other{number}")).status == 201

    async def refused(attempt: Callable[[str], Awaitable[Answer]]) -> Answer:
        """Its answer while tries are used up; one more comes every second, which a busy machine takes for a request."""
        for number in range(50):
            await asyncio.gather(*(_make(mine, "theirs") for _ in range(20 if number else ID_TRIES.burst * 2)))
            if (answer := await attempt(f"free{number}")).status == 429:
                return answer
        pytest.fail("nothing was refused")

    answer = await refused(lambda _: _make(mine, "theirs"))
    assert int(answer.headers["Retry-After"]) >= 1
    await refused(lambda project: _make(mine, project))
    await refused(lambda project: _fork(mine, project))
    await refused(lambda project: _fork(mine, project, dryRun=True))
    assert (await mine("POST", "/api/projects", {"name": "Film"})).status == 201, "which gets a new id"
    assert (await _make(neighbour, "nobodys")).status == 201


@slow
async def test_a_dry_run_counts_as_a_try_whatever_comes_of_it(as_role: Callable[..., Client]) -> None:
    mine = as_role("editor")
    assert (await _make(mine, "origin")).status == 201
    statuses: set[int] = set()
    for number in range(50):
        tries = (_fork(mine, f"free{number}-{each}", dryRun=True) for each in range(ID_TRIES.burst))
        statuses |= {answer.status for answer in await asyncio.gather(*tries)}
        if 429 in statuses:
            break
    assert statuses == {200, 429}


@slow
async def test_the_first_answer_comes_again_for_an_idempotency_key_and_costs_no_try(
    as_role: Callable[..., Client],
) -> None:
    mine = as_role("editor")
    for _ in range(ID_TRIES.burst + 20):
        assert (await _make(mine, "mine", key="k")).status == 201
    assert (await _make(mine, "mine")).status == 409
