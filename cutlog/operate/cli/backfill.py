"""`cutlog backfill` and `cutlog rollback`: moving in from a legacy store, and out again."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutlog.operate.cli.failing import INTERRUPTED, fail

if TYPE_CHECKING:
    from rich.console import Console

    from cutlog.contract.legacy import Mapping
    from cutlog.operate.backfill.coverage import Coverage
    from cutlog.operate.backfill.finding import Progress
    from cutlog.operate.backfill.running import Report


def backfill(
    src: Annotated[Path, typer.Argument(help="Folder with data/*.json and uploads/. It is read, never written.")],
    data: Annotated[Path, typer.Option(help="Folder of the stack; started for the run if it does not run.")] = Path(
        ".data"
    ),
    tenant: Annotated[str, typer.Option(help="Tenant that will own the projects and videos.")] = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
    no_pin: Annotated[bool, typer.Option("--no-pin", help="Don't pin the imported exports.")] = False,
    link: Annotated[bool, typer.Option("--link", help="Hard-link files where possible, do not copy them.")] = False,
    mapping: Annotated[
        Path | None, typer.Option("--map", help="JSON file: what words and numbers of this store mean.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines: every item, then the report.")] = False,
) -> None:
    """Imports a legacy store: projects with all versions, videos, exports. Run it again to resume or update."""
    from cutlog.client import Refused, Unreachable
    from cutlog.contract.ids import is_id
    from cutlog.operate.backfill.running import NotEqual
    from cutlog.operate.backfill.running import backfill as run
    from cutlog.operate.backfill.runs import AnotherRun
    from cutlog.operate.backfill.source import NoLegacyStore, Source
    from cutlog.operate.cli.own_stack import StackDidNotStart, running

    if not is_id(tenant):
        raise typer.BadParameter("lowercase letters, digits, - and _", param_hint="--tenant")
    folder = data.expanduser().absolute()
    wished = _mapping(mapping)
    console = _console(as_json)

    def begun(run_id: str, resumed: bool) -> None:
        if as_json:
            print(json.dumps({"item": "run", "id": run_id, "resumed": resumed, "dryRun": dry_run}), flush=True)
        elif not dry_run:
            console.print(f"run {run_id}{' resumed' if resumed else ''}; to undo it: cutlog rollback {run_id}")

    async def work(progress: Progress) -> tuple[Report, list[dict[str, Any]]]:
        async with running(folder):
            return await run(
                Source(src), folder, progress, tenant=tenant, dry_run=dry_run, pin=not no_pin, link=link,
                wished=wished, begun=begun,
            )  # fmt: skip

    try:
        with _bars(console) as progress:
            report, items = asyncio.run(work(progress))
    except (NoLegacyStore, AnotherRun, NotEqual, StackDidNotStart, Refused, Unreachable, OSError) as error:
        faults = "".join(f"; {fault.pointer}: {fault.detail}" for fault in getattr(error, "errors", ()))
        fail(f"{(type(error).__doc__ or '').splitlines()[0]} {error}{faults}".strip())
    except KeyboardInterrupt:
        fail("interrupted; run the same command again to resume", INTERRUPTED)
    if as_json:
        import msgspec

        for item in items:
            print(json.dumps(item))
        print(json.dumps({"item": "report"} | msgspec.to_builtins(report)))
    else:
        _show(console, report, items)


def rollback(
    run: Annotated[str, typer.Argument(help="The run, as `cutlog backfill` named it.")],
    data: Annotated[Path, typer.Option(help="Folder of the stack.")] = Path(".data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Undoes a backfill: exactly what it imported, or nothing if later work builds on it."""
    import msgspec

    from cutlog.client import Refused, Unreachable
    from cutlog.operate.backfill.runs import AnotherRun, Runs, RunUnknown
    from cutlog.operate.backfill.services import Services
    from cutlog.operate.backfill.undoing import BuiltUpon, Removed, undo
    from cutlog.operate.cli.own_stack import StackDidNotStart, running

    folder = data.expanduser().absolute()

    async def work() -> Removed:
        runs = Runs(folder)
        with runs.alone():
            found = runs.get(run)
            if found.status == "undone":
                raise RunUnknown(f"{run} was already rolled back")
            async with running(folder), Services.of(folder, found.tenant) as services:
                return await undo(runs, found, services)

    try:
        removed = asyncio.run(work())
    except (RunUnknown, AnotherRun, BuiltUpon, StackDidNotStart, Refused, Unreachable, OSError) as error:
        fail(f"{(type(error).__doc__ or '').splitlines()[0]} {error}".strip())
    if as_json:
        print(json.dumps(msgspec.to_builtins(removed)))
    else:
        print(
            f"rolled back {', '.join(removed.runs)}: {removed.projects} projects, {removed.uploads} uploads of videos, "
            f"{removed.files} files"
        )


