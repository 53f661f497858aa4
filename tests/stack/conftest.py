"""Stacks of the supervisor's own tests: real PostgreSQL, NATS and Caddy, with services that only serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.stacks import SMALL, RunningStack

DEEP = "a folder with spaces, 'quotes' and ünïcode/" + "deep" * 20
"""Longer than a UNIX socket's path may be."""

MakeStack = Callable[..., RunningStack]


@pytest.fixture(scope="module")
def small_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A started stack that the tests of a module share, in a folder with an awkward path."""
    folder = tmp_path_factory.mktemp("small") / DEEP
    folder.mkdir(parents=True)
    running = RunningStack(folder / "data", SMALL)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[MakeStack]:
    """Makes stacks, not started; whatever still runs at the end is stopped."""
    made: list[RunningStack] = []

    def make(name: str = "data", **options: object) -> RunningStack:
        made.append(RunningStack(tmp_path / name, SMALL, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for running in made:
        running.stop()
