"""What the errors of gc have in common."""

from __future__ import annotations


class GcError(Exception):
    """Something failed in gc."""
