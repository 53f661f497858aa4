"""Signed links to files: what they give, and to whom they do not."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest

from cutlog.blobs.signing import sign
from tests.media.conftest import Answer, Client, House
from tests.support.painting import Painter
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")


async def link(client: Client, video_id: str, what: str = "download") -> str:
    answer = await client("GET", f"/api/videos/{video_id}/{what}")
    assert answer.status == 302
    assert answer.headers["Cache-Control"] == "no-store"
    return str(answer.headers["Location"])


async def get(client: Client, path: str, method: str = "GET", **headers: str) -> Answer:
    return await Client(client.session, client.url, "")(method, path, headers={"Authorization": "", **headers})


@slow
async def test_a_download_is_the_file_under_its_own_name(running: House, painted: Painter) -> None:
    clip, client = painted(25, 30), running.client()
    video_id = (await client.upload(clip, name='Mein "Film" ü.mp4')).body["id"]
    answer = await get(client, await link(client, video_id))
    assert answer.status == 200
    assert answer.raw == clip.read_bytes()
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment; ")
    assert "filename*=UTF-8''Mein%20" in disposition
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.few(1, reason="starts media, ops, NATS and a database for one more case of its kind")
@pytest.mark.parametrize(
    ("ranges", "expected"),
    [("bytes=0-9", slice(0, 10)), ("bytes=100-", slice(100, None)), ("bytes=-7", slice(-7, None))],
)
async def test_a_range_is_given_alone(running: House, painted: Painter, ranges: str, expected: slice) -> None:
    clip, client = painted(25, 30), running.client()
    path = await link(client, (await client.upload(clip)).body["id"])
    answer = await get(client, path, Range=ranges)
    data = clip.read_bytes()
    assert answer.status == 206
    assert answer.raw == data[expected]
    start, end, _ = expected.indices(len(data))
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(data)}"


@slow
async def test_a_range_beyond_the_end_is_416(running: House, painted: Painter) -> None:
    clip, client = painted(25, 30), running.client()
    path = await link(client, (await client.upload(clip)).body["id"])
    assert (await get(client, path, Range=f"bytes={clip.stat().st_size}-")).status == 416


@slow
async def test_an_unchanged_file_is_not_sent_again(running: House, painted: Painter) -> None:
    client = running.client()
    path = await link(client, (await client.upload(painted(25, 30))).body["id"])
    first = await get(client, path)
    again = await get(client, path, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.raw) == (304, b"")
    other = await get(client, path, **{"If-Range": '"another"', "Range": "bytes=0-3"})
    assert (other.status, len(other.raw)) == (200, len(first.raw))


@slow
async def test_head_gives_the_length_alone(running: House, painted: Painter) -> None:
    clip, client = painted(25, 30), running.client()
    path = await link(client, (await client.upload(clip)).body["id"])
    answer = await get(client, path, "HEAD")
    assert (answer.status, answer.raw) == (200, b"")
    assert int(answer.headers["Content-Length"]) == clip.stat().st_size


@slow
async def test_a_link_is_for_its_own_file_only(running: House, painted: Painter) -> None:
    client = running.client()
    one = await link(client, (await client.upload(painted(25, 30))).body["id"])
    other = (await client.upload(painted(25, 31))).body
    query = urlsplit(one).query
    forged = f"/files/videos/default/{other['sha256']}.0.mp4?{query}"
    for path in (forged, one + "0", one.partition("?")[0], one.replace("filename=", "filename=x"), one + "&x=1"):
        answer = await get(client, path)
        assert answer.status in (403, 422)
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert (await get(client, one, "DELETE")).status == 405


@slow
async def test_a_link_ends(running: House, painted: Painter) -> None:
    client = running.client()
    video = (await client.upload(painted(25, 30))).body
    secret = running.settings_for("media").file_secret.get_secret_value()
    key = f"videos/default/{video['sha256']}.0.mp4"
    old = await get(client, sign(secret, key, int(time.time()) - 1))
    assert (old.status, old.body["type"]) == (403, "/problems/link-expired")
    expires = int(parse_qs(urlsplit(await link(client, video["id"])).query)["expires"][0])
    assert 0 < expires - time.time() <= 600


@pytest.mark.few(1, reason="starts media, ops, NATS and a database for one more case of its kind")
@pytest.mark.parametrize("key", ["temp/x", "../secrets/jwt", "videos/default/none.mp4", "videos", "a//b", ".x", "%00"])
async def test_a_signature_does_not_lead_out_of_the_store(running: House, key: str) -> None:
    secret = running.settings_for("media").file_secret.get_secret_value()
    answer = await get(running.client(), sign(secret, key, int(time.time()) + 60))
    assert answer.status in (403, 404)


@slow
async def test_a_thumbnail_is_there_before_the_rest_is_made(running: House, painted: Painter) -> None:
    client = running.client()
    video_id = (await client.upload(painted(25, 1000, (160, 90)))).body["id"]

    async def there() -> bool:
        return (await client("GET", f"/api/videos/{video_id}/thumbnail")).status == 302

    await eventually(there)
    assert (await client("GET", f"/api/videos/{video_id}")).body["status"] == "processing"
    early = await get(client, await link(client, video_id, "thumbnail"))
    await client.ready(video_id)
    answer = await get(client, await link(client, video_id, "thumbnail"))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert answer.raw.startswith(b"\xff\xd8\xff") and answer.raw == early.raw
