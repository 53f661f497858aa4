"""`cutlog login`: a link that logs a browser in to a stack of this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cutlog.operate.cli.failing import fail
from cutlog.operate.cli.token import TokenRole


def login(
    data: Annotated[Path, typer.Option(help="Folder of the stack.")] = Path(".data"),
    role: Annotated[TokenRole, typer.Option(help="What the browser may do.")] = TokenRole.admin,
    subject: Annotated[str, typer.Option(help="Who it is for; becomes the actor of their edits.")] = "admin",
    tenant: Annotated[str, typer.Option(help="Whose projects and videos it sees.")] = "default",
    next_path: Annotated[str, typer.Option("--next", help="Path of the page to open.")] = "/",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Prints a login URL for a browser. It works once, within ten minutes.

    The browser gets a session, which ends 12 hours after its last use and 7 days after login.
    """
    from cutlog.operate.cli.bearer import NoSecrets, NotAnswered, ask_ops
    from cutlog.operate.stack.secrets import EmptySecret
    from cutlog.operate.stack.state import NotRunning

    body = {"subject": subject, "tenant": tenant, "role": role.value, "next": next_path}
    try:
        made = ask_ops(data, "/internal/login-codes", body)
    except (NoSecrets, EmptySecret, NotAnswered, NotRunning) as error:
        fail(str(error))
    print(json.dumps(made) if as_json else made["url"])
