"""`cutlog keys`: the keys that sign tokens, and those with which services say who they are."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cutlog.operate.cli.failing import fail, unusable


class Action(StrEnum):
    """What to do with the keys."""

    create = "create"
    rotate = "rotate"


def keys(
    action: Annotated[Action, typer.Argument(help="create, or rotate while the stack runs.")],
    data: Annotated[Path, typer.Option(help="Folder of the stack, or of the keys alone.")] = Path(".data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Makes the keys of a stack whose services run on several machines, or replaces all keys by new ones.

    DATA/secrets has every key, DATA/keys/SERVICE what one service needs (`CUTLOG_CREDENTIALS`). A running stack takes
    new keys without a restart. Tokens that were signed with the key before remain valid; rotate twice to end them all.
    """
    from cutlog.hosting.service import installed
    from cutlog.operate.stack.secrets import EmptySecret, Secrets
    from cutlog.operate.stack.supervisor import layout_of

    layout = layout_of(data)
    try:
        if action is Action.rotate and not (layout.secrets / "keys.signing").is_file():
            fail(f"{layout.data} has no keys: `cutlog up` makes them, or `cutlog keys create`")
        secrets = Secrets(layout.secrets)
        found = [path.name for path in layout.keys.iterdir() if path.is_dir()] if layout.keys.is_dir() else []
        names = sorted(found or installed())
        if action is Action.rotate:
            secrets.rotate(names)
        secrets.hand_out(layout.keys, names)
        accepted = [key.kid for key in secrets.signing.public()]
    except OSError as error:
        fail(unusable(layout.data, error))
    except EmptySecret as error:
        fail(str(error))
    if as_json:
        print(json.dumps({"signing": accepted[0], "accepted": accepted, "services": names}))
    else:
        print(f"tokens are signed with {accepted[0]}; accepted: {', '.join(accepted)}")
        print(f"keys of {', '.join(names)}: {layout.keys}")
