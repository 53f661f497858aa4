"""Keys are replaced, and a credential is revoked, while a whole stack is at work."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest

from cutlog.client import Client, ops
from tests.e2e.job import CANVAS
from tests.support.painting import Painter
from tests.support.stacks import RunningStack
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.slow(reason="a whole stack, whose keys are replaced while it renders")


def cutlog(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cutlog", *arguments], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def token_of(stack: RunningStack, subject: str, role: str = "editor") -> str:
    return cutlog("token", "--data", str(stack.data), "--role", role, "--subject", subject)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_nothing_fails_while_all_keys_are_replaced(alone: RunningStack, painted: Painter) -> None:
    token = token_of(alone, "ann")
    stop, answers, failed = asyncio.Event(), 0, []
    file = painted(25, 50).read_bytes()

    async def requests(http: aiohttp.ClientSession, path: str) -> None:
        nonlocal answers
        while not stop.is_set():
            async with http.get(path, headers=bearer(token)) as answer:
                answers += 1
                if answer.status != 200:
                    failed.append((path, answer.status, await answer.text()))

    async def uploads(http: aiohttp.ClientSession) -> None:
        nonlocal answers
        while not stop.is_set():
            form = aiohttp.FormData()
            form.add_field("file", file, filename="x.mp4")
            async with http.post("/api/videos/upload", data=form, headers=bearer(token)) as answer:
                answers += 1
                if answer.status not in (200, 201):
                    failed.append(("upload", answer.status, await answer.text()))

    async with Client.connect(alone.url, token, patience=PATIENCE) as client, aiohttp.ClientSession(alone.url) as http:
        project = (await client.create_project("Rotated", CANVAS)).id
        work = [
            asyncio.create_task(requests(http, path))
            for path in ("/api/projects", "/api/videos", f"/api/projects/{project}/timeline")
        ]
        work.append(asyncio.create_task(uploads(http)))
        stream = await http.get(f"/api/projects/{project}/events", headers=bearer(token))
        batch: list[ops.Op] = [ops.TrackAdd(track="v", kind="video")]
        for number in range(3):
            batch.append(ops.ClipAdd(clip=f"c{number}", track="v", at=30 * number, color="#336699", frames=30))
            version = (await client.commit(project, batch)).version
            batch = []
            if number == 1:
                cutlog("keys", "rotate", "--data", str(alone.data))
            fresh = token_of(alone, "ben")
            for path in ("/api/projects", "/api/videos", f"/api/projects/{project}/versions/{version}/frame?at=0"):
                async with http.get(path, headers=bearer(fresh)) as answer:
                    assert answer.status == 200, (path, await answer.text())
            assert (await client.wait_for_proxy(project, version)).status == "ready", "render asks ops with its new key"
        stop.set()
        await asyncio.gather(*work)
        assert failed == []
        assert answers > 20
        assert not stream.content.at_eof()
        status, health = alone.get("/api/health")
        assert status == 200, health
        cutlog("keys", "rotate", "--data", str(alone.data))  # the key of the first token is not accepted any more
        for path in ("/api/projects", "/api/videos"):

            async def refused(path: str = path) -> bool:
                async with http.get(path, headers=bearer(token)) as answer:
                    return answer.status == 401

            await eventually(refused)
        stream.close()


async def test_a_revoked_token_opens_nothing_anywhere_and_what_it_opened_ends(alone: RunningStack) -> None:
    stolen, mine = token_of(alone, "eve"), token_of(alone, "ann")
    gone = asyncio.Event()

    async def drip() -> Any:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nabc'
        while not gone.is_set():
            await asyncio.sleep(0.1)
            yield b"x"

    async with aiohttp.ClientSession(alone.url) as http:
        async with http.post("/api/projects", json={"name": "x"}, headers=bearer(mine)) as answer:
            project = (await answer.json())["id"]
        streams = [await http.get(f"/api/projects/{project}/events", headers=bearer(token)) for token in (stolen, mine)]
        headers = bearer(stolen) | {"Content-Type": "multipart/form-data; boundary=b"}

        async def upload() -> int:
            try:
                async with http.post("/api/videos/upload", data=drip(), headers=headers) as answer:
                    return answer.status
            except aiohttp.ClientError:
                return 0

        uploading = asyncio.create_task(upload())
        jti = jwt.decode(stolen, options={"verify_signature": False})["jti"]
        cutlog("token", "revoke", jti, "--data", str(alone.data))
        async with asyncio.timeout(PATIENCE):
            await streams[0].content.read()
            assert await uploading in (0, 401)
        gone.set()
        assert not streams[1].content.at_eof()
        for path in ("/api/projects", "/api/videos", f"/api/projects/{project}/versions/0/frame?at=0"):
            async with http.get(path, headers=bearer(stolen)) as answer:
                assert answer.status == 401, path
            async with http.get(path, headers=bearer(mine)) as answer:
                assert answer.status != 401, path
        streams[1].close()
        admin = bearer(token_of(alone, "root", "admin"))
        async with http.get("/api/admin/audit?action=token", headers=admin) as answer:
            entries = (await answer.json())["items"]
        assert ("token.revoked", jti) in [(each["action"], each["target"]) for each in entries]
        assert [each["action"] for each in entries].count("token.issued") == 3


async def test_the_audit_log_has_what_other_services_noted(alone: RunningStack, painted: Painter) -> None:
    admin = bearer(token_of(alone, "root", "admin"))
    async with aiohttp.ClientSession(alone.url, headers=admin) as http:
        form = aiohttp.FormData()
        form.add_field("file", painted(25, 25).read_bytes(), filename="x.mp4")
        async with http.post("/api/videos/upload", data=form) as answer:
            video = (await answer.json())["id"]
        async with http.get(f"/api/videos/{video}/download", allow_redirects=False) as answer:
            assert answer.status == 302
        async with http.get("/api/admin/gc/policy") as answer:
            policy = await answer.json()
        async with http.put("/api/admin/gc/policy", json=policy | {"ttlDays": 31}) as answer:
            assert answer.status == 200, await answer.text()

        async def noted() -> bool:
            async with http.get("/api/admin/audit") as answer:
                found = {each["action"]: each for each in (await answer.json())["items"]}
            return (
                (
                    found["original.downloaded"]["target"] == f"videos/{video}/download"
                    and found["policy.changed"]["detail"]["ttlDays"] == 31
                    and {each["address"] for each in found.values()} == {"127.0.0.1"}
                )
                if {"original.downloaded", "policy.changed", "token.issued"} <= set(found)
                else False
            )

        await eventually(noted)


async def test_health_names_the_service_whose_identity_does_not_work(alone: RunningStack, tmp_path: Path) -> None:
    held = alone.data / "keys" / "render" / "identity.json"
    kept = held.read_bytes()
    cutlog("keys", "create", "--data", str(tmp_path))
    held.write_bytes((tmp_path / "keys" / "render" / "identity.json").read_bytes())

    def checks() -> tuple[int, str]:
        status, body = alone.get("/api/health")
        return status, json.loads(body)["services"]["render"]["checks"]["identity"]

    await eventually(lambda: checks() == (503, "down"))
    held.write_bytes(kept)
    await eventually(lambda: checks() == (200, "ok"))
