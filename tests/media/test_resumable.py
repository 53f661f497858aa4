"""Resumable uploads: the protocol, breaks, and clients that others wrote."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from tusclient.client import TusClient

from cutlog.blobs import Blob, LocalBlobs
from cutlog.bus import Outbox
from cutlog.db.engine import create_engine
from cutlog.ffmpeg import Ffmpeg
from services.media.ingest.receive import Ingest
from services.media.records.quotas import UNLIMITED, Quotas
from services.media.uploads.files import FileHolding
from services.media.uploads.resuming import Resuming
from tests.media.conftest import Answer, Client, House
from tests.support.npm import npm
from tests.support.painting import Painter
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {"Content-Type": "application/offset+octet-stream"}
JS = Path(__file__).parent / "tus_js"


def named(name: str) -> str:
    return f"filename {base64.b64encode(name.encode()).decode()}"


def proof(data: bytes) -> dict[str, str]:
    return {"Upload-Checksum": f"sha256 {base64.b64encode(hashlib.sha256(data).digest()).decode()}"}


async def begin(
    client: Client, size: int, headers: dict[str, str] | None = None, *, data: bytes | None = None
) -> Answer:
    sent = TUS | {"Upload-Length": str(size), "Upload-Metadata": named("Ferien.mp4")} | (headers or {})
    return await client("POST", "/api/uploads", data=data, headers=sent | (CHUNK if data is not None else {}))


async def add(client: Client, url: str, offset: int, data: object, **headers: str) -> Answer:
    return await client("PATCH", url, data=data, headers=TUS | CHUNK | {"Upload-Offset": str(offset)} | headers)


async def test_a_file_in_pieces_becomes_a_video_with_its_last_byte(running: House, painted: Painter) -> None:
    data, client = painted(25, 30).read_bytes(), running.client()
    begun = await begin(client, len(data))
    assert (begun.status, begun.headers["Tus-Resumable"], begun.headers["Upload-Offset"]) == (201, "1.0.0", "0")
    url = begun.headers["Location"]
    half = len(data) // 2
    first = await add(client, url, 0, data[:half], **proof(data[:half]))
    assert (first.status, first.headers["Upload-Offset"]) == (204, str(half))
    assert "Upload-Expires" in first.headers and "Cutlog-Video" not in first.headers
    head = await client("HEAD", url, headers=TUS)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == (str(half), str(len(data)))
    assert (head.headers["Upload-Metadata"], head.headers["Cache-Control"]) == (named("Ferien.mp4"), "no-store")
    last = await add(client, url, half, data[half:])
    video = (await client("GET", f"/api/videos/{last.headers['Cutlog-Video']}")).body
    assert (video["sha256"], video["name"]) == (hashlib.sha256(data).hexdigest(), "Ferien.mp4")
    assert (await client("GET", url)).body["video"] == video["id"]
    assert running.files("temp/resumable") == []
    again = await begin(client, len(data), data=data)
    assert again.headers["Cutlog-Video"] == video["id"]
    assert (await client("GET", f"/api/videos/{video['id']}")).body["refCount"] == 2
    assert (await client.ready(video["id"]))["status"] == "ready"


@slow
async def test_what_a_server_can_do_is_told_without_a_token(running: House) -> None:
    async with running.session.options(running.client().url + "/api/uploads") as answer:
        assert answer.status == 204
        assert answer.headers["Tus-Extension"] == "creation,creation-with-upload,checksum,termination,expiration"
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha256"
        assert int(answer.headers["Tus-Max-Size"]) > 1 << 30


@slow
async def test_bytes_of_another_checksum_are_not_kept(running: House, painted: Painter) -> None:
    data, client = painted(25, 30).read_bytes(), running.client()
    url = (await begin(client, len(data))).headers["Location"]
    await add(client, url, 0, data[:100])
    wrong = await add(client, url, 100, data[100:200], **proof(b"other"))
    assert (wrong.status, wrong.body["type"]) == (460, "/problems/checksum-mismatch")
    assert (await client("HEAD", url, headers=TUS)).headers["Upload-Offset"] == "100"
    right = await add(client, url, 100, data[100:], **proof(data[100:]))
    assert right.status == 204 and right.headers["Cutlog-Video"]


REFUSED = {
    "no version": (412, {"Tus-Resumable": ""}),
    "other version": (412, {"Tus-Resumable": "0.2.2"}),
    "no length": (400, {"Upload-Length": ""}),
    "minus": (400, {"Upload-Length": "-1"}),
    "huge": (413, {"Upload-Length": "9" * 18}),
    "beyond numbers": (400, {"Upload-Length": "9" * 40}),
    "empty": (422, {"Upload-Length": "0"}),
    "later length": (400, {"Upload-Defer-Length": "1"}),
    "a part of many": (400, {"Upload-Concat": "partial"}),
    "metadata": (400, {"Upload-Metadata": "filename not*base64"}),
    "keys twice": (400, {"Upload-Metadata": "a YQ==,a YQ=="}),
    "algorithm": (400, {"Upload-Checksum": "md5 YQ=="}),
    "short digest": (400, {"Upload-Checksum": "sha256 YQ=="}),
}


async def test_what_does_not_follow_the_protocol_is_refused_and_leaves_nothing(running: House) -> None:
    for why, (status, headers) in REFUSED.items():
        answer = await begin(running.client(), 1000, headers)
        assert answer.status == status, why
        assert answer.headers["Tus-Resumable"] == "1.0.0", why
        assert answer.body["detail"], why
    assert await running.rows("SELECT FROM resumable") == []
    assert running.files() == []


@slow
async def test_bytes_come_in_order_and_no_more_than_promised(running: House) -> None:
    client = running.client()
    url = (await begin(client, 1000)).headers["Location"]
    gap = await add(client, url, 10, b"x")
    assert (gap.status, gap.body["type"]) == (409, "/problems/wrong-offset")
    more = await add(client, url, 0, b"x" * 1001)
    assert (more.status, more.body["type"]) == (413, "/problems/too-large")
    other = await client("PATCH", url, data=b"x", headers=TUS | {"Upload-Offset": "0", "Content-Type": "text/plain"})
    assert other.status == 415
    assert (await client("HEAD", url, headers=TUS)).headers["Upload-Offset"] == "0"
    assert (await running.client(tenant="other")("HEAD", url, headers=TUS)).status == 404
    assert (await add(running.client(tenant="other"), url, 0, b"x")).status == 404
    assert (await add(running.client(role="viewer"), url, 0, b"x")).status == 403


@slow
async def test_what_is_not_media_ends_with_the_reason(running: House) -> None:
    client = running.client()
    url = (await begin(client, 20)).headers["Location"]
    last = await add(client, url, 0, b"Dear diary, no film.")
    assert (last.status, last.body["type"]) == (422, "/problems/invalid-media")
    shown = (await client("GET", url)).body
    assert (shown["video"], bool(shown["problem"])) == (None, True)
    assert running.files() == []


@slow
async def test_a_terminated_upload_is_gone_with_its_bytes(running: House) -> None:
    client = running.client()
    url = (await begin(client, 1000, data=b"x" * 500)).headers["Location"]
    assert len(running.files("temp")) == 1
    overridden = TUS | {"X-HTTP-Method-Override": "DELETE"}
    assert (await client("POST", url, headers=overridden)).status == 204
    assert running.files("temp") == []
    assert (await client("HEAD", url, headers=TUS)).status == 404
    assert (await client("DELETE", url, headers=TUS)).status == 404


@slow
async def test_an_upload_that_nobody_goes_on_with_expires(running: House) -> None:
    client = running.client()
    url = (await begin(client, 1000, data=b"x" * 500)).headers["Location"]
    await running.rows("UPDATE resumable SET expires_at = clock_timestamp() - interval '1 second'")
    late = await add(client, url, 500, b"x")
    assert (late.status, late.body["type"]) == (410, "/problems/upload-expired")
    await running.stop("media")
    for path in (running.objects / "temp" / "resumable").iterdir():
        os.utime(path, (0, 0))
    await running.start("media")

    async def swept() -> bool:
        return not running.files("temp") and not await running.rows("SELECT FROM resumable")

    await eventually(swept)


@slow
async def test_one_request_at_a_time_adds_and_a_break_keeps_what_came(running: House, painted: Painter) -> None:
    data, client = painted(25, 30).read_bytes(), running.client()
    url = (await begin(client, len(data))).headers["Location"]
    half, broken, held = len(data) // 2, asyncio.Event(), running.objects / "temp" / "resumable"

    async def slow() -> object:
        yield data[:half]
        await broken.wait()
        raise ConnectionResetError

    adding = asyncio.create_task(add(client, url, 0, slow()))

    await eventually(lambda: [path.stat().st_size for path in held.iterdir()] == [half])
    busy = await add(client, url, half, data[half:])
    assert (busy.status, busy.headers["Retry-After"]) == (423, "1")
    broken.set()
    with pytest.raises((aiohttp.ClientError, ConnectionResetError)):
        await adding

    async def kept() -> bool:
        return bool((await client("HEAD", url, headers=TUS)).headers["Upload-Offset"] == str(half))

    await eventually(kept)
    assert (await add(client, url, half, data[half:])).headers["Cutlog-Video"]


@slow
async def test_a_retried_creation_under_the_same_key_is_one_upload(running: House) -> None:
    client = running.client()
    urls = {(await begin(client, 1000, {"Idempotency-Key": "k"})).headers["Location"] for _ in range(3)}
    assert len(urls) == 1
    assert (await begin(client, 1001, {"Idempotency-Key": "k"})).status == 422


@slow
async def test_an_upload_that_was_whole_when_its_server_died_is_ended_by_the_next(
    house: House, painted: Painter
) -> None:
    await house.start("ops", "media")
    data, client = painted(25, 30).read_bytes(), house.client()
    url = (await begin(client, len(data), data=data[:-1])).headers["Location"]
    await house.stop("media")
    # As after a kill: the last byte was noted, and more came that was not.
    (file,) = (house.objects / "temp" / "resumable").iterdir()
    file.write_bytes(data)
    await house.rows("UPDATE resumable SET received = size")
    await house.start("media")

    async def ended() -> bool:
        return bool((await client("GET", url)).body["video"])

    await eventually(ended)
    assert [row["ref_count"] for row in await house.rows("SELECT ref_count FROM video")] == [1]
    await eventually(lambda: house.files("temp") == [])  # removed once it is ended


class Rotting(LocalBlobs):
    """Stores other bytes than it is given."""

    async def put_file(
        self, key: str, path: Path, *, sync: bool = True, sha256: str | None = None, replace: bool = True
    ) -> Blob:
        await self.put_bytes(key, b"\0" * path.stat().st_size)
        return Blob(key, path.stat().st_size, sha256 or "")


@slow
async def test_what_is_stored_wrong_is_no_video_and_ends_no_sweep(house: House, painted: Painter) -> None:
    await house.start("ops", "media")
    data, client = painted(25, 30).read_bytes(), house.client()
    urls = [(await begin(client, len(data), data=data[:-1])).headers["Location"] for _ in range(2)]
    await house.stop("media")
    for file in (house.objects / "temp" / "resumable").iterdir():
        file.write_bytes(data)
    await house.rows("UPDATE resumable SET received = size")
    settings = house.settings_for("media")
    engine = create_engine(settings)
    ingest = Ingest(engine, Rotting(house.objects, ""), await Ffmpeg.find(settings), Outbox(engine, "media"))
    holding = FileHolding(house.objects / "temp" / "resumable")
    resuming = Resuming(engine, ingest, holding, timedelta(hours=1), Quotas(lambda _: UNLIMITED))
    await resuming.sweep()
    await engine.dispose()
    assert resuming.skipping.rows == sorted(url.rpartition("/")[2] for url in urls), (
        "each is named, and keeps no other from its turn"
    )
    assert await house.rows("SELECT FROM video") == []
    await house.start("media")

    async def ended() -> bool:
        return all([(await client("GET", url)).body["video"] for url in urls])

    await eventually(ended)
    (row,) = await house.rows("SELECT key, ref_count FROM video")
    assert row["ref_count"] == 2 and (house.objects / row["key"]).read_bytes() == data


@slow
async def test_bytes_that_were_not_counted_before_a_crash_are_sent_again(house: House, painted: Painter) -> None:
    await house.start("ops", "media")
    data, client = painted(25, 30).read_bytes(), house.client()
    url = (await begin(client, len(data), data=data[:1000])).headers["Location"]
    await house.stop("media")
    (file,) = (house.objects / "temp" / "resumable").iterdir()
    file.write_bytes(data[:1000] + b"torn" * 100)
    await house.start("media")
    assert (await client("HEAD", url, headers=TUS)).headers["Upload-Offset"] == "1000"
    video_id = (await add(client, url, 1000, data[1000:])).headers["Cutlog-Video"]
    assert (await client("GET", f"/api/videos/{video_id}")).body["sha256"] == hashlib.sha256(data).hexdigest()


@slow
@pytest.mark.parametrize("damage", ["gone", "short", "flipped"])
async def test_a_file_that_is_not_what_came_ends_the_upload_with_410_and_never_a_video(
    running: House, painted: Painter, damage: str
) -> None:
    data, client = painted(25, 30).read_bytes(), running.client()
    url = (await begin(client, len(data), data=data[:1000])).headers["Location"]
    (file,) = (running.objects / "temp" / "resumable").iterdir()
    match damage:
        case "gone":
            file.unlink()
        case "short":
            os.truncate(file, 999)
        case _:
            file.write_bytes(data[:500] + bytes([data[500] ^ 1]) + data[501:1000])
    if damage != "flipped":
        assert (await client("HEAD", url, headers=TUS)).status == 410
    lost = await add(client, url, 1000, data[1000:])
    assert (lost.status, lost.body["type"]) == (410, "/problems/upload-lost")
    assert (await client("GET", url)).status == 410
    assert await running.rows("SELECT FROM video") == [] and running.files() == []


@slow
async def test_an_upload_of_the_release_before_goes_on(house: House, painted: Painter) -> None:
    await house.start("ops", "media")
    data, client = painted(25, 30).read_bytes(), house.client()
    (house.objects / "temp" / "resumable" / "u_old").write_bytes(data[:1000])
    await house.rows(
        """INSERT INTO resumable (id, tenant, actor, name, metadata, size, received, expires_at) VALUES
           ('u_old', 'default', 'tester', 'a.mp4', '', $1, 1000, clock_timestamp() + interval '1 day')""",
        len(data),
    )
    assert (await client("HEAD", "/api/uploads/u_old", headers=TUS)).headers["Upload-Offset"] == "1000"
    video_id = (await add(client, "/api/uploads/u_old", 1000, data[1000:])).headers["Cutlog-Video"]
    assert (await client("GET", f"/api/videos/{video_id}")).body["sha256"] == hashlib.sha256(data).hexdigest()


@slow
async def test_tuspy_uploads_and_goes_on_where_it_stopped(running: House, painted: Painter) -> None:
    clip, client = painted(25, 60), running.client()
    theirs = TusClient(client.url + "/api/uploads", headers={"Authorization": f"Bearer {client.token}"})
    size = clip.stat().st_size

    def upload() -> None:
        first = theirs.uploader(
            str(clip), chunk_size=2000, metadata={"filename": "von python.mp4"}, upload_checksum=False
        )
        first.upload(stop_at=4000)
        assert first.offset == 4000
        rest = theirs.uploader(str(clip), chunk_size=size, url=first.url)
        assert rest.offset == 4000
        rest.upload()

    await asyncio.to_thread(upload)
    (video,) = (await client("GET", "/api/videos")).body["items"]
    assert (video["name"], video["sha256"]) == ("von python.mp4", hashlib.sha256(clip.read_bytes()).hexdigest())


@pytest.fixture(scope="session")
def tus_js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """upload.cjs beside its installed client."""
    folder = tmp_path_factory.mktemp("tus_js")
    for name in ("package.json", "package-lock.json", "upload.cjs"):
        shutil.copy(JS / name, folder)
    npm("ci", "--ignore-scripts", folder=folder)
    return folder / "upload.cjs"


async def node(script: Path, *arguments: object) -> str:
    process = await asyncio.create_subprocess_exec(
        "node", script, *map(str, arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode().strip()


@slow
async def test_tus_js_client_uploads_and_goes_on_where_it_stopped(
    running: House, painted: Painter, tus_js: Path
) -> None:
    clip, client = painted(25, 60), running.client()
    where = (clip, client.url + "/api/uploads", client.token)
    url = await node(tus_js, *where, 2000, 4000)
    assert (await client("HEAD", url.removeprefix(client.url), headers=TUS)).headers["Upload-Offset"] == "4000"
    await node(tus_js, *where, 1 << 20, 0, url)
    (video,) = (await client("GET", "/api/videos")).body["items"]
    assert (video["name"], video["sha256"]) == ("von node.mp4", hashlib.sha256(clip.read_bytes()).hexdigest())
