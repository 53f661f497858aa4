"""Fixtures shared by all tests. Everything is real; what is expensive is made once per test process."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.support import chance, containers, costs, lanes, shelf, starts
from tests.support.buckets import SeaweedFS, seaweedfs
from tests.support.configuration import SettingsFactory
from tests.support.database import Cluster, Database, cluster
from tests.support.database import database as fresh_database
from tests.support.disks import small_disk
from tests.support.messaging import NatsServer, nats_server
from tests.support.painting import Painter
from tests.support.stacks import RunningStack

chance.register()

#: Files of tests are in memory where it has room for those of all: whatever syncs them does not wait for a disk.
MEMORY = Path("/dev/shm")
ROOM = 6 << 30
STACK = pytest.StashKey[RunningStack]()
LAWS = Path(__file__).with_name("laws")
if MEMORY.is_dir() and "PYTEST_DEBUG_TEMPROOT" not in os.environ:
    held = os.statvfs(MEMORY)
    if held.f_bavail * held.f_frsize >= ROOM and not held.f_flag & os.ST_NOEXEC:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)


@pytest.fixture(scope="session")
def pg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """PostgreSQL with a template database migrated for all services."""
    start = containers.container_cluster if containers.WANTED else cluster
    with start(tmp_path_factory.mktemp("pg")) as running:
        yield running


@pytest.fixture
def database(pg: Cluster) -> Iterator[Database]:
    """A fresh database: `.url(service)`, `.dsn(service)`, `.owner_url`."""
    with fresh_database(pg) as made:
        yield made


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection to it that may do all."""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A NATS server of this test's own: `.url`, `.seed(user)`, `.kill()`, `.restart()`, `.wipe()`."""
    start = containers.container_nats if containers.WANTED else nats_server
    with start(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A server of S3: `.url`, `.bucket()`, `.freeze()`, `.thaw()`, `.stop()`, `.start()`. Who disturbs it mends it. It
    does not outlive its module, since it is busy with itself while nobody uses it."""
    with seaweedfs(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def bucket(s3: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> str:
    """s3://… of an empty place; the environment leads there."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3.bucket()}/a/prefix"


@pytest.fixture
def settings_for(tmp_path: Path, database: Database, nats: NatsServer) -> SettingsFactory:
    """`settings_for("ops")` → Settings on this test's database, NATS and object folder; `.token(role)`, `.peers`."""
    return SettingsFactory(tmp_path, database, nats)


@pytest.fixture(scope="session")
def painted() -> Painter:
    """Clips whose frames carry their number: `painted(fps=25, frames=50, size=(160, 90), audio=True, tag=1)`."""
    return Painter()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[RunningStack]:
    """A real `cutlog up` for all tests that look at it, in one worker: `.url`, `.token(role)`, `.data`, `.pids`."""
    running = pytestconfig.stash[STACK] = RunningStack(tmp_path_factory.mktemp("stack") / "data")
    running.start()
    yield running
    running.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """After the last test that looks at it the stack ends: idle, its processes take a twentieth of a core."""
    yield
    running = item.config.stash.get(STACK, None)
    if running is not None and "stack" not in getattr(nextitem, "fixturenames", ()):
        running.stop()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[RunningStack]:
    """A real `cutlog up` that nobody else looks at: it may be broken, tormented, stopped and started again."""
    running = RunningStack(tmp_path / "alone")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def disk_of(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Makes the test's disk, `disk_of("4m")`; skips where none may be mounted."""
    with ExitStack() as mounted:

        def make(size: str) -> Path:
            if why_not := mounted.enter_context(small_disk(tmp_path / "disk", size)):
                pytest.skip(why_not)
            return tmp_path / "disk"

        yield make


def pytest_configure(config: pytest.Config) -> None:
    """Counts what tests start, and notes what they cost, where that is wanted; and has a folder for what all workers
    share."""
    starts.register(config)
    costs.register(config)
    if not hasattr(config, "workerinput"):
        config.add_cleanup(shelf.begin())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> lanes.ByFile | None:
    """How tests are shared out among workers."""
    return lanes.ByFile(config, log) if lanes.cheap(config) and config.option.dist == "loadgroup" else None


def pytest_collection() -> None:
    """What is loaded stays: the collector need not look at thousands of modules and tests again and again, neither
    while they are loaded nor afterwards."""
    gc.disable()


def pytest_collection_finish() -> None:
    """What tests leave is collected."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 50)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sends what `few` leaves over into the slow lane; keeps all tests of the whole stack in one xdist worker, so that
    one stack serves them, and likewise those of S3, and the laws, which parse the same modules. Those of the stack come
    first, one after the other."""
    lanes.part(items)
    items.sort(key=lambda item: "stack" not in getattr(item, "fixturenames", ()))
    reason = containers.absent() if containers.WANTED else None
    for item in items:
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=reason))
        for shared in ("stack", "s3"):
            if shared in getattr(item, "fixturenames", ()):
                lanes.together(shared, item, config)
        if item.path.parent == LAWS:
            lanes.together("laws", item, config)