def _mapping(path: Path | None) -> Mapping:
    import msgspec

    from cutlog.contract.legacy import Mapping

    if path is None:
        return Mapping()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Mapping)
    except (OSError, msgspec.DecodeError) as error:
        raise typer.BadParameter(f"{path}: {error}", param_hint="--map") from None


def _console(as_json: bool) -> Console:
    from rich.console import Console

    # What it prints is other people's text, in which square brackets are no markup.
    return Console(stderr=as_json, highlight=False, markup=False, width=None if sys.stdout.isatty() else 160)


@contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    """A bar for each thing that is done; nothing where nobody watches."""
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield tell


def _show(console: Console, report: Report, items: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.table import Table

    from cutlog.operate.backfill.coverage import sentence

    found = report.found
    counts = Table(title="would be moved" if report.dry_run else "moved", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("projects", "versions", "videos", "exports", "proxies", "MiB"):
        counts.add_column(name, justify="right")
    size = f"{found.bytes / (1 << 20):.1f}"
    counts.add_row(*map(str, (found.projects, found.versions, found.videos, found.exports, found.proxies)), size)
    console.print(counts)
    if report.dry_run:
        console.print(_table("item by item", [item for item in items if item["item"] != "oddity"]))
    if odd := [item for item in items if item["item"] == "oddity"]:
        lines = Table(title="oddities, and what was done", title_justify="left", box=box.SIMPLE_HEAD)
        for name in ("file", "id", "what", "done"):
            lines.add_column(name, overflow="fold")
        for item in odd:
            lines.add_row(item["file"], item["id"], item["what"], item["done"])
        console.print(lines)
    means = report.conventions
    about = "the whole timeline" if means.whole_film else "the only clip there is"
    console.print(f"ops that name no clip are about {about}; times are {means.time}; volumes are {means.volume}")
    console.print(sentence(report.coverage))
    if report.coverage.kinds:
        console.print(_samples(report.coverage))
    if report.dry_run:
        console.print(f"nothing was changed; the run may take about {report.seconds:.0f} s")
    else:
        console.print(f"run {report.run}, {report.seconds} s")


def _samples(coverage: Coverage) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(
        title="operations that are kept as they are written, such as", title_justify="left", box=box.SIMPLE_HEAD
    )
    for name in ("kind", "project", "version", "operation", "why"):
        table.add_column(name, overflow="fold")
    for kind in coverage.kinds:
        for sample in kind.samples:
            shown = (
                kind.kind,
                sample.project,
                str(sample.version),
                json.dumps(sample.op, ensure_ascii=False),
                sample.why,
            )
            table.add_row(*shown)
    return table


def _table(title: str, items: list[dict[str, Any]]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("item", "id", "legacy id", "tells"):
        table.add_column(name, overflow="fold")
    for item in items:
        told = {
            key: value for key, value in item.items() if key not in ("item", "id", "legacyId") and value is not None
        }
        table.add_row(
            item["item"], str(item.get("id") or ""), str(item.get("legacyId") or ""),
            ", ".join(f"{key} {value}" for key, value in told.items()),
        )  # fmt: skip
    return table
