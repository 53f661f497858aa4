"""The service on real PostgreSQL and NATS, in this process, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
import pytest

from cutlog.bus import Bus
from cutlog.contract.commands import (
    Command,
    CommandBody,
    CommandReply,
    CommandSource,
    RecordMediaReady,
    RecordMediaUploaded,
)
from cutlog.contract.events import MediaReady, MediaUploaded
from cutlog.contract.media import MediaFacts, MediaKind, Rendition, Renditions
from cutlog.contract.time import Fps
from cutlog.hosting.settings import Settings
from services.ops.bootstrap import serving
from tests.support.configuration import SettingsFactory
from tests.support.waiting import PATIENCE

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FACTS = MediaFacts(
    container="mov", duration="10", width=320, height=180, fps=Fps(30, 1), frames=300, audio_codec="aac", channels=2
)


@dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    status: int
    body: Any
    headers: Any


class Client:
    """One user's requests."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self.session, self.url, self.token = session, url, token

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        raw: bytes | None = None,
        accept: str = "*/*",
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept}
        if key is not None:
            headers["Idempotency-Key"] = key
        if body is not None or raw is not None:
            headers["Content-Type"] = "application/json"
        data = raw if body is None else msgspec.json.encode(body)
        async with self.session.request(
            method, self.url + path, data=data, headers=headers, allow_redirects=False
        ) as response:
            text = await response.read()
            found = msgspec.json.decode(text) if text and "json" in response.headers["Content-Type"] else text
            return Answer(response.status, found, response.headers)

    async def made(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, raw: bytes | None = None
    ) -> Any:
        """The body of an answer that must be a success."""
        answer = await self(method, path, body, key=key, raw=raw)
        assert answer.status < 300, answer
        return answer.body

    async def edit(self, project: str, *ops: dict[str, Any], **more: Any) -> Any:
        """Appends ops that must apply."""
        return await self.made("POST", f"/api/projects/{project}/ops", {"ops": ops, **more})


@pytest.fixture
def settings(settings_for: SettingsFactory) -> Settings:
    return settings_for("ops")


@pytest.fixture
async def ops(settings: Settings) -> AsyncIterator[str]:
    """The running service's base URL."""
    async with serving(settings) as server:
        yield server.url


@pytest.fixture
async def as_role(ops: str, settings_for: SettingsFactory) -> AsyncIterator[Callable[..., Client]]:
    """`as_role("viewer", tenant="acme")`: a client with such a token."""
    async with aiohttp.ClientSession() as session:
        yield lambda role, tenant="default", subject="tester": Client(
            session, ops, settings_for.token(role, tenant=tenant, subject=subject)
        )


@pytest.fixture
def editor(as_role: Callable[..., Client]) -> Client:
    return as_role("editor")


Ask = Callable[..., Awaitable[CommandReply]]


@pytest.fixture
async def ask(ops: str, settings_for: SettingsFactory) -> AsyncIterator[Ask]:
    """`ask("media", body, key="k")`: what a service of that name gets for a command."""
    buses: dict[str, Bus] = {}

    async def asking(
        source: CommandSource,
        body: CommandBody,
        key: str,
        tenant: str = "default",
        patience: float = PATIENCE,
        actor: str | None = None,
    ) -> CommandReply:
        if source not in buses:
            settings = settings_for(source)
            buses[source] = await Bus.connect(settings.nats_url, settings.nats_seed.get_secret_value(), name=source)
        command = Command(key=key, tenant=tenant, actor=actor or f"service:{source}", trace=TRACE, body=body)
        return await buses[source].command(source, command, patience=patience)

    yield asking
    for bus in buses.values():
        await bus.close()


@pytest.fixture
async def media(ask: Ask) -> Callable[..., Awaitable[str]]:
    """`media("v_1")`: a media of 300 frames with sound that is ready to use."""

    async def record(
        media_id: str,
        *,
        tenant: str = "default",
        sha256: str = "ab" * 32,
        ready: bool = True,
        facts: MediaFacts = FACTS,
        kind: MediaKind = "video",
    ) -> str:
        uploaded = MediaUploaded(
            sha256=sha256, size=1000, name="film.mov", key=f"videos/{tenant}/{sha256}.1.mov", generation=1,
            kind=kind, facts=facts, ref_count=1,
        )  # fmt: skip
        body = RecordMediaUploaded(media_id=media_id, event=uploaded)
        assert (await ask("media", body, f"up-{media_id}", tenant)).accepted
        if ready:
            proxy = Rendition(key=f"derived/{tenant}/{sha256}.1/proxy.mp4", size=100, sha256="cd" * 32, frames=300)
            made = MediaReady(facts=facts, renditions=Renditions(proxy=proxy))
            assert (
                await ask("media", RecordMediaReady(media_id=media_id, event=made), f"ok-{media_id}", tenant)
            ).accepted
        return media_id

    return record
