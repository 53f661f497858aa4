"""What is made of versions: proxies and exports as renderers report them, pins, and the promises between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from nats.aio.msg import Msg

from cutlog.bus import Bus
from cutlog.contract.commands import ReportExport, ReportProxy
from cutlog.contract.jobs import Progress, ProxyAsked
from cutlog.contract.subjects import RENDER_PROXY, progress
from tests.ops.conftest import Ask, Client
from tests.ops.renders import SHA, SIZE, file, proxy_made
from tests.support.configuration import SettingsFactory
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")

Media = Callable[..., Awaitable[str]]


@pytest.fixture
async def film(editor: Client) -> Client:
    """A client of project p1, which has three versions with frames."""
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    track = {"op": "track.add", "track": "v1", "kind": "video"}
    await editor.edit("p1", track, *[clip(n) for n in range(2)])
    await editor.edit("p1", clip(2))
    await editor.edit("p1", clip(3))
    return editor


@pytest.fixture
async def render(settings_for: SettingsFactory) -> AsyncIterator[Bus]:
    """The render service's connection."""
    settings = settings_for("render")
    async with await Bus.connect(settings.nats_url, settings.nats_seed.get_secret_value(), name="render") as bus:
        yield bus


def clip(n: int) -> dict[str, Any]:
    return {"op": "clip.add", "clip": f"c{n}", "track": "v1", "at": n * 10, "color": "#ff0000", "frames": 10}


@slow
async def test_the_latest_proxy_only_moves_forward(film: Client, ask: Ask) -> None:
    assert (await proxy_made(ask, 2)).accepted
    assert (await proxy_made(ask, 1)).accepted
    project = await film.made("GET", "/api/projects/p1")
    assert (project["latestProxyVersion"], project["latestProxyKey"]) == (2, "proxy/p1/v2_proxy.mp4")
    statuses = [(await film.made("GET", f"/api/projects/p1/versions/{n}"))["proxy"]["status"] for n in range(4)]
    assert statuses == ["none", "ready", "ready", "queued"]


@slow
async def test_a_report_sent_again_is_answered_the_same_and_written_once(film: Client, ask: Ask) -> None:
    first, again = await proxy_made(ask, 1), await proxy_made(ask, 1)
    assert first.accepted == again.accepted
    assert first.accepted.position == 5
    at_once = await asyncio.gather(*(proxy_made(ask, 2, "same") for _ in range(6)))
    assert {reply.accepted.position for reply in at_once} == {6}


async def test_a_proxy_is_a_signed_link_once_it_is_there(film: Client, ask: Ask) -> None:
    answer = await film("GET", "/api/projects/p1/versions/1/proxy")
    assert (answer.status, answer.body["status"]) == (202, "queued")
    await proxy_made(ask, 1)
    answer = await film("GET", "/api/projects/p1/versions/1/proxy")
    assert answer.status == 302
    assert answer.headers["Location"].startswith("/files/proxy/p1/v1_proxy.mp4?expires=")
    shown = (await film.made("GET", "/api/projects/p1/versions/1"))["proxy"]
    assert shown["url"].startswith("http://")
    assert (await film("GET", "/api/projects/p1/versions/0/proxy")).status == 404
    assert (await film("GET", "/api/projects/p1/versions/9/proxy")).status == 404


@slow
async def test_a_proxy_that_failed_says_why_until_one_is_rendered(film: Client, ask: Ask) -> None:
    failed = ReportProxy(project_id="p1", version=1, digest="ab" * 32, failed="the disk is full")
    assert (await ask("render", failed, "f1")).accepted
    answer = await film("GET", "/api/projects/p1/versions/1/proxy")
    assert (answer.status, answer.body["detail"]) == (409, "the disk is full")
    await proxy_made(ask, 1)
    assert (await film("GET", "/api/projects/p1/versions/1/proxy")).status == 302


