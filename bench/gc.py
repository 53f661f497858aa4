"""G1 and G2: a plan over very many exports beside one SQL query of that meaning, and confirmed deletes per minute."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg

from bench.shape import Bench, Plot, Row, Target
from bench.stand import Stand, standing
from cutlog.auth.roles import Role
from cutlog.auth.tokens import mint
from cutlog.blobs import open_blobs
from cutlog.bus import Bus, Outbox
from cutlog.contract.answers.collection import Policy
from cutlog.contract.commands import Command, Output, ReportExport
from cutlog.db.engine import create_engine
from cutlog.hosting.settings import Settings
from cutlog.operate.stack.environment import service_environment
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.postgres import service_url
from services.gc.bootstrap import serving
from services.gc.report.plans import KeyedBehalf
from services.gc.report.reading import Blocked
from services.gc.report.reports import Calculate, Reports

SIZES: Final = (10_000, 100_000, 1_000_000)
PER_PROJECT: Final = 10
DELETES: Final = 1_000

#: Ten exports of each project, a day or more apart, up to a hundred days old; every tenth project has a pin.
FILL: Final = """
INSERT INTO gc.project (project_id, tenant, name, version)
  SELECT 'p' || n, 'default', 'p', 10 FROM generate_series($1::int, $2::int) AS n;
INSERT INTO gc.export (export_id, project_id, version, profile, status, key, size, sha256, finished_at, home, frames)
  SELECT 'x' || n || '_' || v, 'p' || n, v, 'mp4', 'ready', 'export/p' || n || '/v' || v || '_final.mp4', 1000 + v, 's',
         now() - make_interval(days => (10 - v) * (1 + n % 10)), 'h', 30
  FROM generate_series($1::int, $2::int) AS n, generate_series(1, 10) AS v;
INSERT INTO gc.pin (project_id, version, pinned) SELECT 'p' || n, 2, true
  FROM generate_series($1::int, $2::int) AS n WHERE n % 10 = 0;
"""

#: Which exports may go, as one statement, in the plan's order.
QUERY: Final = """
WITH ranked AS (
  SELECT e.*, row_number() OVER (PARTITION BY e.project_id ORDER BY finished_at DESC, e.version DESC) - 1 AS newer,
         max(e.version) OVER (PARTITION BY e.project_id) AS highest
  FROM gc.export e JOIN gc.project p USING (project_id)
  WHERE p.tenant = 'default' AND e.status = 'ready' AND p.deleted_at IS NULL
)
SELECT project_id, export_id, version, profile, key, size, finished_at, newer
FROM ranked r
WHERE newer >= 3 AND newer > 0 AND version < highest AND finished_at + interval '30 days' <= now()
  AND NOT EXISTS (SELECT FROM gc.pin k WHERE k.project_id = r.project_id AND k.version = r.version AND k.pinned
                  AND (k.profile IS NULL OR k.profile = r.profile) AND (k.expires_at IS NULL OR k.expires_at > now()))
  AND NOT EXISTS (SELECT FROM gc.tagged t WHERE t.project_id = r.project_id AND t.version = r.version)
ORDER BY project_id, finished_at DESC
"""

#: The same plan made by SQL alone: the same lines with the same reasons, kept in the same table. Without the hash.
STORED: Final = f"""
INSERT INTO gc.plan_candidate (plan_id, number, candidate, object_id)
SELECT 'peer', row_number() OVER (), jsonb_build_object(
  'class', 'export', 'exportId', export_id, 'finishedAt', finished_at, 'id', export_id, 'key', key,
  'profile', profile, 'projectId', project_id, 'size', size, 'version', version,
  'reasons', jsonb_build_array(
    jsonb_build_object('rule', 'keep-latest', 'detail', format('%s newer ready exports; keepLatest is 3', newer)),
    jsonb_build_object('rule', 'ttl', 'detail', format('finished %s UTC; ttlDays 30 end %s UTC',
      date_trunc('second', finished_at AT TIME ZONE 'UTC'),
      date_trunc('second', finished_at AT TIME ZONE 'UTC' + interval '30 days'))))), export_id
