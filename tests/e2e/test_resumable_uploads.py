"""A resumable upload through the gateway, by a client that others wrote, while the service is killed."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tusclient.client import TusClient

from services.media.uploads.resuming import STEP
from tests.e2e.conftest import Tenant
from tests.e2e.killing import kill
from tests.support.npm import npm
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow(reason="needs the whole stack, beside the main job")

PADDING = 40 << 20
FIRST, SENT = 10 << 20, 20 << 20


@pytest.fixture
def large(clip: Path, tmp_path: Path) -> Path:
    """The clip, and a box of 40 MiB that players skip."""
    path = tmp_path / "large.mp4"
    path.write_bytes(clip.read_bytes() + (PADDING + 8).to_bytes(4, "big") + b"free" + os.urandom(PADDING))
    return path


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where tus-js-client is."""
    folder = tmp_path_factory.mktemp("npm")
    npm("install", "--silent", "--prefix", str(folder), "tus-js-client@4.3.1", folder=folder)
    return folder / "node_modules"


async def until(lines: asyncio.StreamReader, url: str, sent: int) -> None:
    """Reads what the client prints up to where it has sent so much."""
    while line := (await lines.readline()).decode():
        word, value = line.split()
        assert word != "url" or value == url, "it began again, from nothing"
        if word == "sent" and int(value) >= sent:
            return
    raise AssertionError("the client ended")


async def test_a_browsers_client_goes_on_after_a_kill_of_the_server_and_of_itself(
    tenant: Tenant, large: Path, modules: Path
) -> None:
    script = str(Path(__file__).with_name("tus_client.js"))
    arguments = ["node", script, str(modules), f"{tenant.stack.url}/api/uploads", tenant.token, str(large)]
    first = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    assert first.stdout is not None
    said = (await first.stdout.readline()).decode().split()
    assert said[0] == "url"
    url = said[1]
    await until(first.stdout, url, FIRST)
    await kill(tenant.stack, "media")  # it tries again by itself
    await until(first.stdout, url, SENT)
    first.kill()
    await first.wait()
    again = await asyncio.create_subprocess_exec(*arguments, url, stdout=asyncio.subprocess.PIPE)
    out, _ = await again.communicate()
    lines = out.decode().splitlines()
    assert again.returncode == 0 and lines[-1] == f"done {url}"
    sent = [int(line.split()[1]) for line in lines if line.startswith("sent")]
    assert sent[0] > SENT, "what was there was not sent again"
    (video,) = (await tenant.client.transport.ask(dict[str, Any], "GET", "/api/videos"))["items"]
    assert (video["sha256"], video["name"]) == (hashlib.sha256(large.read_bytes()).hexdigest(), "film.mp4")


async def test_an_upload_survives_the_kill_of_its_server_and_of_its_client(tenant: Tenant, large: Path) -> None:
    theirs = TusClient(tenant.stack.url + "/api/uploads", headers={"Authorization": f"Bearer {tenant.token}"})
    pieces = theirs.uploader(str(large), chunk_size=FIRST)
    await asyncio.to_thread(pieces.upload, stop_at=FIRST)
    url = str(pieces.url)

    # The server dies between two bytes of a request.
    held = tenant.object("temp/resumable") / url.rpartition("/")[2]
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    head = f"PATCH {urlsplit(url).path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.token}\r\n"
    head += f"Tus-Resumable: 1.0.0\r\nUpload-Offset: {FIRST}\r\nContent-Length: {large.stat().st_size - FIRST}\r\n"
    writer.write(head.encode() + b"Content-Type: application/offset+octet-stream\r\n\r\n")
    writer.write(large.read_bytes()[FIRST : FIRST + SENT])
    await eventually(lambda: held.stat().st_size == FIRST + SENT)
    await kill(tenant.stack, "media")
    writer.close()
    rest = theirs.uploader(str(large), chunk_size=1 << 20, url=url)
    assert FIRST + SENT - STEP <= rest.offset <= FIRST + SENT

    # The client is another process, that knows the URL only.
    code = (
        "import sys; from tusclient.client import TusClient\n"
        "url, token, file = sys.argv[1:]\n"
        "client = TusClient(url, headers={'Authorization': f'Bearer {token}'})\n"
        "client.uploader(file, chunk_size=1 << 20, url=url).upload()"
    )
    arguments = ("-c", code, url, tenant.token, str(large))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    await eventually(lambda: held.stat().st_size > FIRST + SENT)
    process.kill()
    await process.wait()
    again = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    assert await again.wait() == 0
    (video,) = (await tenant.client.transport.ask(dict[str, Any], "GET", "/api/videos"))["items"]
    assert video["sha256"] == hashlib.sha256(large.read_bytes()).hexdigest()
    assert not held.exists()
