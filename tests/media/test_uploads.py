"""Uploads over HTTP: what is stored, counted, reported, refused."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import socket
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from cutlog.ffmpeg import Ffmpeg, NotExaminedError
from tests.media.conftest import Answer, House
from tests.support.lanes import later
from tests.support.painting import Painter, read_frame_numbers
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")


def pointer(answer: Answer) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return str(answer.body["errors"][0]["pointer"])


async def test_a_new_file_is_stored_once_under_its_digest_and_made_ready(running: House, painted: Painter) -> None:
    clip = painted(25, 30, audio=True)
    client = running.client()
    answer = await client.upload(clip, name="Ferien am Meer.mp4")
    assert answer.status == 201
    video = answer.body
    sha256 = hashlib.sha256(clip.read_bytes()).hexdigest()
    assert re.fullmatch(r"v_[a-z0-9]+", video["id"])
    assert (video["sha256"], video["size"]) == (sha256, clip.stat().st_size)
    assert (video["name"], video["kind"], video["refCount"], video["uses"]) == ("Ferien am Meer.mp4", "video", 1, 0)
    assert (video["status"], video["duplicate"]) == ("processing", False)
    assert video["facts"]["fps"] == [25, 1]
    assert video["facts"]["frames"] == 30
    ready = await client.ready(video["id"])
    assert ready["status"] == "ready"
    derived = f"derived/default/{sha256}.0"
    assert running.files() == [
        f"{derived}/audio.m4a", f"{derived}/proxy.mp4", f"{derived}/sprite.jpg", f"{derived}/thumbnail.jpg",
        f"{derived}/waveform.json", f"{derived}/waveform.png", f"videos/default/{sha256}.0.mp4",
    ]  # fmt: skip
    assert (running.objects / f"videos/default/{sha256}.0.mp4").read_bytes() == clip.read_bytes()
    assert read_frame_numbers(running.objects / f"{derived}/proxy.mp4") == list(range(30))


@slow
async def test_the_log_tells_the_story_of_a_video(running: House, painted: Painter) -> None:
    client = running.client()
    video = (await client.upload(painted(25, 30, audio=True))).body
    await client.upload(painted(25, 30, audio=True))
    await client.ready(video["id"])
    events = await running.events()
    assert {stream for stream, _, _ in events} == {f"media.{video['id']}"}
    assert sorted(kind for _, kind, _ in events) == ["MediaDeduplicated", "MediaReady", "MediaUploaded"]
    told = {kind: data for _, kind, data in events}
    assert told["MediaUploaded"]["key"] == f"videos/default/{video['sha256']}.0.mp4"
    assert told["MediaDeduplicated"]["refCount"] == 2
    proxy = told["MediaReady"]["renditions"]["proxy"]
    assert (proxy["frames"], proxy["height"]) == (30, 480)
    path = running.objects / proxy["key"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == proxy["sha256"]
    assert told["MediaReady"]["renditions"]["audio"]["samples"] == 30 * 48_000 // 25


async def test_the_same_content_twice_is_one_video_and_one_file(running: House, painted: Painter) -> None:
    clip, client = painted(25, 30), running.client()
    first = await client.upload(clip, name="a.mp4")
    again = await client.upload(clip, name="b.mp4")
    assert (first.status, again.status) == (201, 200)
    assert again.body["id"] == first.body["id"]
    assert (again.body["duplicate"], again.body["refCount"]) == (True, 2)
    assert len(running.files("videos")) == 1


@slow
async def test_many_at_once_of_the_same_content_are_one_video(running: House, painted: Painter) -> None:
    clip, client = painted(25, 30), running.client()
    answers = await asyncio.gather(*(client.upload(clip) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
    assert len({answer.body["id"] for answer in answers}) == 1
    assert sorted(answer.body["refCount"] for answer in answers) == list(range(1, 9))
    assert len(running.files("videos")) == 1


@slow
async def test_tenants_share_nothing(running: House, painted: Painter) -> None:
    clip = painted(25, 30)
    ours, theirs = running.client(), running.client(tenant="other")
    video = (await ours.upload(clip)).body
    digest = {"sha256": video["sha256"], "size": video["size"]}
    assert (await theirs("POST", "/api/videos/check", digest)).body == {"exists": False, "id": None}
    assert (await theirs("GET", f"/api/videos/{video['id']}")).status == 404
    assert (await theirs("GET", f"/api/videos/{video['id']}/download")).status == 404
    assert (await theirs("DELETE", f"/api/videos/{video['id']}")).status == 404
    assert (await theirs("GET", "/api/videos")).body == {"items": [], "next": None}
    copy = await theirs.upload(clip)
    assert copy.status == 201
    assert copy.body["id"] != video["id"]
    assert len(running.files("videos")) == 2


@slow
async def test_check_knows_what_the_tenant_has(running: House, painted: Painter) -> None:
    client = running.client()
    video = (await client.upload(painted(25, 30))).body
    known = {"sha256": video["sha256"], "size": video["size"]}
    assert (await client("POST", "/api/videos/check", known)).body == {"exists": True, "id": video["id"]}
    other = known | {"size": video["size"] + 1}
    assert (await client("POST", "/api/videos/check", other)).body == {"exists": False, "id": None}
    wrong = await client("POST", "/api/videos/check", {"sha256": "x", "size": 1})
    assert (wrong.status, pointer(wrong)) == (422, "/sha256")


HOST = "http://127.0.0.1:{port}/segment.ts"
PLAYLIST = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9.0,\n{HOST}\n#EXT-X-ENDLIST\n"
REFUSED = {
    "noise": os.urandom(20_000),
    "empty": b"",
    "text": b"Dear diary, this is not a film.\n" * 40,
    "playlist": PLAYLIST.encode(),
    "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "dash": f'<?xml version="1.0"?><MPD><BaseURL>{HOST}</BaseURL></MPD>'.encode(),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/passwd"/></svg>',
    "subtitles": b"1\n00:00:00,000 --> 00:00:02,000\nHello\n",
    "torn": b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41\0\0\0\x08free",
}


MORE = [what for what in REFUSED if what not in ("text", "concat", "torn")]


@pytest.mark.few(1, reason="starts media, ops, NATS and a database for one more case of its kind")
@pytest.mark.parametrize("what", ["text", "concat", "torn", *later("more that no demuxer takes", *MORE)])
async def test_what_is_not_media_is_refused_and_leaves_nothing(running: House, what: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        content = REFUSED[what].replace(b"{port}", str(server.getsockname()[1]).encode())
        answer = await running.client().upload(content, name="holiday.mp4")
        assert (answer.status, pointer(answer)) == (422, "/file")
        with pytest.raises(BlockingIOError):  # a connection would stand there by now
            server.accept()
    assert running.files() == []
    assert await running.rows("SELECT FROM video") == []
    assert await running.rows("SELECT FROM upload") == []
    assert await running.events() == []


@slow
@pytest.mark.parametrize("part", ["video", "files", ""])
async def test_a_form_without_the_field_is_refused(running: House, part: str, painted: Painter) -> None:
    answer = await running.client().upload(painted(25, 30), part=part or "x")
    assert (answer.status, pointer(answer)) == (422, "/file")
    assert running.files() == []


@slow
async def test_a_form_may_have_other_fields_but_one_file_only(running: House, painted: Painter) -> None:
    clip, client = painted(25, 30), running.client()
    for names, status in ((["name", "file", "note"], 201), (["file", "file"], 422)):
        form = aiohttp.FormData()
        for name in names:
            form.add_field(name, clip.read_bytes() if name == "file" else b"text", filename="f.mp4")
        answer = await client("POST", "/api/videos/upload", data=form)
        assert answer.status == status
    assert [row["ref_count"] for row in await running.rows("SELECT ref_count FROM video")] == [1]
    assert len(running.files("videos")) == 1


@pytest.mark.few(1, reason="starts media, ops, NATS and a database for one more case of its kind")
@pytest.mark.parametrize("excess", [1, 30_000_000])
async def test_a_file_beyond_the_limit_is_413_and_leaves_nothing(house: House, excess: int) -> None:
    await house.start("ops", "media", max_upload_bytes=1_000_000)
    answer = await house.client().upload(bytes(1_000_000 + excess))
    assert answer.status == 413
    assert answer.body["limit"] == 1_000_000
    await eventually(lambda: not house.files())
    assert await house.rows("SELECT FROM upload") == []


@slow
async def test_a_client_that_breaks_off_leaves_nothing(running: House, painted: Painter) -> None:
    data = painted(25, 30).read_bytes()

    async def half() -> object:
        yield data[: len(data) // 2]
        await eventually(lambda: running.files("temp"))
        raise ConnectionResetError

    form = aiohttp.FormData()
    form.add_field("file", half(), filename="half.mp4")
    with pytest.raises((aiohttp.ClientError, ConnectionResetError)):
        await running.client()("POST", "/api/videos/upload", data=form)
    await eventually(lambda: not running.files())

    async def ended() -> bool:
        return await running.rows("SELECT FROM upload") == []

    await eventually(ended)


@slow
async def test_a_retry_under_the_same_key_counts_once(running: House, painted: Painter) -> None:
    clip, client = painted(25, 30), running.client()
    first = await client.upload(clip, key="once")
    again = await client.upload(clip, key="once")
    assert (first.status, again.status) == (201, 201)
    assert again.raw == first.raw
    assert (await client("GET", f"/api/videos/{first.body['id']}")).body["refCount"] == 1
    other = await client.upload(painted(25, 31), key="once")
    assert (other.status, other.body["type"]) == (422, "/problems/idempotency-key-reused")


@slow
async def test_retries_that_come_at_once_count_once(running: House, painted: Painter) -> None:
    clip, client = painted(25, 30), running.client()
    answers = await asyncio.gather(*(client.upload(clip, key="once") for _ in range(5)))
    assert {answer.raw for answer in answers} == {answers[0].raw}
    assert (await client("GET", f"/api/videos/{answers[0].body['id']}")).body["refCount"] == 1


@slow
async def test_roles_are_kept(running: House, painted: Painter) -> None:
    clip = painted(25, 30)
    assert (await running.client(role="viewer").upload(clip)).status == 403
    video = (await running.client().upload(clip)).body
    assert (await running.client(role="viewer")("GET", f"/api/videos/{video['id']}")).status == 200
    assert (await running.client(role="viewer")("DELETE", f"/api/videos/{video['id']}")).status == 403


@slow
async def test_a_list_comes_in_pages_with_the_newest_video_first(
    running: House, owner: asyncpg.Connection, painted: Painter
) -> None:
    client = running.client()
    ids = [(await client.upload(painted(25, frames))).body["id"] for frames in (30, 31, 32)][::-1]
    first = (await client("GET", "/api/videos?limit=2")).body
    assert [video["id"] for video in first["items"]] == ids[:2]
    second = (await client("GET", f"/api/videos?limit=2&cursor={first['next']}")).body
    assert [video["id"] for video in second["items"]] == ids[2:]
    assert second["next"] is None
    # A video of another store keeps the time that it had there, whatever its id is here.
    await owner.execute("UPDATE media.video SET created_at = '2020-01-01' WHERE id = $1", ids[0])
    first = (await client("GET", "/api/videos?limit=2")).body
    second = (await client("GET", f"/api/videos?limit=2&cursor={first['next']}")).body
    assert [video["id"] for video in first["items"] + second["items"]] == [*ids[1:], ids[0]]


@slow
async def test_an_upload_needs_no_log_and_is_reported_when_it_answers(house: House, painted: Painter) -> None:
    await house.start("media")
    client = house.client()
    video = (await client.upload(painted(25, 30))).body

    async def derived() -> bool:
        return bool(house.files(f"derived/default/{video['sha256']}.0"))

    await eventually(derived)
    assert (await client("GET", f"/api/videos/{video['id']}")).body["status"] == "processing"
    await house.start("ops")
    assert (await client.ready(video["id"]))["status"] == "ready"
    assert [kind for _, kind, _ in await house.events()] == ["MediaUploaded", "MediaReady"]


@slow
async def test_a_name_is_shown_without_its_path(running: House, painted: Painter) -> None:
    answer = await running.client().upload(painted(25, 30), name="../..//etc/passwd.MP4")
    assert answer.body["name"] == "passwd.MP4"
    assert len(running.files("videos")) == 1


@slow
async def test_a_film_under_a_wrong_name_is_stored_as_what_it_is(
    running: House, painted: Painter, tmp_path: Path
) -> None:
    answer = await running.client().upload(painted(25, 30), name="film.html")
    assert answer.status == 201
    assert [name.rpartition(".")[2] for name in running.files("videos")] == ["mp4"]


@slow
async def test_an_upload_that_could_not_be_looked_at_is_not_refused_for_good(
    running: House, painted: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def blind(*_: object, **__: object) -> None:
        raise NotExaminedError("the machine is too busy")

    client = running.client()
    with monkeypatch.context() as patch:
        patch.setattr(Ffmpeg, "probe", blind)
        answer = await client.upload(painted(25, 30))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert running.files() == []
    assert (await client.upload(painted(25, 30))).status == 201


@slow
async def test_a_new_file_is_looked_into_once(
    running: House, painted: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the answer needed to know is not found out again for the renditions."""
    looks, probe = [], Ffmpeg.probe

    async def noted(self: Ffmpeg, path: Path, **how: Any) -> Any:
        looks.append(path)
        return await probe(self, path, **how)

    monkeypatch.setattr(Ffmpeg, "probe", noted)
    client = running.client()
    video = (await client.upload(painted(25, 30, audio=True))).body
    assert (await client.ready(video["id"]))["status"] == "ready"
    assert len(looks) == 1
