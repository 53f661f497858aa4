"""What an admin sees: plans, explanations, policies and the audit, over HTTP on the real log."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from cutlog.contract import events as e
from cutlog.contract.commands import RecordPlan, decode_command
from cutlog.contract.timeline import Canvas
from tests.gc.conftest import Gc, Log
from tests.support.configuration import SettingsFactory
from tests.support.database import Database
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")

NOTHING_KEPT = {"ttlDays": 0, "keepLatest": 0}


def policy(**changes: Any) -> dict[str, Any]:
    """A whole policy: the defaults but for some."""
    return {
        "ttlDays": 30, "keepLatest": 3, "proxyTtlDays": 7, "segmentTtlDays": 14, "previewTtlDays": 7,
        "archiveGraceDays": 7, "maxDeleteFraction": 0.2, "schedule": "0 3 * * 0", "scope": [], "keepTagged": True,
        "minAgeHours": 0,
    } | changes  # fmt: skip


def exported(project: str, version: int, size: int = 100) -> list[e.EventData]:
    name, key = f"{project}-x{version}", f"export/{project}/v{version}_final.mp4"
    return [
        e.ExportRequested(export_id=name, version=version, profile="mp4"),
        e.ExportRendered(export_id=name, version=version, profile="mp4", key=key, size=size, sha256="s", frames=1),
    ]


async def project(log: Log, name: str, exports: int, tenant: str = "default") -> int:
    facts: list[e.EventData] = [e.ProjectCreated(name=name, canvas=Canvas())]
    for version in range(1, exports + 1):
        facts += exported(name, version, size=100 * version)
    return await log.say(name, *facts, tenant=tenant)


def names(plan: dict[str, Any], field: str = "candidates") -> list[str]:
    return [candidate["exportId"] for candidate in plan[field]]


async def test_a_plan_lists_what_may_go_and_comes_to_its_bytes(log: Log, gc: Gc) -> None:
    position = await project(log, "p", exports=5)
    plan = await gc.calculate({"policy": {"ttlDays": 0, "keepLatest": 2}})
    assert sorted(names(plan)) == ["p-x1", "p-x2", "p-x3"]
    assert (plan["candidateCount"], plan["keptCount"], plan["bytes"]) == (3, 2, 600)
    assert plan["position"] >= position and plan["policy"] == policy(ttlDays=0, keepLatest=2)
    one = next(c for c in plan["candidates"] if c["exportId"] == "p-x3")
    assert (one["projectId"], one["version"], one["profile"], one["size"]) == ("p", 3, "mp4", 300)
    assert one["key"] == "export/p/v3_final.mp4"
    assert [reason["rule"] for reason in one["reasons"]] == ["keep-latest", "ttl"]


@slow
async def test_nothing_is_a_candidate_by_the_default_policy_before_thirty_days(log: Log, gc: Gc) -> None:
    await project(log, "p", exports=9)
    plan = await gc.calculate()
    assert plan["candidates"] == [] and plan["keptCount"] == 9 and plan["simulated"] is False
    later = datetime.now(UTC) + timedelta(days=30, minutes=1)
    simulated = await gc.calculate({"at": later.isoformat()})
    assert len(simulated["candidates"]) == 6 and simulated["simulated"] is True


@slow
async def test_the_hash_is_that_of_the_plan_as_json(log: Log, gc: Gc) -> None:
    await project(log, "p", exports=3)
    plan = await gc.calculate({"policy": NOTHING_KEPT})
    document = {name: plan[name] for name in ("at", "candidates", "policy", "position")} | {"tenant": "default"}
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert plan["planHash"] == hashlib.sha256(canonical).hexdigest()


async def test_a_pinned_export_is_no_candidate_until_it_is_unpinned(log: Log, gc: Gc) -> None:
    await project(log, "p", exports=3)
    await log.say("p", e.ExportPinned(version=1, reason="sign-off"))
    assert names(await gc.calculate({"policy": NOTHING_KEPT})) == ["p-x2"]
    await log.say("p", e.ExportUnpinned(version=1))
    assert sorted(names(await gc.calculate({"policy": NOTHING_KEPT}))) == ["p-x1", "p-x2"]


@slow
async def test_every_event_acknowledged_before_the_question_is_in_the_answer(log: Log, gc: Gc) -> None:
    await project(log, "p", exports=2)
    for _ in range(20):
        await log.say("p", e.ExportPinned(version=1))
        status, plan = await gc.ask("POST", "/calculate", {"policy": NOTHING_KEPT})
        assert status == 201 and names(plan) == []
        await log.say("p", e.ExportUnpinned(version=1))
        status, plan = await gc.ask("POST", "/calculate", {"policy": NOTHING_KEPT})
        assert status == 201 and names(plan) == ["p-x1"]


@slow
async def test_a_plan_stays_as_it_was_whatever_happens_after_it(log: Log, gc: Gc) -> None:
    await project(log, "p", exports=4)
    plan = await gc.calculate({"policy": NOTHING_KEPT})
    await log.say("p", e.ExportPinned(version=1), e.ExportArchived(export_id="p-x2", key="archive/x"))
    await gc.calculate({"policy": {"ttlDays": 1, "keepLatest": 9}})
    status, page = await gc.ask("GET", f"/candidates?planId={plan['planId']}")
    assert status == 200 and page["items"] == plan["candidates"] and page["planHash"] == plan["planHash"]


@slow
async def test_candidates_come_in_pages_that_stay_with_their_plan(log: Log, gc: Gc) -> None:
    await project(log, "p", exports=8)
    plan = await gc.calculate({"policy": NOTHING_KEPT})
    seen: list[list[str]] = []
    path: str | None = "/candidates?limit=3"
    while path:
        status, page = await gc.ask("GET", path)
        assert status == 200 and page["planId"] == plan["planId"]
        seen.append(names(page, "items"))
        path = f"/candidates?limit=3&cursor={page['next']}" if page["next"] else None
        await gc.calculate({"policy": {"ttlDays": 1, "keepLatest": 9}})
    assert [len(each) for each in seen] == [3, 3, 1]
    assert [name for each in seen for name in each] == names(plan)


@slow
async def test_the_list_without_a_plan_is_of_the_newest_one_that_is_no_simulation(log: Log, gc: Gc) -> None:
    assert (await gc.ask("GET", "/candidates"))[0] == 404
    await project(log, "p", exports=3)
    await gc.calculate({"policy": NOTHING_KEPT})
    second = await gc.calculate({"policy": NOTHING_KEPT})
    await gc.calculate({"policy": NOTHING_KEPT, "at": "2040-01-01T00:00:00Z"})
    assert (await gc.ask("GET", "/candidates"))[1]["planId"] == second["planId"]


@slow
async def test_an_export_is_explained(log: Log, gc: Gc) -> None:
    await project(log, "p", exports=5)
    await log.say("p", e.ExportPinned(version=2, reason="sign-off"))
    await gc.ask("PUT", "/policy", {"ttlDays": 0, "keepLatest": 2})
    await gc.calculate()
    status, pinned = await gc.ask("GET", "/explain/p-x2")
    assert status == 200 and pinned["verdict"] == "kept"
    assert pinned["reasons"] == [{"rule": "pinned", "detail": "until it is unpinned by tester: sign-off"}]
    _, kept = await gc.ask("GET", "/explain/p-x4")
    assert [reason["rule"] for reason in kept["reasons"]] == ["keep-latest"]
    _, going = await gc.ask("GET", "/explain/p-x1")
    assert going["verdict"] == "candidate" and going["reasons"]
    assert (await gc.ask("GET", "/explain/p-x9"))[0] == 404


@slow
async def test_an_export_is_explained_by_the_date_and_policy_of_a_plan(log: Log, gc: Gc) -> None:
    await project(log, "p", exports=2)
    plan = await gc.calculate({"policy": {"ttlDays": 30, "keepLatest": 1}, "at": "2040-01-01T00:00:00Z"})
    status, verdict = await gc.ask("GET", f"/explain/p-x1?planId={plan['planId']}")
    assert status == 200 and verdict == {"verdict": "candidate", "reasons": plan["candidates"][0]["reasons"]}
    assert (await gc.ask("GET", "/explain/p-x1"))[1]["verdict"] == "kept"
    assert (await gc.ask("GET", "/explain/p-x1?planId=plan_unknown"))[0] == 404


@slow
async def test_a_policy_holds_for_its_tenant_from_the_next_plan_on(log: Log, gc: Gc) -> None:
    assert (await gc.ask("GET", "/policy"))[1] == policy()
    changed = policy(ttlDays=0, keepLatest=1)
    assert await gc.ask("PUT", "/policy", changed) == (200, changed)
    assert (await gc.ask("GET", "/policy"))[1] == changed
    assert (await gc.ask("GET", "/policy", tenant="other"))[1] == policy()
    await project(log, "p", exports=3)
    assert sorted(names(await gc.calculate())) == ["p-x1", "p-x2"]


@pytest.mark.few(1, reason="starts ops, gc, NATS and a database for one more case of its kind")
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"ttlDays": -1}, "/ttlDays"),
        ({"keepLatest": "3"}, "/keepLatest"),
        ({"ttlDays": 1.5}, "/ttlDays"),
        ({"ttldays": 1}, "/ttldays"),
    ],
)
async def test_a_policy_that_makes_no_sense_is_refused(gc: Gc, body: Any, pointer: str) -> None:
    status, problem = await gc.ask("PUT", "/policy", body)
    assert status == 422 and [error["pointer"] for error in problem["errors"]] == [pointer]


@slow
async def test_two_admins_who_change_the_policy_at_once_both_succeed(gc: Gc, database: Database) -> None:
    wishes = [{"ttlDays": days, "keepLatest": 1} for days in range(8)]
    answers = await asyncio.gather(*(gc.ask("PUT", "/policy", wish) for wish in wishes))
    assert [status for status, _ in answers] == [200] * 8
    connection = await asyncpg.connect(database.dsn("gc"))
    assert await connection.fetchval("SELECT array_agg(version ORDER BY version) FROM policy") == list(range(1, 9))
    await connection.close()


async def test_a_tenant_sees_nothing_of_another(log: Log, gc: Gc) -> None:
    await project(log, "p", exports=3)
    await project(log, "q", exports=3, tenant="other")
    mine = await gc.calculate({"policy": NOTHING_KEPT})
    theirs = await gc.calculate({"policy": NOTHING_KEPT}, tenant="other")
    assert {c["projectId"] for c in mine["candidates"]} == {"p"}
    assert {c["projectId"] for c in theirs["candidates"]} == {"q"}
    assert (await gc.ask("GET", f"/candidates?planId={mine['planId']}", tenant="other"))[0] == 404
    assert (await gc.ask("GET", "/explain/p-x1", tenant="other"))[0] == 404
    assert [run["planId"] for run in (await gc.ask("GET", "/runs", tenant="other"))[1]["items"]] == [theirs["planId"]]


async def test_only_admins_may_ask(gc: Gc) -> None:
    asked = [("GET", path) for path in ("/candidates", "/explain/x", "/policy", "/runs")]
    for role in ("viewer", "editor", "operator"):
        for method, path in (("POST", "/calculate"), ("PUT", "/policy"), *asked):
            assert (await gc.ask(method, path, role=role))[0] == 403, (role, method, path)


@slow
async def test_the_same_key_makes_one_plan_and_another_body_is_refused(log: Log, gc: Gc) -> None:
    await project(log, "p", exports=3)
    first = await gc.calculate({"policy": NOTHING_KEPT}, key="k1")
    again = await asyncio.gather(*(gc.ask("POST", "/calculate", {"policy": NOTHING_KEPT}, key="k1") for _ in range(5)))
    assert [plan for _, plan in again] == [first] * 5
    status, problem = await gc.ask("POST", "/calculate", key="k1")
    assert status == 422 and problem["type"].endswith("idempotency-key-reused")
    assert len((await gc.ask("GET", "/runs"))[1]["items"]) == 1


@slow
async def test_the_same_key_at_the_same_moment_makes_one_plan(log: Log, gc: Gc) -> None:
    await project(log, "p", exports=3)
    await gc.calculate()
    answers = await asyncio.gather(*(gc.ask("POST", "/calculate", key="at-once") for _ in range(6)))
    assert {status for status, _ in answers} == {201}
    assert len({plan["planId"] for _, plan in answers}) == 1


@slow
async def test_the_audit_says_who_calculated_what_newest_first_in_pages(log: Log, gc: Gc) -> None:
    await project(log, "p", exports=3)
    plans = [await gc.calculate({"policy": {"ttlDays": 0, "keepLatest": keep}}) for keep in (0, 1, 2)]
    await gc.calculate({"at": "2040-01-01T00:00:00Z"})
    _, first = await gc.ask("GET", "/runs?limit=3")
    _, rest = await gc.ask("GET", f"/runs?limit=3&cursor={first['next']}")
    runs = first["items"] + rest["items"]
    assert [run["action"] for run in runs] == ["simulate", "calculate", "calculate", "calculate"]
    assert [run["planHash"] for run in runs[1:]] == [plan["planHash"] for plan in reversed(plans)]
    assert {run["actor"] for run in runs} == {"tester"} and rest["next"] is None
    assert (runs[3]["objects"], runs[3]["bytes"], runs[3]["policy"]) == (2, 300, policy(**NOTHING_KEPT))


@slow
async def test_a_plan_is_told_to_the_log_and_a_simulation_is_not(log: Log, gc: Gc, database: Database) -> None:
    await project(log, "p", exports=3)
    plan = await gc.calculate({"policy": NOTHING_KEPT})
    await gc.calculate({"policy": NOTHING_KEPT, "at": "2040-01-01T00:00:00Z"})
    # Nobody decides commands in this test, so what is to be said waits in the outbox.
    connection = await asyncpg.connect(database.dsn("gc"))
    (waiting,) = await connection.fetch("SELECT command FROM outbox")
    await connection.close()
    command = decode_command(waiting["command"])
    assert isinstance(command.body, RecordPlan)
    assert command.body.event == e.PlanCalculated(
        plan_id=plan["planId"], plan_hash=plan["planHash"], position=plan["position"], candidates=2, bytes=300
    )
    assert (command.tenant, command.actor, command.key) == ("default", "tester", command.body.run_id)


@slow
async def test_no_plan_is_made_while_history_is_read_again(log: Log, impatient: Gc, database: Database) -> None:
    gc = impatient
    await project(log, "p", exports=3)
    await gc.calculate()
    owner = await asyncpg.connect(database.owner_url)
    # What the first moment of a replay looks like: rows are gone, and the checkpoint with them.
    async with owner.transaction():
        await owner.execute("DELETE FROM gc.export")
        await owner.execute("UPDATE gc.checkpoint SET position = 0")
    status, problem = await gc.ask("POST", "/calculate")
    assert status == 503 and problem["type"].endswith("projection-behind")
    assert (await gc.ask("GET", "/explain/p-x1"))[0] == 503
    await owner.close()


@pytest.mark.slow(reason="patience with the log runs out")
async def test_no_plan_is_made_when_the_log_cannot_be_asked(
    settings_for: SettingsFactory, log: Log, gc: Gc, nats: Any
) -> None:
    await project(log, "p", exports=3)
    await gc.calculate()
    nats.kill()
    status, problem = await gc.ask("POST", "/calculate")
    assert status == 503 and problem["type"].endswith("dependency-down")
    nats.start()
    assert (await gc.calculate({"policy": NOTHING_KEPT}))["candidateCount"] == 2


@slow
async def test_an_operator_who_resets_the_consumer_gets_the_same_rows_again(
    log: Log, gc: Gc, database: Database, nats: Any
) -> None:
    from cutlog.bus import Bus

    await project(log, "p", exports=6)
    await log.say("p", e.ExportPinned(version=1), e.ExportArchived(export_id="p-x2", key="archive/x"))
    before = await gc.calculate({"policy": NOTHING_KEPT})
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("UPDATE gc.export SET size = 1")  # as a defect of an older build might have left them
    async with await Bus.connect(nats.url, nats.seed("operator"), name="operator") as bus:
        await bus.api("CONSUMER.RESET.EVENTS.gc", {"seq": 1})

        async def read_again() -> bool:
            return bool(await owner.fetchval("SELECT bool_and(size > 1) FROM gc.export"))

        await eventually(read_again)
    await owner.close()
    after = await gc.calculate({"policy": NOTHING_KEPT})
    assert after["candidates"] == before["candidates"]


@slow
async def test_the_service_forgets_nothing_when_it_starts_again(
    log: Log, settings_for: SettingsFactory, database: Database
) -> None:
    import aiohttp

    from services.gc.bootstrap import serving

    await project(log, "p", exports=3)
    plans = []
    for _ in range(2):
        async with serving(settings_for("gc")) as server, aiohttp.ClientSession() as session:
            plans.append(await Gc(server.url, session, settings_for).calculate({"policy": NOTHING_KEPT}))
        await log.say("p", e.ExportPinned(version=1))
    assert [names(plan) for plan in plans] == [["p-x2", "p-x1"], ["p-x2"]]


async def test_an_ops_that_does_not_say_where_the_log_ends_is_not_taken_for_an_empty_log(nats: Any) -> None:
    from cutlog.bus import Bus, BusError, micro
    from services.gc.projection.log import LogAsked

    async def older(_: bytes) -> object:
        return {"events": []}

    async with (
        await Bus.connect(nats.url, nats.seed("ops"), name="ops") as ops,
        await Bus.connect(nats.url, nats.seed("gc"), name="gc") as bus,
        micro(ops, "ops", "0.0.0", {"events.read": older}),
    ):
        for _ in range(2):  # the client's first ping may overtake the subscription that still waits to be written
            await ops.client.flush()
        with pytest.raises(BusError, match="older build"):
            await LogAsked(bus).head()
