"""What `cutlog fsck` looks at of rendering: what it has heard of media, its cache, films of which ops has yet to hear;
and how films are made again.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Final

import aiohttp
import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.auth.credentials import Identity
from cutlog.bus.outbox import waiting
from cutlog.bus.shadow import Derived
from cutlog.contract.commands import Output, ReportExport, ReportProxy
from cutlog.contract.keys import CACHE, CacheKey, ReceiptKey, UnknownKeyError, parse_key
from cutlog.contract.receipts import ReceiptForeign, ReceiptUnreadable, read
from cutlog.hosting.proof import House, Kept, Proof, Unreadable
from cutlog.web.trace import child_of
from services.render.audio.treatment import Measured
from services.render.cache.packets import TornSegmentError, unseal
from services.render.plan.profiles import EXPORTS
from services.render.produce.make import Maker
from services.render.produce.orders import Order
from services.render.produce.timelines import Timelines
from services.render.queue import jobs, learn


def _sound(key: str, data: bytes) -> bool:
    """Receipts and measurements can be read; everything else is sealed."""
    try:
        match parse_key(key):
            case ReceiptKey() as receipt:
                read(receipt, data)
            case CacheKey(kind="json"):
                msgspec.json.decode(data, type=Measured)
            case CacheKey():
                unseal(data)
            case _:
                raise Unreadable("it is no file of the render cache")
    except (UnknownKeyError, ReceiptForeign) as error:
        raise Unreadable(str(error)) from error
    except (ReceiptUnreadable, TornSegmentError, msgspec.DecodeError):
        return False
    return True


async def _kept(connection: AsyncConnection) -> AsyncIterator[Kept]:
    """Films of which ops has not heard yet."""
    for command in await waiting(connection):
        match command.body:
            case ReportProxy(project_id=project, version=version, output=Output() as made):
                owner, what = f"{project}/{version}/proxy", "proxy"
            case ReportExport(project_id=project, version=version, profile=profile, output=Output() as made):
                owner, what = f"{project}/{version}/{profile}", "export"
            case _:
                continue
        yield Kept(made.key, made.size, made.sha256, what, owner, made_by="render")


async def _mend(house: House, kept: Kept) -> str | None:
    """A proxy is queued, and the log told of the new one. An export is made here and now: it must be what it was."""
    async with aiohttp.ClientSession() as session:
        settings = house.settings
        timelines = Timelines(session, settings.peers["ops"], Identity.of("render", settings.credentials))
        project, version, profile = kept.owner.split("/")
        timeline = await timelines.fetch(project, int(version))
        if kept.what == "proxy":
            async with house.engine.begin() as connection:
                await jobs.want_proxy(
                    connection, tenant=timeline.tenant, project_id=project, version=int(version), digest="",
                    position=0, trace=child_of(None), asked=True,
                )  # fmt: skip
            return "queued to be rendered again"
        wanted = next((name for name in EXPORTS if name == profile), None)
        if wanted is None:
            return None
        maker = Maker(await house.ffmpeg(), house.blobs, cores=os.cpu_count() or 1, fonts=house.settings.fonts)
        order = Order(timeline=timeline, profile=EXPORTS[wanted], key=kept.key, sync=True)
        made = await maker.make(order, lambda _: None)
    if made.sha256 != kept.sha256:
        return None
    return "rendered again, byte for byte"


PROOF: Final = Proof(
    derived=Derived(
        tables=("media",),
        apply=learn.apply,
        checkpoint=learn.NAME,
        subjects=learn.SUBJECTS,
    ),
    kept=_kept,
    cache=CACHE,
    sound=_sound,
    mend=_mend,
)
