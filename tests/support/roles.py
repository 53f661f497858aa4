"""The table of docs/ROLES.md: who may call what."""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.support.stacks import CHECKOUT

_ROW = re.compile(r"^\| ([A-Z]+) \| `(\S+)` \| (\w+) \|$", re.MULTILINE)
_NAME = re.compile(r"\{(\w+)\}")
_OTHERS = {"n": "1", "name": "x-0.m4s", "path": "videos/x"}


class Row(NamedTuple):
    """A route, and what a caller has to present: a role, `link` or `anyone`."""

    method: str
    template: str
    needs: str

    @property
    def names_object(self) -> bool:
        """Whether its path names an object of a tenant."""
        return bool(_NAME.search(self.template))

    def path(self, **ids: str) -> str:
        """With these ids in it, and `x_1` for those that are not given."""
        return _NAME.sub(lambda name: ids.get(name[1], _OTHERS.get(name[1], "x_1")), self.template)


def table() -> list[Row]:
    """Every route that the gateway serves and the documentation shows."""
    text = (CHECKOUT / "docs" / "ROLES.md").read_text(encoding="utf-8")
    return [Row(*found) for found in _ROW.findall(text)]
