"""How much there is, by class, project and hour; what was saved, what is shared, and what the policy will let go."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.blobs import BlobStore
from cutlog.bus import Outbox
from cutlog.bus.usage import report
from cutlog.contract.answers.collection import Candidate, Class
from cutlog.contract.base import Wire
from cutlog.contract.keys import ReceiptKey, receipts_of
from cutlog.db.lead import lead_rounds
from cutlog.db.skipping import Skipping
from cutlog.db.standing import Standing
from cutlog.web.usage import Limit, usage_gauge
from services.gc.report import held, policies, store
from services.gc.report.judging import judged
from services.gc.report.reading import Blocked, ObjectUnreadableError, listed
from services.gc.report.reports import now
from services.gc.rules.plan import Basis
from services.gc.sql import statement

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 600.0
AHEAD: Final = (0, 7, 30)

_NOW: Final = statement("storage_now")
_FORGET_HOUR: Final = statement("storage_forget_hour")
_ADD: Final = statement("storage_add")
_HISTORY: Final = statement("storage_history")
_RECIPES: Final = statement("recipes")

StorageClass = Literal["videos", "proxies", "exports", "archive", "segments", "previews", "recipes"]


class Stored(Wire):
    """Objects of a class, of a project or of the whole tenant. `bytes` of its own, `shared` with others, `saved`: what
    would be there besides, had equal uploads not been one, had each film been encoded whole, and had no proxy been
    folded into its recipe."""

    class_: StorageClass = msgspec.field(name="class")
    project_id: str
    objects: int
    bytes: int
    shared: int
    saved: int


class Forecast(Wire):
    """What the policy lets go in so many days, if nothing changes; `classes` has the bytes of each class."""

    days: int
    objects: int
    bytes: int
    classes: dict[Class, int]


async def stored(connection: AsyncConnection, blobs: BlobStore, tenant: str) -> list[Stored]:
    """What a tenant has now. What belongs to no project alone has an empty `projectId`. Raises
    ObjectUnreadableError."""
    recipes = await _recipes(connection, blobs, tenant)
    found = [
        Stored(
            class_=row["class"], project_id=row["project_id"], objects=row["objects"],
            bytes=recipes[row["project_id"]] if row["class"] == "recipes" else row["bytes"], shared=row["shared"],
            saved=row["saved"],
        )
        for row in (await connection.execute(_NOW, {"tenant": tenant})).mappings()
    ]  # fmt: skip
    objects = own = shared = saved = 0
    for segment in await store.segments(connection, blobs, tenant):
        objects += 1
        own += segment.size
        if segment.films > 1:
            shared += segment.size
            saved += segment.size * (segment.films - 1)
    if objects:
        found.append(Stored(class_="segments", project_id="", objects=objects, bytes=own, shared=shared, saved=saved))
    if previews := await store.previews(connection, blobs, tenant):
        size = sum(preview.size for preview in previews)
        found.append(Stored(class_="previews", project_id="", objects=len(previews), bytes=size, shared=0, saved=0))
    return found


async def _recipes(connection: AsyncConnection, blobs: BlobStore, tenant: str) -> Counter[str]:
    """Bytes of the recipes of proxies that were folded, by project."""
    folded = await connection.execute(_RECIPES, {"tenant": tenant})
    wanted = {(project_id, version) for project_id, version in folded}
    sizes = Counter[str]()
    for project_id in sorted({project_id for project_id, _ in wanted}):
        async for key, head in listed(blobs, receipts_of(project_id)):
            if isinstance(key, ReceiptKey) and key.profile == "proxy" and (project_id, key.version) in wanted:
                sizes[project_id] += head.size
    return sizes


async def forecast(connection: AsyncConnection, blobs: BlobStore, tenant: str) -> list[Forecast]:
    """What a plan would name today, in a week and in a month, by the policy of now. Within a transaction."""
    policy, at = await policies.current(connection, tenant), await now(connection)
    found = []
    for days in AHEAD:
        basis = Basis(tenant=tenant, position=0, policy=policy, at=at + timedelta(days=days))
        objects, sizes = 0, dict.fromkeys(get_args(Class), 0)
        async for line in judged(connection, blobs, basis, get_args(Class), frozenset()):
            if isinstance(line, Candidate):
                objects += 1
                sizes[line.class_] += line.size
        found.append(Forecast(days=days, objects=objects, bytes=sum(sizes.values()), classes=sizes))
    return found


async def roll_up(connection: AsyncConnection, blobs: BlobStore, tenant: str) -> list[Stored]:
    """Keeps what there is as the word on this hour; later looks within the hour take its place."""
    hour = (await now(connection)).replace(minute=0, second=0, microsecond=0)
    found = await stored(connection, blobs, tenant)
    await connection.execute(_FORGET_HOUR, {"tenant": tenant, "hour": hour})
    values = {"tenant": tenant, "hour": hour, "rows": msgspec.json.encode(found).decode()}
    await connection.execute(_ADD, values)
    return found


class Point(Wire):
    """A class at the end of an hour."""

    hour: datetime
    class_: StorageClass = msgspec.field(name="class")
    objects: int
    bytes: int
    shared: int
    saved: int


async def history(connection: AsyncConnection, tenant: str, start: datetime, end: datetime) -> list[Point]:
    """The whole tenant by hour and class, [start, end)."""
    rows = (await connection.execute(_HISTORY, {"tenant": tenant, "start": start, "end": end})).mappings()
    return [msgspec.convert(dict(row), Point) for row in rows]


class Keeper:
    """Rolls up every tenant, for the gauges and as the record of each hour, which the log is told when it is over. One
    process at a time does."""

    def __init__(
        self, engine: AsyncEngine, blobs: BlobStore, outbox: Outbox, registry: CollectorRegistry, blocked: Blocked,
        limit: Limit,
    ) -> None:  # fmt: skip
        self._engine, self._blobs, self._blocked = engine, blobs, blocked
        self._outbox, self._limit, self._used = outbox, limit, usage_gauge(registry)
        self.standing = Standing("gc.storage")
        self.skipping = Skipping("gc.storage")
        labels = ["tenant", "class"]
        self._bytes = Gauge("cutlog_gc_storage_bytes", "Bytes stored", labels, registry=registry)
        self._objects = Gauge("cutlog_gc_storage_objects", "Objects stored", labels, registry=registry)
        self._saved = Gauge(
            "cutlog_gc_storage_saved_bytes",
            "Bytes saved by deduplication and shared segments",
            labels,
            registry=registry,
        )
        self._ahead = Gauge(
            "cutlog_gc_forecast_bytes",
            "Bytes that the policy will allow to be deleted within this many days",
            [*labels, "days"],
            registry=registry,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        await lead_rounds(self._engine, self.standing, stop, self.once, EVERY_SECONDS)

    async def once(self) -> None:
        """Looks at all there is. Tenants of whom something cannot be read are reported; the others are rolled up."""
        async with self._engine.connect() as connection:
            everybody = await policies.tenants(connection)
        for tenant in everybody:
            with self.skipping.row(tenant):
                await self._tenant(tenant)

    async def _tenant(self, tenant: str) -> None:
        try:
            async with self._engine.begin() as connection:
                found = await roll_up(connection, self._blobs, tenant)
                await held.roll_up(connection, tenant)
                for hour, used in (await held.over(connection, tenant)).items():
                    await report(connection, self._outbox, "gc", tenant, hour, used)
                usage = await held.usage(connection, tenant, self._limit)
                ahead = await forecast(connection, self._blobs, tenant)
        except ObjectUnreadableError as error:
            self._blocked.by(tenant, error)
            return
        self._blocked.no_more(tenant)
        self._outbox.wake()
        for use in usage:
            for period, amount in (("hour", use.hour), ("day", use.day), ("month", use.month)):
                self._used.labels(tenant, use.budget, period).set(amount)
        for each in ahead:
            for class_, size in each.classes.items():
                self._ahead.labels(tenant, class_, each.days).set(size)
        for name in sorted({each.class_ for each in found}):
            of_class = [each for each in found if each.class_ == name]
            self._bytes.labels(tenant, name).set(sum(each.bytes for each in of_class))
            self._objects.labels(tenant, name).set(sum(each.objects for each in of_class))
            self._saved.labels(tenant, name).set(sum(each.saved for each in of_class))


def growth(points: Sequence[Point]) -> float:
    """Bytes more per day, from the first hour to the last; 0 for less than two."""
    totals: dict[datetime, int] = {}
    for point in points:
        totals[point.hour] = totals.get(point.hour, 0) + point.bytes
    if len(totals) < 2:
        return 0.0
    first, last = min(totals), max(totals)
    return (totals[last] - totals[first]) / ((last - first) / timedelta(days=1))
