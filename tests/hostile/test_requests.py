"""Each hostile request: refused with the right status, and the service goes on."""

from __future__ import annotations

import asyncio
import base64
import gzip
import time
from urllib.parse import urlsplit

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutlog.auth.rings import KeyRing, PublicKeys
from cutlog.auth.tokens import sign
from cutlog.blobs.signing import sign as sign_link
from services.media.uploads import headers as tus_headers
from tests.media.conftest import House
from tests.support.chance import examples
from tests.support.painting import Painter

slow = pytest.mark.slow(reason="starts media, NATS and a database for one more case of its kind")

PATHS = (
    "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/x", "videos/../../x", "/etc/passwd", "videos/%00",
    "videos//x", "temp/resumable/x", ".hidden", "videos\\x", "v_1/../v_2", "%252e%252e%252fx", "a" * 700,
)  # fmt: skip
IDS = ("..", "%2e%2e", "..%2fx", "v_1%00", "v_1'--", "V_1", "x" * 65, "%F0%9F%92%A3", "-v", "v 1")


async def test_no_id_and_no_key_leads_out_of_the_store(running: House) -> None:
    client = running.client()
    (running.objects.parent / "outside").write_bytes(b"secret")
    secret = running.settings_for("media").file_secret.get_secret_value()
    for path in PATHS:
        link = "/files/" + path + "?expires=9999999999&signature=x"
        assert (await client("GET", link)).status in (400, 403, 404), path
        # Even a link that we had signed ourselves.
        signed = sign_link(secret, path, int(time.time()) + 60)
        answer = await client("GET", signed)
        assert answer.status in (400, 403, 404) and b"secret" not in answer.raw, path
    for bad in IDS:
        for url in ("/api/videos/{}", "/api/videos/{}/download", "/api/videos/{}/sprite", "/api/uploads/{}"):
            answer = await client("GET", url.format(bad))
            assert answer.status in (404, 405), (url, bad, answer.status)
        assert (await client("DELETE", f"/api/uploads/{bad}", headers={"Tus-Resumable": "1.0.0"})).status == 404


@slow
async def test_links_in_the_store_are_not_followed(running: House) -> None:
    client = running.client()
    outside = running.objects.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (running.objects / "videos").mkdir(exist_ok=True)
    (running.objects / "videos" / "link").symlink_to(outside / "secret")
    (running.objects / "export").symlink_to(outside)
    secret = running.settings_for("media").file_secret.get_secret_value()
    for key in ("videos/link", "export/secret"):
        answer = await client("GET", sign_link(secret, key, int(time.time()) + 60))
        assert answer.status == 404 and b"secret" not in answer.raw


async def test_a_signature_is_for_one_key_one_method_and_its_time(running: House, painted: Painter) -> None:
    client = running.client()
    video = (await client.upload(painted(25, 30))).body
    link = (await client("GET", f"/api/videos/{video['id']}/download")).headers["Location"]
    assert (await client("GET", link)).status == 200
    key = urlsplit(link).path.removeprefix("/files/")
    secret = running.settings_for("media").file_secret.get_secret_value()
    late = int(time.time()) + 3600
    forged = [
        link.replace("signature=", "signature=x"), link[:-1], link.replace("expires=", "expires=1"),
        link.replace("/videos/", "/derived/"), link + "&signature=x", link + "&filename=x.html",
        sign_link(secret, key, int(time.time()) - 1), sign_link("other secret", key, late),
        sign_link(secret, key, late, "PUT"), sign_link(secret, key, late).partition("&signature")[0],
        sign_link(secret, key, late).replace("expires=", "expires=+"),
    ]  # fmt: skip
    for wrong in forged:
        assert (await client("GET", wrong)).status in (400, 403, 422), wrong
    assert (await client("PUT", link)).status == 405


@slow
async def test_a_token_of_another_algorithm_or_key_opens_nothing(running: House) -> None:
    good = running.settings_for.token("admin")
    head, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good)["kid"]
    folder = running.settings_for("media").credentials
    own = KeyRing.read((folder / "identity.json").read_bytes())
    public = PublicKeys.read((folder / "public.json").read_bytes()).all()[0].x

    def part(value: dict[str, str]) -> str:
        return base64.urlsafe_b64encode(str(value).replace("'", '"').encode()).rstrip(b"=").decode()

    tokens = [
        f"{part({'alg': 'none', 'kid': kid})}.{body}.", f"{part({'alg': 'None', 'kid': kid})}.{body}.{signature}",
        f"{part({'alg': 'RS256', 'typ': 'JWT', 'kid': kid})}.{body}.{signature}",
        jwt.encode(claims, public, "HS256", {"kid": kid}), jwt.encode(claims, "x" * 64, "HS512", {"kid": kid}),
        sign(KeyRing.new(), claims), sign(KeyRing.new(), claims, kid=kid), sign(own, claims),
        sign(own, claims | {"sub": "media"}), sign(own, claims | {"sub": "render", "role": "service"}),
        f"{head}.{body}", f"{head}.{body}.{signature[:-2]}", "a.b.c", "x" * 100_000,
    ]  # fmt: skip
    url = running.client().url + "/api/videos"
    for token in tokens:
        async with running.session.get(url, headers={"Authorization": f"Bearer {token[:6000]}"}) as answer:
            assert answer.status == 401, token[:80]
    async with running.session.get(url, headers={"Authorization": f"Bearer {good}"}) as answer:
        assert answer.status == 200


