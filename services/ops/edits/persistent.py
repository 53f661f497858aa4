"""A map that never changes: setting a key makes a new map that shares all but a small part with the old one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final, Generic, TypeVar

V = TypeVar("V")

BUCKETS = 256

#: Buckets are never changed, so all empty maps share theirs.
_EMPTY: Final[tuple[dict[str, Any], ...]] = ({},) * BUCKETS


class PersistentMap(Generic[V]):
    """Strings to values, unordered. A change copies one of 256 buckets: microseconds at 100,000 keys.

    `signature` is a cache of the resolver.
    """

    __slots__ = ("_buckets", "_size", "signature")

    def __init__(self, items: dict[str, V] | None = None) -> None:
        self._buckets: tuple[dict[str, V], ...] = _EMPTY
        self._size = 0
        self.signature: bytes | None = None
        if items:
            self._fill(items)

    def __len__(self) -> int:
        return self._size

    def __contains__(self, key: object) -> bool:
        return key in self._buckets[hash(key) % BUCKETS]

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._buckets)

    def __getitem__(self, key: str) -> V:
        return self._buckets[hash(key) % BUCKETS][key]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PersistentMap) and self._buckets == other._buckets

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"PersistentMap({dict(self.items())!r})"

    def get(self, key: str) -> V | None:
        return self._buckets[hash(key) % BUCKETS].get(key)

    def items(self) -> Iterator[tuple[str, V]]:
        return chain.from_iterable(map(dict.items, self._buckets))

    def gained(self, before: PersistentMap[V]) -> list[str]:
        """Keys that are here and were not in `before`, sorted; what both share is not looked at."""
        pairs = zip(self._buckets, before._buckets, strict=True)
        return sorted(key for new, old in pairs if new is not old for key in new if key not in old)

    def set(self, key: str, value: V) -> PersistentMap[V]:
        """The same map with `key` at `value`."""
        index = hash(key) % BUCKETS
        bucket = self._buckets[index]
        return self._with(index, {**bucket, key: value}, self._size + (key not in bucket))

    def update(self, items: dict[str, V]) -> PersistentMap[V]:
        """The same map with all of `items`."""
        new = self._with(0, self._buckets[0], self._size)
        new._fill(items)
        return new

    def drop(self, key: str) -> PersistentMap[V]:
        """The same map without `key`. Raises KeyError."""
        index = hash(key) % BUCKETS
        bucket = dict(self._buckets[index])
        del bucket[key]
        return self._with(index, bucket, self._size - 1)

    def _fill(self, items: dict[str, V]) -> None:
        """Only for a map that nobody else has seen yet."""
        parts: dict[int, dict[str, V]] = {}
        for key, value in items.items():
            parts.setdefault(hash(key) % BUCKETS, {})[key] = value
        buckets = list(self._buckets)
        for index, part in parts.items():
            self._size += sum(key not in buckets[index] for key in part)
            buckets[index] = {**buckets[index], **part}
        self._buckets = tuple(buckets)

    def _with(self, index: int, bucket: dict[str, V], size: int) -> PersistentMap[V]:
        new: PersistentMap[V] = PersistentMap.__new__(PersistentMap)
        new._buckets = (*self._buckets[:index], bucket, *self._buckets[index + 1 :])
        new._size = size
        new.signature = None
        return new
