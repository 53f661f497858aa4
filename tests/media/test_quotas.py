"""What a tenant may hold: refused beyond, duplicates free, the object of a refused upload gone."""

from __future__ import annotations

import asyncio

import pytest

from cutlog.blobs import open_blobs
from cutlog.db.engine import create_engine
from cutlog.hosting.settings import Quota
from services.media.ingest import leases
from tests.media.conftest import House
from tests.media.recordings import sound


@pytest.mark.slow(reason="starts media, ops, NATS and a database, and makes renditions, for one more case of its kind")
async def test_a_tenant_holds_as_many_files_and_bytes_as_its_quota_says(house: House) -> None:
    quotas = {"default": Quota(files=2), "small": Quota(bytes=5000), "*": Quota(bytes=10_000)}
    await house.start("ops", "media", quotas=quotas)
    client, files = house.client(), [sound() for _ in range(6)]
    answers = await asyncio.gather(*(client.upload(data, name="a.wav") for data in files))
    assert sorted(answer.status for answer in answers) == [201, 201, 507, 507, 507, 507]
    refused = next(answer for answer in answers if answer.status == 507)
    assert (refused.body["type"], refused.body["limit"], refused.body["used"]) == ("/problems/quota-exceeded", 2, 2)
    kept = next(data for data, answer in zip(files, answers, strict=True) if answer.status == 201)
    assert (await client.upload(kept, name="b.wav")).status == 200, "what is there already costs nothing"
    begun = {"Tus-Resumable": "1.0.0", "Upload-Length": "4000"}
    assert (await client("POST", "/api/uploads", headers=begun)).status == 507
    small = house.client(tenant="small")
    assert (await small("POST", "/api/uploads", headers=begun)).status == 201
    assert (await small("POST", "/api/uploads", headers=begun)).status == 507, "the first has reserved its bytes"
    assert (await house.client(tenant="any").upload(sound(), name="a.wav")).status == 201

    settings = house.settings_for("media")
    engine, blobs = create_engine(settings), open_blobs(settings.objects, "secret")
    await leases.sweep(engine, blobs)
    await engine.dispose()
    assert await house.rows("SELECT FROM upload") == []
    rows = await house.rows("SELECT key FROM video")
    assert house.files("videos") == sorted(row["key"] for row in rows)
