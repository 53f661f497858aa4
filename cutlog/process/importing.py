"""Imports without what a package takes along only because it is there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """What is imported meanwhile finds these not installed, unless they are imported already."""
    absent = [name for name in modules if name not in sys.modules]
    sys.modules |= dict.fromkeys(absent)  # type: ignore[arg-type]  # the import system documents it
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
