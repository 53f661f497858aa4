"""What other services may ask of ops, and what they may not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from cutlog.bus import Bus
from cutlog.contract.commands import (
    Command,
    RecordMediaDeduplicated,
    RecordMediaFailed,
    RecordMediaReleased,
    RecordPlan,
    ReportProxy,
    decode_reply,
)
from cutlog.contract.events import MediaDeduplicated, MediaFailed, MediaReleased, PlanCalculated
from tests.ops.conftest import TRACE, Ask, Client
from tests.support.configuration import SettingsFactory
from tests.support.messaging import NatsServer
from tests.support.waiting import PATIENCE, eventually

slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")

Media = Callable[..., Awaitable[str]]

TRACK = {"op": "track.add", "track": "v1", "kind": "video"}
CLIP = {"op": "clip.add", "clip": "c1", "track": "v1", "at": 0, "media": "m1", "in": 0, "out": 10}


def released(count: int) -> RecordMediaReleased:
    return RecordMediaReleased(media_id="m1", event=MediaReleased(ref_count=count))


@slow
async def test_the_last_upload_of_a_media_in_use_stays(editor: Client, media: Media, ask: Ask) -> None:
    await media("m1")
    again = RecordMediaDeduplicated(media_id="m1", event=MediaDeduplicated(name="copy.mov", ref_count=2))
    assert (await ask("media", again, "d1")).accepted
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.edit("p1", TRACK, CLIP)
    await editor.edit("p1", {"op": "clip.remove", "clip": "c1"})
    assert (await ask("media", released(1), "r1")).accepted
    refused = (await ask("media", released(0), "r2")).refused
    assert refused is not None
    assert refused.code == "media-in-use", "version 1 uses it still"


@slow
async def test_a_removed_or_failed_media_cannot_be_used(editor: Client, media: Media, ask: Ask) -> None:
    await media("m1")
    await media("m2", sha256="ef" * 32)
    assert (await ask("media", released(0), "r1")).accepted
    broken = RecordMediaFailed(media_id="m2", event=MediaFailed(reason="no such codec"))
    assert (await ask("media", broken, "f1")).accepted
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    for media_id, words in (("m1", "upload it first"), ("m2", "could not be processed")):
        answer = await editor("POST", "/api/projects/p1/ops", {"ops": [TRACK, {**CLIP, "media": media_id}]})
        assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/ops/1/media")
        assert words in answer.body["errors"][0]["detail"]


@slow
async def test_using_and_removing_a_media_at_once_never_both_succeed(editor: Client, media: Media, ask: Ask) -> None:
    for n in range(6):
        await media(f"m{n}", sha256=f"{n:02x}" * 32)
        await editor.made("POST", "/api/projects", {"name": "Film", "id": f"p{n}"})
        removal = RecordMediaReleased(media_id=f"m{n}", event=MediaReleased(ref_count=0))
        edit, reply = await asyncio.gather(
            editor("POST", f"/api/projects/p{n}/ops", {"ops": [TRACK, {**CLIP, "media": f"m{n}"}]}),
            ask("media", removal, f"r{n}"),
        )
        assert (edit.status == 201) == (reply.accepted is None), (edit, reply)


async def test_media_belong_to_their_tenant(media: Media, ask: Ask) -> None:
    await media("m1")
    refused = (await ask("media", released(0), "r1", "acme")).refused
    assert refused is not None
    assert refused.code == "not-found"


async def test_a_plan_is_recorded_once(ask: Ask, ops: str) -> None:
    plan = PlanCalculated(plan_id="g1", plan_hash="ab", position=3, candidates=1, bytes=10)
    first = await ask("gc", RecordPlan(run_id="g1", event=plan), "k1")
    again = await ask("gc", RecordPlan(run_id="g1", event=plan), "k1")
    other = await ask("gc", RecordPlan(run_id="g1", event=plan), "k2")
    assert first.accepted is not None
    assert again.accepted == first.accepted
    assert other.refused is not None
    assert other.refused.code == "plan-exists"


@slow
async def test_a_report_on_nothing_is_refused(ask: Ask, ops: str) -> None:
    report = ReportProxy(project_id="p_none", version=1, digest="ab" * 32, failed="x")
    refused = (await ask("render", report, "k")).refused
    assert refused is not None
    assert refused.code == "not-found"


async def test_garbage_is_refused_with_a_reason(ops: str, settings_for: SettingsFactory) -> None:
    settings = settings_for("render")
    async with await Bus.connect(settings.nats_url, settings.nats_seed.get_secret_value(), name="render") as bus:
        reply = await bus.request("ops.cmd.render.ReportProxy", b"not json")
        refused = decode_reply(reply.data).refused
        assert refused is not None
        assert refused.code == "malformed"


async def test_a_service_can_neither_publish_nor_smuggle_anothers_commands(
    ops: str, settings_for: SettingsFactory
) -> None:
    settings = settings_for("render")
    plan = PlanCalculated(plan_id="g1", plan_hash="ab", position=3, candidates=1, bytes=10)
    body = RecordPlan(run_id="g1", event=plan)
    payload = msgspec.json.encode(Command(key="k", tenant="default", actor="x", trace=TRACE, body=body))
    async with await Bus.connect(settings.nats_url, settings.nats_seed.get_secret_value(), name="render") as bus:
        unheard = asyncio.create_task(bus.request("ops.cmd.gc.RecordPlan", payload, timeout=PATIENCE))
        await asyncio.sleep(0)  # it is sent first, so it would be answered first
        reply = await bus.request("ops.cmd.render.ReportProxy", payload)
        assert not unheard.done()
        unheard.cancel()
        refused = decode_reply(reply.data).refused
        assert refused is not None
        assert refused.code == "wrong-subject"


@slow
async def test_an_operator_sees_how_the_log_stands_and_has_the_read_model_rebuilt(
    editor: Client, nats: NatsServer
) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.edit("p1", TRACK)

    async with await Bus.connect(nats.url, nats.seed("operator"), name="operator") as bus:

        async def published() -> bool:
            status = msgspec.json.decode((await bus.request("ops.status")).data)
            return (status["head"], status["published"], status["leads"], status["error"]) == (2, 2, True, None)

        await eventually(published)
        assert msgspec.json.decode((await bus.request("ops.rebuild")).data) == {"events": 2}
    assert (await editor.made("GET", "/api/projects/p1"))["currentVersion"] == 1
