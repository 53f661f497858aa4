"""Which credentials are revoked: by their id, or all of a subject's that were issued until a moment."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from cutlog.auth.actor import Actor, CredentialRefused
from cutlog.contract.base import Wire

PRUNE_AT: Final = 10_000


class CredentialRevoked(CredentialRefused):
    """The credential was revoked."""


class Revocation(Wire):
    """One of a credential by its `id`, or of a `subject` in its tenant for what was issued until `before`. It may be
    forgotten after `until`. Times are seconds since the epoch; `position` counts up."""

    position: int
    until: float
    id: str | None = None
    tenant: str | None = None
    subject: str | None = None
    before: float = 0.0


class Revocations:
    """Those that a process knows."""

    def __init__(self) -> None:
        self.position = 0
        """Of the newest that is known."""
        self._ids: dict[str, float] = {}
        self._subjects: dict[tuple[str, str], tuple[float, float]] = {}
        self._prune_at = PRUNE_AT

    def add(self, found: Iterable[Revocation]) -> bool:
        """Whether there are new ones among them."""
        new = False
        for each in found:
            new = new or each.position > self.position
            self.position = max(self.position, each.position)
            if each.id is not None:
                self._ids[each.id] = each.until
            elif each.tenant is not None and each.subject is not None:
                whose = each.tenant, each.subject
                before = self._subjects.get(whose, (0.0, 0.0))[0]
                self._subjects[whose] = max(before, each.before), each.until
        if len(self._ids) + len(self._subjects) > self._prune_at:
            self._prune()
        return new

    def cover(self, actor: Actor) -> bool:
        """Whether the credential of an actor is revoked."""
        if actor.id in self._ids:
            return True
        found = self._subjects.get((actor.tenant, actor.subject))
        return found is not None and actor.issued <= found[0]

    def check(self, actor: Actor) -> None:
        """Raises CredentialRevoked."""
        if self.cover(actor):
            raise CredentialRevoked("The credential was revoked.")

    def _prune(self) -> None:
        now = time.time()
        self._ids = {name: until for name, until in self._ids.items() if until > now}
        self._subjects = {whose: found for whose, found in self._subjects.items() if found[1] > now}
        self._prune_at = 2 * (len(self._ids) + len(self._subjects)) + PRUNE_AT
