"""Keys and gates of a test: what a service would read from its folder."""

from __future__ import annotations

from cutlog.auth.gate import Gate, Resolve, nobody
from cutlog.auth.rings import KeyRing, PublicKeys

RING = KeyRing.new()
"""Signs the tokens of tests."""
SERVICE = "media"
SERVICE_RING = KeyRing.new()
"""With which that service says who it is."""


class FixedKeys:
    """These public keys, and no others."""

    def __init__(self, keys: PublicKeys) -> None:
        self.keys = keys

    def now(self) -> PublicKeys:
        return self.keys

    async def newer(self) -> PublicKeys:
        return self.keys


PUBLIC = PublicKeys([*RING.public(), *SERVICE_RING.public(SERVICE)])


def make_gate(resolve: Resolve = nobody) -> Gate:
    """A gate for what `RING` and `SERVICE_RING` have signed."""
    return Gate(FixedKeys(PUBLIC), resolve)
