"""A real provider of OpenID Connect: dex (https://dexidp.io)."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from cutlog.operate.stack.ports import free_ports
from cutlog.process.program import Program
from tests.support.running import start, stop
from tests.support.waiting import eventually

DEX = os.environ.get("CUTLOG_TEST_DEX") or shutil.which("dex")
PASSWORD_HASH = "$2b$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W"
"""Of `password`."""

CALLBACK = "http://127.0.0.1/callback"

needs_dex = pytest.mark.skipif(DEX is None, reason="dex is not on PATH (CUTLOG_TEST_DEX names it)")


class Dex:
    """`dex serve`, with a user who logs in by password. Its keys change every few seconds."""

    def __init__(self, folder: Path, port: int, session: aiohttp.ClientSession, callback: str) -> None:
        self.url = f"http://127.0.0.1:{port}/dex"
        self._folder, self._port, self._session, self._callback = folder, port, session, callback

    def program(self) -> Program:
        config = {
            "issuer": self.url,
            "storage": {"type": "memory"},
            "web": {"http": f"127.0.0.1:{self._port}"},
            "oauth2": {"passwordConnector": "local", "skipApprovalScreen": True},
            "expiry": {"signingKeys": "4s", "idTokens": "1h"},
            "enablePasswordDB": True,
            "staticClients": [
                {"id": "studio", "secret": "s", "name": "Studio", "grantTypes": ["password", "authorization_code"],
                 "redirectURIs": [self._callback]}
            ],
            "staticPasswords": [
                {"email": "ann@example.org", "hash": PASSWORD_HASH, "username": "acme", "userID": "ann"}
            ],
        }  # fmt: skip
        path = self._folder / f"dex{self._port}.json"
        path.write_text(json.dumps(config))
        assert DEX is not None
        return Program(name="dex", argv=[DEX, "serve", str(path)], env={})

    async def token(self) -> str:
        asked = {
            "grant_type": "password", "username": "ann@example.org", "password": "password",
            "scope": "openid profile email", "client_id": "studio", "client_secret": "s",
        }  # fmt: skip
        url = f"{self.url}/token"
        async with self._session.post(url, data=asked) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["access_token"])

    async def answers(self) -> bool:
        try:
            async with self._session.get(f"{self.url}/.well-known/openid-configuration") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def dex(
    folder: Path, session: aiohttp.ClientSession, callback: str = CALLBACK, port: int | None = None
) -> AsyncIterator[Dex]:
    """A running provider, which sends browsers back to `callback`."""
    made = Dex(folder, port or free_ports(1)[0], session, callback)
    program = made.program()
    process = start(program, folder / "dex.log")
    try:
        await eventually(made.answers)
        yield made
    finally:
        stop(program, process)
