"""How often an edit asks the database: counted, for each question is a wait."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import aiohttp
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.db.engine import create_engine
from cutlog.hosting.settings import Settings
from services.ops import bootstrap
from services.ops.log.relay import Relay
from services.ops.log.sql import statement
from tests.ops.conftest import Client
from tests.support.configuration import SettingsFactory
from tests.support.statements import Statements
from tests.support.waiting import eventually

EDITS = 10
NEVER = 3600.0


class Asked(NamedTuple):
    url: str
    statements: Statements
    relay: Relay


@pytest.fixture
async def asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    """The service, which looks at the log only when something was appended, and what it asks of the database."""
    noted: list[Statements] = []

    def engine(*given: Any, **told: Any) -> AsyncEngine:
        made = create_engine(*given, **told)
        noted.append(Statements(made))
        return made

    relays: list[Relay] = []

    def relay_of(*given: Any) -> Relay:
        relays.append(Relay(*given, poll=NEVER))
        return relays[0]

    monkeypatch.setattr(bootstrap, "create_engine", engine)
    monkeypatch.setattr(bootstrap, "Relay", relay_of)
    async with bootstrap.serving(settings, poll=NEVER) as server:
        yield Asked(server.url, noted[0], relays[0])


async def test_an_edit_is_one_statement_and_the_relay_does_not_read_it_back(
    asked: Asked, settings_for: SettingsFactory
) -> None:
    url, statements, relay = asked
    async with aiohttp.ClientSession() as session:
        editor = Client(session, url, settings_for.token("editor"))
        await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
        await editor.edit("p1", {"op": "track.add", "track": "v1", "kind": "video"})
        assert await eventually(lambda: relay.state.rests and relay.state.published == 2)
        statements.clear()
        for n in range(EDITS):
            await editor.edit("p1", {"op": "track.set", "track": "v1", "gainDb": -n})
        assert await eventually(lambda: relay.state.rests and relay.state.published == 2 + EDITS)
        of_log = [said for said in statements.by_connection.values() if "append" in "".join(said)]
        assert [len(said) for said in of_log] == [EDITS], of_log
        assert all("append_versions" in said for said in of_log[0])
        rest = [each for said in statements.by_connection.values() if said is not of_log[0] for each in said]
        assert statement("read") not in rest
