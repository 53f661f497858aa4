"""Which programs the tests start, and how many of each `make test` may start.

Processor time is as noisy as the machine; what it goes into is not. The limits are counts, and they are somewhat
above what is started: a test that adds to them starts less, or is slow, or has a good reason to raise them.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from cutlog.jail.client import Remote, Warden
from cutlog.jail.orders import Order
from tests.support import lanes

LIMITS: Final[Mapping[str, int]] = {
    "stack": 2,
    "small stack": 8,
    "postgres": 14,
    "nats-server": 176,
    "python": 60,
    "ffmpeg": 52,
    "ffmpeg in the sandbox": 172,
    "examine.py in the sandbox": 64,
    "convert.py in the sandbox": 55,
    "read_captions.py in the sandbox": 40,
    "draw_titles.py in the sandbox": 30,
}
"""Of all processes of one run together; a stack counts as one, with all that it starts itself."""
STARTED: Final[Counter[str]] = Counter()
"""By this process."""


def program(argv: Sequence[str]) -> str:
    """A name for what a command starts, also where our launcher does."""
    words = [*map(str, argv)]
    name = Path(words[0]).name
    if len(words) > 4 and Path(words[3]).name == "launcher.py":
        return program(json.loads(words[4])["argv"])
    if name == "setpriv" and "--" in words:
        return program(words[words.index("--") + 1 :])
    if name.startswith("python"):
        if "tests.support.small_stack" in words:
            return "small stack"
        scripts = (Path(word).name for word in words[1:] if word.endswith(".py"))
        return "stack" if words[1:4] == ["-m", "cutlog", "up"] else next(scripts, "python")
    return "ffmpeg" if name.startswith("ffmpeg") else name


def count() -> None:
    """From now on, in this process."""
    execute, start = subprocess.Popen._execute_child, Warden.start  # type: ignore[attr-defined]

    def executing(self: subprocess.Popen[bytes], args: Any, *more: Any, **named: Any) -> None:
        STARTED[program([args] if isinstance(args, str) else [*args])] += 1
        execute(self, args, *more, **named)

    def starting(self: Warden, order: Order) -> Remote:
        STARTED[f"{program(order.argv)} in the sandbox"] += 1
        return start(self, order)

    subprocess.Popen._execute_child = executing  # type: ignore[attr-defined]
    Warden.start = starting  # type: ignore[method-assign]


def too_many(started: Mapping[str, int]) -> list[str]:
    """What is beyond its limit, in sentences."""
    return [
        f"make test starts {name} {started[name]} times, and may {most} times (tests/support/starts.py)"
        for name, most in LIMITS.items()
        if started.get(name, 0) > most
    ]


class Budget:
    """The plugin of each process of pytest. The first adds up what the workers tell, and fails a run of the whole of
    `make test` that starts too much."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._all = Counter[str]()
        self._said: list[str] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._all.update(getattr(node, "workeroutput", {}).get("started", {}))

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        output = getattr(self._config, "workeroutput", None)
        if output is not None:  # which is sent as this hook ends
            output["started"] = dict(STARTED)
        yield
        if output is not None:
            return
        self._all.update(STARTED)
        if self._whole() and not session.testsfailed:
            self._said = too_many(self._all)
            if self._said:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for line in self._said:
            terminalreporter.write_line(line, red=True)
        if self._config.getoption("verbose") > 0:
            terminalreporter.write_line(f"started: {dict(sorted(self._all.items()))}")

    def _whole(self) -> bool:
        """Whether this is all of `make test`, and nothing else."""
        given = self._config.option
        return lanes.cheap(self._config) and not given.keyword and not given.file_or_dir


def register(config: pytest.Config) -> None:
    """Counts in this process."""
    count()
    config.pluginmanager.register(Budget(config))