FROM ({QUERY}) AS planned
"""

#: What its lines belong to.
PEERS_PLAN: Final = """
INSERT INTO gc.plan SELECT (jsonb_populate_record(p, '{"plan_id": "peer", "idempotency_key": null}')).*
FROM gc.plan p LIMIT 1 ON CONFLICT DO NOTHING
"""


class _Read:
    """The log of this bench holds nothing that gc has not read."""

    async def head(self) -> int:
        return 0


def settings(stand: Stand, service: str) -> Settings:
    """What a service of the stand is told."""
    environment = service_environment(
        service, layout=Layout(stand.folder), secrets=stand.secrets, nats=stand.nats, public_url=stand.url,
        listen="127.0.0.1:0", peers={"ops": stand.url.removeprefix("http://")},
        database_url=service_url(stand.postgres.port, service, stand.secrets.database(service)),
    )  # fmt: skip
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        return Settings()  # type: ignore[call-arg]
    finally:
        os.environ.clear()
        os.environ.update(before)


def run(seconds: float) -> Iterator[Row]:
    """Plans at growing sizes, each as often as fits; then one archive and delete of many exports."""
    with tempfile.TemporaryDirectory() as folder, standing(Path(folder), ("ops", "gc")) as stand:
        filled = 0
        for size in SIZES:
            asyncio.run(fill(stand, filled // PER_PROJECT + 1, size // PER_PROJECT))
            filled = size
            yield planned(stand, size)
    with tempfile.TemporaryDirectory() as folder, standing(Path(folder), ("ops", "gc")) as stand:
        yield from asyncio.run(deleted(stand))


async def fill(stand: Stand, first: int, last: int) -> None:
    connection = await asyncpg.connect(stand.postgres.url(), timeout=600)
    for statement in FILL.strip().split(";\n"):
        sql = statement.strip().rstrip(";")
        if sql:
            await connection.execute(sql.replace("$1", str(first)).replace("$2", str(last)), timeout=600)
    await connection.execute("VACUUM ANALYZE gc.export", timeout=600)
    await connection.execute("VACUUM ANALYZE gc.project", timeout=600)
    await connection.close()


def planned(stand: Stand, size: int) -> Row:
    """The better of two plans, in a process of its own that says what memory it took; beside SQL that makes the same
    plan, and beside SQL that only finds what may go."""
    command = [sys.executable, "-m", "bench.gc", stand.postgres.url(), service_url(
        stand.postgres.port, "gc", stand.secrets.database("gc"))]  # fmt: skip
    plans = []
    for _ in range(2):
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900).stdout.split()
        plans.append((float(said[0]), int(said[1]), int(said[2])))
    ours, candidates, memory = min(plans)
    query, stored = (_psql(stand, statement) for statement in (QUERY, STORED))
    return {
        "exports": size, "candidates": candidates, "plan_s": round(ours, 3), "psql_s": round(stored, 3),
        "ratio": round(ours / stored, 2), "query_s": round(query, 3), "to_query": round(ours / query, 2),
        "memory_mib": memory // 1024, "peer_command": ["psql", "-X", "-A", "-t", "-c", "INSERT INTO … SELECT …"],
    }  # fmt: skip


def _psql(stand: Stand, statement: str) -> float:
    """Seconds of a statement, the better of two."""
    psql = ["psql", "-X", "-q", "-A", "-t", "-o", "/dev/null", "-d", stand.postgres.url(), "-c"]
    subprocess.run([*psql, PEERS_PLAN], check=True, timeout=900)
    took = []
    for _ in range(2):
        began = time.perf_counter()
        subprocess.run([*psql, statement], check=True, timeout=900)
        took.append(time.perf_counter() - began)
        subprocess.run([*psql, "DELETE FROM gc.plan_candidate WHERE plan_id = 'peer'"], check=True, timeout=900)
    return min(took)


async def plan_once(url: str) -> tuple[float, int]:
    """Seconds for a plan by the default policy, and its candidates."""
    engine = create_engine(Settings(data=Path(), database_url=url))
    reports = Reports(engine, Outbox(engine, "gc"), _Read(), open_blobs("memory://", ""), Blocked())
    began = time.perf_counter()
    plan_id = await reports.calculate(KeyedBehalf("default", "bench", "00-0-0-00", "f"), Calculate(policy=Policy()))
    took = time.perf_counter() - began
    async with engine.connect() as connection:
        row = await connection.exec_driver_sql("SELECT candidates FROM plan WHERE plan_id = $1", (plan_id,))
        candidates = int(row.scalar_one())
    await engine.dispose()
    return took, candidates


async def deleted(stand: Stand) -> list[Row]:
    """Real files, real events: calculated, archived and deleted over HTTP."""
    async with serving(settings(stand, "gc")) as server, aiohttp.ClientSession() as session:
        await exported(stand, session)
        token = mint(stand.secrets.signing, "bench", Role.admin, "default", 86_400)
        headers = {"Authorization": f"Bearer {token}"}
        policy = {"ttlDays": 0, "keepLatest": 0, "archiveGraceDays": 0, "maxDeleteFraction": 1.0}

        async def ask(path: str, body: Any) -> tuple[float, Any]:
            while True:
                began = time.perf_counter()
                async with session.post(f"{server.url}/api/admin/gc{path}", json=body, headers=headers) as reply:
                    answer = await reply.json()
                if reply.status < 300:
                    return time.perf_counter() - began, answer
                assert reply.status == 503, answer
                await asyncio.sleep(0.2)

        _, plan = await ask("/calculate", {"policy": policy})
        archiving, archived = await ask("/archive", {"planId": plan["planId"]})
        ids = archived["archived"]
        assert len(ids) == DELETES
        deleting, answer = await ask("/delete", {"exportIds": ids, "confirm": plan["planHash"]})
        assert len(answer["deleted"]) == len(ids)
        assert not answer["pending"]
        assert answer["bytesFreed"] == 1000 * len(ids)
    return [
        {
            "deletes": len(ids), "archives_per_minute": round(60 * len(ids) / archiving),
            "deletes_per_minute": round(60 * len(ids) / deleting),
        }
    ]  # fmt: skip


async def exported(stand: Stand, session: aiohttp.ClientSession) -> None:
    """Projects of eleven exports each, ten of which may go."""
    render = settings(stand, "render")
    blobs = open_blobs(render.objects, "secret")

    async def post(path: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {stand.token(path.split('/')[3] if path.count('/') > 2 else 'bench')}"}
        async with session.post(stand.url + path, json=body, headers=headers) as reply:
            assert reply.status < 300, await reply.text()
            return await reply.json()

    async with await Bus.connect(render.nats_url, render.nats_seed.get_secret_value(), name="render") as bus:

        async def film(project: str, version: int) -> None:
            export = await post(f"/api/projects/{project}/export", {"version": version})
            key = f"export/{project}/v{version}_final.mp4"
            blob = await blobs.put_bytes(key, os.urandom(1000), sync=False)
            output = Output(key=key, size=blob.size, sha256=blob.sha256, frames=1, encoded=1)
            body = ReportExport(
                project_id=project, export_id=export["id"], version=version, profile="mp4", output=output
            )
            at = datetime.now(UTC).isoformat()
            command = Command(key=f"{project}/{version}/{at}", tenant="default", actor="bench", trace="0", body=body)
            assert (await bus.command("render", command)).accepted is not None

        for n in range(DELETES // 10):
            project = f"p{n}"
            await post("/api/projects", {"name": project, "id": project})
            for version in range(1, 12):
                clip = {"op": "clip.add", "clip": f"c{version}", "track": "v", "at": version, "color": "#ff0000",
                        "frames": 1}  # fmt: skip
                track = [{"op": "track.add", "track": "v", "kind": "video"}] if version == 1 else []
                await post(f"/api/projects/{project}/ops", {"ops": [*track, clip]})
            for version in range(1, 12):
                await film(project, version)


BENCH: Final = Bench(
    "Garbage collection",
    run,
    targets=(
        Target("G1", "GC plan over a million exports", "the same plan made by one SQL statement, by psql", at_most=2,
               where={"exports": 1_000_000}),
        Target("G2", "confirmed deletes per minute, local store", column="deletes_per_minute", at_least=6_000),
    ),
    plots=(Plot("A plan, the same by SQL, and only the query, seconds by exports", "exports",
                ("plan_s", "psql_s", "query_s")),
           Plot("Memory of a plan, MiB by exports", "exports", ("memory_mib",), log_y=False)),
)  # fmt: skip

if __name__ == "__main__":
    found = asyncio.run(plan_once(sys.argv[2]))
    sys.stdout.write(f"{found[0]} {found[1]} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}\n")
