"""What the errors of ops have in common."""

from __future__ import annotations


class OpsError(Exception):
    """Something failed in ops."""
