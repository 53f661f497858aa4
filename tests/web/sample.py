"""A small API that uses every kind of route, and the things around a server that a test needs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from aiohttp import web

from cutlog.auth.tokens import introduce
from cutlog.contract.base import Strict, Wire
from cutlog.web import (
    Api,
    Content,
    EventStream,
    ListQuery,
    Page,
    ProblemError,
    ProblemType,
    Reply,
    Request,
    Role,
    decode_cursor,
    encode_cursor,
    federate,
    mint,
)
from cutlog.web.federation import PEER_SECONDS
from cutlog.web.multipart import parts
from cutlog.web.problems import invalid
from tests.support.gates import RING, SERVICE, SERVICE_RING


@dataclass(frozen=True)
class Address:
    """The part of a service's settings that a server reads."""

    listen: str = "127.0.0.1:0"
    public_url: str = "http://127.0.0.1:8080"


class Trim(Strict, tag_field="op", tag="clip.trim"):
    clip: str
    out: Annotated[int, msgspec.Meta(ge=0)]


class Mark(Strict, tag_field="op", tag="marker.add"):
    at: int
    color: str = "#ffffff"


class Edit(Strict):
    ops: Annotated[list[Trim | Mark], msgspec.Meta(min_length=1, max_length=1000)]
    labels: dict[str, int] = msgspec.field(default_factory=dict)
    message: str | None = None


class Item(Wire):
    id: str
    number: int


class ItemsQuery(ListQuery):
    """Adds a filter to what every list takes."""

    above: int | None = None
    kind: list[str] = msgspec.field(default_factory=list)


CONFLICT = ProblemType("version-conflict", 409, "The version is stale", "Version 3 is current, not 2.")
QUOTA = ProblemType("quota", 429, "The quota is exhausted", "Try again tomorrow.")


class VersionConflict(Exception):
    """The expected version is not the current one."""


@dataclass
class Sample:
    """What the handlers saw, and what they wait for."""

    seen: list[Request[Any, Any]] = field(default_factory=list)
    heartbeat: float = 0.05
    working: asyncio.Event = field(default_factory=asyncio.Event)
    finish: asyncio.Event = field(default_factory=asyncio.Event)
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


def bearer(role: Role = Role.editor, tenant: str = "default", ttl: float = 60) -> dict[str, str]:
    token = introduce(SERVICE_RING, SERVICE) if role is Role.service else mint(RING, "ann", role, tenant, ttl)
    return {"Authorization": f"Bearer {token}"}


def sample_api(
    sample: Sample, peers: dict[str, str] | None = None, name: str = "sample", seconds: float = PEER_SECONDS
) -> Api:
    """The routes. Each handler notes its request in `sample.seen`."""
    api = Api(name, title="Samples")
    api.problem(VersionConflict, CONFLICT)
    _edits(api, sample)
    _items(api, sample)
    _bodies(api, sample)
    _events(api, sample)
    federate(api, peers or {}, seconds)
    return api


def _edits(api: Api, sample: Sample) -> None:
    @api.post(
        "/api/projects/{project}/ops",
        role=Role.editor,
        body=Edit,
        returns={201: Item},
        summary="Appends a version",
        problems=(CONFLICT,),
    )
    async def append(req: Request[Edit]) -> Reply:
        """All or nothing."""
        sample.seen.append(req)
        match req.body.message:
            case "conflict":
                raise VersionConflict("Version 3 is current, not 2.")
            case "bug":
                raise RuntimeError("the password is hunter2")
            case "outage":
                raise ConnectionRefusedError("10.0.0.7:5432 refused")
            case "group":
                async with asyncio.TaskGroup() as group:
                    group.create_task(_fail(VersionConflict("Version 3 is current, not 2.")))
            case _:
                pass
        return Reply(201, Item(id=req.path["project"], number=len(req.body.ops)))

    @api.post("/api/projects/{project}/pin", role=Role.operator, returns={200: Item}, summary="Toggles a pin")
    async def pin(req: Request) -> Reply:
        sample.seen.append(req)
        return Reply(200, Item(id=req.path["project"], number=0))

    @api.post(
        "/api/projects/{project}/export",
        role=Role.editor,
        body=Mark,
        body_optional=True,
        returns={202: Item},
        summary="Renders",
    )
    async def export(req: Request[Mark | None]) -> Reply:
        return Reply(202, Item(id=req.path["project"], number=0 if req.body is None else req.body.at))


