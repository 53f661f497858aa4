"""What no stream alone can promise, in appends that are committed together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import event as sql
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cutlog.contract.events import (
    EventData,
    MediaArchived,
    MediaDeleted,
    MediaReleased,
    MediaUploaded,
    ProjectCreated,
    VersionCommitted,
)
from cutlog.contract.timeline import Canvas
from services.ops.decide.refusals import MediaGoneError, MediaInUseError, RefusedError
from services.ops.log.append import LogWriter
from services.ops.log.records import Append, Appended
from services.ops.readmodel.derive import derive
from services.ops.readmodel.guard import guard
from services.ops.readmodel.wholly import wholly
from tests.ops.conftest import FACTS, TRACE
from tests.support.database import Database

USES = VersionCommitted(
    version=1, ops=({"op": "track.add", "track": "v1", "kind": "video"},), duration=0, digest="d", media_added=("film",)
)


def append(stream: str, version: int, *events: EventData) -> Append:
    return Append(stream=stream, expected_version=version, events=events, tenant="default", actor="tester", trace=TRACE)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database.url("ops"))
    yield engine
    await engine.dispose()


@pytest.fixture
async def log(engine: AsyncEngine) -> AsyncIterator[LogWriter]:
    """With a media `film` and a project `p` that does not use it."""
    sha256 = "ab" * 32
    film = MediaUploaded(
        sha256=sha256, size=1000, name="film.mov", key=f"videos/default/{sha256}.1.mov", generation=1, kind="video",
        facts=FACTS, ref_count=1,
    )  # fmt: skip
    async with LogWriter(engine, inline=(guard, derive), wholly=wholly) as log:
        await log.append(append("media.film", 0, film))
        await log.append(append("project.p", 0, ProjectCreated(name="Film", canvas=Canvas())))
        yield log


async def test_a_project_about_a_media_uses_it_before_its_first_edit(log: LogWriter) -> None:
    about = ProjectCreated(name="About it", canvas=Canvas(), media_added=("film",))
    await log.append(append("project.about", 0, about))
    with pytest.raises(MediaInUseError, match="1 projects"):
        await log.append(append("media.film", 1, MediaReleased(ref_count=0)))
    gone = ProjectCreated(name="Too late", canvas=Canvas(), media_added=("another",))
    with pytest.raises(MediaGoneError):
        await log.append(append("project.late", 0, gone))


@pytest.mark.few(1, reason="one more database")
@pytest.mark.parametrize("used_first", [True, False])
async def test_a_media_that_goes_and_a_version_that_uses_it_in_one_batch_are_not_both_written(
    log: LogWriter, used_first: bool
) -> None:
    both = [append("project.p", 1, USES), append("media.film", 1, MediaReleased(ref_count=0))]
    # Both are in the queue before the log looks at it.
    outcomes = await asyncio.gather(*map(log.append, both if used_first else both[::-1]), return_exceptions=True)
    written, refused = outcomes
    assert isinstance(written, Appended)
    assert isinstance(refused, MediaInUseError if used_first else MediaGoneError)


@pytest.mark.few(1, reason="one more database")
@pytest.mark.parametrize("end", [MediaArchived(key="archive/videos/film", generation=1), MediaDeleted(generation=1)])
async def test_its_file_does_not_go_in_one_batch_with_a_version_that_uses_it(log: LogWriter, end: EventData) -> None:
    both = [append("project.p", 1, USES), append("media.film", 1, end)]
    written, refused = await asyncio.gather(*map(log.append, both), return_exceptions=True)
    assert isinstance(written, Appended)
    assert isinstance(refused, MediaInUseError)


async def test_other_appends_still_share_a_transaction(log: LogWriter, engine: AsyncEngine) -> None:
    commits = [0]
    sql.listen(engine.sync_engine, "commit", lambda _: commits.__setitem__(0, commits[0] + 1))
    both = [append("project.p", 1, USES), append("media.film", 1, MediaReleased(ref_count=1))]
    outcomes = await asyncio.gather(*map(log.append, both), return_exceptions=True)
    assert not any(isinstance(each, RefusedError) for each in outcomes)
    assert commits == [1]
