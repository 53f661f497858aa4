"""A map that never changes: setting a key makes a new map that shares all but a small part with the old one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final, Generic, TypeVar

V = TypeVar("V")

SHELVES, BUCKETS = 16, 16

#: Buckets are never changed, so all empty maps share theirs.
_BARE: Final[tuple[dict[str, Any], ...]] = ({},) * BUCKETS
_EMPTY: Final[tuple[tuple[dict[str, Any], ...], ...]] = (_BARE,) * SHELVES


class PersistentMap(Generic[V]):
    """Strings to values, unordered. A change copies one of 256 buckets, and its shelf: microseconds at 100,000 keys.

    `signature` is a cache of the resolver.
    """

    __slots__ = ("_shelves", "_size", "signature")

    def __init__(self, items: dict[str, V] | None = None) -> None:
        self._shelves: tuple[tuple[dict[str, V], ...], ...] = _EMPTY
        self._size = 0
        self.signature: bytes | None = None
        if items:
            self._fill(items)

    def __len__(self) -> int:
        return self._size

    def __contains__(self, key: object) -> bool:
        number = hash(key)
        return key in self._shelves[number % SHELVES][number // SHELVES % BUCKETS]

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._filled())

    def __getitem__(self, key: str) -> V:
        number = hash(key)
        return self._shelves[number % SHELVES][number // SHELVES % BUCKETS][key]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PersistentMap) and self._shelves == other._shelves

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"PersistentMap({dict(self.items())!r})"

    def get(self, key: str) -> V | None:
        number = hash(key)
        return self._shelves[number % SHELVES][number // SHELVES % BUCKETS].get(key)

    def items(self) -> Iterator[tuple[str, V]]:
        return chain.from_iterable(map(dict.items, self._filled()))

    def gained(self, before: PersistentMap[V]) -> list[str]:
        """Keys that are here and were not in `before`, sorted; what both share is not looked at."""
        return sorted(
            key
            for shelf, was in zip(self._shelves, before._shelves, strict=True)
            if shelf is not was
            for new, old in zip(shelf, was, strict=True)
            if new is not old
            for key in new
            if key not in old
        )

    def set(self, key: str, value: V) -> PersistentMap[V]:
        """The same map with `key` at `value`."""
        number = hash(key)
        bucket = self._shelves[number % SHELVES][number // SHELVES % BUCKETS]
        return self._with(number, {**bucket, key: value}, self._size + (key not in bucket))

    def update(self, items: dict[str, V]) -> PersistentMap[V]:
        """The same map with all of `items`."""
        new: PersistentMap[V] = PersistentMap()
        new._shelves, new._size = self._shelves, self._size
        new._fill(items)
        return new

    def drop(self, key: str) -> PersistentMap[V]:
        """The same map without `key`. Raises KeyError."""
        number = hash(key)
        bucket = dict(self._shelves[number % SHELVES][number // SHELVES % BUCKETS])
        del bucket[key]
        return self._with(number, bucket, self._size - 1)

    def _filled(self) -> Iterator[dict[str, V]]:
        return chain.from_iterable(shelf for shelf in self._shelves if shelf is not _BARE)

    def _fill(self, items: dict[str, V]) -> None:
        """Only for a map that nobody else has seen yet."""
        parts: dict[tuple[int, int], dict[str, V]] = {}
        for key, value in items.items():
            number = hash(key)
            parts.setdefault((number % SHELVES, number // SHELVES % BUCKETS), {})[key] = value
        shelves = [list(shelf) for shelf in self._shelves]
        for (shelf, index), part in parts.items():
            self._size += sum(key not in shelves[shelf][index] for key in part)
            shelves[shelf][index] = {**shelves[shelf][index], **part}
        self._shelves = tuple(map(tuple, shelves))

    def _with(self, number: int, bucket: dict[str, V], size: int) -> PersistentMap[V]:
        """The same with another bucket for the keys whose hash is like `number`."""
        place, index = number % SHELVES, number // SHELVES % BUCKETS
        shelf = self._shelves[place]
        shelf = (*shelf[:index], bucket, *shelf[index + 1 :])
        new: PersistentMap[V] = PersistentMap.__new__(PersistentMap)
        new._shelves = (*self._shelves[:place], shelf, *self._shelves[place + 1 :])
        new._size = size
        new.signature = None
        return new
