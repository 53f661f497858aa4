"""Uploads, videos and files as frontends of the old backend ask for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cutlog.bus import Bus
from cutlog.contract.commands import Command, Output, ReportExport
from tests.media.conftest import Answer, Client, House
from tests.support.painting import Painter

VIDEOS = "/api/compat/videos"
UPLOADS = "/api/compat/uploads"
ROW = {
    "_id", "id", "title", "description", "tags", "userId", "filename", "originalName", "filePath", "fileSize",
    "mimeType", "duration", "resolution", "status", "sha256", "refCount", "createdAt", "updatedAt", "url",
}  # fmt: skip


async def upload(client: Client, *fields: tuple[str, str | bytes | Path]) -> Answer:
    """A form whose fields come in this order; a path is a file."""
    form = aiohttp.FormData(quote_fields=False)
    for name, value in fields:
        if isinstance(value, Path):
            form.add_field(name, value.read_bytes(), filename=value.name)
        elif isinstance(value, bytes):
            form.add_field(name, value, filename="file.mp4" if name == "video" else "")
        else:
            form.add_field(name, value)
    return await client("POST", f"{VIDEOS}/upload", data=form)


@pytest.mark.slow(reason="starts media, ops, NATS and a database, and makes renditions, for one more case of its kind")
async def test_uploads_are_videos_with_what_is_said_of_them(running: House, painted: Painter) -> None:
    client = running.client()
    clip, other = painted(25, 50, (160, 90), tag=1), painted(25, 25, (160, 90), tag=2)
    answer = await upload(
        client, ("title", "Été"), ("video", clip), ("tags", "sea, sun,,"), ("description", "Our trip")
    )
    assert (answer.status, answer.body["success"]) == (201, True)
    video = answer.body["data"]["video"]
    assert set(video) == ROW
    assert (video["title"], video["tags"], video["description"]) == ("Été", ["sea", "sun"], "Our trip")
    assert (video["originalName"], video["duration"], video["resolution"]) == (clip.name, 2.0, "160x90")
    assert video["fileSize"] == clip.stat().st_size and video["mimeType"] == "video/mp4"
    assert video["filePath"] == f"uploads/videos/{video['filename']}" and video["status"] in ("processing", "ready")
    again = await upload(client, ("video", clip), ("title", "Another"))
    assert (again.status, again.body["data"]["video"]["_id"]) == (200, video["_id"]), "a duplicate"
    assert (again.body["data"]["video"]["title"], again.body["data"]["video"]["refCount"]) == ("Été", 2)
    second = (await upload(client, ("video", other))).body["data"]["video"]
    assert second["title"] == other.name, "without a title it is called what its file is"

    async def listed(query: str) -> tuple[list[str], Any]:
        data = (await client("GET", f"{VIDEOS}?{query}")).body["data"]
        return [each["_id"] for each in data["videos"]], data["pagination"]

    ids = [video["_id"], second["_id"]]
    assert await listed("") == (ids[::-1], {"page": 1, "limit": 10, "total": 2, "totalPages": 1})
    assert await listed("limit=1&page=2") == (ids[:1], {"page": 2, "limit": 1, "total": 2, "totalPages": 2})
    for sort, order in (("createdAt", ids), ("duration", ids[::-1]), ("-duration", ids)):
        assert (await listed(f"sort={sort}"))[0] == order, sort
    for search in ("TRIP", "sun", "été", clip.stem):
        assert (await listed(f"search={search}"))[0] == ids[:1], search
    assert (await listed("search=%25"))[1]["total"] == 0
    assert set((await client("GET", f"{VIDEOS}/{ids[0]}")).body["data"]["video"]) == ROW
    for path in (f"{VIDEOS}/{ids[0]}", f"/api/compat/{video['filePath']}"):
        assert (await client("GET", f"{path}?t=170000")).status == 200, "a time against caches is ignored"
    stranger = running.client(tenant="acme")
    assert (await stranger("GET", f"{VIDEOS}/{ids[0]}")).status == 404
    assert (await stranger("GET", VIDEOS)).body["data"]["videos"] == []
    # An old id leads to what it is here.
    await running.rows(
        "INSERT INTO brought (tenant, source, legacy_id, run, video_id, refs, metadata) VALUES ('default', 'store',"
        ' \'65ABC\', \'run\', $1, 1, \'{"title": "Old", "description": "Far", "tags": ["lake"]}\')',
        ids[1],
    )
    told = (await client("GET", f"{VIDEOS}/65ABC")).body["data"]["video"]
    assert (told["_id"], told["title"], told["description"], told["tags"]) == (ids[1], "Old", "Far", ["lake"])
    assert (await listed("search=lake"))[0] == [ids[1]] == (await listed("search=old"))[0]


@pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")
async def test_files_are_at_the_paths_of_rows_and_only_there(running: House, painted: Painter) -> None:
    client = running.client()
    clip = painted(25, 50, (160, 90), tag=1)
    video = (await upload(client, ("title", "x"), ("video", clip))).body["data"]["video"]
    path, bytes_ = f"/api/compat/{video['filePath']}", clip.read_bytes()
    whole = await client("GET", path)
    assert (whole.status, whole.raw, whole.headers["Content-Type"]) == (200, bytes_, "video/mp4")
    part = await client("GET", path, headers={"Range": "bytes=10-19"})
    assert (part.status, part.raw) == (206, bytes_[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(bytes_)}"
    late = await client("GET", path, headers={"Range": f"bytes={len(bytes_)}-"})
    assert (late.status, late.body["success"]) == (416, False)
    assert (await client("HEAD", path)).headers["Content-Length"] == str(len(bytes_))
    assert (await client("GET", path, headers={"If-None-Match": whole.headers["ETag"]})).status == 304
    link = video["url"].partition("/files/")
    assert (await Client(client.session, client.url, "none")("GET", "".join(link[1:]))).raw == bytes_

    ops = running.client("ops")
    body = {"title": "Film", "videoId": video["_id"]}
    project = (await ops("POST", "/api/compat/projects", body)).body["data"]["_id"]
    edit = {"type": "effect", "effect": "mute", "parameters": {}}
    assert (await ops("POST", f"/api/compat/projects/{project}/ops", {"ops": [edit]})).status == 201
    job = (await ops("POST", f"/api/compat/projects/{project}/export", {})).body["data"]["jobId"]
    key = f"export/{project}/v1_final.mp4"
    (running.objects / key).parent.mkdir(parents=True)
    (running.objects / key).write_bytes(b"exported")
    assert (await client("GET", f"{UPLOADS}/{key}")).status == 404, "a file that no row names"
    settings = running.settings_for("render")
    output = Output(key=key, size=8, sha256="ab" * 32, frames=60, encoded=60)
    report = ReportExport(project_id=project, export_id=job, version=1, profile="mp4", output=output)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with await Bus.connect(settings.nats_url, settings.nats_seed.get_secret_value(), name="render") as bus:
        command = Command(key="k", tenant="default", actor="service:render", trace=trace, body=report)
        assert (await bus.command("render", command)).accepted
    row = (await ops("GET", f"/api/compat/projects/{project}/exports")).body["data"]["exports"][0]
    assert (await client("GET", f"/api/compat/{row['filePath']}")).raw == b"exported"

    for tenant, role in (("acme", "admin"), ("default", "viewer")):
        reader = running.client(role=role, tenant=tenant)
        for each in (path, f"{UPLOADS}/{key}"):
            assert (await reader("GET", each)).status == (404 if tenant == "acme" else 200), (tenant, each)
    assert (await Client(client.session, client.url, "none")("GET", path)).status == 401
    (running.objects / "secret").write_bytes(b"secret")
    wrong = (
        "secret", "../secret", "..%2fsecret", "videos/..%2f..%2fsecret", "%2e%2e/secret", "videos/", "videos/x.mp4",
        "/", f"videos/default/{video['filename']}", f"videos/acme/{video['filename']}",
        f"derived/default/{video['sha256']}.0",
        f"export/{project}/v2_final.mp4", f"export/{project}/v99999999999999999_final.mp4", "export/none/v1_final.mp4",
        f"proxy/{project}/v1_proxy.mp4", f"archive/{job}_v1_final.mp4", f"videos/{project}_final.mp4", "videos/%00.mp4",
        "export%5cx", "x" * 3000, f"segments/receipts/{project}/v1_mp4.json", "temp/resumable/x",
    )  # fmt: skip
    for each in wrong:
        answer = await client("GET", f"{UPLOADS}/{each}")
        assert (answer.status, answer.body["success"]) == (404, False), each


@pytest.mark.slow(reason="starts media, ops, NATS and a database, and makes renditions, for one more case of its kind")
async def test_wrong_uploads_are_refused_in_the_envelope_and_leave_nothing(running: House, painted: Painter) -> None:
    client = running.client()
    clip = painted(25, 25, (160, 90), tag=1)
    forms: tuple[tuple[tuple[str, str | bytes | Path], ...], ...] = (
        (("title", "x"),), (("file", clip),), (("video", clip), ("video", clip)), (("video", b""), ("title", "x")),
        (("video", b"no video at all"),), (("title", b"\xff"), ("video", clip)), (("video", clip), ("title", "a\0b")),
        (("description", "x" * 70_000), ("video", clip)), (*(("tags", "a," * 9_000),) * 4, ("video", clip)),
        (("video", clip), *(("tags", "a," * 9_000),) * 4), (("video", clip), ("description", "x" * 70_000)),
    )  # fmt: skip
    for form in forms:
        answer = await upload(client, *form)
        assert (answer.status, answer.body["success"]) == (400, False) and answer.body["message"], form
    answer = await client("POST", f"{VIDEOS}/upload", {"video": "x"})
    assert (answer.status, answer.body["success"]) == (400, False)
    answer = await upload(running.client(role="viewer"), ("video", clip))
    assert (answer.status, answer.body["success"]) == (403, False)
    for query in ("page=0", "limit=2000", "sort=size", "page=x"):
        answer = await client("GET", f"{VIDEOS}?{query}")
        assert (answer.status, answer.body["success"]) == (400, False), query
    for name in ("v_none", "P%201", "..%2f", "x" * 300):
        answer = await client("GET", f"{VIDEOS}/{name}")
        assert (answer.status, answer.body["success"]) == (404, False), name
    assert running.files("videos") == [] and await running.rows("SELECT 1 FROM video") == []
