"""How long the audit log keeps its entries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import create_async_engine

from cutlog.auth.audit import Entry
from services.ops.access.audit import Audit
from tests.support.database import Database

DAY = 86400.0


async def test_entries_are_kept_for_as_long_as_is_set_and_listed_by_subject_action_and_time(database: Database) -> None:
    engine = create_async_engine(database.url("ops"))
    audit, now = Audit(engine), datetime.now(UTC)
    for days, subject, action in ((400, "ann", "key.created"), (100, "ann", "key.deleted"), (1, "ben", "pin.set")):
        at = now - timedelta(days=days)
        entry = Entry(
            tenant="acme", subject=subject, credential="token t", address="127.0.0.1", action=action, target="x", at=at
        )  # fmt: skip
        await audit.note(entry, f"{subject} {action}")
        await audit.note(entry, f"{subject} {action}")

    async def actions(
        subject: str | None = None, action: str | None = None, since: datetime | None = None
    ) -> list[str]:
        return [each.action for each in await audit.entries("acme", None, subject, action, since, None, 100)]

    assert await actions() == ["pin.set", "key.deleted", "key.created"], "each once"
    assert await actions("ann") == await actions(action="key") == ["key.deleted", "key.created"]
    assert await actions(since=now - timedelta(days=30)) == ["pin.set"]
    assert (await audit.forget(365 * DAY), await audit.forget(365 * DAY)) == (1, 0)
    assert await actions() == ["pin.set", "key.deleted"]
    await engine.dispose()
