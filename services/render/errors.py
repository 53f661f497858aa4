"""What the errors of render have in common."""

from __future__ import annotations


class RenderError(Exception):
    """Something failed in render."""
