"""Which of a tenant's media a file means: by content, else by id, else by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import msgspec

from services.ops.edits.sources import Material


class Asset(msgspec.Struct, frozen=True):
    """A media of the tenant."""

    id: str
    sha256: str
    name: str
    material: Material


class Wanted(msgspec.Struct, frozen=True):
    """What a file says of a media. Empty where it says nothing; `names` best first."""

    sha256: str = ""
    id: str = ""
    names: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return next(iter(self.names), self.id or self.sha256)


def stem(name: str) -> str:
    """A file name without its folders and suffix, in small letters."""
    base = name.replace("\\", "/").rstrip("/").rpartition("/")[2].casefold()
    head, dot, _ = base.rpartition(".")
    return head if dot and head else base


def base_name(url: str) -> str:
    """The file name of a URL or path."""
    path = url if "://" not in url and not url.startswith("file:") else urlsplit(url).path
    return unquote(path).replace("\\", "/").rstrip("/").rpartition("/")[2]


class Library:
    """Media to choose from. Fonts are found as such only: no clip shows one that happens to have its name."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        self._assets = sorted(assets, key=lambda asset: asset.id)
        self._by_sha256: dict[str, list[Asset]] = {}
        self._by_id: dict[str, Asset] = {}
        self._by_name: dict[str, list[Asset]] = {}
        self._fonts: dict[str, Asset] = {}
        for asset in self._assets:
            if asset.material.kind == "font":
                self._fonts |= {asset.sha256: asset, asset.id: asset}
                continue
            self._by_sha256.setdefault(asset.sha256, []).append(asset)
            self._by_id[asset.id] = asset
            for name in {asset.name.casefold(), stem(asset.name), asset.id}:
                self._by_name.setdefault(name, []).append(asset)

    @property
    def ids(self) -> set[str]:
        """Those of all media."""
        return {asset.id for asset in self._assets}

    def without(self, ids: Collection[str]) -> Library:
        """The same but for some media."""
        return Library(asset for asset in self._assets if asset.id not in ids) if ids else self

    def font(self, wanted: Wanted) -> Asset | None:
        """The font that is meant, by its content or its id."""
        return self._fonts.get(wanted.sha256.lower()) or self._fonts.get(wanted.id)

    def find(self, wanted: Wanted) -> Asset | Literal["unknown", "ambiguous"]:
        """The media that is meant. The same content under two ids is the first of them."""
        if found := self._by_sha256.get(wanted.sha256.lower()):
            return next((asset for asset in found if asset.id == wanted.id), found[0])
        if (asset := self._by_id.get(wanted.id)) is not None:
            return asset
        several = False
        for name in wanted.names:
            for key in (name.casefold(), stem(name)):
                there = self._by_name.get(key, [])
                if len(there) == 1:
                    return there[0]
                several = several or len(there) > 1
        return "ambiguous" if several else "unknown"


def text(value: Any) -> str:
    """A value of unknown origin as text; empty unless it is that."""
    return value if isinstance(value, str) else ""
