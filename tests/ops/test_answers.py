"""Answers kept under an Idempotency-Key: for a day, and not for ever."""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.db.engine import create_engine
from cutlog.hosting.settings import Settings
from services.ops.log.answers import forget_answers
from tests.ops.conftest import Client
from tests.support.database import Database


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_answers_are_forgotten_after_a_day_and_not_before(
    editor: Client, settings: Settings, database: Database
) -> None:
    for n in range(4):
        await editor.made("POST", "/api/projects", {"name": "Film", "id": f"p{n}"}, key=f"k{n}")
    owner = await asyncpg.connect(database.owner_url)
    engine: AsyncEngine = create_engine(settings)
    try:
        for key, hours in (("k0", 26), ("k1", 24)):
            await owner.execute(
                "UPDATE ops.answer SET at = now() - make_interval(hours => $2) WHERE key = $1", key, hours
            )
        assert await forget_answers(engine) == 1
        assert [row["key"] for row in await owner.fetch("SELECT key FROM ops.answer ORDER BY key")] == [
            "k1",
            "k2",
            "k3",
        ]
        await owner.execute(
            "UPDATE ops.answer SET status = 201, body = '{}', result = NULL, position = NULL WHERE key = 'k3'"
        )
    finally:
        await engine.dispose()
        await owner.close()
    again = await editor("POST", "/api/projects", {"name": "Film", "id": "p1"}, key="k1")
    assert (again.status, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert (await editor("POST", "/api/projects", {"name": "Film", "id": "p0"}, key="k0")).status == 409
    older = await editor("POST", "/api/projects", {"name": "Film", "id": "p3"}, key="k3")
    assert (older.status, older.body) == (201, {}), "as code of before kept answers"