@slow
async def test_an_overtaken_version_is_rendered_when_asked_for(film: Client, ask: Ask, render: Bus) -> None:
    asked: list[ProxyAsked] = []

    async def answer(message: Msg) -> None:
        asked.append(msgspec.json.decode(message.data, type=ProxyAsked))
        await message.respond(b"{}")

    await proxy_made(ask, 3)
    assert (await film.made("GET", "/api/projects/p1/versions/1"))["proxy"]["status"] == "superseded"
    assert (await film("GET", "/api/projects/p1/versions/1/proxy")).status == 503, "nobody renders"
    end = await render.subscribe(RENDER_PROXY, answer)
    try:
        await render.client.flush()
        reply = await film("GET", "/api/projects/p1/versions/1/proxy")
        assert (reply.status, reply.body["status"]) == (202, "queued")
        assert [(one.project_id, one.version, one.tenant) for one in asked] == [("p1", 1, "default")]
        assert (await film("GET", "/api/projects/p1/versions/1/proxy")).status == 202
        assert len(asked) == 1, "asked once, not with each look"
    finally:
        await end()


@slow
async def test_progress_shows_as_rendering(film: Client, render: Bus) -> None:
    told = Progress(
        project_id="p1", tenant="default", kind="proxy", version=1, frames_done=5, frames_total=20, fraction=0.25
    )
    await render.publish(progress("p1"), msgspec.json.encode(told))

    async def rendering() -> bool:
        shown = (await film.made("GET", "/api/projects/p1/versions/1"))["proxy"]
        return (shown["status"], shown["progress"]) == ("rendering", 0.25)

    await eventually(rendering)


async def test_a_version_and_profile_have_one_export(film: Client, ask: Ask) -> None:
    first = await film("POST", "/api/projects/p1/export")
    assert (first.status, first.body["status"], first.body["version"]) == (202, "queued", 3)
    again = await film("POST", "/api/projects/p1/export", {"version": 3, "profile": "mp4"})
    assert (again.status, again.body["id"]) == (200, first.body["id"])
    other = await film("POST", "/api/projects/p1/export", {"version": 1})
    assert (other.status, other.body["version"]) == (202, 1)
    listed = (await film.made("GET", "/api/projects/p1/exports"))["items"]
    assert [one["version"] for one in listed] == [1, 3]
    x = first.body["id"]
    report = ReportExport(project_id="p1", export_id=x, version=3, profile="mp4", output=file("export/p1/v3_final.mp4"))
    assert (await ask("render", report, "x3")).accepted
    ready = await film.made("GET", f"/api/projects/p1/exports/{x}")
    assert (ready["status"], ready["progress"], ready["size"], ready["sha256"]) == ("ready", 1.0, SIZE, SHA)
    assert "/files/export/p1/v3_final.mp4?" in ready["url"]
    project = await film.made("GET", "/api/projects/p1")
    assert (project["latestExportVersion"], project["latestExportKey"]) == (3, "export/p1/v3_final.mp4")


@slow
async def test_exports_are_answered_again_under_their_key(film: Client) -> None:
    first = await film("POST", "/api/projects/p1/export", {"version": 2}, key="k1")
    again = await film("POST", "/api/projects/p1/export", {"version": 2}, key="k1")
    same = await film("POST", "/api/projects/p1/export", {"version": 2}, key="k2")
    assert (first.status, again.status, same.status) == (202, 202, 200)
    assert first.body == again.body
    assert same.body["id"] == first.body["id"]
    assert (await film("POST", "/api/projects/p1/export", {"version": 1}, key="k2")).status == 422


@slow
async def test_what_has_no_frames_or_does_not_exist_is_not_exported(film: Client) -> None:
    assert (await film("POST", "/api/projects/p1/export", {"version": 0})).status == 422
    assert (await film("POST", "/api/projects/p1/export", {"version": 4})).status == 404
    assert (await film("POST", "/api/projects/p1/export", {"profile": "vhs"})).status == 422
    assert (await film("GET", "/api/projects/p1/exports/x_none")).status == 404


@slow
async def test_a_cancelled_export_takes_no_report_and_can_be_retried(film: Client, ask: Ask) -> None:
    x = (await film.made("POST", "/api/projects/p1/export"))["id"]
    assert (await film("POST", f"/api/projects/p1/exports/{x}/retry")).status == 409
    cancelled = await film("POST", f"/api/projects/p1/exports/{x}/cancel")
    assert (cancelled.status, cancelled.body["status"]) == (202, "cancelled")
    assert (await film("POST", f"/api/projects/p1/exports/{x}/cancel")).status == 409
    late = ReportExport(project_id="p1", export_id=x, version=3, profile="mp4", output=file("export/p1/v3_final.mp4"))
    refused = (await ask("render", late, "late")).refused
    assert refused is not None
    assert refused.code == "not-rendering"
    retried = await film("POST", f"/api/projects/p1/exports/{x}/retry")
    assert (retried.status, retried.body["status"]) == (202, "queued")
    assert (await ask("render", late, "late-2")).accepted
    assert (await film.made("GET", f"/api/projects/p1/exports/{x}"))["status"] == "ready"


