"""Writes docs/ROLES.md, the table of who may call what, from the OpenAPI document of a running stack.

python -m docs.generate_roles [URL]    default: http://127.0.0.1:8080
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

PAGE: Final = Path(__file__).parent / "ROLES.md"
HEAD: Final = """\
# Roles

The role that each route needs. Each role includes those before it: viewer, editor, operator, admin. A caller who
presents no valid credential is answered 401, one whose role is insufficient 403, and one who names an object of another
tenant 404.

`anyone` needs no credential. `link` needs a signed link, which other routes return. The same value is `x-role` in the
OpenAPI document; routes below `/internal/` are for services only, and the gateway does not serve them.

API keys create no API keys, and only tokens begin a session.

This page is written by `python -m docs.generate_roles`. Tests compare it with the routes, and call each route with each
role, and with the objects of another tenant.

| method | path | needs |
|---|---|---|
"""


def rows(document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Method, path and what it needs of each operation, by path."""
    for path, operations in sorted(document["paths"].items()):
        for method, operation in sorted(operations.items()):
            yield method.upper(), path, operation["x-role"]


def page(document: dict[str, Any]) -> str:
    """The page as it should be."""
    return HEAD + "".join(f"| {method} | `{path}` | {needs} |\n" for method, path, needs in rows(document))


def main(url: str = "http://127.0.0.1:8080") -> None:
    with urlopen(f"{url}/api/openapi.json") as answer:  # noqa: S310 - whoever runs it names the stack
        PAGE.write_text(page(json.load(answer)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
