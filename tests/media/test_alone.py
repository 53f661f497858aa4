"""A service that is started without a supervisor, as in an installation of several machines."""

from __future__ import annotations

import os

import pytest

from cutlog.operate.stack.account import DECODER, SERVICES
from cutlog.operate.stack.processes import processes
from tests.media.conftest import Client, House
from tests.support.painting import Painter
from tests.support.privileges import capabilities, status, user
from tests.support.served import served
from tests.support.waiting import eventually_sync

pytestmark = pytest.mark.slow(reason="a service of its own process")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: who else starts a service runs it")
async def test_a_service_that_root_starts_gives_up_root_and_decodes_as_another_user(
    house: House, painted: Painter
) -> None:
    await house.start("ops")
    (house.objects / "videos").mkdir(parents=True, exist_ok=True)  # of root, as of an earlier release
    async with served("media", house.settings_for("media"), house.session) as (process, url):
        (warden,) = (found.pid for found in processes() if found.parent == process.pid)
        for pid, uid in ((process.pid, SERVICES), (warden, DECODER)):
            assert user(pid) == ({str(uid)}, {str(DECODER)}, "")
            assert capabilities(pid) == set()
            assert status(pid)["NoNewPrivs"] == "1"
        client = Client(house.session, url, house.client().token)
        video = (await client.upload(painted(25, 30))).body
        assert (await client.ready(video["id"]))["status"] == "ready"
        assert {path.lstat().st_uid for path in [house.objects, *house.objects.rglob("*")]} == {SERVICES}
        os.kill(warden, 9)
        assert (await client.upload(painted(25, 31))).status >= 500
        assert await process.wait() is not None  # for who started both to start both again
    eventually_sync(lambda: not any(found.pid == warden and found.alive for found in processes()))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: who else starts a service runs it")
async def test_its_warden_ends_with_it(house: House) -> None:
    await house.start("ops")
    async with served("media", house.settings_for("media"), house.session) as (process, _):
        (warden,) = (found.pid for found in processes() if found.parent == process.pid)
        process.kill()
        eventually_sync(lambda: not any(found.pid == warden and found.alive for found in processes()))