async def _fail(error: Exception) -> None:
    raise error


def _items(api: Api, sample: Sample) -> None:
    @api.get("/api/items", role=Role.viewer, query=ItemsQuery, returns={200: Page[Item]}, summary="Lists items")
    async def items(req: Request[None, ItemsQuery]) -> Reply:
        sample.seen.append(req)
        start = decode_cursor(req.query.cursor, int) if req.query.cursor else 0
        end = min(start + req.query.limit, 120)
        page = [Item(id=f"i_{number}", number=number) for number in range(start, end)]
        return Reply(200, Page(page, encode_cursor(end) if end < 120 else None))

    @api.get(
        "/api/items/{item}/versions/{n}", role=Role.viewer, path={"n": int}, returns={200: Item}, summary="One version"
    )
    async def version(req: Request) -> Reply:
        return Reply(200, Item(id=req.path["item"], number=req.path["n"]))

    @api.delete("/api/items/{item}", role=Role.admin, returns={204: None}, summary="Deletes an item")
    async def delete(_: Request) -> Reply:
        return Reply.empty()

    @api.get("/files/{key:.+}", role=None, path={"key": str}, returns={200: Content("text/plain")}, summary="A file")
    async def download(req: Request) -> Reply:
        if req.path["key"] == "redirect":
            return Reply.redirect("/files/other")

        async def chunks() -> Any:
            for _ in range(3):
                yield req.path["key"].encode()

        return Reply.stream(200, chunks(), "text/plain")

    @api.get("/internal/items", role=Role.service, returns={200: Item}, summary="For services")
    async def internal(req: Request) -> Reply:
        return Reply(200, Item(id=req.actor.subject, number=1))


def _bodies(api: Api, sample: Sample) -> None:
    @api.put(
        "/api/blob",
        role=Role.editor,
        body=bytes,
        consumes="application/octet-stream",
        max_body=100_000,
        returns={200: Item},
        summary="Takes bytes",
    )
    async def blob(req: Request[bytes]) -> Reply:
        return Reply(200, Item(id="blob", number=len(req.body)))

    @api.post(
        "/api/upload",
        role=Role.editor,
        stream=True,
        consumes="multipart/form-data",
        returns={201: Item},
        summary="Takes a file",
    )
    async def upload(req: Request) -> Reply:
        sample.seen.append(req)
        sizes: dict[str, int] = {}
        async for part in parts(req, limit=5_000_000):
            async for chunk in part.chunks():
                sizes[part.name] = sizes.get(part.name, 0) + len(chunk)
        if "file" not in sizes:
            raise invalid(ProblemError("/file", "Required"))
        return Reply(201, Item(id="upload", number=sizes["file"]))

    @api.post(
        "/api/films",
        role=Role.editor,
        stream=True,
        consumes="multipart/form-data",
        form=("film", "title"),
        returns={201: Item},
        summary="Takes a film with a title",
    )
    async def film(req: Request) -> Reply:
        sizes = {part.name: sum([len(chunk) async for chunk in part.chunks()]) async for part in parts(req, limit=1000)}
        return Reply(201, Item(id="-".join(sizes), number=sizes["film"]))

    @api.post("/api/slow", role=Role.editor, returns={200: Item}, summary="Waits")
    async def slow(_: Request) -> Reply:
        sample.working.set()
        await sample.finish.wait()
        return Reply(200, Item(id="slow", number=1))


def _events(api: Api, sample: Sample) -> None:
    @api.get(
        "/api/projects/{project}/events",
        role=Role.viewer,
        events=True,
        returns={200: Content("text/event-stream")},
        summary="Follows a project",
    )
    async def events(req: Request) -> web.StreamResponse:
        async with EventStream(req, heartbeat=sample.heartbeat) as stream:
            try:
                start = int(req.last_event_id or 0)
                for position in range(start + 1, start + 4):
                    await stream.send(position, "Tick", Item(id="tick", number=position))
                sample.listening.set()
                await asyncio.Event().wait()
            finally:
                sample.stopped.set()
        return stream.response

    @api.get("/api/broken", role=None, returns={200: None}, summary="Fails", hidden=True)
    async def broken(_: Request) -> Reply:
        raise QUOTA("Try again tomorrow.", headers={"Retry-After": "86400"})
