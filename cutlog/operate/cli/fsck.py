"""`cutlog fsck`: the log, the stream, the derived rows and the objects, each against the others."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutlog.operate.cli.failing import fail, unusable

if TYPE_CHECKING:
    from cutlog.operate.fsck.report import Report


def fsck(
    data: Annotated[Path, typer.Option(help="Folder of the stack; started for the run if it does not run.")] = Path(
        ".data"
    ),
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild whatever can be derived from the log.")] = False,
    deep: Annotated[
        bool,
        typer.Option("--deep/--quick", help="Read every object again and compare its digest, or compare sizes only."),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines: every finding, then the report.")] = False,
) -> None:
    """Checks log, stream, projections and objects against each other. Exit code 1 on any finding, repaired or not."""
    from cutlog.hosting.logs import log_quietly
    from cutlog.operate.cli.own_stack import StackDidNotStart, running
    from cutlog.operate.fsck.run import fsck as run
    from cutlog.operate.stack.state import NotRunning

    log_quietly()
    folder = data.expanduser().absolute()
    try:
        next(folder.iterdir(), None)
    except FileNotFoundError:
        fail(f"there is no stack on {folder}")
    except OSError as error:
        fail(unusable(folder, error))

    async def work() -> Report:
        async with running(folder):
            return await run(folder, repair=repair, read=deep)

    try:
        report = asyncio.run(work())
    except (StackDidNotStart, NotRunning, OSError) as error:
        fail(str(error))
    if as_json:
        _print_json(report)
    else:
        _print(report)
    raise typer.Exit(1 if report.findings else 0)


def _print_json(report: Report) -> None:
    import msgspec

    for finding in report.findings:
        print(json.dumps({"item": "finding"} | msgspec.to_builtins(finding)))
    repaired = sum(finding.repaired is not None for finding in report.findings)
    counts = {"findings": len(report.findings), "repaired": repaired, "checked": report.checked}
    print(json.dumps({"item": "report"} | counts))


def _print(report: Report) -> None:
    for finding in report.findings:
        end = f"repaired: {finding.repaired}" if finding.repaired else finding.remedy or "find out why"
        print(f"{finding.check:<11} {finding.name}\n            {finding.detail}\n            → {end}")
    looked = ", ".join(f"{count:,} {what}" for what, count in report.checked.items())
    repaired = sum(finding.repaired is not None for finding in report.findings)
    verdict = f"{len(report.findings)} findings, {repaired} repaired" if report.findings else "no finding"
    print(f"{verdict}; checked {looked}")
