"""What the tests cost in processor time: by folder, file, test and fixture, and which programs they start.

With CUTLOG_TEST_COSTS=FOLDER each process of pytest notes there what each test and each set-up of a fixture took: its
own time and that of all that it started (PostgreSQL, NATS, services, ffmpeg). `python -m tests.support.costs FOLDER`
adds it up; `make test-costs` does both.
"""

from __future__ import annotations

import os
import resource
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.support.starts import STARTED

GROUPS: Final = (
    (Path("/sys/fs/cgroup/cpuacct"), "cpuacct.usage", 1e9),
    (Path("/sys/fs/cgroup"), "cpu.stat", 1e6),
)
"""Where control groups are, versions 1 and 2; the file with what one has used, and its units in a second."""
FOLDER: Final = os.environ.get("CUTLOG_TEST_COSTS")


class Cost(msgspec.Struct, frozen=True):
    """What one thing took."""

    kind: str
    """`test`, `fixture` (within a test), `rest` (start, collection and end of a process of pytest)."""
    name: str
    """A test's id; of a fixture its name and scope."""
    file: str
    seconds: float
    """Processor time, user and system."""
    started: dict[str, int] = {}
    """Programs that the process of pytest started itself, and how many times."""


def meter() -> tuple[Callable[[], float], Callable[[], None]]:
    """Gives seconds of processor time, user and system, of this process and all that it starts from now on; and ends.

    A control group counts all of it. Where none can be made, children count once they have ended and were waited for.
    """
    for root, file, unit in GROUPS:
        group, processes = root / f"cutlog-tests-{os.getpid()}", root / "cgroup.procs"
        with suppress(OSError):
            if processes.exists():
                group.mkdir()
                (group / "cgroup.procs").write_text(str(os.getpid()))
                _used(group / file, unit)
                return partial(_used, group / file, unit), partial(_leave, group)
    return _waited_for, lambda: None


def _used(file: Path, unit: float) -> float:
    return float(file.read_text().splitlines()[0].split()[-1]) / unit


def _leave(group: Path) -> None:
    with suppress(OSError):  # a daemon of a test may still be there
        (group.parent / "cgroup.procs").write_text(str(os.getpid()))
        group.rmdir()


def _waited_for() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, kinds))


class Costs:
    """The plugin of one process of pytest."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._out = (folder / f"{os.getpid()}.jsonl").open("ab", buffering=0)
        self._started = Counter(STARTED)
        before = _waited_for()
        self._spent, self._end = meter()
        # A control group knows nothing of what was spent before it was joined, but that of a worker's parent does.
        alone = "PYTEST_XDIST_WORKER" not in os.environ
        self._last = -before if alone and self._spent is not _waited_for else 0.0

    def _note(self, kind: str, name: str, file: str) -> None:
        now = self._spent()
        cost = Cost(kind, name, file, round(now - self._last, 3), dict(STARTED - self._started))
        self._out.write(msgspec.json.encode(cost) + b"\n")
        self._started = Counter(STARTED)
        self._last = self._spent()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._note("rest", "between tests", "")
        outcome = yield
        self._note("test", item.nodeid, item.location[0])
        return outcome

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        file = request.node.nodeid.partition("::")[0]
        self._note("test", request.node.nodeid, file)
        outcome = yield
        self._note("fixture", f"{fixturedef.argname} ({fixturedef.scope})", file)
        return outcome

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        self._note("rest", "collection", "")

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self._note("rest", "end", "")
        self._end()


def register(config: pytest.Config) -> None:
    """Measures from here on, where it is wanted."""
    if FOLDER:
        config.pluginmanager.register(Costs(Path(FOLDER)))


def read(folder: Path) -> list[Cost]:
    """All that was noted."""
    decoder = msgspec.json.Decoder(Cost)
    return [decoder.decode(line) for path in folder.glob("*.jsonl") for line in path.read_bytes().splitlines()]


def table(costs: Iterable[Cost], rows: int) -> Iterator[str]:
    """Lines for people: by folder, the dearest files, tests and fixtures, and programs started."""
    costs = list(costs)
    total = sum(cost.seconds for cost in costs)
    groups = {
        "folder": ((cost.file.rpartition("/")[0] or cost.name, cost) for cost in costs),
        "file": ((cost.file or cost.name, cost) for cost in costs),
        "test": ((cost.name, cost) for cost in costs if cost.kind == "test"),
        "fixture": ((cost.name, cost) for cost in costs if cost.kind == "fixture"),
    }
    yield f"{total:.1f} s of processor time"
    for title, pairs in groups.items():
        seconds: Counter[str] = Counter()
        times: Counter[str] = Counter()
        for name, cost in pairs:
            seconds[name] += cost.seconds  # type: ignore[assignment]
            times[name] += 1
        yield f"\n{'s':>8} {'%':>5} {'n':>6}  {title}"
        for name, took in seconds.most_common(rows):
            yield f"{took:8.2f} {100 * took / total:5.1f} {times[name]:6}  {name}"
    yield f"\n{'n':>8}  program started by the tests themselves"
    started: Counter[str] = Counter()
    for cost in costs:
        started.update(cost.started)
    for name, count in started.most_common(rows):
        yield f"{count:8}  {name}"


if __name__ == "__main__":
    print("\n".join(table(read(Path(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else 40)))  # noqa: T201
