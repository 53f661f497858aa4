"""Files that broke off, or in which bits are wrong. What is done depends on the file's name and the round alone."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.corpus.records import FILES


def damaged(name: str, rounds: int) -> Iterator[tuple[str, bytes]]:
    """Truncations and flipped bits of a file, with what was done."""
    whole = (FILES / name).read_bytes()
    chance = random.Random(name)
    for _ in range(rounds):
        for part in (chance.uniform(0, 0.1), chance.uniform(0.1, 0.9), chance.uniform(0.9, 1)):
            length = int(part * len(whole))
            yield f"the first {length} bytes", whole[:length]
        # Headers stand at the beginning or the end.
        for where, reach in (("head", 0.02), ("tail", -0.05), ("all", 1.0)):
            flipped = bytearray(whole)
            begin, end = (
                (0, max(64, int(reach * len(whole)))) if reach > 0 else (int((1 + reach) * len(whole)), len(whole))
            )
            places = sorted(chance.randrange(begin, min(end, len(whole))) for _ in range(chance.choice((1, 4, 16))))
            for place in places:
                flipped[place] ^= 1 << chance.randrange(8)
            yield f"bits of the {where} at {places}", bytes(flipped)
