"""What the errors of media have in common."""

from __future__ import annotations


class MediaError(Exception):
    """Something failed in media."""
