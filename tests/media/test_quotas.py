"""What a tenant may hold: refused beyond, duplicates free, the object of a refused upload gone."""

from __future__ import annotations

import asyncio

import pytest

from cutlog.blobs import open_blobs
from cutlog.db.engine import create_engine
from cutlog.hosting.settings import Budgets
from services.media.ingest import leases
from tests.media.conftest import House
from tests.media.recordings import sound
from tests.support.waiting import eventually


@pytest.mark.slow(reason="starts media, ops, NATS and a database, and makes renditions, for one more case of its kind")
async def test_a_tenant_holds_as_many_files_and_bytes_as_its_budgets_say(house: House) -> None:
    small_ones = Budgets(original_bytes=5000)
    budgets = {"default": Budgets(files=2), "small": small_ones, "*": Budgets(original_bytes=10_000)}
    await house.start("ops", "media", budgets=budgets)
    client, files = house.client(), [sound() for _ in range(6)]
    answers = await asyncio.gather(*(client.upload(data, name="a.wav") for data in files))
    assert sorted(answer.status for answer in answers) == [201, 201, 413, 413, 413, 413]
    refused = next(answer for answer in answers if answer.status == 413)
    assert (refused.body["type"], refused.body["budget"]) == ("/problems/budget-exceeded", "files")
    assert (refused.body["limit"], refused.body["used"], refused.body["reset"]) == (2, 2, None)
    kept = next(data for data, answer in zip(files, answers, strict=True) if answer.status == 201)
    assert (await client.upload(kept, name="b.wav")).status == 200, "what is there already costs nothing"
    begun = {"Tus-Resumable": "1.0.0", "Upload-Length": "4000"}
    assert (await client("POST", "/api/uploads", headers=begun)).status == 413
    small = house.client(tenant="small")
    assert (await small("POST", "/api/uploads", headers=begun)).status == 201
    assert (await small("POST", "/api/uploads", headers=begun)).status == 413, "the first has reserved its bytes"
    assert (await house.client(tenant="any").upload(sound(), name="a.wav")).status == 201

    settings = house.settings_for("media")
    engine, blobs = create_engine(settings), open_blobs(settings.objects, "secret")
    await leases.sweep(engine, blobs)
    await engine.dispose()
    assert await house.rows("SELECT FROM upload") == []
    rows = await house.rows("SELECT key FROM video")
    assert house.files("videos") == sorted(row["key"] for row in rows)


async def test_what_needs_more_seconds_of_ingest_than_are_left_this_hour_is_429_until_the_next(house: House) -> None:
    await house.start("ops", "media", budgets={"*": Budgets(ingest_seconds_per_hour=1), "large": Budgets()})
    client = house.client()
    assert (await client.upload(sound(), name="a.wav")).status == 201, "it has less than a second"
    refused = await client.upload(sound(), name="b.wav")
    assert (refused.status, refused.body["type"]) == (429, "/problems/budget-used-up")
    assert (refused.body["budget"], refused.body["limit"], refused.body["used"]) == ("ingestSecondsPerHour", 1, 1)
    assert refused.body["reset"].endswith(":00:00Z") and 0 < int(refused.headers["Retry-After"]) <= 3600
    begun = {"Tus-Resumable": "1.0.0", "Upload-Length": "4000"}
    assert (await client("POST", "/api/uploads", headers=begun)).status == 429
    assert (await house.client(tenant="large").upload(sound(), name="a.wav")).status == 201

    async def counted() -> list[int]:
        return [row["amount"] for row in await house.rows("SELECT amount FROM used WHERE tenant = 'default'")]

    assert await eventually(counted) == [1]
    assert await house.rows("SELECT key FROM slice WHERE tenant = 'default'"), "with the row of the file"
