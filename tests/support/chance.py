"""How much chance the tests take: none in a gate, where a run says the same each time; more in a lane of its own.

`make test` takes one in FEW of a property's examples, `make test-slow` takes all, and `make test-random` takes others.
"""

from __future__ import annotations

import os
from typing import Final

from hypothesis import settings
from hypothesis.internal.conjecture import providers

FEW: Final = 8
_GIVEN: Final = os.environ.get("CUTLOG_TEST_ROUNDS")
ROUNDS: Final = int(_GIVEN or 0)
"""0: the same examples in each run. Otherwise random ones, this many times as many."""


def examples(count: int) -> int:
    """How many examples a property gets that gets `count` in all gates together."""
    return max(1, count // FEW) if _GIVEN is None else count * max(1, ROUNDS)


def register() -> None:
    """Makes this the way of all tests. An example that was found at random stays as an `@example`."""
    settings.register_profile("cutlog", derandomize=ROUNDS == 0, deadline=None, max_examples=examples(100))
    settings.load_profile("cutlog")
    if ROUNDS == 0:
        # Hypothesis would also try constants that it reads from the source of all loaded modules: to parse them takes
        # each process a second, and a gate would try other examples whenever some module changes.
        vars(providers)["is_local_module_file"] = lambda path: False
