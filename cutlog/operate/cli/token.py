"""`cutlog token`: a bearer token for a stack of this machine."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cutlog.operate.cli.failing import fail

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class TokenRole(StrEnum):
    """Roles that people may have."""

    viewer = "viewer"
    editor = "editor"
    operator = "operator"
    admin = "admin"


def seconds(text: str) -> int:
    """`90s`, `30m`, `12h`, `7d` → seconds. Raises BadParameter."""
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", text)
    if found is None:
        raise typer.BadParameter("a whole number and s, m, h or d, such as 12h")
    return int(found[1]) * UNITS[found[2]]


def token(
    role: Annotated[TokenRole, typer.Option(help="What its bearer may do.")],
    data: Annotated[Path, typer.Option(help="Folder of the stack.")] = Path(".data"),
    subject: Annotated[str, typer.Option(help="Who it is for; becomes the actor of their edits.")] = "cli",
    tenant: Annotated[str, typer.Option(help="Whose projects and videos it sees.")] = "default",
    ttl: Annotated[str, typer.Option(help="How long it is valid: 90s, 30m, 12h, 7d.")] = "12h",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Prints a bearer token, signed with the key in DATA. The stack does not have to be running."""
    life = seconds(ttl)
    from cutlog.operate.cli.bearer import NoSecrets, bearer
    from cutlog.operate.stack.secrets import EmptySecret

    try:
        made = bearer(data, subject, role.value, tenant, life)
    except (NoSecrets, EmptySecret) as error:
        fail(str(error))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    value = {"token": made, "role": role.value, "subject": subject, "tenant": tenant, "expiresIn": life}
    print(json.dumps(value) if as_json else made)
