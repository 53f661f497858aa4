"""The rules for what is no export: proxies, videos, segments, previews, leftovers. Pure, like `policy`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from cutlog.contract.answers.collection import Policy, Reason, Verdict
from services.gc.rules.policy import Said, min_age, moment, policy_of, ttl, verdict_of
from services.gc.rules.roots import Media, Project, Proxy

LEASE_HOURS = 24
"""How long what is unfinished is left to whoever began it."""


class Segment(msgspec.Struct, frozen=True):
    """A file of the render cache, last written at `written_at`. `films` counts those kept that are made of it."""

    key: str
    size: int
    written_at: datetime
    films: int


class Bare(msgspec.Struct, frozen=True):
    """An object that no row speaks of, last written at `written_at`: a preview, or a leftover."""

    key: str
    size: int
    written_at: datetime


def proxy_id(project_id: str, version: int) -> str:
    """How a plan names a proxy."""
    return f"proxy:{project_id}:{version}"


def judge_proxies(project: Project, policy: Policy, at: datetime) -> Iterator[tuple[Proxy, Verdict]]:
    """A verdict on each proxy of a project. It can be rendered again; the newest is what a player shows first."""
    policy = policy_of(policy, project.project_id)
    newest = max((proxy.version for proxy in project.proxies), default=None)
    for proxy in project.proxies:
        yield proxy, verdict_of(_proxy(project, proxy, newest, policy, at))


def _proxy(project: Project, proxy: Proxy, newest: int | None, policy: Policy, at: datetime) -> Iterator[Said]:
    if project.deleted_at is None and proxy.version == newest:
        yield True, Reason(rule="latest", detail="it is the newest proxy of the project")
    if policy.min_age_hours:
        yield min_age(proxy.rendered_at, policy, at)
    start = max(filter(None, (proxy.rendered_at, project.deleted_at)))
    since = "the project was deleted" if start == project.deleted_at else "rendered"
    yield ttl(since, start, "proxyTtlDays", policy.proxy_ttl_days, at)


def judge_folding(project: Project, proxy: Proxy, after: timedelta, at: datetime) -> Verdict:
    """A verdict on folding a proxy into its recipe, by itself: it is joined again when somebody wants to see it."""
    return verdict_of(_folding(project, proxy, after, at))


def _folding(project: Project, proxy: Proxy, after: timedelta, at: datetime) -> Iterator[Said]:
    if project.deleted_at is not None:
        yield True, Reason(rule="not-ready", detail="the project is deleted")
    if proxy.version == max(each.version for each in project.proxies):
        yield True, Reason(rule="latest", detail="it is the newest proxy of the project")
    for pin in project.pins:
        if pin.version == proxy.version and (pin.expires_at is None or at < pin.expires_at):
            yield True, Reason(rule="pinned", detail=f"version {pin.version} is pinned")
    ends = proxy.rendered_at + after
    yield at < ends, Reason(rule="min-age", detail=f"rendered {moment(proxy.rendered_at)}, a file until {moment(ends)}")


def judge_video(media: Media, policy: Policy, at: datetime) -> Verdict:
    """A verdict on archiving a video: nobody holds on to it, and nobody did for as long as an export is kept."""
    return verdict_of(_video(media, policy, at))


def _video(media: Media, policy: Policy, at: datetime) -> Iterator[Said]:
    if media.status != "ready":
        yield True, Reason(rule="not-ready", detail=f"it is {media.status}")
    if media.users:
        named = ", ".join(media.users[:3]) + (", …" if len(media.users) > 3 else "")
        yield True, Reason(rule="in-use", detail=f"{len(media.users)} projects use it: {named}")
    if policy.min_age_hours:
        yield min_age(media.uploaded_at, policy, at)
    start = max(filter(None, (media.touched_at, media.left_at)))
    since = "the last project that used it was deleted" if start == media.left_at else "uploaded or released"
    yield ttl(since, start, "ttlDays", policy.ttl_days, at)


def judge_video_deletion(media: Media, policy: Policy, at: datetime) -> Verdict:
    """A verdict on deleting an archived video."""
    return verdict_of(_archived_video(media, policy, at))


def _archived_video(media: Media, policy: Policy, at: datetime) -> Iterator[Said]:
    if media.archived_at is None:
        yield True, Reason(rule="not-ready", detail=f"it is {media.status}")
        return
    if media.users:
        yield True, Reason(rule="in-use", detail=f"{len(media.users)} projects use it")
    ends = media.archived_at + timedelta(days=policy.archive_grace_days)
    detail = f"archived {moment(media.archived_at)}; archiveGraceDays {policy.archive_grace_days} end {moment(ends)}"
    yield at < ends, Reason(rule="grace", detail=detail)


def judge_segment(segment: Segment, policy: Policy, at: datetime) -> Verdict:
    """A verdict on a segment. It can be made again, as long as the sources are there."""
    return verdict_of(_segment(segment, policy, at))


def _segment(segment: Segment, policy: Policy, at: datetime) -> Iterator[Said]:
    if segment.films:
        yield True, Reason(rule="referenced", detail=f"{segment.films} kept renders use it")
    if policy.min_age_hours:
        yield min_age(segment.written_at, policy, at)
    yield ttl("written", segment.written_at, "segmentTtlDays", policy.segment_ttl_days, at)


def judge_preview(preview: Bare, policy: Policy, at: datetime) -> Verdict:
    """A verdict on a frame or thumbnail that a viewer asked for. It is made again when it is asked for."""
    return verdict_of(_preview(preview, policy, at))


def _preview(preview: Bare, policy: Policy, at: datetime) -> Iterator[Said]:
    if policy.min_age_hours:
        yield min_age(preview.written_at, policy, at)
    yield ttl("written", preview.written_at, "previewTtlDays", policy.preview_ttl_days, at)


def judge_leftover(leftover: Bare, at: datetime) -> Verdict:
    """A verdict on what nothing refers to."""
    ends = leftover.written_at + timedelta(hours=LEASE_HOURS)
    detail = f"nothing refers to it; written {moment(leftover.written_at)}, left alone until {moment(ends)}"
    return verdict_of(iter([(at < ends, Reason(rule="leased", detail=detail))]))
