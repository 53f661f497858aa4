"""fsck and the collector share one definition of what belongs: just what fsck says is offered is offered."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from cutlog.contract.belonging import Held, place
from cutlog.contract.commands import RecordMediaReady
from cutlog.contract.events import MediaReady
from cutlog.contract.keys import (
    ArchivedExportKey,
    ArchivedVideoKey,
    CacheKey,
    Content,
    ExportKey,
    ImportKey,
    ObjectKey,
    OriginalKey,
    PartKey,
    ProxyKey,
    ReceiptKey,
    RenditionKey,
    SliceKey,
    StreamKey,
    ThumbnailKey,
)
from cutlog.contract.media import Rendition, Renditions
from cutlog.operate.fsck.objects import BY_HAND, FOREIGN, OFFERED
from cutlog.operate.fsck.run import proven
from tests.gc.house import EAGER, FACTS, House, house
from tests.support.configuration import SettingsFactory
from tests.support.fsck import services

SHA = "ab" * 32
THERE, GONE = Content("default", SHA, 2), Content("default", SHA, 1)
AGAIN = Content("default", "cd" * 32, 0)
HELD = Held(
    frozenset({"videos/default/kept"}), frozenset({THERE, AGAIN}), frozenset({"x_1", "v_1"}), {THERE: 0, AGAIN: 2}
)


@pytest.fixture
async def home(settings_for: SettingsFactory) -> AsyncIterator[House]:
    async with house(settings_for) as made:
        yield made


@pytest.mark.parametrize(
    ("key", "where"),
    [
        (OriginalKey(THERE, ".mov"), "leftover"), (RenditionKey(THERE, "proxy.mp4"), "stray"),
        (RenditionKey(GONE, "proxy.mp4"), "leftover"), (ThumbnailKey(THERE, 1), "preview"),
        (StreamKey(THERE, 2, "pcm"), "stray"), (StreamKey(GONE, 2, "mp4"), "leftover"),
        (RenditionKey(THERE, "proxy-alpha.mp4"), "stray"), (RenditionKey(GONE, "proxy-alpha.mp4"), "leftover"),
        (SliceKey(THERE, 0, "mp4", 0, 9), "stray"), (SliceKey(GONE, 0, "mp4", 0, 9), "leftover"),
        (SliceKey(AGAIN, 0, "m4a", 0, 9, 1, last=True), "superseded"),
        (StreamKey(THERE, 2, "alpha.mp4"), "stray"), (StreamKey(GONE, 2, "alpha.mp4"), "leftover"),
        (RenditionKey(AGAIN, "proxy.mp4"), "superseded"), (StreamKey(AGAIN, 1, "pcm", 1), "superseded"),
        (ThumbnailKey(AGAIN, 1, 1), "superseded"), (ThumbnailKey(AGAIN, 1, 2), "preview"),
        (RenditionKey(AGAIN, "proxy.mp4", 2), "stray"), (RenditionKey(AGAIN, "proxy.mp4", 3), "stray"),
        (RenditionKey(GONE, "proxy.mp4", 1), "leftover"),
        (ThumbnailKey(GONE, 1), "leftover"), (CacheKey("default", SHA, "mp4"), "segment"),
        (CacheKey("default", SHA, "pcm"), "segment"), (CacheKey("default", SHA, "json"), "segment"),
        (CacheKey("default", SHA, "jpeg"), "preview"), (CacheKey("default", SHA, "png"), "preview"),
        (ReceiptKey("p", 1, "proxy"), "receipt"), (ProxyKey("p", 1), "stray"), (ExportKey("p", 1, "gif"), "stray"),
        (ArchivedExportKey("x_1", 1, "mp4"), "leftover"), (ArchivedExportKey("x_2", 1, "mp4"), "stray"),
        (ArchivedVideoKey("v_1", SHA, 1, ".mov"), "leftover"), (ArchivedVideoKey("v_2", SHA, 1, ".mov"), "stray"),
        (ImportKey("run", SHA), "stray"), (PartKey("u_1", 0, "ab" * 6), "stray"),
    ],
)  # fmt: skip
def test_every_kind_of_key_has_its_place(key: ObjectKey, where: str) -> None:
    assert place(key, HELD) == where
    assert place(key, Held(frozenset({str(key)}), HELD.contents, HELD.owners)) == "kept"


@pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")
async def test_what_fsck_calls_offered_is_what_the_collector_offers(home: House, settings_for: SettingsFactory) -> None:
    await home.media("m")
    await home.project("p", 2)
    export = await home.export("p", 1)
    await home.export("p", 2)
    here, gone = Content("default", hashlib.sha256(b"m").hexdigest(), 1), Content("default", "de" * 32, 1)
    leftovers = {
        str(key) for key in (
            OriginalKey(gone, ".mov"), RenditionKey(gone, "sprite.jpg"), ThumbnailKey(gone, 4),
            ArchivedExportKey(export, 1, "mp4"), ArchivedVideoKey("m", gone.sha256, 1, ".mov"),
        )
    }  # fmt: skip
    strays = {
        str(key) for key in (
            RenditionKey(here, "waveform.png"), "proxy/p/cover.png", ProxyKey("p", 1), ExportKey("p", 9, "gif"),
            ArchivedExportKey("x_unknown", 1, "mp4"), ArchivedVideoKey("v_unknown", gone.sha256, 1, ".mov"),
        )
    }  # fmt: skip
    fine = {str(ThumbnailKey(here, 4)), str(CacheKey("default", "aa" * 32, "png"))}
    for key in leftovers | strays | fine:
        await home.blobs.put_bytes(key, b"x")
        os.utime(home.objects / key, (time.time() - 100 * 86_400,) * 2)
    body = {"policy": EAGER, "classes": ["leftover", "preview"]}
    plan = await home.gc("POST", "/calculate", body)
    offered = {each["id"]: each["class"] for each in plan["candidates"]}
    assert offered == dict.fromkeys(leftovers, "leftover") | dict.fromkeys(fine, "preview")
    foreign = {"videos/default/holiday.mov", "derived/default/x/proxy.mp4", f"segments/default/aa/{'aa' * 32}.m4s"}
    for key in foreign:
        await home.blobs.put_bytes(key, b"x")

    async with services(settings_for, "ops", "media", "render", "gc") as stack:
        found = await proven(stack, again=())
        again = await proven(stack, repair=True, again=())
    told = {each.name: each.remedy for each in found.findings if each.check == "stray"}
    assert {key: told.get(key) for key in leftovers | strays | fine | foreign} == (
        dict.fromkeys(leftovers, OFFERED) | dict.fromkeys(strays, BY_HAND) | dict.fromkeys(fine)
        | dict.fromkeys(foreign, FOREIGN)
    )  # fmt: skip
    assert {key for key, remedy in told.items() if remedy == OFFERED} == leftovers
    assert leftovers | strays | foreign <= {each.name for each in again.findings if each.repaired is None}
    assert foreign <= home.there("videos", "derived", "segments"), "repair leaves alone what it cannot read"


@pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")
async def test_renditions_of_an_earlier_examination_are_offered_a_day_after_the_next(
    home: House, settings_for: SettingsFactory
) -> None:
    await home.media("m")
    await home.project("p", 1)
    content = Content("default", hashlib.sha256(b"m").hexdigest(), 1)
    old, new = (str(RenditionKey(content, "proxy.mp4", revision)) for revision in (0, 1))
    await home.blobs.put_bytes(new, b"d" * 9)
    os.utime(home.objects / old, (time.time() - 100 * 86_400,) * 2)

    async def offered(at: datetime | None = None) -> list[str]:
        body = {"policy": EAGER, "classes": ["leftover"]} | ({} if at is None else {"at": at.isoformat()})
        return [each["id"] for each in (await home.gc("POST", "/calculate", body))["candidates"]]

    assert await offered() == []
    proxy = Rendition(key=new, size=9, sha256=hashlib.sha256(b"d" * 9).hexdigest(), frames=300)
    ready = MediaReady(facts=FACTS, renditions=Renditions(proxy=proxy))
    await home.tell("media", RecordMediaReady(media_id="m", event=ready))
    assert await offered() == [], "what is under way may still read it"
    assert await offered(datetime.now(UTC) + timedelta(hours=25)) == [old]
    async with services(settings_for, "ops", "media", "render", "gc") as stack:
        found = await proven(stack, again=())
    assert {old, new} & {each.name for each in found.findings if each.check == "stray"} == {new}, (
        "media has no such row"
    )
