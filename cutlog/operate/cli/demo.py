"""`cutlog demo`: the main job from end to end on a running stack, or on one of its own."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutlog.operate.cli.failing import INTERRUPTED, fail

if TYPE_CHECKING:
    from rich.console import Console

    from cutlog.operate.cli.tour import Outcome, Step

SAMPLE = "bigbuckbunny.mp4"


def demo(
    url: Annotated[str | None, typer.Option(help="A running stack; without it the demo starts its own.")] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="CUTLOG_TOKEN", help="An admin's bearer token for --url; default: made from DATA."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the stack; default .demo for its own, .data for --url.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Uploads a clip, edits it in four versions, waits for each proxy, exports, pins, and shows what can be deleted."""
    from rich.console import Console

    from cutlog.client import Refused, Unreachable
    from cutlog.operate.cli.own_stack import StackDidNotStart
    from cutlog.operate.cli.tour import TourFailed

    folder = (data or Path(".demo" if url is None else ".data")).expanduser().absolute()
    # Where nobody watches, a path stays on its line, however deep DATA lies.
    wide = None if sys.stdout.isatty() else 160 + len(str(folder))
    console = Console(quiet=as_json, highlight=False, width=wide)
    began = time.monotonic()
    try:
        outcome, base = asyncio.run(_run(url, token, folder, console))
    except (StackDidNotStart, TourFailed, Refused, Unreachable) as error:
        fail(f"{type(error).__doc__} {error}")
    except KeyboardInterrupt:
        fail("interrupted; what was made so far is kept", INTERRUPTED)
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        import msgspec

        made = {"url": base, "data": str(folder), "seconds": seconds} | msgspec.to_builtins(outcome)
        print(json.dumps(made, indent=2))
    else:
        _show(console, outcome)
        console.print(f"\ndone in {seconds} s")
        if url is None:
            again = shlex.join(["cutlog", "up", "--data", str(folder)])
            console.print(f"the stack has stopped; its files are kept. To start it again: {again}", soft_wrap=True)


async def _run(url: str | None, token: str | None, data: Path, console: Console) -> tuple[Outcome, str]:
    from cutlog.client import Client
    from cutlog.operate.cli.reachable import answers
    from cutlog.operate.cli.tour import tour

    with _steps(console) as step, as_file(files("cutlog.operate.cli.sample") / SAMPLE) as clip:
        async with _stack(url, data, step) as base:
            bearer = token or _token(data)
            if url is not None:
                await answers(url)
            async with Client.connect(base, bearer) as client:
                outcome = await tour(client, clip, step)
            return _with_paths(outcome, data), base


@asynccontextmanager
async def _stack(url: str | None, data: Path, step: Step) -> AsyncIterator[str]:
    """The stack that was named, or the one that runs on `data`, or a new one there."""
    from cutlog.operate.cli.own_stack import own_stack
    from cutlog.operate.stack.state import NotRunning, read_state

    if url is not None:
        yield url
        return
    try:
        running = read_state(data).url
    except NotRunning:
        async with AsyncExitStack() as lifetime:
            with step("start PostgreSQL, NATS, the gateway and four services"):
                base = await lifetime.enter_async_context(own_stack(data))
            yield base
    else:
        yield running


def _token(data: Path) -> str:
    from cutlog.operate.cli.bearer import NoSecrets, NotAnswered, bearer
    from cutlog.operate.cli.tour import TourFailed

    try:
        return bearer(data, "demo", "admin")
    except (NoSecrets, NotAnswered) as error:
        raise TourFailed(f"No token is available: {error}; or give --token, or --data.") from None


def _with_paths(outcome: Outcome, data: Path) -> Outcome:
    """Adds where each file lies, if the stack keeps them on this machine. Raises TourFailed when one is missing."""
    import msgspec

    from cutlog.operate.cli.tour import TourFailed
    from cutlog.operate.stack.layout import Layout

    objects = Layout(data).objects
    if not objects.is_dir():
        return outcome
    made = []
    for file in outcome.files:
        path = objects / file.key
        if not path.is_file():
            raise TourFailed(f"{path} is not there.")
        made.append(msgspec.structs.replace(file, path=str(path), size=path.stat().st_size))
    return msgspec.structs.replace(outcome, files=made)


@contextmanager
def _steps(console: Console) -> Iterator[Step]:
    """Steps as progress bars on a terminal, as one line each elsewhere."""
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal or console.quiet) as bars:

        @contextmanager
        def step(name: str) -> Iterator[Callable[[float], None]]:
            task: TaskID = bars.add_task(name, total=None)
            began = time.monotonic()

            def tell(fraction: float) -> None:
                bars.update(task, total=1.0, completed=min(fraction, 1.0))

            yield tell
            bars.update(task, total=1.0, completed=1.0)
            bars.stop_task(task)
            if not console.is_terminal:
                console.print(f"{name}  {time.monotonic() - began:.1f} s")
                sys.stdout.flush()

        yield step


def _show(console: Console, outcome: Outcome) -> None:
    from rich import box
    from rich.table import Table

    made = Table(title=f"what project {outcome.project_id} has now", title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("what", "version", "bytes", "path"):
        made.add_column(column, justify="right" if column in ("version", "bytes") else "left", overflow="fold")
    for file in outcome.files:
        what = f"{file.what}, pinned" if file.pinned else file.what
        size = f"{file.size:,}" if file.size is not None else ""
        made.add_row(what, str(file.version), size, file.path or file.key)
    console.print()
    console.print(made)
    console.print("signed URLs, good for some minutes while the stack runs")
    for file in outcome.files:
        console.print(f"  {file.what} of version {file.version}: {file.url}", soft_wrap=True)
    report = outcome.report
    days, keep = report.policy["ttlDays"], report.policy["keepLatest"]
    fates = Table(
        title=f"what could be deleted on {report.at:%Y-%m-%d} with ttlDays {days}, keepLatest {keep}: "
        f"{report.candidates} of {report.candidates + report.kept} exports, {report.bytes:,} bytes. "
        "A simulation: nothing is deleted.",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for column in ("version", "bytes", "verdict", "because"):
        fates.add_column(column, justify="right" if column in ("version", "bytes") else "left", overflow="fold")
    for fate in report.exports:
        fates.add_row(str(fate.version), f"{fate.bytes:,}", fate.verdict, "\n".join(fate.reasons))
    console.print()
    console.print(fates)
