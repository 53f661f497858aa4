"""A render service's hands without its ears (`studio`), and the whole service beside ops (`house`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from cutlog.blobs import LocalBlobs
from cutlog.bus import Bus
from services.ops.bootstrap import serving as serving_ops
from tests.render.house import House
from tests.render.studio import Studio
from tests.support.configuration import SettingsFactory
from tests.support.database import Database
from tests.support.encoders import bundled
from tests.support.messaging import NatsServer


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """A store of the test's own, and a Maker on it."""
    return Studio(bundled(), LocalBlobs(tmp_path / "objects", "secret"))


@pytest.fixture
async def house(settings_for: SettingsFactory, database: Database, nats: NatsServer) -> AsyncIterator[House]:
    settings = settings_for("render")
    studio = Studio(bundled(), LocalBlobs(settings.data / "objects", "x"))
    house = House(settings_for, database, nats, studio)
    async with AsyncExitStack() as parts:
        house.url = (await parts.enter_async_context(serving_ops(settings_for("ops")))).url
        house.session = await parts.enter_async_context(aiohttp.ClientSession())
        house.media = await parts.enter_async_context(await Bus.connect(nats.url, nats.seed("media"), name="media"))
        yield house
