"""Why a service is not ready, or cannot run at all, in words for the log."""

from __future__ import annotations


class NotReady(Exception):
    """Work of this service does not get done. The message names the work and holds nothing secret: it
    goes to the log."""


class CannotServe(Exception):
    """A service stays down until somebody decides. The message says why, and the ways out."""
