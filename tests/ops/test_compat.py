"""The old backend's routes of projects, at the service that answers them: envelope, rows, translated edits, exports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cutlog.contract.commands import ReportExport
from tests.ops.conftest import Ask, Client
from tests.ops.renders import file, proxy_made

Media = Callable[..., Awaitable[str]]
PROJECTS = "/api/compat/projects"


def effect(name: str, **parameters: Any) -> dict[str, Any]:
    return {"type": "effect", "effect": name, "parameters": parameters}


async def begun(client: Client, video: str | None = "v_1", **more: Any) -> str:
    """The id of a new project that shows a video."""
    body = {"title": "Été à Zürich", "videoId": video} | more
    project: str = (await client.made("POST", PROJECTS, body))["data"]["_id"]
    return project


@pytest.fixture
async def film(editor: Client, media: Media) -> str:
    """A project that shows a video of ten seconds."""
    await media("v_1")
    return await begun(editor, settings={"resolution": "1280x720", "fps": 29.97}, description="One", tags=["a"])


async def test_a_project_is_the_row_that_its_frontend_said(editor: Client, film: str, as_role: Any) -> None:
    answer = await editor("GET", f"{PROJECTS}/{film}")
    row = answer.body["data"]
    assert answer.body["success"] is True
    assert {key: row[key] for key in row if key not in ("createdAt", "updatedAt")} == {
        "_id": film, "id": film, "name": "Été à Zürich", "title": "Été à Zürich", "userId": "tester", "videoId": "v_1",
        "description": "One", "settings": {"resolution": "1280x720", "fps": 29.97}, "status": "draft",
        "currentVersion": 0, "latestProxyKey": None, "latestExportKey": None, "tags": ["a"],
    }  # fmt: skip
    for path in (film, f"{film}/ops", f"{film}/exports"):
        assert (await editor("GET", f"{PROJECTS}/{path}?_=170000")).status == 200, "a time against caches is ignored"
    canvas = (await editor.made("GET", f"/api/projects/{film}"))["canvas"]
    assert (canvas["width"], canvas["height"], canvas["fps"]) == (1280, 720, [30000, 1001])
    for said, rate in ((12.5, [25, 2]), (23.98, [24000, 1001]), ("25", [25, 1])):
        other = await begun(editor, settings={"fps": said})
        assert (await editor.made("GET", f"/api/projects/{other}"))["canvas"]["fps"] == rate, "as an import takes it"
    stranger = await as_role("editor", tenant="acme")("GET", f"{PROJECTS}/{film}")
    assert (stranger.status, stranger.body["success"]) == (404, False)
    assert stranger.body == (await editor("GET", f"{PROJECTS}/nobodys")).body | {"message": stranger.body["message"]}, (
        "another tenant's is answered like none"
    )


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_lists_have_pages_and_are_searched(editor: Client) -> None:
    made = [await begun(editor, None, title=f"Film {n}", status="done" if n == 2 else "draft") for n in range(5)]
    answer = (await editor.made("GET", f"{PROJECTS}?page=2&limit=2&_=170000"))["data"]
    assert [row["_id"] for row in answer["projects"]] == [made[2], made[1]]
    assert answer["pagination"] == {"page": 2, "limit": 2, "total": 5, "totalPages": 3}
    assert answer["projects"][0]["settings"] == {"resolution": "1920x1080", "fps": 30}, "what there is to say of it"
    beyond = (await editor.made("GET", f"{PROJECTS}?page=9&limit=2"))["data"]
    assert (beyond["projects"], beyond["pagination"]["total"]) == ([], 5)
    for query, found in (("search=FILM%203", [made[3]]), ("status=done", [made[2]]), ("search=%25", [])):
        answer = (await editor.made("GET", f"{PROJECTS}?{query}"))["data"]
        assert [row["_id"] for row in answer["projects"]] == found, query
        assert answer["pagination"] == {"page": 1, "limit": 10, "total": len(found), "totalPages": len(found)}


async def test_edits_are_translated_as_an_import_would(editor: Client, film: str) -> None:
    path = f"{PROJECTS}/{film}/ops"
    sent = [effect("volume", volume=50), {"type": "effect", "effect": "trim", "params": {"start": 1, "endTime": "5"}}]
    answer = await editor("POST", path, {"ops": sent})
    assert answer.status == 201
    assert answer.body["data"] == {
        "projectId": film, "version": 1, "operationId": f"{film}-v1", "jobId": f"{film}-v1-proxy", "ops": sent,
    }  # fmt: skip
    timeline = await editor.made("GET", f"/api/projects/{film}/timeline")
    (placed,) = timeline["tracks"][0]["clips"]
    assert (placed["at"], placed["source"]["in"], placed["gainDb"]) == (0, 30, -6.0206), "half as loud, from 1 s on"
    assert timeline["duration"] == 120, "4 s at 29.97"
    # Ops of ours are taken in either form, and come back in that of the frontend.
    flip = {"op": "clip.set", "clip": placed["id"], "flipH": True}
    wrapped = {"type": "effect", "effect": "clip.set", "parameters": {"clip": placed["id"], "flipV": True}}
    assert (await editor.made("POST", path, {"ops": [flip, wrapped]}))["data"]["version"] == 2
    await editor.edit(film, {"op": "clip.set", "clip": placed["id"], "opacity": 0.5})
    listed = (await editor.made("GET", path))["data"]
    assert (listed["projectId"], listed["currentVersion"]) == (film, 3)
    assert [each["ops"] for each in listed["operations"]] == [
        sent, [flip, wrapped], [effect("clip.set", clip=placed["id"], opacity=0.5)],
    ]  # fmt: skip
    assert [each["id"] for each in listed["operations"]] == [f"{film}-v{n}" for n in (1, 2, 3)]
    early = (await editor.made("GET", f"{path}?version=1"))["data"]["operations"]
    assert early == listed["operations"][:1] and set(early[0]) == {"id", "version", "ops", "createdAt"}


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_an_edit_sent_several_times_at_once_under_one_key_is_made_once(editor: Client, film: str) -> None:
    body = {"ops": [effect("volume", volume=50)]}
    answers = await asyncio.gather(*(editor("POST", f"{PROJECTS}/{film}/ops", body, key="k") for _ in range(8)))
    assert [answer.status for answer in answers] == [201] * 8, "none is refused for what another of them did"
    assert {answer.body["data"]["version"] for answer in answers} == {1}
    other = await editor("POST", f"{PROJECTS}/{film}/ops", body, key="another")
    assert (other.status, other.body["error"]) == (400, "op-refused"), "a volume beside a volume"


UNSURE: tuple[tuple[dict[str, Any], str], ...] = (
    (effect("snow", density=50), "vignette"),
    (effect("blur", intensity=5), '"kind": "blur"'),
    (effect("brightness", brightness=20), '"kind": "color"'),
    (effect("trim", start=1, end=4, ease="in"), '{"start": 1, "end": 4}'),
    (effect("volume", volume=5), '"50%"'),
    (effect("trim", start=0, end=5000), "startMs"),
    ({"type": "effect"}, "trim"),
    (effect("clip.set", clip="nothing", opacity=1), "EDIT-LANGUAGE"),
)


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_what_can_not_be_translated_is_refused_whole_and_says_what_to_send(editor: Client, film: str) -> None:
    for op, named in UNSURE:
        answer = await editor("POST", f"{PROJECTS}/{film}/ops", {"ops": [effect("mute"), op]})
        assert (answer.status, answer.body["success"], answer.body["error"]) == (400, False, "op-refused")
        assert named in answer.body["message"], answer.body["message"]
    assert (await editor.made("GET", f"{PROJECTS}/{film}"))["data"]["currentVersion"] == 0


WRONG: tuple[tuple[str, str, Any, int], ...] = (
    ("POST", "", {}, 400),
    ("POST", "", {"title": "x", "videoId": "v_none"}, 404),
    ("POST", "", {"title": "x", "videoId": 3}, 400),
    ("POST", "", {"title": "x", "settings": {"resolution": "large"}}, 400),
    ("POST", "", {"title": "x", "settings": {"fps": 0}}, 400),
    ("POST", "", {"title": "x" * 70_000}, 400),
    ("POST", "", b"{", 400),
    ("POST", "", b'{"title": "\\ud800"}', 400),
    ("POST", "/{}/ops", {}, 400),
    ("POST", "/{}/ops", {"ops": []}, 400),
    ("POST", "/{}/ops", {"ops": "trim"}, 400),
    ("POST", "/{}/ops", {"ops": [3]}, 400),
    ("GET", "/{}/ops?version=x", None, 400),
    ("POST", "/{}/export", {}, 400),
    ("POST", "/{}/export", {"version": 1}, 400),
    ("POST", "/{}/versions/0/pin", None, 404),
    ("POST", "/{}/versions/9/pin", {}, 404),
    ("GET", "?page=0", None, 400),
    ("GET", "?limit=x", None, 400),
    ("GET", "/P_1", None, 404),
    ("GET", "/none/exports", None, 404),
    ("PATCH", "/{}", {"name": "x"}, 404),
    ("GET", "/{}/nothing", None, 404),
)


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_wrong_input_of_any_kind_is_answered_in_the_envelope(editor: Client, film: str) -> None:
    for method, path, body, status in WRONG:
        raw = body if isinstance(body, bytes) else None
        answer = await editor(method, PROJECTS + path.format(film), None if raw else body, raw=raw)
        assert answer.status == status, (method, path, body, answer)
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.body["success"] is False and answer.body["message"]
        assert set(answer.body) <= {"success", "message", "error"}


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_exports_are_made_once_pinned_and_listed(
    editor: Client, film: str, ask: Ask, as_role: Callable[..., Client]
) -> None:
    path = f"{PROJECTS}/{film}"
    await editor.made("POST", f"{path}/ops", {"ops": [effect("rotate", angle=90)]})
    first = await editor("POST", f"{path}/export", {"resolution": "1280x720", "format": "mp4"})
    job = first.body["data"]["jobId"]
    assert (first.status, first.body["data"]) == (
        202, {"projectId": film, "version": 1, "jobId": job, "status": "pending"},
    )  # fmt: skip
    again = await editor("POST", f"{path}/export")
    assert (again.status, again.body["data"]) == (202, first.body["data"]), "the same job"
    assert (await editor("POST", f"{path}/versions/1/pin")).status == 404, "there is no export yet"
    assert (await editor.made("GET", f"{path}/exports"))["data"]["exports"] == []
    key = f"export/{film}/v1_final.mp4"
    body = ReportExport(project_id=film, export_id=job, version=1, profile="mp4", output=file(key))
    assert (await ask("render", body, "done")).accepted
    ready = await editor("POST", f"{path}/export", {"version": 1})
    where = f"uploads/{key}"
    assert (ready.status, ready.body["data"]) == (
        200, {"projectId": film, "version": 1, "exportId": job, "filePath": where, "existing": True},
    )  # fmt: skip
    small = await editor("POST", f"{path}/export", {"resolution": "640x360"})
    assert small.status == 202 and small.body["data"]["jobId"] != job
    wrong = await editor("POST", f"{path}/export", {"resolution": "640x361"})
    assert wrong.status == 400 and "1280x720, 1920x1080, 854x480, 640x360" in wrong.body["message"]
    listed = (await editor.made("GET", f"{path}/exports"))["data"]
    assert (listed["projectId"], listed["latestExportKey"]) == (film, key)
    (row,) = listed["exports"]
    known = {name: row[name] for name in ("id", "version", "filePath", "resolution", "duration", "format", "pinned")}
    assert known == {
        "id": job, "version": 1, "filePath": where, "resolution": "1280x720", "duration": 10.01, "format": "mp4",
        "pinned": False,
    }  # fmt: skip
    for pinned in (True, False, True):
        answer = await editor("POST", f"{path}/versions/1/pin", {})
        assert answer.body["data"] == {"projectId": film, "version": 1, "pinned": pinned}
    assert (await editor.made("GET", f"{path}/exports"))["data"]["exports"][0]["pinned"] is True
    # A pin of one profile is a pin to its frontend, and a hold is only an admin's to lift.
    await editor.made("POST", f"{path}/versions/1/pin", {})
    native = f"/api/projects/{film}/versions/1/pin"
    await editor.made("POST", native, {"pinned": True, "profile": "mp4"})
    assert (await editor.made("POST", f"{path}/versions/1/pin"))["data"]["pinned"] is False
    assert (await editor.made("GET", f"/api/projects/{film}/exports/{job}"))["pinned"] is False
    await editor.made("POST", native, {"pinned": True, "mode": "hold", "reason": "lawsuit"})
    held = await editor("POST", f"{path}/versions/1/pin")
    assert (held.status, held.body["success"], held.body["error"]) == (403, False, "held") and "hold" in held.body[
        "message"
    ]
    admin = as_role("admin")
    assert (await admin.made("POST", f"{path}/versions/1/pin"))["data"]["pinned"] is False
    # Of several pins, none is removed where one may not be.
    await admin.made("POST", native, {"pinned": True})
    await admin.made("POST", native, {"pinned": True, "profile": "mp4", "mode": "hold", "reason": "lawsuit"})
    assert (await editor("POST", f"{path}/versions/1/pin")).status == 403
    await admin.made("POST", native, {"pinned": False, "profile": "mp4"})
    assert (await editor.made("GET", f"{path}/exports"))["data"]["exports"][0]["pinned"] is True


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_roles_are_those_of_our_own_routes(editor: Client, film: str, as_role: Callable[..., Client]) -> None:
    viewer = as_role("viewer")
    for path in ("", "/ops", "/exports"):
        assert (await viewer("GET", f"{PROJECTS}/{film}{path}")).status == 200
    for path, body in (("/ops", {"ops": [effect("mute")]}), ("/export", {}), ("/versions/1/pin", {})):
        answer = await viewer("POST", f"{PROJECTS}/{film}{path}", body)
        assert (answer.status, answer.body["success"]) == (403, False)
    nobody = Client(editor.session, editor.url, "x")
    answer = await nobody("GET", f"{PROJECTS}/{film}")
    assert (answer.status, answer.body["success"]) == (401, False) and answer.body["message"]


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_the_latest_proxy_is_where_its_frontend_looks_for_it(editor: Client, film: str, ask: Ask) -> None:
    await editor.made("POST", f"{PROJECTS}/{film}/ops", {"ops": [effect("mute")]})
    key = f"proxy/{film}/v1_proxy.mp4"
    assert (await proxy_made(ask, 1, project=film)).accepted
    assert (await editor.made("GET", f"{PROJECTS}/{film}"))["data"]["latestProxyKey"] == key
