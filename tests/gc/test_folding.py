"""Superseded proxies are folded into their recipes, and nothing that anybody may see goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import Bus
from cutlog.contract.commands import DeleteProxy
from cutlog.contract.events import PinMode
from cutlog.db.engine import create_engine
from cutlog.db.holds import holding
from cutlog.db.placing import placing
from services.gc.acts.moves import Mover
from services.gc.background.folding import Folder
from services.gc.rules.classes import judge_folding
from services.gc.rules.roots import Pin, Project, Proxy
from tests.gc.house import House, house
from tests.support.configuration import SettingsFactory
from tests.support.waiting import eventually

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MINUTES = timedelta(minutes=1)


class Home:
    """A project with proxies of three versions, and who folds them: at once."""

    def __init__(self, house: House, engine: AsyncEngine, bus: Bus, owner: asyncpg.Connection) -> None:
        self.house, self.engine, self.bus, self.owner = house, engine, bus, owner
        self.folder = self.another()

    def another(self) -> Folder:
        return Folder(self.engine, self.house.blobs, self.bus, after=0)

    async def proxies(self, *versions: int) -> None:
        for version in versions:
            await self.house.proxy("p", version, size=1000)
            await self.receipt(version)

    async def receipt(self, version: int) -> None:
        key = f"proxy/p/v{version}_proxy.mp4"
        await self.house.receipt("p", version, "proxy", f"{version:064x}", key=key)

    async def folded(self, *versions: int) -> None:
        """Returns when these, and no others, are no files any more."""
        expected = {f"proxy/p/v{version}_proxy.mp4" for version in (1, 2, 3) if version not in versions}

        async def gone() -> bool:
            await self.folder.once()
            return self.house.there("proxy") == expected

        await eventually(gone)

    async def known(self) -> None:
        """Returns when gc knows what the log says."""
        await self.house.gc("POST", "/calculate", {})

    async def proxy(self, version: int) -> Any:
        return (await self.house.ok("GET", f"/api/projects/p/versions/{version}"))["proxy"]

    async def pin(self, version: int, mode: PinMode = "normal") -> None:
        await self.house.ok("POST", f"/api/projects/p/versions/{version}/pin", {"pinned": True, "mode": mode})

    async def uses_ended(self) -> None:
        await self.owner.execute("UPDATE ops.proxy_use SET until = clock_timestamp() - interval '10 minutes'")


@pytest.fixture
async def home(settings_for: SettingsFactory, owner: asyncpg.Connection) -> AsyncIterator[Home]:
    settings = settings_for("gc")
    async with AsyncExitStack() as parts:
        made = await parts.enter_async_context(house(settings_for))
        seed = settings.nats_seed.get_secret_value()
        bus = await parts.enter_async_context(await Bus.connect(settings.nats_url, seed, name="gc"))
        engine = create_engine(settings)
        parts.push_async_callback(engine.dispose)
        await made.project("p")
        yield Home(made, engine, bus, owner)


async def test_what_is_superseded_is_folded_and_its_recipe_stays(home: Home) -> None:
    await home.proxies(1, 2, 3)
    await home.folded(1, 2)
    assert home.house.there("segments/receipts") == {f"segments/receipts/p/v{n}_proxy.json" for n in (1, 2, 3)}
    assert [(await home.proxy(n))["status"] for n in (1, 2, 3)] == ["superseded", "superseded", "ready"]
    stored = await home.house.ok("GET", "/api/admin/storage")
    classes = {each["class"]: each for each in stored["classes"]}
    assert (classes["proxies"]["objects"], classes["proxies"]["bytes"]) == (1, 1000)
    assert (classes["recipes"]["objects"], classes["recipes"]["saved"]) == (2, 2000)
    sizes = [(home.house.objects / f"segments/receipts/p/v{n}_proxy.json").stat().st_size for n in (1, 2)]
    assert classes["recipes"]["bytes"] == sum(sizes)
    # Rendered again, it is a file again, and folded again when it has not been used for a time.
    await home.proxies(1)
    assert (await home.proxy(1))["status"] == "ready"
    await home.uses_ended()
    await home.folded(1, 2)


async def test_the_newest_and_what_is_pinned_in_any_way_stay_files(home: Home) -> None:
    await home.proxies(1, 2)
    await home.pin(1)
    await home.known()
    assert await home.folder.once() == 0, "1 is pinned, and 2 is the newest proxy, though not of the newest version"
    await home.proxies(3)
    await home.folded(2)
    assert (await home.proxy(1))["status"] == "ready"


@pytest.mark.slow(reason="starts NATS and a database for one more case of its kind")
async def test_what_may_be_in_use_stays_for_ten_minutes_more(home: Home) -> None:
    await home.proxies(1, 2, 3)
    link = await home.house.ok("GET", "/api/projects/p/versions/1/proxy", accept="application/json")
    assert link["url"]
    await home.folded(2)
    assert "proxy/p/v1_proxy.mp4" in home.house.there("proxy")
    await home.uses_ended()
    home.folder = home.another()  # the first does not ask again for ten minutes
    await home.folded(1, 2)


async def test_from_the_moment_that_it_is_decided_nobody_is_given_a_link(home: Home) -> None:
    await home.proxies(1, 2, 3)
    await home.owner.execute("INSERT INTO ops.proxy_use VALUES ('p', 1, '-infinity', true)")
    shown = await home.proxy(1)
    assert (shown["status"], shown["key"], shown["url"]) == ("superseded", None, None)
    # It came to nothing after all, as when the project was pinned meanwhile: then it can be had again.
    await home.pin(1)
    body = DeleteProxy(project_id="p", version=1, key="proxy/p/v1_proxy.mp4", folded="state", at=datetime.now(UTC))
    reply = await home.house.tell_as(home.bus, "gc", body)
    assert reply.refused is not None and reply.refused.code == "pinned"
    assert (await home.proxy(1))["status"] == "ready"


@pytest.mark.slow(reason="starts NATS and a database for one more case of its kind")
async def test_a_proxy_that_is_rendered_again_before_its_file_went_has_its_file(home: Home) -> None:
    await home.proxies(1, 2, 3)
    async with holding(home.engine):
        await home.known()
        assert await home.folder.once() == 2
        await home.proxies(1)
        assert home.house.there("proxy") >= {"proxy/p/v1_proxy.mp4", "proxy/p/v2_proxy.mp4"}
    await eventually(lambda: gone(home, "proxy/p/v2_proxy.mp4"))
    await Mover(home.engine, home.house.blobs).settle()
    assert home.house.there("proxy") == {"proxy/p/v1_proxy.mp4", "proxy/p/v3_proxy.mp4"}
    assert (await home.proxy(1))["status"] == "ready"


async def gone(home: Home, key: str) -> bool:
    return key not in home.house.there("proxy")


@pytest.mark.slow(reason="starts NATS and a database for one more case of its kind")
async def test_whoever_writes_a_proxy_waits_for_whoever_deletes_it_and_the_other_way_round(home: Home) -> None:
    await home.proxies(1, 2, 3)
    async with placing(home.engine, "proxy/p/v1_proxy.mp4"):
        await home.known()
        assert await home.folder.once() == 2
        settling = asyncio.create_task(Mover(home.engine, home.house.blobs).settle())
        await eventually(lambda: waiting_for_a_lock(home.owner))
        await home.house.blobs.put_bytes("proxy/p/v1_proxy.mp4", b"new")
    await settling
    await eventually(lambda: gone(home, "proxy/p/v2_proxy.mp4"))
    assert home.house.there("proxy") == {"proxy/p/v1_proxy.mp4", "proxy/p/v3_proxy.mp4"}


async def waiting_for_a_lock(owner: asyncpg.Connection) -> bool:
    return bool(await owner.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))


async def test_two_fold_each_once_and_one_that_was_killed_is_carried_on(home: Home) -> None:
    await home.proxies(1, 2, 3)
    await home.known()
    await home.house.stop_gc()
    await asyncio.gather(home.folder.once(), home.another().once())
    events = await home.owner.fetch("SELECT data FROM ops.event WHERE type = 'ProxyDeleted'")
    assert len(events) == 2
    assert home.house.there("proxy") == {f"proxy/p/v{n}_proxy.mp4" for n in (1, 2, 3)}, "nobody was left to do it"
    await home.house.start_gc()
    await eventually(lambda: gone(home, "proxy/p/v1_proxy.mp4"))
    await eventually(lambda: gone(home, "proxy/p/v2_proxy.mp4"))


@pytest.mark.slow(reason="starts NATS and a database for one more case of its kind")
async def test_without_a_recipe_or_made_by_another_store_it_stays(home: Home) -> None:
    for version in (1, 2, 3):
        await home.house.proxy("p", version)
    await home.known()
    assert await home.folder.once() == 0
    for version in (1, 2):
        await home.receipt(version)
    await home.owner.execute("UPDATE gc.proxy SET frames = 0 WHERE version = 1")
    home.folder = home.another()
    await home.folded(2)


PROJECT = Project("p", proxies=tuple(Proxy(n, f"proxy/p/v{n}_proxy.mp4", 10, NOW) for n in (1, 2)))


@pytest.mark.parametrize(
    ("project", "version", "after", "kept"),
    [
        (PROJECT, 1, 10, ""),
        (PROJECT, 1, 9, "min-age"),
        (PROJECT, 2, 10, "latest"),
        (Project("p", proxies=PROJECT.proxies, pins=(Pin(1, "mp4"),)), 1, 10, "pinned"),
        (Project("p", proxies=PROJECT.proxies, pins=(Pin(1, expires_at=NOW + 11 * MINUTES),)), 1, 10, "pinned"),
        (Project("p", proxies=PROJECT.proxies, pins=(Pin(1, expires_at=NOW + 10 * MINUTES),)), 1, 10, ""),
        (Project("p", proxies=PROJECT.proxies, pins=(Pin(2),)), 1, 10, ""),
        (Project("p", proxies=PROJECT.proxies, deleted_at=NOW), 1, 10, "not-ready"),
    ],
)
def test_what_keeps_a_proxy_a_file(project: Project, version: int, after: int, kept: str) -> None:
    verdict = judge_folding(project, project.proxies[version - 1], 10 * MINUTES, NOW + after * MINUTES)
    assert verdict.verdict == ("kept" if kept else "candidate")
    assert not kept or kept in {reason.rule for reason in verdict.reasons}
