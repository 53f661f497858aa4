"""`cutlog media examine`: facts and renditions of videos are made anew."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cutlog.operate.cli.failing import fail

if TYPE_CHECKING:
    from cutlog.contract.answers.videos import Examination


def media(
    action: Annotated[str, typer.Argument(help="examine")],
    ids: Annotated[list[str] | None, typer.Argument(help="Videos to examine again.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All videos of the tenant that an earlier release examined.")
    ] = False,
    tenant: Annotated[str, typer.Option(help="Whose videos.")] = "default",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until none of the tenant's videos is waiting.")] = False,
    data: Annotated[Path, typer.Option(help="Folder of the stack.")] = Path(".data"),
    url: Annotated[str | None, typer.Option(help="Another stack than the one that runs on DATA.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="CUTLOG_TOKEN", help="An operator's bearer token; default: made from DATA.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Re-examines videos in the background; without a choice of videos, shows the progress.

    They stay in use as they are until their new facts and renditions are complete. Finished exports stay as they are.
    """
    known: Literal["examine"] = "examine"
    if action != known:
        raise typer.BadParameter(f"there is {known}", param_hint="action")
    if ids and every:
        raise typer.BadParameter("name videos, or use --all", param_hint="--all")
    import msgspec

    from cutlog.client import Refused, Unreachable

    try:
        told = asyncio.run(_examine(data, url, token, tenant, ids or [], every, wait))
    except (Refused, Unreachable) as error:
        fail(f"{type(error).__doc__} {error}")
    if as_json:
        print(json.dumps(msgspec.to_builtins(told)))
    else:
        print(f"{told.begun:,} begun, {told.waiting:,} waiting, {told.outdated:,} examined by an earlier release")
        for failed in told.failed:
            print(f"{failed.id} stays as it was: {failed.reason}")
    if wait and told.failed:
        raise typer.Exit(1)


async def _examine(
    data: Path, url: str | None, token: str | None, tenant: str, ids: list[str], every: bool, wait: bool
) -> Examination:
    import msgspec

    from cutlog.client import Client
    from cutlog.operate.cli.reachable import answers

    base, bearer = url or _url(data), token or _token(data, tenant)
    if url:
        await answers(url)
    async with Client.connect(base, bearer) as client:
        told = await client.examine(ids or None) if ids or every else await client.examination()
        begun = told.begun
        while wait and told.waiting:
            await asyncio.sleep(1)
            told = await client.examination()
    return msgspec.structs.replace(told, begun=begun)


def _url(data: Path) -> str:
    from cutlog.operate.stack.state import NotRunning, read_state

    try:
        return read_state(data).url
    except NotRunning:
        fail(f"no stack runs on {data}: start it with `cutlog up --data {data}`, or give --url and --token")


def _token(data: Path, tenant: str) -> str:
    from cutlog.operate.cli.bearer import NoSecrets, NotAnswered, bearer

    try:
        return bearer(data, "cli", "operator", tenant, 86400)
    except (NoSecrets, NotAnswered) as error:
        fail(f"{error}, or give --token")
