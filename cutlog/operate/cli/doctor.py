"""`cutlog doctor`: whether this machine can run a stack, and how to mend what keeps it from that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer


def doctor(
    data: Annotated[Path, typer.Option(readable=False, help="Folder of the stack, existing or not.")] = Path(".data"),
    host: Annotated[str, typer.Option(help="Address on which the gateway would listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the gateway.")] = 8080,
    ffmpeg: Annotated[Path | None, typer.Option(envvar="CUTLOG_FFMPEG", help="An ffmpeg of your own.")] = None,
    sandbox: Annotated[str, typer.Option(envvar="CUTLOG_SANDBOX", help="auto or off.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Checks kernel, sandbox, ffmpeg, servers, port, disk and memory. Exit code 1 if any check fails."""
    import msgspec

    from cutlog.operate.stack.checkup import check_up

    if sandbox not in ("auto", "off"):
        raise typer.BadParameter("auto or off", param_hint="--sandbox")
    mode: Literal["auto", "off"] = "off" if sandbox == "off" else "auto"
    findings = check_up(data.expanduser().absolute(), host, port, ffmpeg, mode)
    if as_json:
        print(json.dumps(msgspec.to_builtins(findings)))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, show_header=False)
        for finding in findings:
            colour = {"ok": "green", "warn": "yellow", "fail": "red"}[finding.level]
            table.add_row(f"[{colour}]{finding.level}[/]", finding.check, finding.detail)
            if finding.mend:
                table.add_row("", "", f"→ {finding.mend}")
        Console(highlight=False).print(table)
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(1)