@slow
async def test_a_failed_export_says_why(film: Client, ask: Ask) -> None:
    x = (await film.made("POST", "/api/projects/p1/export"))["id"]
    report = ReportExport(project_id="p1", export_id=x, version=3, profile="mp4", failed="out of memory")
    assert (await ask("render", report, "x")).accepted
    shown = await film.made("GET", f"/api/projects/p1/exports/{x}")
    assert (shown["status"], shown["error"], shown["url"]) == ("failed", "out of memory", None)
    assert shown["finishedAt"] is not None


async def test_a_pin_toggles_and_covers_exports_present_and_future(film: Client) -> None:
    before = await film.made("POST", "/api/projects/p1/export", {"version": 1})
    assert await film.made("POST", "/api/projects/p1/versions/1/pin") == {"version": 1, "pinned": True}
    assert await film.made("POST", "/api/projects/p1/versions/2/pin") == {"version": 2, "pinned": True}
    after = await film.made("POST", "/api/projects/p1/export", {"version": 2})
    assert after["pinned"]
    assert (await film.made("GET", f"/api/projects/p1/exports/{before['id']}"))["pinned"]
    assert await film.made("POST", "/api/projects/p1/versions/1/pin") == {"version": 1, "pinned": False}
    assert not (await film.made("GET", f"/api/projects/p1/exports/{before['id']}"))["pinned"]
    assert (await film("POST", "/api/projects/p1/versions/7/pin")).status == 404


@slow
async def test_an_object_without_keys_toggles_a_pin_as_an_empty_body_does(film: Client) -> None:
    path, pinned = "/api/projects/p1/versions/1/pin", []
    for raw in (b"{}", None, b"{}", b" {\r\n\t} ", b"{}"):
        answer = await film("POST", path, raw=raw)
        assert answer.status == 200
        pinned.append(answer.body["pinned"])
    assert pinned == [True, False, True, False, True]
    for raw, pointer in ((b'{"reason": "why"}', "/pinned"), (b'{"pin": true}', "/pin"), (b"[]", ""), (b"null", "")):
        answer = await film("POST", path, raw=raw)
        assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, pointer), raw
    assert (await film("POST", path, raw=b"{} {}")).status == 400
    assert (await film.made("POST", path, raw=b"{}", key="once"))["pinned"] is False
    assert (await film.made("POST", path, raw=b"{}", key="once"))["pinned"] is False, "the first answer again"


@slow
async def test_a_pin_has_a_reason_an_end_and_a_profile(film: Client) -> None:
    x = (await film.made("POST", "/api/projects/p1/export", {"version": 1}))["id"]
    path = "/api/projects/p1/versions/1/pin"
    body = {"pinned": True, "reason": "delivered", "expiresAt": "2999-01-01T00:00:00Z", "profile": "mp4"}
    assert (await film.made("POST", path, body))["pinned"]
    assert (await film.made("POST", path, body))["pinned"]
    shown = await film.made("GET", f"/api/projects/p1/exports/{x}")
    assert shown["pin"] == {
            "profile": "mp4", "reason": "delivered", "expiresAt": "2999-01-01T00:00:00Z", "owner": "tester",
            "mode": "normal",
        }  # fmt: skip
    assert not (await film.made("POST", path, {"pinned": False, "profile": "mp4"}))["pinned"]
    assert not (await film.made("POST", path, {"pinned": False, "profile": "mp4"}))["pinned"]
    past = await film("POST", path, {"pinned": True, "expiresAt": "2001-01-01T00:00:00Z"})
    assert (past.status, past.body["errors"][0]["pointer"]) == (422, "/expiresAt")
    naive = await film("POST", path, {"pinned": True, "expiresAt": "2999-01-01T00:00:00"})
    assert naive.status == 422


@slow
async def test_a_toggle_sent_again_under_its_key_does_not_toggle_back(film: Client) -> None:
    path = "/api/projects/p1/versions/1/pin"
    answers = [await film("POST", path, key="k1") for _ in range(3)]
    assert [(answer.status, answer.body["pinned"]) for answer in answers] == [(200, True)] * 3
