"""What a revoked credential opened ends, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp

from cutlog.auth.actor import Actor
from cutlog.auth.revocations import Revocation, Revocations
from cutlog.auth.tokens import mint, verify
from cutlog.web import Role, serve_http
from tests.support.gates import PUBLIC, RING, make_gate
from tests.support.waiting import PATIENCE, eventually
from tests.web.sample import Address, Sample, sample_api


async def test_streams_and_uploads_of_a_revoked_token_end_and_those_of_others_go_on() -> None:
    gate, sample = make_gate(), Sample()
    stolen, mine = mint(RING, "eve", Role.editor), mint(RING, "ann", Role.editor)
    release = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nabc'
        await release.wait()
        yield b"\r\n--b--\r\n"

    async with serve_http(sample_api(sample), Address(), gate) as server, aiohttp.ClientSession(server.url) as client:

        def bearer(token: str) -> dict[str, str]:
            return {"Authorization": f"Bearer {token}"}

        async def upload(token: str) -> int:
            headers = bearer(token) | {"Content-Type": "multipart/form-data; boundary=b"}
            try:
                async with client.post("/api/upload", data=body(), headers=headers) as answer:
                    return answer.status
            except aiohttp.ClientConnectionError:
                return 0

        uploads = [asyncio.create_task(upload(token)) for token in (stolen, mine)]
        streams = [await client.get("/api/projects/p_1/events", headers=bearer(token)) for token in (stolen, mine)]
        await eventually(lambda: len(sample.seen) == 2)
        gate.revoke([Revocation(position=1, until=0, id=verify(PUBLIC, stolen).id)])
        async with asyncio.timeout(PATIENCE):
            assert await uploads[0] in (0, 401)
            await streams[0].content.read()
        assert not uploads[1].done()
        assert not streams[1].content.at_eof()
        release.set()
        assert await uploads[1] in (200, 201)
        streams[1].close()


def test_a_credential_that_says_not_when_it_was_issued_is_revoked_by_name_only() -> None:
    revocations = Revocations()
    actor = Actor(subject="ann", tenant="acme", role=Role.viewer, credential="oidc", id="o_1", issued=0.0)
    assert not revocations.cover(actor)
    revocations.add([Revocation(position=1, until=0, tenant="acme", subject="ben", before=9.0)])
    assert not revocations.cover(actor)
    revocations.add([Revocation(position=2, until=0, tenant="acme", subject="ann", before=9.0)])
    assert revocations.cover(actor), "it may be older than that"
