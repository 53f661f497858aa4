"""Which tests run where: `make test` keeps one example of each kind, `make test-slow` runs the expensive rest."""

from __future__ import annotations

from typing import Any

import pytest


def later(reason: str, *examples: Any) -> list[Any]:
    """Parameters of a test that only `make test-slow` runs, and why; a tuple holds several of one example."""
    mark = pytest.mark.slow(reason=reason)
    return [pytest.param(*(each if isinstance(each, tuple) else (each,)), marks=mark) for each in examples]
