"""Through the gateway, as a user: from a clip to films on disk, each frame told by what is painted in it."""

from __future__ import annotations

import asyncio
import hashlib
from fractions import Fraction
from pathlib import Path

import aiohttp
import pytest

from cutlog.client import Client, Refused
from tests.e2e.conftest import Tenant
from tests.e2e.job import CANVAS, MOVED, SHOWN, edits, main_job
from tests.support.painting import read_frame_numbers, read_tones, samples


async def test_a_clip_is_edited_and_every_frame_of_every_film_is_the_right_one(tenant: Tenant, clip: Path) -> None:
    done = await main_job(tenant.client, clip)
    assert [made.duration for made in done.committed] == [len(shown) for shown in SHOWN]
    for number, (version, shown) in enumerate(zip(done.versions, SHOWN, strict=True), 1):
        assert version.proxy.status == "ready"
        assert version.proxy.key == f"proxy/{done.project_id}/v{number}_proxy.mp4"
        assert read_frame_numbers(tenant.object(version.proxy.key)) == shown
    export = done.export
    assert export.status == "ready" and export.pinned
    assert export.key == f"export/{done.project_id}/v3_final.mp4"
    film = tenant.object(export.key)
    assert read_frame_numbers(film) == MOVED
    assert (film.stat().st_size, hashlib.sha256(film.read_bytes()).hexdigest()) == (export.size, export.sha256)


@pytest.mark.slow(reason="needs the whole stack, beside the main job")
async def test_the_sound_of_every_frame_is_that_of_its_picture(tenant: Tenant, clip: Path) -> None:
    done = await main_job(tenant.client, clip)
    assert done.export.key
    heard = read_tones(samples(tenant.object(done.export.key)), Fraction(25), len(MOVED))
    shown = [None if number is None else number % 40 for number in MOVED]
    # The encoder smears a joint over its neighbours; all other frames must sound like what they show.
    joints = {0, 14, 15, 19, 20, 39}
    assert [h for k, h in enumerate(heard) if k not in joints] == [s for k, s in enumerate(shown) if k not in joints]


@pytest.mark.slow(reason="needs the whole stack, beside the main job")
async def test_files_are_served_by_signed_urls_with_ranges_and_not_without(tenant: Tenant, clip: Path) -> None:
    done = await main_job(tenant.client, clip)
    url = tenant.client.transport.url(done.export.url or "")
    whole = tenant.object(done.export.key or "").read_bytes()
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            assert answer.status == 200 and await answer.read() == whole
        async with session.get(url, headers={"Range": "bytes=100-199"}) as answer:
            assert answer.status == 206 and await answer.read() == whole[100:200]
        async with session.get(url.replace("signature=", "signature=A")) as answer:
            assert answer.status == 403


async def test_the_same_content_twice_is_one_file_and_one_id(tenant: Tenant, clip: Path) -> None:
    first = await tenant.client.upload(clip)
    second = await tenant.client.upload(clip)
    assert (first.duplicate, second.duplicate) == (False, True)
    assert second.id == first.id and second.ref_count == 2
    stored = [path for path in (tenant.stack.data / "objects" / "videos" / tenant.name).rglob("*") if path.is_file()]
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in stored] == [first.sha256]


async def test_of_two_clients_that_saw_the_same_version_one_is_told_what_it_missed(tenant: Tenant, clip: Path) -> None:
    video = await tenant.client.upload(clip)
    project = await tenant.client.create_project("Race", CANVAS)
    await tenant.client.commit(project.id, edits(video.id)[0])
    async with Client.connect(tenant.stack.url, tenant.token) as other:
        cuts = ({"op": "clip.trim", "clip": "a", "out": out} for out in (30, 40))
        results = await asyncio.gather(
            *(
                who.commit(project.id, [cut], expected_version=1, message=str(cut["out"]))
                for who, cut in zip((tenant.client, other), cuts, strict=True)
            ),
            return_exceptions=True,
        )
    refused = [result for result in results if isinstance(result, Refused)]
    assert len(refused) == 1 and refused[0].status == 409
    assert refused[0].document["currentVersion"] == 2
    (missed,) = refused[0].document["missed"]
    won = {"30": 30, "40": 40}[missed["message"]]
    assert missed["version"] == 2 and missed["ops"] == [{"op": "clip.trim", "clip": "a", "out": won}]
    assert (await tenant.client.project(project.id)).duration == won


async def test_the_same_key_twice_is_one_version_and_with_another_body_a_refusal(tenant: Tenant, clip: Path) -> None:
    video = await tenant.client.upload(clip)
    project = await tenant.client.create_project("Once", CANVAS)
    ops = edits(video.id)[0]
    answers = [await tenant.client.commit(project.id, ops, key="the-first") for _ in range(3)]
    assert {answer.version for answer in answers} == {1} and len({answer.position for answer in answers}) == 1
    with pytest.raises(Refused) as error:
        await tenant.client.commit(project.id, ops[:1], key="the-first")
    assert (error.value.status, error.value.type) == (422, "idempotency-key-reused")
    assert (await tenant.client.project(project.id)).current_version == 1


async def test_one_bad_op_of_ten_is_pointed_at_and_none_of_them_happens(tenant: Tenant, clip: Path) -> None:
    video = await tenant.client.upload(clip)
    project = await tenant.client.create_project("All or nothing", CANVAS)
    await tenant.client.commit(project.id, edits(video.id)[0])
    ops = [{"op": "clip.set", "clip": "a", "gainDb": float(-n)} for n in range(10)]
    ops[6] = {"op": "clip.trim", "clip": "a", "in": 0, "out": 51}
    with pytest.raises(Refused) as error:
        await tenant.client.commit(project.id, ops)
    assert error.value.status == 422
    assert [problem["pointer"] for problem in error.value.document["errors"]] == ["/ops/6/out"]
    assert (await tenant.client.project(project.id)).current_version == 1


@pytest.mark.slow(reason="the service's own tests have it too, without a stack")
async def test_a_pinned_export_outlives_every_policy_in_the_report(tenant: Tenant, clip: Path) -> None:
    done = await main_job(tenant.client, clip)
    later = await tenant.client.request_export(done.project_id, 2)
    await tenant.client.finished_export(done.project_id, later.id)
    plan = await tenant.client.calculate_gc({"ttlDays": 0, "keepLatest": 0})
    assert plan.candidates == [] and plan.kept_count == 2
    kept = await tenant.client.explain_gc(done.export.id)
    assert kept.reasons[0].rule == "pinned" and "sign-off" in kept.reasons[0].detail


async def test_another_tenant_finds_nothing(tenant: Tenant, clip: Path) -> None:
    video = await tenant.client.upload(clip)
    project = await tenant.client.create_project("Private", CANVAS)
    async with Client.connect(tenant.stack.url, tenant.stack.token("admin", tenant="somebody-else")) as other:
        for ask in (other.video(video.id), other.project(project.id)):
            with pytest.raises(Refused) as error:
                await ask
            assert error.value.status == 404
