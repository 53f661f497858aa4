"""`cutlog nats-context`: the stock `nats` CLI, connected to the running stack."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated

import typer

from cutlog.operate.cli.failing import fail


def nats_context(
    data: Annotated[Path, typer.Option(help="Folder of the running stack.")] = Path(".data"),
    install: Annotated[bool, typer.Option("--install", help="Store it for the `nats` CLI.")] = False,
    name: Annotated[str, typer.Option(help="Name of the stored context.")] = "cutlog",
    select: Annotated[bool, typer.Option("--select", help="Store it and make it the default one.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON also when installing.")] = False,
) -> None:
    """Prints a `nats` CLI context (URL and the operator's nkey), or installs it: `nats --context cutlog stream ls`."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise typer.BadParameter("letters, digits, - and _ only", param_hint="--name")
    from cutlog.operate.stack.nats import OPERATOR
    from cutlog.operate.stack.secrets import Secrets
    from cutlog.operate.stack.state import NotRunning, read_state
    from cutlog.operate.stack.supervisor import layout_of

    layout = layout_of(data)
    try:
        state = read_state(layout.data)
    except NotRunning as error:
        fail(str(error))
    context = {
        "description": f"cutlog on {state.data}",
        "url": state.nats_url,
        "nkey": str(Secrets(layout.secrets).nats_seed_file(OPERATOR)),
    }
    if not (install or select):
        print(json.dumps(context, indent=2))
        return
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "nats"
    path = folder / "context" / f"{name}.json"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(json.dumps(context, indent=2) + "\n")
    if select:
        (folder / "context.txt").write_text(name)
    value = {"context": name, "path": str(path), "selected": select}
    print(json.dumps(value) if as_json else f"installed {path}: nats --context {name} stream ls")
