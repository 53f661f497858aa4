"""Events as ops would write them, for tests of what gc makes of them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from cutlog.contract import events as e
from cutlog.contract.envelope import Event
from cutlog.contract.media import MediaFacts
from cutlog.contract.timeline import Canvas

START = datetime(2031, 1, 1, tzinfo=UTC)


class Log:
    """Makes events with positions as ops would."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def say(self, stream: str, data: e.EventData, tenant: str = "default") -> Event:
        position = len(self.events) + 1
        event = Event(
            position=position,
            id=uuid.uuid4(),
            stream=stream,
            version=1 + sum(1 for known in self.events if known.stream == stream),
            type=type(data).__name__,
            tenant=tenant,
            actor="tester",
            trace="00-0-0-00",
            at=START + timedelta(minutes=position),
            data=data,
        )
        self.events.append(event)
        return event


def history() -> Log:
    """A project with three exports in different states, pins that came and went, and a proxy rendered twice."""
    log, p, q = Log(), "project.p", "project.q"
    log.say(p, e.ProjectCreated(name="P", canvas=Canvas()))
    log.say(q, e.ProjectCreated(name="Q", canvas=Canvas(), media_added=("theirs",)), tenant="other")
    log.say("media.m", uploaded())
    for version in (1, 2, 3):
        log.say(p, e.VersionCommitted(version=version, ops=(), duration=1, digest="d"))
        log.say(p, e.ExportRequested(export_id=f"x{version}", version=version, profile="mp4"))
    for version in (1, 2):
        log.say(p, rendered(version, size=version * 100))
    log.say(p, e.ExportFailed(export_id="x3", reason="boom"))
    log.say(p, e.ExportPinned(version=1, reason="sign-off"))
    log.say(p, e.ExportPinned(version=1, profile="mp4"))
    log.say(p, e.ExportUnpinned(version=1))
    log.say(p, e.ExportPinned(version=2, expires_at=START + timedelta(days=9)))
    log.say(p, e.ExportArchived(export_id="x1", key="archive/x1_v1_final.mp4"))
    log.say(p, proxy(3, size=7))
    log.say(p, proxy(3, size=8))
    log.say(p, e.ProjectDeleted())
    log.say(p, e.ProjectRestored())
    log.say(q, e.ProjectDeleted(), tenant="other")
    return log


def uploaded() -> e.MediaUploaded:
    facts = MediaFacts(container="mov", duration="1")
    return e.MediaUploaded(
        sha256="ab", size=50, name="m.mp4", key="videos/default/ab.1.mp4", generation=1, kind="video", facts=facts,
        ref_count=1,
    )  # fmt: skip


def rendered(version: int, size: int) -> e.ExportRendered:
    key = f"export/p/v{version}_final.mp4"
    return e.ExportRendered(
        export_id=f"x{version}", version=version, profile="mp4", key=key, size=size, sha256="s", frames=1
    )


def proxy(version: int, size: int) -> e.ProxyRendered:
    key = f"proxy/p/v{version}_proxy.mp4"
    return e.ProxyRendered(version=version, digest="d", key=key, size=size, sha256="s", frames=1)