async def raw(house: House, head: str, *body: bytes, patience: float = 30) -> int:
    """Sends bytes as they are; the status, 0 when the connection is closed without one."""
    address = urlsplit(house.client().url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write((head.replace("\n", "\r\n") + "\r\n\r\n").encode())
        for piece in body:
            writer.write(piece)
            await writer.drain()
        if body and body[-1] == b"":
            writer.write_eof()
        async with asyncio.timeout(patience):
            line = await reader.readline()
        return int(line.split()[1]) if line else 0
    except (ConnectionError, BrokenPipeError):
        return 0
    finally:
        writer.close()


@slow
async def test_bodies_that_lie_or_never_end_are_given_up(running: House) -> None:
    await running.stop("media")
    await running.start("media", given={"read_seconds": 0.5})
    auth = f"Host: x\nAuthorization: Bearer {running.client().token}"
    form = "Content-Type: multipart/form-data; boundary=b"
    first = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.mp4"\r\n\r\nabc'
    post = f"POST /api/videos/upload HTTP/1.1\n{auth}\n{form}"
    assert await raw(running, f"{post}\nContent-Length: 100000", first) == 408, "silence"
    assert await raw(running, f"{post}\nContent-Length: 9000", first, b"") in (0, 400), "less than promised"
    assert await raw(running, f"{post}\nContent-Length: {10**18}", first) == 413, "more than there can be"
    assert await raw(running, f"{post}\nContent-Length: -5", first) == 400
    assert await raw(running, f"{post}\nContent-Length: 5\nTransfer-Encoding: chunked", first) == 400, "two lengths"
    assert await raw(running, f"{post}\nTransfer-Encoding: chunked", b"zz\r\nabc\r\n") == 400
    bomb = gzip.compress(bytes(32 << 20), 9)
    packed = f"{post}\nContent-Encoding: gzip\nContent-Length: {len(bomb)}"
    assert await raw(running, packed, bomb) == 415, "a gzip bomb"
    inner = first.replace(b"\r\n\r\nabc", b"\r\nContent-Encoding: gzip\r\n\r\n") + bomb + b"\r\n--b--\r\n"
    assert await raw(running, f"{post}\nContent-Length: {len(inner)}", inner) == 415
    begun = await running.client()("POST", "/api/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "1000"})
    patch = f"PATCH {begun.headers['Location']} HTTP/1.1\n{auth}\nTus-Resumable: 1.0.0\nUpload-Offset: 0"
    patch += "\nContent-Type: application/offset+octet-stream\nContent-Length: 500"
    assert await raw(running, patch, b"abc") == 408
    assert running.files("videos") == []


@slow
async def test_a_body_that_drips_is_given_up(running: House) -> None:
    await running.stop("media")
    await running.start("media", given={"read_seconds": 0.3})  # after which a body must have come fast enough
    address = urlsplit(running.client().url)
    auth = f"Host: x\r\nAuthorization: Bearer {running.client().token}\r\n"
    begun = await running.client()("POST", "/api/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "9000"})
    first = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.mp4"\r\n\r\nabc'
    tus = "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
    heads = {
        f"POST /api/videos/upload HTTP/1.1\r\n{auth}Content-Type: multipart/form-data; boundary=b\r\n": first,
        f"PATCH {begun.headers['Location']} HTTP/1.1\r\n{auth}{tus}": b"a",
    }
    for head, body in heads.items():
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"{head}Content-Length: 9000\r\n\r\n".encode() + body)
        answered = asyncio.create_task(reader.readline())
        while not answered.done():
            writer.write(b"x")  # there is always something, and never enough
            await asyncio.wait([answered], timeout=0.05)
        assert answered.result().split()[1] == b"408", head
        writer.close()
    assert running.files("videos") == []


@slow
async def test_a_hundred_thousand_parts_are_too_many(running: House) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n'
    body = part * 100_000 + b"--b--\r\n"
    answer = await running.client()(
        "POST", "/api/videos/upload", data=body, headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    assert (answer.status, answer.body["type"]) == (413, "/problems/too-many-parts")
    assert (await running.client()("GET", "/api/videos")).status == 200


@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200), st.text(max_size=40))
def test_any_header_of_tus_is_a_value_or_a_header_error(text: str, number: str) -> None:
    for read in (tus_headers.metadata, tus_headers.checksum):
        try:
            read(text)
        except tus_headers.HeaderError:
            continue
    if number.isascii() and number.isdigit() and len(number) <= 18:
        assert tus_headers.number({"Upload-Offset": number}, "Upload-Offset") == int(number)
    else:
        with pytest.raises(tus_headers.HeaderError):
            tus_headers.number({"Upload-Offset": number}, "Upload-Offset")
