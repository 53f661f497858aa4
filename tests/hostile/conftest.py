"""ops and media at work, as for the tests of media."""

from __future__ import annotations

from tests.media.conftest import house, running

__all__ = ["house", "running"]
