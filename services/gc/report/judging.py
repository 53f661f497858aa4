"""Every class of objects through the same mill: found, judged by its rules, and made a line of a plan if it may go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Literal, assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.blobs import BlobStore
from cutlog.contract.answers.collection import Candidate, Class, Verdict
from cutlog.contract.keys import CacheKey, UnknownKeyError, parse_key
from services.gc.errors import GcError
from services.gc.projection import snapshot
from services.gc.report import store
from services.gc.report.possible import count, possible
from services.gc.report.reading import readable
from services.gc.rules.classes import (
    judge_leftover,
    judge_preview,
    judge_proxies,
    judge_segment,
    judge_video,
    judge_video_deletion,
)
from services.gc.rules.plan import Basis, candidate, object_candidate, proxy_candidate, video_candidate
from services.gc.rules.policy import judge, judge_deletion, judge_ready

Other = Literal["proxy", "segment", "preview", "video", "leftover"]
"""Classes but for exports, which are too many to be looked at one by one."""


class ObjectUnknownError(GcError):
    """The object does not exist."""


async def judged(
    connection: AsyncConnection, blobs: BlobStore, basis: Basis, classes: Sequence[Class], erase: frozenset[str]
) -> AsyncIterator[Candidate | int]:
    """The line of each object that may go, and numbers of those that are kept; a class after the other, by ids. Raises
    ObjectUnreadable."""
    async for each in _judged(connection, blobs, basis, classes, erase):
        if isinstance(each, Candidate):
            readable(each.key)
        yield each


async def _judged(
    connection: AsyncConnection, blobs: BlobStore, basis: Basis, classes: Sequence[Class], erase: frozenset[str]
) -> AsyncIterator[Candidate | int]:
    for class_ in dict.fromkeys(classes):
        if class_ == "export":
            kept = await count(connection, basis.tenant)
            async for project_id, facts, policy in possible(connection, basis, erase):
                verdict = judge_ready(facts, policy, basis.at)
                if verdict.verdict == "candidate":
                    kept -= 1
                    yield candidate(project_id, facts.export, verdict)
            yield kept
        else:
            async for _, verdict, line in _class(connection, blobs, basis, class_):
                yield line if verdict.verdict == "candidate" else 1


async def explained(
    connection: AsyncConnection, blobs: BlobStore, basis: Basis, object_id: str, erase: frozenset[str]
) -> Verdict:
    """The verdict on one object of any class. Of what is archived: on deleting it. Raises ObjectUnknownError,
    ObjectUnreadable."""
    if (whole := await snapshot.project_of(connection, basis.tenant, object_id)) is not None:
        for export, verdict in judge(whole, basis.policy, basis.at, erase):
            if export.export_id == object_id:
                if export.status == "archived":
                    return judge_deletion(whole, export, basis.policy, basis.at, erase)
                return verdict
    async for media in snapshot.media(connection, basis.tenant, [object_id]):
        judging = judge_video_deletion if media.status == "archived" else judge_video
        return judging(media, basis.policy, basis.at)
    for class_ in _classes_of(object_id):
        async for found, verdict, _ in _class(connection, blobs, basis, class_, object_id):
            if found == object_id:
                return verdict
    raise ObjectUnknownError(f"no object {object_id}")


def _classes_of(object_id: str) -> tuple[Other, ...]:
    """The classes that may have what is named by more than a plain id: a proxy, or an object by its key."""
    if object_id.startswith("proxy:"):
        return ("proxy",)
    try:
        return ("segment", "preview") if isinstance(parse_key(object_id), CacheKey) else ("preview", "leftover")
    except UnknownKeyError:
        return ()


async def _class(
    connection: AsyncConnection, blobs: BlobStore, basis: Basis, class_: Other, object_id: str = ""
) -> AsyncIterator[tuple[str, Verdict, Candidate]]:
    """Each object of a class with its verdict and its line; with `object_id` that one, or proxies of its project."""
    policy, at = basis.policy, basis.at
    named = [object_id] if object_id else None
    match class_:
        case "proxy":
            only = [object_id.split(":")[1]] if object_id else []
            async for project in snapshot.projects(connection, basis.tenant, only):
                for proxy, verdict in judge_proxies(project, policy, at):
                    line = proxy_candidate(project.project_id, proxy, verdict)
                    yield line.id, verdict, line
        case "video":
            async for media in snapshot.media(connection, basis.tenant):
                verdict = judge_video(media, policy, at)
                yield media.media_id, verdict, video_candidate(media, verdict)
        case "segment":
            for segment in await store.segments(connection, blobs, basis.tenant, named):
                verdict = judge_segment(segment, policy, at)
                yield segment.key, verdict, object_candidate("segment", segment, verdict)
        case "preview":
            for preview in await store.previews(connection, blobs, basis.tenant, named):
                verdict = judge_preview(preview, policy, at)
                yield preview.key, verdict, object_candidate("preview", preview, verdict)
        case "leftover":
            for leftover in await store.leftovers(connection, blobs, basis.tenant, named):
                verdict = judge_leftover(leftover, at)
                yield leftover.key, verdict, object_candidate("leftover", leftover, verdict)
        case _:
            assert_never(class_)
