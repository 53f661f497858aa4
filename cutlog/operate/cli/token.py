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
    action: Annotated[str | None, typer.Argument(help="`revoke` ends a token; without it, one is printed.")] = None,
    token_id: Annotated[str | None, typer.Argument(help="Id of the token to revoke: its claim `jti`.")] = None,
    role: Annotated[TokenRole | None, typer.Option(help="Role of the bearer.")] = None,
    data: Annotated[Path, typer.Option(help="Folder of the stack.")] = Path(".data"),
    subject: Annotated[
        str | None,
        typer.Option(help="Subject, the author of edits made with it (default: cli); with `revoke`, whose tokens end."),
    ] = None,
    tenant: Annotated[str, typer.Option(help="Tenant whose projects and videos it can access.")] = "default",
    ttl: Annotated[str, typer.Option(help="How long it is valid: 90s, 30m, 12h, 7d; at most 366d.")] = "12h",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Prints a bearer token, or ends one: `cutlog token revoke ID`, `cutlog token revoke --subject S`.

    A running stack signs it and notes it in the audit log. A stopped stack's key is read from DATA.
    """
    if action is not None:
        if action != "revoke":
            raise typer.BadParameter("choose `revoke`, or omit it", param_hint="action")
        if (token_id is None) == (subject is None):
            raise typer.BadParameter("give the id of a token, or --subject", param_hint="token_id")
        _revoke(data, tenant, token_id, subject, as_json)
        return
    if role is None:
        raise typer.BadParameter("name the role", param_hint="--role")
    life = seconds(ttl)
    from cutlog.operate.cli.bearer import NoSecrets, NotAnswered, bearer
    from cutlog.operate.stack.secrets import EmptySecret

    named = subject or "cli"
    try:
        made = bearer(data, named, role.value, tenant, life)
    except (NoSecrets, EmptySecret, NotAnswered) as error:
        fail(str(error))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    value = {"token": made, "role": role.value, "subject": named, "tenant": tenant, "expiresIn": life}
    print(json.dumps(value) if as_json else made)


def _revoke(data: Path, tenant: str, token_id: str | None, subject: str | None, as_json: bool) -> None:
    from cutlog.operate.cli.bearer import NoSecrets, NotAnswered, ask_ops
    from cutlog.operate.stack.secrets import EmptySecret
    from cutlog.operate.stack.state import NotRunning

    body = {"tenant": tenant} | ({"id": token_id} if token_id else {"subject": subject})
    try:
        ask_ops(data, "/internal/revocations", body)
    except (NoSecrets, EmptySecret, NotAnswered, NotRunning) as error:
        fail(str(error))
    print(json.dumps({"revoked": token_id or subject}) if as_json else f"revoked {token_id or subject}")
