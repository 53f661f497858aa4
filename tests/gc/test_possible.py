"""What SQL leaves out, the rules keep: a plan has just the exports that the rules let go, whatever there is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import open_blobs
from cutlog.contract.answers.collection import Candidate, Policy, Scope
from cutlog.db.engine import create_engine
from services.gc.projection import snapshot
from services.gc.report.judging import judged
from services.gc.rules.plan import Basis, candidate
from services.gc.rules.policy import judge
from services.gc.sql import statement
from tests.support.chance import examples
from tests.support.configuration import SettingsFactory

NOW = datetime(2031, 5, 1, 12, tzinfo=UTC)
PROJECTS = ("p0", "p1", "p2")
AGES = st.sampled_from([0, 1, 2, 3, 5, 8, 13, 21, 34])
NUMBERS = st.integers(0, 4)


Rows = dict[str, list[dict[str, object]]]


@st.composite
def stores(draw: st.DrawFn) -> Rows:
    """Rows of a few projects by the statement that stores them."""
    rows: Rows = {"put_projects": [], "put_exports": [], "put_pins": [], "put_tagged": []}
    for project in PROJECTS:
        gone = NOW - timedelta(days=draw(AGES)) if draw(st.booleans()) and draw(st.booleans()) else None
        rows["put_projects"].append(
            {"project_id": project, "tenant": draw(st.sampled_from(["a", "a", "b"])), "name": project,
             "deleted_at": gone, "version": 6}
        )  # fmt: skip
        for number in range(draw(st.integers(0, 8))):
            status = draw(st.sampled_from(["ready"] * 5 + ["queued", "archived", "deleted"]))
            rows["put_exports"].append(
                {"export_id": f"{project}-x{number}", "project_id": project, "version": draw(st.integers(1, 6)),
                 "profile": draw(st.sampled_from(["mp4", "gif"])), "status": status,
                 "key": f"export/{project}/v{number}_final.mp4", "size": number,
                 "finished_at": NOW - timedelta(days=draw(AGES)), "home": None, "frames": 0, "encoded": 0}
            )  # fmt: skip
        for version, profile in draw(st.sets(st.tuples(st.integers(1, 6), st.sampled_from([None, "mp4"])), max_size=3)):
            rows["put_pins"].append(
                {"project_id": project, "version": version, "profile": profile, "pinned": draw(st.booleans()),
                 "expires_at": draw(st.sampled_from([None, NOW, NOW + timedelta(days=1)])), "reason": None,
                 "owner": None, "mode": draw(st.sampled_from(["normal", "hold"]))}
            )  # fmt: skip
        for version in draw(st.sets(st.integers(1, 6), max_size=2)):
            rows["put_tagged"].append({"project_id": project, "version": version, "message": "cut"})
    return rows


policies = st.builds(
    Policy,
    ttl_days=st.sampled_from([0, 3, 13]),
    keep_latest=NUMBERS,
    keep_tagged=st.booleans(),
    min_age_hours=st.sampled_from([0, 60]),
    scope=st.lists(
        st.builds(
            Scope,
            project_id=st.just("p1"),
            ttl_days=st.none() | st.just(1),
            keep_latest=st.none() | NUMBERS,
            keep_tagged=st.none() | st.booleans(),
        ),
        max_size=1,
    ).map(tuple),
)
erasures = st.sampled_from([frozenset[str](), frozenset({"p0"}), frozenset({"*"})])


@pytest.fixture
def working(settings_for: SettingsFactory) -> Iterator[tuple[asyncio.Runner, AsyncEngine]]:
    """A loop and an engine that outlive an example."""
    with asyncio.Runner() as runner:
        engine = create_engine(settings_for("gc"))
        yield runner, engine
        runner.run(engine.dispose())


async def both(
    engine: AsyncEngine, rows: Rows, policy: Policy, erase: frozenset[str]
) -> tuple[list[Candidate], int, list[Candidate], int]:
    """Candidates and how many are kept: as a plan finds them, and as the rules say of every export."""
    blobs = open_blobs("memory://", "")
    async with engine.connect() as connection, connection.begin() as transaction:
        for name, values in rows.items():
            await connection.execute(statement(name), {"rows": msgspec.json.encode(values).decode()})
        basis = Basis(tenant="a", position=0, policy=policy, at=NOW)
        found = [line async for line in judged(connection, blobs, basis, ("export",), erase)]
        lines = [line for line in found if isinstance(line, Candidate)]
        kept = sum(line for line in found if isinstance(line, int))
        should: list[Candidate] = []
        stays = 0
        async for project in snapshot.projects(connection, "a"):
            for export, verdict in judge(project, policy, NOW, erase):
                if verdict.verdict == "candidate":
                    should.append(candidate(project.project_id, export, verdict))
                else:
                    stays += 1
        await transaction.rollback()
    return lines, kept, should, stays


def test_a_plan_has_just_what_the_rules_let_go(working: tuple[asyncio.Runner, AsyncEngine]) -> None:
    runner, engine = working
    gone = 0

    @settings(max_examples=examples(80), database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(stores(), policies, erasures)
    def law(rows: Rows, policy: Policy, erase: frozenset[str]) -> None:
        nonlocal gone
        lines, kept, should, stays = runner.run(both(engine, rows, policy, erase))
        assert lines == should
        assert kept == stays
        gone += len(lines)

    law()
    assert gone > examples(80) // 4, "examples in which something may go"
